"""Soft F1: how near a result comes to the gold, row by row and cell by cell (BIRD mini-dev, evaluation_f1.py)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlrl.executors.base import Row
from sqlrl.executors.cells import canonical

__all__ = ["SoftF1Matcher"]


class SoftF1Matcher:
    """Repeated rows count once. The first predicted row is held against the gold's first, and so on, so the order of
    rows decides; within a row, cells count as right wherever they stand, each time that they occur.

    Of a pair of rows, with the gold's number of columns as the unit: true positives are the predicted cells that the
    gold's row has, false positives those that it hasn't, false negatives the gold's cells that the predicted row
    hasn't. A row without a partner is one false positive or negative. F1 is that of the sums.
    """

    most_rows: int | None = None

    def __init__(self, gold: Sequence[Row]) -> None:
        self.gold = _distinct(gold)

    def score(self, predicted: Sequence[Row]) -> float:
        """1.0 for nothing against nothing."""
        rows = _distinct(predicted)
        if not rows and not self.gold:
            return 1.0
        right: list[float] = []
        surplus: list[float] = []
        missed: list[float] = []
        for row, gold in zip(rows, self.gold, strict=False):
            found = sum(cell in gold for cell in row)
            right.append(found / len(gold))
            surplus.append((len(row) - found) / len(gold))
            missed.append(sum(cell not in row for cell in gold) / len(gold))
        # Added one by one, as the script does: floats added otherwise may differ in the last place.
        surplus.extend([1.0] * (len(rows) - len(self.gold)))
        missed.extend([1.0] * (len(self.gold) - len(rows)))
        true_positives, false_positives, false_negatives = sum(right), sum(surplus), sum(missed)
        precision = true_positives / (true_positives + false_positives) if true_positives + false_positives else 0.0
        recall = true_positives / (true_positives + false_negatives) if true_positives + false_negatives else 0.0
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _distinct(rows: Sequence[Row]) -> list[Row]:
    """Each row once, where it came first."""
    return list(dict.fromkeys(tuple(canonical(cell) for cell in row) for row in rows))
