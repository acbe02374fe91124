"""Retrieval: what the benchmarks of search share: three splits, a corpus, and the engine that it is asked through."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from sqlrl.benchmarks.base import Demonstration, Example
from sqlrl.benchmarks.corpora import read_corpus
from sqlrl.benchmarks.generation.echoes import echoes
from sqlrl.benchmarks.indexes import LOCAL, check_engine, index_of
from sqlrl.benchmarks.location import find_file, looked_for
from sqlrl.executors.address import ENGINES, is_search
from sqlrl.executors.documents import Document
from sqlrl.executors.errors import MissingSplitError, UsageError

__all__ = ["Retrieval"]

_HELD_OUT = 10  # where a data set has no validation split, one training question in so many is for it


class Retrieval(ABC):
    """A benchmark of search. What is read, and from where, is for each of them to say.

    engines: what its corpus can be searched with, the default first; "live" is the service that `live` is the address
    of. asks: what its questions are: one of `sqlrl.prompts.ASKS`.
    """

    splits: tuple[str, ...] = ("train", "validation", "test")
    judges: tuple[str, ...] = ("ndcg@10", "ndcg-binary@10", "recall@100")
    answer_key = "query"
    shares: tuple[str, ...] = ("databases",)  # one corpus for all splits
    engines: tuple[str, ...] = LOCAL
    live = ""
    options: ClassVar[Mapping[str, str]] = {}  # engine -> what follows its address
    asks = "question"

    @property
    def expand(self) -> bool:
        """Whether its engine goes by meaning, so that a query is best the question with more words."""
        return self.engine.partition(":")[0] == "dense"

    def __init__(self, name: str, data: str | Path | None = None, engine: str | None = None) -> None:
        """engine: one of `engines`, or the address of an index or a service that holds the corpus. UsageError for
        another."""
        self.name = name
        here = [each for each in self.engines if (self.live.rstrip(":") if each == "live" else each) in ENGINES]
        if not here and engine is None:
            raise UsageError(f"{name} is searched by {' or '.join(self.engines)}, and there is no such engine here")
        self.engine = engine or here[0]
        if not is_search(self.engine):
            check_engine(self.engine, here)
        self._data = data
        self._examples: dict[str, list[Example]] = {}
        self._source = ""
        self._without = 0  # questions without a relevant document
        self._shared = 0  # training questions that are asked in a held-out split as well

    def examples(self, split: str) -> list[Example]:
        """The questions of a split that have something right, in the order of their file."""
        if split not in self.splits:
            raise UsageError(f"{self.name} has no split {split!r}; known: {', '.join(self.splits)}")
        if split not in self._examples:
            self._examples[split] = self._chosen(split)
        return list(self._examples[split])

    def demonstrations(self) -> list[Demonstration]:
        """None: nobody wrote a right query down."""
        return []

    def echoes(self) -> list[Demonstration]:
        """Sentences of the corpus, as a policy from nothing learns to take words over by them."""
        return echoes(self.documents())

    def sources(self, example: Example) -> list[str]:
        """The index of the corpus, built on first use, or the service; empty where the corpus is not here."""
        if not self._source:
            if self.engine == "live":
                self._source = self.live
            elif is_search(self.engine):
                self._source = self.engine
            elif files := self.corpus():
                source = index_of(self.corpus_name, files, self.documents, self.engine)
                self._source = source + self.options.get(self.engine, "")
        return [self._source] if self._source else []

    def faults(self, group: Any = None) -> dict[str, str]:
        """None: a corpus that is missing has no source."""
        return {}

    def notes(self) -> list[str]:
        """What is not here, what was made of it, and what was left out."""
        notes = []
        if self.engine in self.engines and self.engine != "live" and not self.corpus():
            looked = looked_for(self.corpora, self._data)
            notes.append(f"{self.name} has no corpus, so nothing can be searched: looked for {looked}")
        if "validation" in self._examples and not self.has("validation"):
            notes.append(f"{self.name} has no validation split: one training question in {_HELD_OUT} stands for it")
        for count, what in (
            (self._without, "without a relevant document"),
            (self._shared, "of the training split that a held-out split asks as well"),
        ):
            if count:
                notes.append(f"{self.name}: {count:,} question{'s' if count > 1 else ''} {what} left out")
        return notes

    @property
    def corpus_name(self) -> str:
        """What the index of the corpus is called; benchmarks with one corpus share it."""
        return self.name

    @property
    @abstractmethod
    def corpora(self) -> list[str]:
        """Where a file of the corpus may be, below a root; the first that is there is taken."""

    def corpus(self) -> list[Path]:
        """The files of the corpus; empty where it is not here."""
        found = find_file(self.corpora, self._data)
        return [found] if found else []

    def documents(self) -> Iterator[Document]:
        """The corpus, in the order of its files. DataError says which line is no document."""
        for path in self.corpus():
            yield from read_corpus(path)

    @abstractmethod
    def has(self, split: str) -> bool:
        """Whether the data set itself has a split, and it is here."""

    @abstractmethod
    def read(self, split: str) -> list[Example]:
        """The questions of a split that `has` knows, those without anything right included. MissingSplitError where
        its file is not here."""

    def _chosen(self, split: str) -> list[Example]:
        made = not self.has("validation")  # of the training split
        if split != "train" and not (split == "validation" and made):
            return self._with_gold(self.read(split))
        try:
            every = self._with_gold(self.read("train"))
        except MissingSplitError as error:
            if split == "train":
                raise
            raise MissingSplitError(
                f"{self.name} has no validation split, nor any training to take it from: {error}"
            ) from None
        if made:
            places: dict[str, int] = {}  # a question that is asked twice stays in one part
            for example in every:
                places.setdefault(_key(example), len(places))
            every = [e for e in every if (places[_key(e)] % _HELD_OUT == _HELD_OUT - 1) is (split == "validation")]
        if split == "validation":
            return every
        # Nobody learns from these: they are read to be left out.
        held_out = {_key(e) for part in ("validation", "test") if self.has(part) for e in self.read(part)}
        kept = [example for example in every if _key(example) not in held_out]
        self._shared = len(every) - len(kept)
        return kept

    def _with_gold(self, examples: list[Example]) -> list[Example]:
        kept = [example for example in examples if _has_gold(example)]
        self._without += len(examples) - len(kept)
        return kept


def _has_gold(example: Example) -> bool:
    relevant = example.gold.relevant
    return bool(example.gold.answers) if relevant is None else any(grade > 0 for grade in relevant.values())


def _key(example: Example) -> str:
    return " ".join(example.question.lower().split()).rstrip("?.!; ")
