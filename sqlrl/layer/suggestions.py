"""Suggestions: for names in a query that the schema lacks, those that were probably meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlrl.executors.names import fold
from sqlrl.layer.dialects import UnreadableError, parse

if TYPE_CHECKING:
    from sqlrl.layer.schema import Schema, Table

__all__ = ["Suggestion", "suggest"]

_MOST, _CLOSE = 3, 0.6


@dataclass(frozen=True, slots=True)
class Suggestion:
    """kind: "table" or "column". meant: the closest first; of a column, with its table."""

    kind: str
    written: str
    meant: tuple[str, ...]

    def __str__(self) -> str:
        return f"there is no {self.kind} {self.written}: did you mean {' or '.join(self.meant)}?"


def suggest(query: str, schema: Schema) -> tuple[Suggestion, ...]:
    """One for each name that is not there and has others close to it. Nothing where the query cannot be read."""
    from sqlglot import exp

    try:
        tree = parse(query, schema.dialect)[0]
    except (UnreadableError, IndexError):
        return ()
    if tree is None:
        return ()
    given = {fold(each.alias_or_name) for each in tree.find_all(exp.CTE)}
    made = {fold(each.alias) for each in tree.find_all(exp.Alias, exp.Subquery) if each.alias}
    made |= {fold(column.name) for alias in tree.find_all(exp.TableAlias) for column in alias.args.get("columns") or []}
    found: dict[tuple[str, str], Suggestion] = {}
    tables: dict[str, Table] = {}  # alias or name -> table
    derived = bool(given) or any(True for _ in tree.find_all(exp.Subquery))
    for node in tree.find_all(exp.Table):
        if not isinstance(node.this, exp.Identifier) or fold(node.name) in given:
            continue
        name = f"{node.db}.{node.name}" if node.db else node.name
        table = schema.table(name) or schema.table(node.name)
        if table is not None:
            tables[fold(node.alias or node.name)] = table
            continue
        derived = True  # what its columns are nobody knows
        meant = _close(node.name, (each.name for each in schema.tables))
        if meant:
            found[("table", fold(node.name))] = Suggestion("table", node.name, meant)
    for column in tree.find_all(exp.Column):
        suggestion = _column(column, tables, made, derived)
        if suggestion is not None:
            found.setdefault(("column", fold(suggestion.written)), suggestion)
    return tuple(found.values())


def _column(column: Any, tables: dict[str, Table], made: set[str], derived: bool) -> Suggestion | None:
    """For a column that no table in sight has: those of other tables with that very name come first."""
    name = column.name
    if not name or name == "*" or fold(name) in made or not tables:
        return None
    own = tables.get(fold(column.table)) if column.table else None
    if column.table and own is None:
        return None
    sight = [own] if own is not None else list(tables.values())
    if any(table.column(name) is not None for table in sight if table.columns):
        return None
    if any(not table.columns for table in sight) or (own is None and derived):
        return None
    elsewhere = [f"{t.name}.{c.name}" for t in tables.values() if (c := t.column(name)) is not None]
    close: dict[str, float] = {}
    for table in sight:
        for word in _close(name, (each.name for each in table.columns)):
            close.setdefault(f"{table.name}.{word}", _likeness(name, word))
    meant = [*elsewhere, *sorted(close, key=lambda each: -close[each])]
    return Suggestion("column", column.sql(), tuple(dict.fromkeys(meant))[:_MOST]) if meant else None


def _close(word: str, known: Iterable[str]) -> tuple[str, ...]:
    scored = sorted(((_likeness(word, each), each) for each in dict.fromkeys(known)), key=lambda pair: -pair[0])
    return tuple(each for score, each in scored[:_MOST] if score >= _CLOSE)


def _likeness(written: str, known: str) -> float:
    """0 to 1: by letters, and by whether one is a part of the other's words (`customer_name` for `name`)."""
    one, other = (re.sub(r"[^a-z0-9]", "", fold(each)) for each in (written, known))
    if one == other:
        return 1.0
    letters = difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()
    shorter, longer = sorted((one, other), key=len)
    return (
        max(letters, 0.75) if len(shorter) > 2 and (longer.startswith(shorter) or longer.endswith(shorter)) else letters
    )
