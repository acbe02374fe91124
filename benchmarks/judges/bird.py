"""BIRD's execution accuracy: the set of the predicted rows equals the set of the gold's (its evaluation.py)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlrl.benchmarks.base import Verdict
from sqlrl.benchmarks.judges.verdicts import verdict_of
from sqlrl.executors.base import Comparison, Gold
from sqlrl.executors.relations import Relation

__all__ = ["BirdEX"]


class BirdEX:
    """Order and repetition of rows don't count; order and number of columns do; nothing equals nothing."""

    name = "bird-ex"

    def prepare(self, predicted: str, gold: Gold) -> tuple[str, Gold]:
        """Both as they are."""
        return predicted, gold

    def relation(self, gold: Gold) -> Relation:
        """Sets of rows, compared exactly."""
        return Relation(rows="set")

    def verdict(self, comparisons: Sequence[Comparison]) -> Verdict:
        """See `verdict_of`."""
        return verdict_of(comparisons, empty_gold_counts=True)
