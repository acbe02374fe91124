"""questions: a database alone, with what the grammar asks about it: what a small policy is first taught.

Some of the questions are held out. They say how well the grammar's own words were learnt, not how people's are.
"""

from __future__ import annotations

import random
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlrl.benchmarks.answered import absolute, plain, questionnaire_of, stem
from sqlrl.benchmarks.base import Demonstration, Example
from sqlrl.executors import open_executor
from sqlrl.executors.base import Gold
from sqlrl.executors.errors import UsageError
from sqlrl.executors.source import is_server

if TYPE_CHECKING:
    from sqlrl.benchmarks.generation.draft import Draft
    from sqlrl.executors.groups import Group

__all__ = ["WRITTEN", "Questions"]

WRITTEN = 8_000
HELD_OUT = 200  # questions, and never more than a tenth of them


class Questions:
    """source: as `open_executor` takes it. A question's words may have several readings, each with a query of its own;
    held out are whole questions, so that no reading of one is trained on."""

    name = "questions"
    judges: tuple[str, ...] = ("robust",)
    splits: tuple[str, ...] = ("train", "validation")
    shares: tuple[str, ...] = ("databases", "queries")
    answer_key = "sql"

    def __init__(self, source: str, seed: int = 0) -> None:
        self.source = source if is_server(source) else absolute(source)
        self.seed = seed
        self.database = stem(source)

    @cached_property
    def dialect(self) -> str:
        """As executors name it: which SQL a policy is asked for."""
        with open_executor(self.source, workers=1) as executor:
            return executor.dialect

    def examples(self, split: str) -> list[Example]:
        """See `Benchmark.examples`. Golds are the grammar's. labels: database and, of a question, its shape."""
        if split not in self.splits:
            raise UsageError(f"{self.name} has no split {split!r}; known: {', '.join(self.splits)}")
        return [self._example(number, draft) for number, draft in self._drafts if self._is_for(draft, split)]

    def demonstrations(self) -> list[Demonstration]:
        """Those of train, with their queries."""
        return [
            Demonstration(self._example(number, draft), draft.query, ", ".join(draft.tables))
            for number, draft in self._drafts
            if self._is_for(draft, "train")
        ]

    def sources(self, example: Example) -> list[str]:
        """The one database."""
        return [self.source]

    def faults(self, group: Group[Any] | None = None) -> dict[str, str]:
        """None: what cannot be opened, or has nothing to ask about, is an error."""
        return {}

    def notes(self) -> list[str]:
        """How many questions there are."""
        return [f"{len(self._drafts):,} questions that a grammar wrote about {self.database}"]

    @cached_property
    def _drafts(self) -> list[tuple[int, Draft]]:
        return list(enumerate(questionnaire_of(self.source, WRITTEN, self.seed).drafts))

    @cached_property
    def _held_out(self) -> set[str]:
        """Whole questions, drawn by the seed."""
        asked = sorted({plain(draft.question) for _, draft in self._drafts})
        random.Random(f"held out/{self.seed}").shuffle(asked)
        return set(asked[: min(HELD_OUT, len(asked) // 10)])

    def _is_for(self, draft: Draft, split: str) -> bool:
        return (plain(draft.question) in self._held_out) is (split == "validation")

    def _example(self, number: int, draft: Draft) -> Example:
        labels = {"database": self.database, "shape": draft.shape}
        return Example(f"question-{number}", draft.question, Gold(query=draft.query), labels=labels)
