"""Excerpts: the first rows of a result, cut to what a reader can take in and JSON can hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlrl.executors.base import Row

__all__ = ["ROWS", "excerpt_of"]

ROWS, COLUMNS, CHARACTERS = 10, 12, 60


def excerpt_of(columns: Sequence[str], rows: Sequence[Row], *, more: bool = False) -> dict[str, Any]:
    """`columns` and `rows` of an excerpt, with `hidden_columns` (how many) and `more` (true) where something was cut.

    more: there are rows beside those that are given.
    """
    excerpt: dict[str, Any] = {
        "columns": [_cut(name) for name in columns[:COLUMNS]],
        "rows": [[_cell(value) for value in row[:COLUMNS]] for row in rows[:ROWS]],
    }
    if len(columns) > COLUMNS:
        excerpt["hidden_columns"] = len(columns) - COLUMNS
    if more or len(rows) > ROWS:
        excerpt["more"] = True
    return excerpt


def _cell(value: Any) -> Any:
    """None, a number that JSON can hold exactly, or text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 2**53:
        return value
    if isinstance(value, float) and value - value == 0:  # neither infinite nor not a number
        return value
    if isinstance(value, bytes):
        return _cut(f"{len(value):,} bytes: {value[:16].hex(' ')}")
    return _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= CHARACTERS else text[: CHARACTERS - 1] + "…"
