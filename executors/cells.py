"""Cells: when two values count as the same.

Values are compared as Python and SQLite agree on them: 1 equals 1.0 and True, -0.0 equals 0, text never equals a
number, a date no time of that day. Where plain equality would mislead, values are put into a canonical form first: NaN
equals NaN; a Decimal equals the float that is written with its digits (1.1), and what has more digits than a float
holds equals only what has the same; lists and structs become hashable. Fields of a struct and pairs of a map have no
order.
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
        return _canonical_decimal(value)
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, dict):
        return ("struct", frozenset((canonical(key), canonical(item)) for key, item in value.items()))
    if isinstance(value, (list, tuple)):
        return ("list", *(canonical(item) for item in value))
    return value if isinstance(value, Hashable) else ("text", repr(value))


def _canonical_decimal(value: Decimal) -> Hashable:
    if value.is_nan():
        return ("nan",)
    try:
        number = float(value)
    except OverflowError:
        return value
    # A whole number equals integers and floats as it is; Python compares these exactly.
    return number if Decimal(repr(number)) == value != value.to_integral_value() else value


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
