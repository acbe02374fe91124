"""Spider 2.0-lite's rule for results (compare_pandas_table in its evaluate.py, for SQLite)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlrl.benchmarks.base import Verdict
from sqlrl.benchmarks.judges.verdicts import verdict_of
from sqlrl.executors.base import Comparison, Gold
from sqlrl.executors.relations import Relation

__all__ = ["Spider2"]

TOLERANCE = 1e-2


class Spider2:
    """Each of the gold's columns must be among the predicted ones, numbers within 0.01; see `VectorMatcher`.

    What the benchmark says of each question goes with the gold: `ordered=False` for its `ignore_order`, `columns` for
    its `condition_cols`. Where it has several golds, one that matches is enough; each is judged by itself. One
    divergence, on purpose: what is not a single reading query is refused.
    """

    name = "spider2"

    def prepare(self, predicted: str, gold: Gold) -> tuple[str, Gold]:
        """Both as they are."""
        return predicted, gold

    def relation(self, gold: Gold) -> Relation:
        """Columns as vectors, in the order of the gold's rows unless the gold says otherwise."""
        order = Relation("bag" if gold.ordered is False else "list", "any", tolerance=TOLERANCE, text="strict")
        return replace(order, measure="vectors", chosen=gold.columns)

    def verdict(self, comparisons: Sequence[Comparison]) -> Verdict:
        """See `verdict_of`; nothing equals nothing, whatever the columns."""
        return verdict_of(comparisons, empty_gold_counts=True)
