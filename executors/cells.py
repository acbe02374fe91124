"""Cells: when two values count as the same.

Values are compared as Python and SQLite agree on them: 1 equals 1.0 and True, -0.0 equals 0, text never equals a
number, a date no time of that day. Where plain equality would mislead, values are put into a canonical form first: NaN
equals NaN; a Decimal equals the float that is written with its digits (1.1), and what has more digits than a float
holds equals only what has the same; lists and structs become hashable. Fields of a struct and pairs of a map have no
order.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from decimal import Decimal
from typing import Any

__all__ = ["canonical"]


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
