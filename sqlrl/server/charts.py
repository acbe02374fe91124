"""Charts: whether a result is one that a chart shows better than a table, and which."""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

__all__ = ["chart_of"]

LEAST, MOST = 2, 200  # rows
SERIES = 3  # columns of numbers
DOTS = 10  # rows, from which on two columns of numbers are a cloud
_GREATEST = 1e300  # beyond which an axis has no words for a number
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?)?)?")
_PERIOD = re.compile(r"(^|[_\W])(year|yr|month|quarter|week|day|hour|decade|jahr|monat)s?($|[_\W])", re.IGNORECASE)
_KEY = re.compile(r"(^|[_\W])(?i:id|key|code|zip|uuid|rowid)$|[a-z]I[dD]$")


def chart_of(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any] | None:
    """{"kind": "bar" | "line" | "scatter", "x": column, "y": [columns]}, or None where a table does better.

    One column of categories or dates and one to three of numbers, 2 to 200 rows: "line" where the first is dates, years
    or the like in their order, else "bar". Two columns of numbers in many rows: "scatter". Keys are no numbers.
    """
    if not LEAST <= len(rows) <= MOST or not columns or any(len(row) != len(columns) for row in rows):
        return None
    kinds = [_kind(name, [row[index] for row in rows]) for index, name in enumerate(columns)]
    numbers = [index for index, kind in enumerate(kinds) if kind == "number"]
    labels = [index for index, kind in enumerate(kinds) if kind in ("text", "time")]
    if "other" in kinds:
        return None
    if len(labels) == 1 and 1 <= len(numbers) <= SERIES:
        (x,) = labels
        cells = [row[x] for row in rows]
        if len(set(map(str, cells))) < len(cells):  # a value for each label, not several
            return None
        return {"kind": "line" if kinds[x] == "time" and _in_order(cells) else "bar", "x": x, "y": numbers}
    if not labels and len(numbers) == 2 and len(columns) == 2 and len(rows) >= DOTS:
        return {"kind": "scatter", "x": numbers[0], "y": [numbers[1]]}
    return None


def _kind(name: str, cells: Sequence[Any]) -> str:
    """ "number", "time", "text", "key", or "other", which no chart shows."""
    there = [cell for cell in cells if cell is not None]
    if len(there) < LEAST:
        return "other"
    if all(map(_is_number, there)):
        whole = all(isinstance(cell, int) for cell in there)
        if whole and _PERIOD.search(_spaced(name)) and len(there) == len(cells):
            return "time"
        if _KEY.search(name) and all(cell == int(cell) for cell in there):  # some drivers give a key as 7.0
            return "key"
        return "number"
    if len(there) < len(cells):
        return "other"
    if all(isinstance(cell, datetime.date) for cell in there):  # a datetime is one too
        return "time"
    if all(isinstance(cell, str) for cell in there):
        return "time" if all(_DATE.fullmatch(cell) for cell in there) else "text"
    return "text" if all(isinstance(cell, (str, bool)) for cell in there) else "other"


def _is_number(cell: Any) -> bool:
    if isinstance(cell, bool) or not isinstance(cell, (int, float, Decimal)):
        return False
    if isinstance(cell, Decimal) and not cell.is_finite():  # among them one that comparing raises for
        return False
    return -_GREATEST < cell < _GREATEST  # not-a-number is neither


def _spaced(name: str) -> str:
    """orderYear as order_Year."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)


def _in_order(cells: Sequence[Any]) -> bool:
    try:
        pairs = list(itertools.pairwise(cells))
        return all(a < b for a, b in pairs) or all(a > b for a, b in pairs)
    except TypeError:  # a date beside a moment, a moment with a zone beside one without
        return False
