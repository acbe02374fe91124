"""BIRD's judges: execution accuracy (evaluation_ex.py of its mini-dev repository), soft F1 (evaluation_f1.py) and the
reward-based valid efficiency score (evaluation_ves.py).

All three scripts read text as Python's SQLite does by default, so a result with text that is not UTF-8 is an error, and
run a prediction without a statement as one that returns nothing. One divergence, on purpose: what is not a single
reading query is refused. The scripts run it before the gold, on a connection that can write.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from sqlrl.benchmarks.base import Verdict
from sqlrl.benchmarks.judges.statements import or_nothing
from sqlrl.benchmarks.judges.verdicts import verdict_of
from sqlrl.executors.base import Comparison, Gold
from sqlrl.executors.relations import Relation

__all__ = ["BirdEX", "BirdF1", "BirdVES", "reward_of"]

_TIERS = ((2.0, 1.25), (1.0, 1.0), (0.5, 0.75), (0.25, 0.5))  # least ratio of the gold's time to the prediction's


class BirdEX:
    """The set of the predicted rows equals the set of the gold's: order and repetition of rows don't count; order and
    number of columns do; nothing equals nothing."""

    name = "bird-ex"

    def prepare(self, predicted: str, gold: Gold) -> tuple[str, Gold]:
        """Both as they are; see `or_nothing`."""
        return or_nothing(predicted), gold

    def relation(self, gold: Gold) -> Relation:
        """Sets of rows, compared exactly."""
        return Relation(rows="set", text="strict")

    def verdict(self, comparisons: Sequence[Comparison]) -> Verdict:
        """See `verdict_of`."""
        return verdict_of(comparisons, empty_gold_counts=True)


class BirdF1(BirdEX):
    """How near the predicted rows come to the gold's; see `SoftF1Matcher`. Right is what scores 1."""

    name = "bird-f1"

    def relation(self, gold: Gold) -> Relation:
        """Soft F1."""
        return Relation(measure="soft-f1", text="strict")


class BirdVES(BirdEX):
    """R-VES: execution accuracy, weighed by how fast the prediction is beside the gold. Right is what `bird-ex` calls
    right; its score is the root of its reward, up to 1.118 (the script writes 100 times that).

    iterations: how often both run, in turns. What is timed is processor time, which other work on the machine disturbs
    less than the wall clock that the script reads; each run has a connection of its own, as there.
    """

    def __init__(self, iterations: int = 100) -> None:
        self.iterations = iterations
        self.name = "bird-ves" if iterations == 100 else f"bird-ves@{iterations}"

    def relation(self, gold: Gold) -> Relation:
        """Sets of rows, compared exactly, and timed runs."""
        return Relation(rows="set", text="strict", timed_runs=self.iterations)

    def verdict(self, comparisons: Sequence[Comparison]) -> Verdict:
        """See `reward_of`. Equal results that could not be timed score 0, with "untimed" as the reason."""
        verdict = verdict_of(comparisons, empty_gold_counts=True)
        if not verdict.correct:
            return verdict
        if not all(comparison.timings for comparison in comparisons):
            return Verdict(0.0, False, "untimed")
        reward = min(reward_of(comparison.timings) for comparison in comparisons)
        return Verdict(math.sqrt(reward), True, "match")


def reward_of(timings: Sequence[tuple[float, float]]) -> float:
    """The script's reward for a right prediction: 1.25, 1, 0.75, 0.5 or 0.25, by the mean ratio of the gold's time to
    the prediction's over those runs whose ratio is less than three standard deviations from the mean of all.

    0 where no ratio is left, as when all are the same or there is only one: the script divides by nought there, and
    counts what raises as 0. timings: seconds of (predicted, gold).
    """
    if not timings or any(predicted == 0 for predicted, _ in timings):
        return 0.0
    ratios = [gold / predicted for predicted, gold in timings]
    mean = _sum(ratios) / len(ratios)
    deviation = math.sqrt(_sum([(ratio - mean) * (ratio - mean) for ratio in ratios]) / len(ratios))
    kept = [ratio for ratio in ratios if mean - 3 * deviation < ratio < mean + 3 * deviation]
    if not kept:
        return 0.0
    total = 0.0
    for ratio in kept:  # `sum` would be more exact than the script's is
        total += ratio
    ratio = total / len(kept)
    return next((reward for least, reward in _TIERS if ratio >= least), 0.25 if ratio else 0.0)


def _sum(values: Sequence[float]) -> float:
    """The sum as numpy's `mean` and `std` add it, to the last place: eight sums side by side in blocks of up to 128,
    and longer lists in halves. Ratios that are all the same are kept or dropped by that last place."""
    count = len(values)
    if count < 8:
        total = 0.0
        for value in values:
            total += value
        return total
    if count > 128:
        half = count // 2 - count // 2 % 8
        return _sum(values[:half]) + _sum(values[half:])
    sums = list(values[:8])
    whole = count - count % 8
    for start in range(8, whole, 8):
        for place in range(8):
            sums[place] += values[start + place]
    total = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]))
    for value in values[whole:]:
        total += value
    return total
