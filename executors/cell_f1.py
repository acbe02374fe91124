"""Cell F1: how much of the gold's result a wrong one holds, cell by cell; equality is asked first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

from sqlrl.executors.base import Row
from sqlrl.executors.cells import canonical

__all__ = ["NEARLY", "CellF1Matcher"]

NEARLY = 0.99  # the most that unequal results score: the right cells in wrong rows, or in the wrong order
_DIGITS = 9  # of a float; what differs later is the order in which numbers were added up


class CellF1Matcher:
    """1.0 where `equality` says so. Otherwise the harmonic mean of precision and recall over bags of cells, at most
    `NEARLY`: cells count as often as they occur, wherever they stand.

    Bags, not sets, so that neither a row too many nor one too few is free; no place of a row or column, so that a
    result in another order is as near as its cells are. A single number is right or wrong: no mark lies between.

    equality: the matcher of the same gold that decides what is right (see `sqlrl.executors.relations.ScoresRows`).
    """

    most_rows: int | None = None

    def __init__(self, equality: Any, gold: Sequence[Row]) -> None:
        self.equality = equality
        self.cells = _count(gold)
        self.size = self.cells.total()

    def score(self, predicted: Sequence[Row]) -> float:
        """From 0.0, no cell in common, to `NEARLY`; 1.0 for equal results."""
        if self.equality.score(predicted) == 1.0:
            return 1.0
        cells = _count(predicted)
        common = sum(min(times, cells[cell]) for cell, times in self.cells.items())
        return min(NEARLY, 2 * common / (self.size + cells.total())) if common else 0.0


def _count(rows: Sequence[Row]) -> Counter[Hashable]:
    return Counter(_cell(value) for row in rows for value in row)


def _cell(value: Any) -> Hashable:
    known = canonical(value)
    return float(f"{known:.{_DIGITS}g}") if isinstance(known, float) else known
