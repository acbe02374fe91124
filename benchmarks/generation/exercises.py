"""Exercises: questions that a machine made about what a corpus's documents have in common, in splits.

Documents that are left out lend training no word: its concepts are those of the other documents alone. Relevant is, of
all documents, what is about a question's concepts.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from sqlrl.benchmarks.base import Demonstration, Example
from sqlrl.benchmarks.generation.concepts import Concepts, find_concepts, phrases
from sqlrl.benchmarks.generation.searches import searches
from sqlrl.benchmarks.generation.topics import Topic, draw_topics
from sqlrl.executors.base import Gold
from sqlrl.executors.documents import Document

__all__ = ["MADE", "Exercises"]

MADE = ("train", "validation", "made")
_QUESTIONS = {"train": 1_500, "validation": 100, "made": 100}
_OWN = 0.6  # a concept belongs to the left-out documents where so many of those about it are among them
_SEED = 0  # of the questions; a run's seed is the policy's


class Exercises:
    """documents: the corpus. known: which of them training may take its words from. "made" asks about the concepts that
    belong to the others, in which training has no part, and what else these tell of."""

    def __init__(self, documents: Sequence[Document], known: Sequence[bool]) -> None:
        self._documents = documents
        self._known = list(known)
        self._topics: dict[str, list[Topic]] = {}

    def examples(self, split: str) -> list[Example]:
        """The questions of one of `MADE`."""
        topics = self._drawn()[split]
        return [
            Example(f"{split}-{number}", topic.question, Gold(relevant=dict.fromkeys(topic.relevant, 1.0)),
                    labels={"concepts": str(len(topic.concepts))})
            for number, topic in enumerate(topics, start=1)
        ]  # fmt: skip

    def demonstrations(self) -> list[Demonstration]:
        """About words of all titles that belong to no concept: whatever is left out, they are the same, and tell
        nothing of what the questions are about."""
        found = find_concepts(self._documents, [True] * len(self._documents))
        return searches(phrases(self._documents, without={stem for key in found.keys for stem in key}))

    def _drawn(self) -> dict[str, list[Topic]]:
        if not self._topics:
            others = find_concepts(self._documents, [not seen for seen in self._known])
            belongs = self._belongs(others)
            own = others.only(belongs).keys
            taught = find_concepts(self._documents, self._known)
            kept = zip(self._belongs(taught), taught.concepts, strict=True)
            taught = taught.only([not theirs and concept.key not in own for theirs, concept in kept])
            drawn = draw_topics(taught, _QUESTIONS["train"] + _QUESTIONS["validation"], random.Random(f"train {_SEED}"))
            held = min(_QUESTIONS["validation"], len(drawn) // 5)
            made = draw_topics(others, _QUESTIONS["made"], random.Random(f"made {_SEED}"), belongs)
            self._topics = {"train": drawn[held:], "validation": drawn[:held], "made": made}
        return self._topics

    def _belongs(self, found: Concepts) -> list[bool]:
        """Which concepts are those of the documents that training may not take its words from."""
        own = found.about[[not seen for seen in self._known]].sum(axis=0)
        return [bool(count >= _OWN * size) for count, size in zip(own, found.about.sum(axis=0), strict=True)]
