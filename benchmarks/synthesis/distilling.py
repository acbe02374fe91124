"""Distilling: of many instances the few that together tell apart what any of them does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Want", "distil"]


@dataclass(frozen=True, slots=True)
class Want:
    """Something that an instance may show. instances: a bit for each that does. weight: what it counts."""

    instances: int
    weight: float = 1.0


def distil(wants: Sequence[Want], costs: Sequence[float], keep: int) -> list[int]:
    """`keep` instances, or all where there are no more, best first: each shows the most, by weight, of what those
    before it do not, less its cost. Once nothing is left to show, a further round shows all of it a second time by
    others, and so on: what tells known near misses apart in several ways tells unknown ones apart too.

    costs: of each instance, in the same unit. Costs aside, greedy choice shows at least 1 - 1/e of what the best one
    does (Nemhauser, Wolsey and Fisher, 1978).
    """
    chosen: list[int] = []
    waiting: list[Want] = []
    left = list(range(len(costs)))
    while left and len(chosen) < keep:
        gains = _gains(waiting, len(costs))
        if not any(gains[index] for index in left):
            waiting = list(wants)
            gains = _gains(waiting, len(costs))
        best = max(left, key=lambda index: (gains[index] - costs[index], -index))
        chosen.append(best)
        left.remove(best)
        waiting = [want for want in waiting if not want.instances >> best & 1]
    return chosen


def _gains(wants: Sequence[Want], count: int) -> list[float]:
    """What each instance would show of these, by weight."""
    gains = [0.0] * count
    for want in wants:
        bits = want.instances
        while bits:
            lowest = bits & -bits
            gains[lowest.bit_length() - 1] += want.weight
            bits ^= lowest
    return gains
