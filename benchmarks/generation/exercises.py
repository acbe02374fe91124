"""Exercises: questions that a machine made about what a corpus's documents have in common, in splits.

What is left out of the training splits by document lends them no word: their concepts and their demonstrations come
from the other documents alone. Relevant is, of all documents, what is about a question's concepts.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from sqlrl.benchmarks.base import Demonstration, Example
from sqlrl.benchmarks.generation.concepts import Concepts, find_concepts, phrases
from sqlrl.benchmarks.generation.topics import Topic, draw_topics, write_query, write_question
from sqlrl.executors.base import Gold
from sqlrl.executors.documents import Document

__all__ = ["MADE", "Exercises"]

MADE = ("train", "validation", "made")
_QUESTIONS = {"train": 1_500, "validation": 100, "made": 100}
_DEMONSTRATIONS = 24_000
_OWN = 0.6  # a concept belongs to the left-out documents where so many of those about it are among them
_SEED = 0  # of the questions; a run's seed is the policy's


class Exercises:
    """documents: the corpus. known: which of them training may take its words from. "made" asks about the concepts that
    belong to the others, in which training has no part, and what else these tell of."""

    def __init__(self, documents: Sequence[Document], known: Sequence[bool]) -> None:
        self._documents = documents
        self._known = list(known)
        self._topics: dict[str, list[Topic]] = {}
        self._own: set[str] = set()  # stems of the left-out documents' concepts

    def examples(self, split: str) -> list[Example]:
        """The questions of one of `MADE`."""
        topics = self._drawn()[split]
        return [
            Example(f"{split}-{number}", topic.question, Gold(relevant=dict.fromkeys(topic.relevant, 1.0)),
                    labels={"concepts": str(len(topic.concepts))})
            for number, topic in enumerate(topics, start=1)
        ]  # fmt: skip

    def demonstrations(self) -> list[Demonstration]:
        """A fifth of them about the concepts of the training questions, the others about any words of titles and about
        words that there are not, so that what is learnt is to take words over from a question, be they known or not."""
        generator = random.Random(f"demonstrations {_SEED}")
        training = self._drawn()["train"]
        loose = phrases([d for d, seen in zip(self._documents, self._known, strict=True) if seen], without=self._own)
        made = []
        for number in range(1, _DEMONSTRATIONS + 1):
            effects = generator.random() < 0.6
            if number % 5 == 0:
                words: Sequence[str] = generator.choice(training).concepts
            else:
                words = [_phrase(loose, generator, number % 2 == 0) for _ in range(generator.choice((2, 2, 3)))]
            example = Example(f"made-{number}", write_question(words, effects, generator), Gold(relevant={}))
            made.append(
                Demonstration(example, write_query(words, effects, generator), thought=_thought(words, effects))
            )
        return made

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
            self._own = {stem for key in own for stem in key}
        return self._topics

    def _belongs(self, found: Concepts) -> list[bool]:
        """Which concepts are those of the documents that training may not take its words from."""
        own = found.about[[not seen for seen in self._known]].sum(axis=0)
        return [bool(count >= _OWN * size) for count, size in zip(own, found.about.sum(axis=0), strict=True)]


def _phrase(loose: Sequence[str], generator: random.Random, invented: bool) -> str:
    """One to four words; seldom with what is short for them in brackets."""
    words = generator.choice(loose).split()
    if generator.random() < 0.3:
        words += generator.choice(loose).split()
    if invented:
        words = [_blend(word, generator.choice(loose).split()[-1]) for word in words]
    phrase = " ".join(words)
    if len(words) > 1 and generator.random() < 0.1:
        phrase += f" ({''.join(word[0] for word in words).upper()})"
    return phrase


def _blend(first: str, second: str) -> str:
    """A word that there is not: the beginning of one and the end of another."""
    return first[: max(2, (len(first) + 1) // 2)].rstrip("-") + second[len(second) // 2 :].lstrip("-")


def _thought(words: Sequence[str], effects: bool) -> str:
    return "; ".join([*words, *(["studies that compare"] if effects else [])])
