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
    """Up to `keep` instances, greedily: each shows the most, by weight, of what those before it do not, less its cost.

    costs: of each instance, in the same unit. It stops early where no instance would add more than it costs, but for
    the first. Greedy choice is within 1 - 1/e of the best one (Nemhauser, Wolsey and Fisher, 1978), costs aside.
    """
    chosen: list[int] = []
    waiting = [want for want in wants if want.instances]
    while len(chosen) < min(keep, len(costs)):
        gains = [0.0] * len(costs)
        for want in waiting:
            bits = want.instances
            while bits:
                lowest = bits & -bits
                gains[lowest.bit_length() - 1] += want.weight
                bits ^= lowest
        left = [index for index in range(len(costs)) if index not in chosen]
        best = max(left, key=lambda index: (gains[index] - costs[index], -index))
        if chosen and gains[best] <= 0:
            break
        chosen.append(best)
        waiting = [want for want in waiting if not want.instances >> best & 1]
    return chosen
