"""Checks: what CHECK constraints say of single columns, so that drawn values keep them.

A check of more than one column, or with functions, says nothing here: SQLite itself refuses a row that breaks it, and
another is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import errors, exp, parse_one

from sqlrl.benchmarks.synthesis.conditions import COMPARED, MIRRORED, Condition, Node, literal_of

__all__ = ["NO_RULE", "Rule", "rules_of"]

_ENDING = re.compile(
    r"\)\s*(?:(?:WITHOUT\s+ROWID|STRICT)[\s,]*)+$", re.IGNORECASE
)  # words that the parser does not know


@dataclass(frozen=True, slots=True)
class Rule:
    """values: all that the column may hold, empty where it may hold others. conditions: each of them must hold."""

    values: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()


NO_RULE = Rule()


def rules_of(statement: str) -> dict[str, Rule]:
    """Column in lower case -> its rule, of one CREATE TABLE statement; what the parser cannot read gives none."""
    if "CHECK" not in statement.upper():
        return {}
    try:
        tree = parse_one(_ENDING.sub(")", statement), read="sqlite")
    except (errors.SqlglotError, RecursionError, ValueError):
        return {}
    values: dict[str, tuple[str, ...]] = {}
    conditions: dict[str, list[Condition]] = {}
    for check in tree.find_all(exp.CheckColumnConstraint, exp.Check):
        for part in _parts(check.this):
            if isinstance(part, exp.In) and isinstance(part.this, exp.Column):
                texts = [text for text in map(literal_of, part.expressions) if text is not None]
                values[part.this.name.lower()] = tuple(texts)
            elif isinstance(part, exp.Between) and isinstance(part.this, exp.Column):
                for operator, end in ((">=", "low"), ("<=", "high")):
                    _note(conditions, part.this, operator, literal_of(part.args[end]))
            elif isinstance(part, exp.Like) and isinstance(part.this, exp.Column):
                _note(conditions, part.this, "like", literal_of(part.expression))
            else:
                _note_comparison(conditions, part)
    return {
        name: Rule(values.get(name, ()), tuple(conditions.get(name, ()))) for name in values.keys() | conditions.keys()
    }


def _note_comparison(conditions: dict[str, list[Condition]], part: Node) -> None:
    operator = next((sign for kind, sign in COMPARED if type(part) is kind), None)
    if operator is None or not isinstance(part, exp.Binary):
        return
    left, right = part.this, part.expression
    if literal_of(left) is not None:
        left, right, operator = right, left, MIRRORED[operator]
    if isinstance(left, exp.Column):
        _note(conditions, left, operator, literal_of(right))


def _note(conditions: dict[str, list[Condition]], column: exp.Column, operator: str, text: str | None) -> None:
    if text is not None:
        conditions.setdefault(column.name.lower(), []).append(Condition(operator, text))


def _parts(node: Node) -> Iterator[Node]:
    """What a conjunction is made of."""
    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.And):
        yield from _parts(node.this)
        yield from _parts(node.expression)
    else:
        yield node
