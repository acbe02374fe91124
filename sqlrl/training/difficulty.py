"""Difficulty: how many of a policy's samples answered each training question right, before training.

A question that is always or never solved has no advantage to learn from (arXiv 2503.14476, section 3.2): `sqlrl check
BENCHMARK --policy P --json FILE` measures, `sqlrl train --difficulty FILE` leaves them out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlrl.executors.errors import DataError
from sqlrl.runs import read_lines, write_text

__all__ = ["Difficulty", "pass_at", "read_difficulty"]


@dataclass(frozen=True, slots=True)
class Difficulty:
    """right: example id -> how many of its samples are right. samples: drawn of each question."""

    right: Mapping[str, int]
    samples: int

    @classmethod
    def of(cls, items: Iterable[Mapping[str, Any]]) -> Difficulty:
        """From the lines of an evaluation with several samples."""
        lines = list(items)
        return cls(
            {str(line["id"]): int(line.get("right_samples", bool(line["correct"]))) for line in lines},
            max((int(line.get("samples", 1)) for line in lines), default=1),
        )

    def teaches(self, identifier: str) -> bool:
        """Whether some samples are right and some are not; a question that nobody measured is kept."""
        right = self.right.get(identifier)
        return right is None or 0 < right < self.samples

    def counts(self) -> dict[str, int]:
        """Questions never, sometimes and always solved."""
        never = sum(right == 0 for right in self.right.values())
        always = sum(right >= self.samples for right in self.right.values())
        return {"never": never, "sometimes": len(self.right) - never - always, "always": always}

    def pass_at(self, k: int) -> float:
        """The mean over questions of `pass_at`."""
        return sum(pass_at(k, right, self.samples) for right in self.right.values()) / max(1, len(self.right))

    def write(self, path: Path) -> None:
        """One line a question: what `read_difficulty` takes."""
        lines = ({"id": name, "right_samples": right, "samples": self.samples} for name, right in self.right.items())
        write_text(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def pass_at(k: int, right: int, samples: int) -> float:
    """The chance that at least one of k samples is right, where `right` of `samples` are; k is at most `samples`.

    1 - C(n-c, k) / C(n, k), which is unbiased (Chen et al., arXiv 2107.03374).
    """
    from math import comb

    if not 1 <= k <= samples:
        raise ValueError(f"k is between 1 and {samples}, not {k}")
    return 1.0 - comb(samples - right, k) / comb(samples, k)


def read_difficulty(path: Path) -> Difficulty:
    """What `Difficulty.write` wrote, or the items of an evaluation with --samples. DataError for anything else."""
    if not path.is_file():
        raise DataError(f"there is no file {path}")
    try:
        return Difficulty.of({"correct": False, **line} for line in read_lines(path))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} holds no samples: write it by `sqlrl check --policy P --json` ({error})") from None
