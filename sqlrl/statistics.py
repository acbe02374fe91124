"""Statistics: intervals for a share or a mean, and tests for two sets of answers to the same questions."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

__all__ = [
    "Paired",
    "bootstrap",
    "clustered_bootstrap",
    "mcnemar",
    "paired",
    "percentile_bootstrap",
    "permutation",
    "pooled",
    "wilson",
]

Interval = tuple[float, float]


def wilson(right: float, total: float, z: float = 1.959964) -> Interval:
    """The 95 % interval of a share `right` / `total` (Wilson 1927); (0, 1) of nothing."""
    if total == 0:
        return (0.0, 1.0)
    share = right / total
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    low, high = (centre - spread) / scale, (centre + spread) / scale
    return (0.0 if right == 0 else low, 1.0 if right == total else high)


def mcnemar(gained: int, lost: int) -> float:
    """The exact two-sided p that as uneven a split of the changed answers comes by chance (McNemar 1947)."""
    changed = gained + lost
    if changed == 0:
        return 1.0
    tail = sum(math.comb(changed, k) for k in range(min(gained, lost) + 1))
    return min(1.0, math.exp(math.log(2 * tail) - changed * math.log(2)))


def bootstrap(scores: Sequence[float], *, resamples: int = 2_000, seed: int = 0) -> Interval:
    """The 95 % percentile bootstrap interval of a mean (Efron 1979); (0, 1) of nothing.

    The mean of resampled noughts and ones is binomial: its percentiles are computed, not drawn. Where all scores are
    nought or all are one there is nothing to resample, and Wilson's interval stands in.
    """
    total = len(scores)
    if total == 0:
        return (0.0, 1.0)
    ones = sum(score == 1 for score in scores)
    if ones + sum(score == 0 for score in scores) == total:
        if ones in (0, total):
            return wilson(ones, total)
        return (_binomial(0.025, ones, total) / total, _binomial(0.975, ones, total) / total)
    return percentile_bootstrap(scores, resamples=resamples, seed=seed)


def percentile_bootstrap(values: Sequence[float], *, resamples: int = 2_000, seed: int = 0) -> Interval:
    """What the middle 95 % of the means of resampled values lie between: of scores, or of their differences."""
    total = len(values)
    generator = random.Random(seed)
    return _middle(sum(generator.choices(values, k=total)) / total for _ in range(resamples))


def clustered_bootstrap(
    scores: Sequence[float], clusters: Sequence[Hashable], *, resamples: int = 2_000, seed: int = 0
) -> Interval | None:
    """The same where whole clusters are resampled: questions over one database are no independent evidence.

    None for fewer than eight clusters, whose resamples say little.
    """
    sums: dict[Hashable, float] = defaultdict(float)
    counts: dict[Hashable, int] = defaultdict(int)
    for score, cluster in zip(scores, clusters, strict=True):
        sums[cluster] += score
        counts[cluster] += 1
    if len(sums) < 8:
        return None
    parts = [(sums[cluster], counts[cluster]) for cluster in sums]
    generator = random.Random(seed)

    def mean() -> float:
        drawn_sums, drawn_counts = zip(*generator.choices(parts, k=len(parts)), strict=True)
        return sum(drawn_sums) / sum(drawn_counts)

    return _middle(mean() for _ in range(resamples))


def permutation(changes: Sequence[float], *, resamples: int = 10_000, seed: int = 0) -> float:
    """The two-sided p that changes as one-sided come by chance, each question's sign being turned at random."""
    moved = [change for change in changes if change]
    if not moved:
        return 1.0
    generator = random.Random(seed)
    observed = abs(sum(moved)) - 1e-12 * len(moved)  # sums in another order differ in the last digits
    extreme = sum(
        abs(sum(change if generator.random() < 0.5 else -change for change in moved)) >= observed
        for _ in range(resamples)
    )
    return (extreme + 1) / (resamples + 1)


def _middle(means: Iterable[float]) -> Interval:
    """What the middle 95 % of some means lie between."""
    ordered = sorted(means)
    return (ordered[int(0.025 * len(ordered))], ordered[min(len(ordered) - 1, int(0.975 * len(ordered)))])


def _binomial(level: float, ones: int, total: int) -> int:
    """The least count that `level` of all binomial counts do not pass, at the share `ones` / `total`."""
    share = ones / total
    reached = 0.0
    for count in range(total + 1):
        ways = math.lgamma(total + 1) - math.lgamma(count + 1) - math.lgamma(total - count + 1)
        reached += math.exp(ways + count * math.log(share) + (total - count) * math.log1p(-share))
        if reached >= level:
            return count
    return total


@dataclass(frozen=True, slots=True)
class Paired:
    """Two sets of answers to the same questions. difference: share right after less before, with its 95 % bootstrap
    interval. p: McNemar's."""

    difference: float
    interval: Interval
    gained: int
    lost: int
    p: float


def pooled(runs: Sequence[tuple[Sequence[bool], Sequence[bool]]], *, resamples: int = 10_000, seed: int = 0) -> Paired:
    """Compare over several runs that answered the same questions: (before, after) of each.

    The same question in another run is no new evidence, so questions are what is resampled, and p is that of a
    permutation test which turns the sign of all of a question's changes at once.
    """
    counts = {len(answers) for run in runs for answers in run}
    if len(counts) != 1 or not min(counts):
        raise ValueError("pooled wants runs over the same questions, and at least one")
    total = counts.pop()
    changes = [sum(int(after[i]) - int(before[i]) for before, after in runs) for i in range(total)]
    generator = random.Random(seed)
    scale = total * len(runs)
    interval = _middle(sum(generator.choices(changes, k=total)) / scale for _ in range(resamples))
    moved = [change for change in changes if change]
    observed = abs(sum(moved))
    extreme = sum(
        abs(sum(change if generator.random() < 0.5 else -change for change in moved)) >= observed
        for _ in range(resamples)
    )
    gained = sum(int(a) > int(b) for before, after in runs for b, a in zip(before, after, strict=True))
    lost = sum(int(a) < int(b) for before, after in runs for b, a in zip(before, after, strict=True))
    return Paired(sum(changes) / scale, interval, gained, lost, (extreme + 1) / (resamples + 1))


def paired(before: Sequence[bool], after: Sequence[bool], *, resamples: int = 2_000, seed: int = 0) -> Paired:
    """Compare answers to the same questions, in the same order."""
    if len(before) != len(after):
        raise ValueError(f"{len(before)} answers before, {len(after)} after")
    if not before:
        raise ValueError("nothing to compare")
    changes = [int(b) - int(a) for a, b in zip(before, after, strict=True)]
    interval = percentile_bootstrap(changes, resamples=resamples, seed=seed)
    gained, lost = changes.count(1), changes.count(-1)
    return Paired(sum(changes) / len(changes), interval, gained, lost, mcnemar(gained, lost))
