"""The word on one prediction from its comparisons: what every judge of query results says alike."""

from __future__ import annotations

from collections.abc import Sequence

from sqlrl.benchmarks.base import Verdict
from sqlrl.executors.base import Comparison, Outcome

__all__ = ["verdict_of"]


def verdict_of(comparisons: Sequence[Comparison], *, empty_gold_counts: bool) -> Verdict:
    """Right only where every instance agrees; the score is the least of theirs.

    The reason is the first instance's that tells of a fault. empty_gold_counts: whether nothing equals nothing, as the
    official scripts have it; otherwise an instance with an empty gold says nothing, and a question with no other is
    nobody's to answer right.
    """
    if not comparisons:
        return Verdict(0.0, False, "missing_database")
    if any(Outcome.UNAVAILABLE in (c.outcome, c.gold_outcome) for c in comparisons):
        return Verdict(None, False, Outcome.UNAVAILABLE.value)
    for comparison in comparisons:
        if comparison.gold_outcome is not Outcome.OK:
            return Verdict(0.0, False, "gold_failed")
    for comparison in comparisons:
        if comparison.outcome is not Outcome.OK:
            return Verdict(0.0, False, comparison.outcome.value)
    if not all(c.equal for c in comparisons):
        score = min(c.score for c in comparisons)
        return Verdict(score, False, "partial" if score else "mismatch")
    if not empty_gold_counts and all(c.gold_rows == 0 for c in comparisons):
        return Verdict(0.0, False, "empty_gold")
    return Verdict(1.0, True, "match")
