"""Statistics: intervals for a share, and tests for two shares over the same questions."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Paired", "mcnemar", "paired", "pooled", "wilson"]


def wilson(right: float, total: float, z: float = 1.959964) -> tuple[float, float]:
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


@dataclass(frozen=True, slots=True)
class Paired:
    """Two sets of answers to the same questions. difference: share right after less before, with its 95 % bootstrap
    interval. p: McNemar's."""

    difference: float
    interval: tuple[float, float]
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
    means = sorted(sum(generator.choices(changes, k=total)) / scale for _ in range(resamples))
    interval = (means[int(0.025 * resamples)], means[min(resamples - 1, int(0.975 * resamples))])
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
    total = len(changes)
    generator = random.Random(seed)
    means = sorted(sum(generator.choices(changes, k=total)) / total for _ in range(resamples))
    interval = (means[int(0.025 * resamples)], means[min(resamples - 1, int(0.975 * resamples))])
    gained, lost = changes.count(1), changes.count(-1)
    return Paired(sum(changes) / total, interval, gained, lost, mcnemar(gained, lost))
