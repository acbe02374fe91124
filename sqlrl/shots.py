"""Shots: labelled questions of the training split that are shown, with their answers, before the one that is asked.

They are chosen by how much a question shares with them (Okapi BM25: Robertson & Zaragoza 2009) or at random, and shown
without the schema of their database: question and query teach most for their tokens (DAIL-SQL, arXiv 2308.15363).
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sqlrl.executors.errors import DataError, UsageError, nearest
from sqlrl.training.thoughts import thought_for

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Benchmark, Demonstration, Example
    from sqlrl.policies import Message
    from sqlrl.prompts import Prompter

__all__ = ["CHOICES", "Shots"]

CHOICES = ("similar", "random")
LONGEST = 8_000  # characters of all shots of one prompt, some 2,000 tokens
_WORD = re.compile(r"\w+")
_K1, _B = 1.2, 0.75
_COMMON = 0.2  # a word in more of the questions than this tells little, and would cost most of the time
_FEW = 50  # questions that may share a word anyway


class Shots:
    """pool: what shots are chosen from. count: how many a question. choice: "similar", or "random", which shows
    everyone the same ones, drawn by the seed. longest: characters of all shots of one prompt; what does not fit is
    left out."""

    def __init__(
        self,
        pool: Sequence[Demonstration],
        count: int,
        choice: str = "similar",
        *,
        seed: int = 0,
        longest: int = LONGEST,
    ) -> None:
        if choice not in CHOICES:
            raise UsageError(f"no choice of shots {choice!r}{nearest(choice, CHOICES)}")
        self.pool = list(pool)
        self.count = count
        self.choice = choice
        self.longest = longest
        self._words = [_words(demonstration.example.question) for demonstration in self.pool]
        self._order = random.Random(f"shots/{seed}").sample(range(len(self.pool)), len(self.pool))
        self._mean = sum(map(len, self._words)) / max(1, len(self.pool))
        self._places: dict[str, list[tuple[int, int]]] = defaultdict(list)
        if choice == "similar":
            for index, words in enumerate(self._words):
                for word, occurrences in Counter(words).items():
                    self._places[word].append((index, occurrences))

    @classmethod
    def of(cls, benchmark: Benchmark, split: str, count: int, choice: str = "similar", *, seed: int = 0) -> Shots:
        """From a benchmark's labelled part. UsageError where that is the split that is asked, DataError where there is
        none."""
        if split == "train":
            raise UsageError("shots come from the training split, which is asked here: take another --split")
        pool = benchmark.demonstrations()
        if not pool:
            raise DataError(f"{benchmark.name} has no labelled questions to show as shots")
        return cls(pool, count, choice, seed=seed)

    def chosen(self, example: Example) -> list[Demonstration]:
        """The shots of one question, the most similar last; never the same question, nor two with the same query."""
        own = _words(example.question)
        order: Iterable[int] = self._order if self.choice == "random" else self._by_similarity(own)
        found: list[Demonstration] = []
        queries: set[str] = set()
        for index in order:
            demonstration = self.pool[index]
            if len(found) == self.count:
                break
            if self._words[index] != own and demonstration.query not in queries:
                queries.add(demonstration.query)
                found.append(demonstration)
        return found[::-1]

    def before(self, example: Example, prompter: Prompter) -> list[Message]:
        """The shots of one question as turns of the conversation, in the form in which the answer is wanted."""
        turns: list[Message] = []
        left = self.longest
        for demonstration in reversed(self.chosen(example)):  # the most similar first: it shall fit
            thought = (demonstration.thought or thought_for(demonstration.query)) if prompter.thinking else ""
            asked = prompter.question(demonstration.example)
            said = prompter.completion(demonstration.query, thought)
            left -= len(asked) + len(said)
            if left < 0:
                break
            turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": said}, *turns]
        return turns

    def _by_similarity(self, words: Sequence[str]) -> list[int]:
        """The pool by BM25, best first; after them those that share nothing, in the seed's order."""
        total = len(self.pool)
        scores: dict[int, float] = defaultdict(float)
        for word in dict.fromkeys(words):
            places = self._places.get(word, ())
            if not places or len(places) > max(_FEW, total * _COMMON):
                continue
            weight = math.log(1 + (total - len(places) + 0.5) / (len(places) + 0.5))
            for index, occurrences in places:
                length = 1 - _B + _B * len(self._words[index]) / self._mean
                scores[index] += weight * occurrences * (_K1 + 1) / (occurrences + _K1 * length)
        best = sorted(scores, key=lambda index: (-scores[index], index))
        return [*best, *(index for index in self._order if index not in scores)]


def _words(question: str) -> list[str]:
    return _WORD.findall(question.casefold())
