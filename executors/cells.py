"""Cells: when two values count as the same.

Values are compared as Python and SQLite agree on them: 1 equals 1.0 and True, -0.0 equals 0, text never equals a
number. Where plain equality would mislead, values are put into a canonical form first: NaN equals NaN, Decimal equals
the float it stands for, and lists and structs become hashable.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from sqlrl.executors.base import Row

__all__ = ["EXACT", "are_canonical", "canonical", "canonical_rows", "kinds_of"]

EXACT = frozenset({str, int, bytes, type(None)})  # among cells of these types, equal is the same


def canonical(value: Any) -> Hashable:
    """A hashable stand-in that is equal exactly where two values should count as equal."""
    if value is None or isinstance(value, (str, bytes, int)):
        return value
    if isinstance(value, float):
        return ("nan",) if math.isnan(value) else value
    if isinstance(value, Decimal):
        return canonical(float(value))
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, dict):
        return ("struct", *((str(key), canonical(value[key])) for key in sorted(value, key=str)))
    if isinstance(value, (list, tuple)):
        return ("list", *(canonical(item) for item in value))
    return value if isinstance(value, Hashable) else ("text", repr(value))


def canonical_rows(rows: Sequence[Row]) -> list[Row]:
    """Rows of canonical cells."""
    if are_canonical(rows):
        return list(map(tuple, rows))
    return [tuple([canonical(cell) for cell in row]) for row in rows]


def are_canonical(rows: Sequence[Row]) -> bool:
    """Whether all cells stand for themselves and are of types that SQLite gives: of nearly all results they are, which
    is seen quicker for all at once than for one after the other."""
    kinds = kinds_of(rows)
    return kinds <= EXACT or (kinds <= EXACT | {float} and not any(cell != cell for row in rows for cell in row))


def kinds_of(rows: Iterable[Row]) -> set[type]:
    """The types of all cells."""
    return {cell.__class__ for row in rows for cell in row}
