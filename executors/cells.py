"""Cells: when two values count as the same.

Values are compared as Python and SQLite agree on them: 1 equals 1.0 and True, -0.0 equals 0, text never equals a
number. Where plain equality would mislead, values are put into a canonical form first: NaN equals NaN, Decimal equals
the float it stands for, and lists and structs become hashable.
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
        return canonical(float(value))
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, dict):
        return ("struct", *((str(key), canonical(value[key])) for key in sorted(value, key=str)))
    if isinstance(value, (list, tuple)):
        return ("list", *(canonical(item) for item in value))
    return value if isinstance(value, Hashable) else ("text", repr(value))
