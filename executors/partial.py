"""Partial: when a result agrees with what a person knows of the right one: a number, some names, some of its rows.

Answers come from dashboards, lists and files, where types are lost: text that reads as a number is that number, a date
is the text that ISO 8601 has for it, and an empty cell is NULL. Numbers that are not whole were rounded by whoever
wrote them: a result is rounded to as many decimals as the answer has before the two are compared.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlrl.executors.base import Row
from sqlrl.executors.cells import canonical

if TYPE_CHECKING:
    from sqlrl.executors.relations import ScoresRows

__all__ = ["FURTHER_COLUMNS", "ROWS_FOR_EACH", "TOLERANCE", "PartialMatcher", "decimals_of", "read_cell"]

ROWS_FOR_EACH = 2  # of a result, for each row that is known: what contains everything contains the answer too
FURTHER_COLUMNS = 1  # beside those that are known
TOLERANCE = 1e-6
_MOST_DECIMALS = 9
_LARGEST_PAIRING = 300  # names; the work grows with their square
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?)", re.ASCII)


class PartialMatcher:
    """1.0 where a result agrees with what is known of the right one, else 0.0. What each kind asks for:

    - "number": one row of one column, the number that is known.
    - "names": some column has exactly the values that are known, as a set, or in their order where it is asked for
      (each as often as it is known, then). At most one further column, and at most twice as many rows as names.
    - "contains": each row that is known is among the result's, all by one choice of its columns. At most one further
      column, and at most `most_rows` rows (by default twice as many as are known): everything must not contain it.
    - "whole": all rows, and no others, by `equality`.

    Nothing here can tell a query that is right from one that gives the same result; see the judge `answered` for
    those that spell it out.
    """

    def __init__(
        self,
        known: str,
        gold: Sequence[Row],
        *,
        ordered: bool = False,
        most_rows: int = 0,
        equality: Callable[[Sequence[Row]], ScoresRows],
    ) -> None:
        """equality: what decides between whole results, once it is given the gold's rows as they are read here."""
        self.known = known
        self.decimals = decimals_of(gold)
        self.rows = [tuple(read_cell(cell, self.decimals) for cell in row) for row in gold]
        self.width = len(self.rows[0]) if self.rows else 0
        self.ordered = ordered
        self.most_rows: int | None = {
            "number": 1,
            "names": len(gold) if ordered else ROWS_FOR_EACH * len(gold),
            "contains": most_rows or ROWS_FOR_EACH * len(gold),
        }.get(known)
        self._equality = equality(self.rows) if known == "whole" else None
        if self._equality is not None:
            self.most_rows = self._equality.most_rows

    def score(self, predicted: Sequence[Row]) -> float:
        """See `ScoresRows`."""
        if not self.rows or not predicted or (self.most_rows is not None and len(predicted) > self.most_rows):
            return 0.0
        if self.known != "whole" and not self.width <= len(predicted[0]) <= self.width + self._further():
            return 0.0
        rows = [tuple(read_cell(cell, self.decimals) for cell in row) for row in predicted]
        if self._equality is not None:
            return self._equality.score(rows)
        if self.known == "number":
            return float(_close(rows[0][0], self.rows[0][0]))
        if self.known == "names":
            return float(any(self._has_names(column) for column in zip(*rows, strict=True)))
        return float(self._contains(rows))

    def _further(self) -> int:
        return 0 if self.known == "number" else FURTHER_COLUMNS

    def _has_names(self, column: Row) -> bool:
        names = [row[0] for row in self.rows]
        if self.ordered:
            return len(column) == len(names) and all(map(_close, column, names))
        mine, theirs = set(column), set(names)
        if mine == theirs:
            return True
        if len(mine) > _LARGEST_PAIRING or len(theirs) > _LARGEST_PAIRING:
            return False
        return all(any(_close(one, other) for other in theirs) for one in mine) and all(
            any(_close(one, other) for one in mine) for other in theirs
        )

    def _contains(self, rows: Sequence[Row]) -> bool:
        """Depth-first over the known columns; a choice is dropped as soon as a known row is not there."""
        wanted = range(len(rows[0]))

        def place(chosen: tuple[int, ...]) -> bool:
            seen = [tuple(row[index] for index in chosen) for row in rows]
            if not all(any(all(map(_close, row, known)) for row in seen) for known in self.rows):
                return False
            return len(chosen) == self.width or any(place((*chosen, index)) for index in wanted if index not in chosen)

        return place(())


def decimals_of(rows: Sequence[Row]) -> int | None:
    """The most decimals that a number which is not whole is written with; None where there is none, or too many for
    anybody to have rounded. A float is written as shortly as Python can."""
    found = 0
    for row in rows:
        for cell in row:
            text = cell.strip() if isinstance(cell, str) else repr(cell) if isinstance(cell, float) else str(cell)
            if isinstance(cell, (str, float, Decimal)) and _NUMBER.fullmatch(text):
                exponent = Decimal(text).as_tuple().exponent
                whole = isinstance(cell, float) and cell.is_integer()
                found = max(found, 0 if whole else -int(exponent))
    return found if 0 < found <= _MOST_DECIMALS else None


def read_cell(cell: Any, decimals: int | None = None) -> Any:
    """None, a number or text: the cell as it would be read from where answers are written. A number that is not whole
    is rounded to `decimals`, halves away from nought."""
    if isinstance(cell, str):
        text = cell.strip()
        if not text:
            return None
        if not _NUMBER.fullmatch(text):
            moment = _MOMENT.fullmatch(text)
            return _moment(*moment.groups()) if moment else text
        cell = float(text) if set(text) & set(".eE") else int(text)
    elif isinstance(cell, datetime):
        return _moment(cell.date().isoformat(), cell.timetz().isoformat())
    elif isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, Decimal):
        cell = float(cell)
    if isinstance(cell, float) and math.isfinite(cell) and not cell.is_integer() and decimals is not None:
        unit = 10.0**decimals
        return math.copysign(math.floor(abs(cell) * unit + 0.5 + TOLERANCE) / unit, cell)
    return canonical(cell)


def _moment(day: str, time: str) -> str:
    """Midnight goes without saying, as in a DATETIME that holds a date."""
    time = time.rstrip("0").rstrip(".") if "." in time else time
    return day if time == "00:00:00" else f"{day} {time}"


def _close(one: Any, other: Any) -> bool:
    if one == other:
        return True
    if not (isinstance(one, (int, float)) and isinstance(other, (int, float))):
        return False
    if isinstance(one, int) and isinstance(other, int):
        return False
    try:
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    except OverflowError:  # an integer past what a float holds
        return False
