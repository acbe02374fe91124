"""Conditions: what one value must be beside a literal, as SQLite compares them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

__all__ = ["COMPARED", "MIRRORED", "NEGATED", "Condition", "Node", "holds", "like", "literal_of", "number_of", "typed"]

Node = Any  # of sqlglot's tree, or None: the class of all nodes differs between its versions
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!=", "!=": "=", "like": "unlike", "unlike": "like"}
COMPARED: tuple[tuple[type[exp.Expression], str], ...] = (
    (exp.GTE, ">="), (exp.GT, ">"), (exp.LTE, "<="), (exp.LT, "<"), (exp.NEQ, "!="), (exp.EQ, "="),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Condition:
    """operator: <, <=, >, >=, =, !=, like, unlike, null, known, or high and low (a cell far out). text: the literal."""

    operator: str
    text: str = ""

    def negated(self) -> Condition:
        """Its opposite: itself where it has none that one value could meet."""
        return Condition(NEGATED.get(self.operator, self.operator), self.text)


def holds(value: Any, condition: Condition, numeric: bool) -> bool:
    """Whether a value meets a condition in a column that takes numbers, or texts."""
    other = typed(condition.text, numeric)
    operator = condition.operator
    if operator in ("like", "unlike"):
        return like(value, condition.text) == (operator == "like")
    if operator == "known":
        return value is not None
    if value is None:
        return False
    if isinstance(value, str) != isinstance(other, str):  # SQLite puts numbers before texts
        value, other = isinstance(value, str), isinstance(other, str)
    return bool(
        {"=": value == other, "!=": value != other}[operator]
        if operator in ("=", "!=")
        else {"<": value < other, "<=": value <= other, ">": value > other, ">=": value >= other}[operator]
    )


def typed(text: str, numeric: bool) -> Any:
    """A literal as a column stores it: a number where the column takes numbers and the text is one."""
    if not numeric:
        return text
    number = number_of(text)
    if number is None:
        return text
    return int(number) if number == int(number) and abs(number) < 2**53 else number


def like(text: Any, pattern: str) -> bool:
    """Whether SQLite's LIKE finds a text: % for any signs, _ for one, letters of either case."""
    expression = "".join(".*" if sign == "%" else "." if sign == "_" else re.escape(sign) for sign in pattern)
    return re.fullmatch(expression, str(text), re.IGNORECASE | re.DOTALL) is not None


def number_of(text: str) -> int | float | None:
    """A number as it is written, or None."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value - value == 0 else None


def literal_of(node: Node) -> str | None:
    """The text of a literal, of a negative number too; None for anything else."""
    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.Literal):
        return str(node.this)
    if isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal):
        return f"-{node.this.this}"
    if isinstance(node, exp.Boolean):
        return "1" if node.this else "0"
    return None
