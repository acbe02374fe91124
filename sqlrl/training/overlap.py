"""Overlap: what training would have seen of the questions that a policy is later judged on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Benchmark, Example

__all__ = ["Overlap", "overlaps"]


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many of a held-out split's questions share something with training.

    questions: asked word for word of the same database (case, spaces and the last mark aside). queries: their gold is a
    training question's gold on the same database. databases: their database is a training question's.
    """

    split: str
    total: int
    questions: int
    queries: int
    databases: int

    def unwanted(self, by_design: Sequence[str]) -> list[str]:
        """The kinds that nobody said were meant to be shared."""
        return [kind for kind in ("questions", "queries", "databases") if getattr(self, kind) and kind not in by_design]


def overlaps(benchmark: Benchmark, train: Sequence[Example]) -> list[Overlap]:
    """For each held-out split that is here. Nothing of these questions reaches training; they are counted."""
    from sqlrl.executors.errors import SqlrlError

    asked = {_key(example, example.question) for example in train}
    golds = {_key(example, example.gold.query) for example in train if example.gold.query}
    databases = {example.labels.get("database", "") for example in train}
    found = []
    for split in benchmark.splits:
        if split == "train":
            continue
        try:
            held_out = benchmark.examples(split)
        except SqlrlError:  # this split's files are not here
            continue
        found.append(
            Overlap(
                split,
                len(held_out),
                sum(_key(example, example.question) in asked for example in held_out),
                sum(_key(example, example.gold.query) in golds for example in held_out if example.gold.query),
                sum(example.labels.get("database", "") in databases for example in held_out),
            )
        )
    return found


def _key(example: Example, text: str | None) -> tuple[str, str]:
    return example.labels.get("database", ""), " ".join((text or "").lower().split()).rstrip("?.!; ")
