"""The judges of search: a query is worth what its ranking is, by recall, by nDCG, or by where the first answer stands.

One module for all of them: they differ in the measure alone. `recall@k` and `ndcg@k` are right at the full mark;
`answer-rank@k` is right where one of the first k documents holds an answer (H@k of the literature), and its score is
one over the rank of the first that does. An answer in the title counts, as DeepRetrieval has it; DPR's own script looks
at the text alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlrl.benchmarks.base import Verdict
from sqlrl.benchmarks.judges.verdicts import verdict_of
from sqlrl.executors.base import Comparison, Gold, Outcome
from sqlrl.executors.relations import Relation

__all__ = ["Ranking"]


class Ranking:
    """Judges the first `depth` documents of a ranking by one measure."""

    def __init__(self, measure: Literal["recall", "ndcg", "ndcg-binary", "answer-rank"], depth: int) -> None:
        self.name = f"{measure}@{depth}"
        self.depth = depth
        self._relation = Relation(measure=measure, depth=depth)

    def prepare(self, predicted: str, gold: Gold) -> tuple[str, Gold]:
        """The query as it is."""
        return predicted, gold

    def relation(self, gold: Gold) -> Relation:
        """The measure at its depth."""
        return self._relation

    def verdict(self, comparisons: Sequence[Comparison]) -> Verdict:
        """The measure as the score. A question for which nothing is relevant is nobody's to answer: "empty_gold"."""
        ended = all(comparison.outcome is comparison.gold_outcome is Outcome.OK for comparison in comparisons)
        if comparisons and ended and not any(comparison.gold_rows for comparison in comparisons):
            return Verdict(0.0, False, "empty_gold")
        if self._relation.measure != "answer-rank":
            return verdict_of(comparisons, empty_gold_counts=False)
        verdict = verdict_of(comparisons, empty_gold_counts=True)
        if verdict.reason == "partial":  # some document within the depth, though not the first
            return Verdict(verdict.score, True, "match")
        return verdict
