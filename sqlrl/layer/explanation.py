"""An explanation: what a query would read and how, without its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlrl.executors.base import Outcome
from sqlrl.executors.names import fold
from sqlrl.layer.dialects import UnreadableError, parse
from sqlrl.layer.schema import Schema
from sqlrl.layer.suggestions import Suggestion

__all__ = ["Explanation", "tables_of"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """query: as it was given; executed: as it would be sent, with row filters in it. tables: those of the schema that
    it names. plan: the engine's own words, a line each, where it gives any to those who may only read (SQLite does).
    outcome: OK where it could be run; else why not, in `message`, with what was probably meant."""

    query: str
    executed: str
    tables: tuple[str, ...] = ()
    plan: tuple[str, ...] = ()
    outcome: Outcome = Outcome.OK
    message: str = ""
    suggestions: tuple[Suggestion, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "query": self.query, "executed": self.executed, "tables": list(self.tables), "plan": list(self.plan),
            "outcome": self.outcome.value, "message": self.message,
            "suggestions": [str(each) for each in self.suggestions],
        }  # fmt: skip


def tables_of(query: str, schema: Schema) -> tuple[str, ...]:
    """The tables of the schema that a query names, in the order of their naming."""
    from sqlglot import exp

    try:
        tree = parse(query, schema.dialect)[0]
    except (UnreadableError, IndexError):
        return ()
    if tree is None:
        return ()
    given = {fold(each.alias) for each in tree.find_all(exp.CTE)}
    found: dict[str, None] = {}
    for node in tree.find_all(exp.Table):
        table = schema.table(f"{node.db}.{node.name}" if node.db else node.name) or schema.table(node.name)
        if table is not None and (fold(node.name) not in given or node.db):
            found[table.name] = None
    return tuple(found)
