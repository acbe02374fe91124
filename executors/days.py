"""Days: the day of each document of an index, by which those that came too late are left out."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.executors.boolean.analysis import day_of, last_day_of
from sqlrl.executors.documents import Document
from sqlrl.executors.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Days", "day_in", "last_day"]

_FILE = "days.npy"  # int32, 20040517; 0 of a document without a date
_KEPT = 4  # masks; a run asks for few dates


class Days:
    """The days of an index's folder; an index none of whose documents has a date has none."""

    def __init__(self, folder: str | Path, source: str) -> None:
        """source: of the index, for messages. OSError and ValueError where the file cannot be read."""
        import numpy as np

        self.source = source
        path = Path(folder) / _FILE
        self._days: np.ndarray | None = np.load(path, mmap_mode="r") if path.exists() else None
        self._masks = lru_cache(_KEPT)(self._mask)

    @staticmethod
    def write(folder: str | Path, days: Sequence[int]) -> None:
        """Keep the days of an index's documents (see `day_in`), in its order."""
        import numpy as np

        if any(days):
            np.save(Path(folder) / _FILE, np.array(days, dtype=np.int32))

    def left_out(self, context: Mapping[str, Any]) -> np.ndarray | None:
        """Which documents do not count by the context's "max_date": what came later, and what has no date. None where
        it has none. UsageError where the index knows no dates."""
        if not context.get("max_date"):
            return None
        if self._days is None:
            raise UsageError(
                f"{self.source}: no document of this index has a date: leave out max_date, or build it anew"
            )
        return self._masks(last_day(context["max_date"]))

    def _mask(self, last: int) -> np.ndarray:
        assert self._days is not None
        mask: np.ndarray = (self._days > last) | (self._days == 0)
        return mask


def day_in(document: Document) -> int:
    """The day in a document's field "date": the first of a month or a year, 0 where there is none."""
    return day_of(document.fields.get("date")) or 0


def last_day(written: object) -> int:
    """The last day of a date, a month or a year, 20040531. UsageError for what is none."""
    day = last_day_of(written.date() if isinstance(written, datetime.datetime) else written)
    if day is None:
        raise UsageError(f"max_date is a date such as 2010-05-01, not {written!r:.40}")
    return day
