"""Questions whose answers stand in passages: a query is worth where the first passage with an answer stands.

Natural Questions, TriviaQA and SQuAD are asked over Wikipedia in passages of a hundred words (Karpukhin et al., 2020):
`psgs_w100.tsv` (id, text, title, under a heading), with the questions as JSON lines ("question", "answers"), as
DeepRetrieval keeps them. XQuAD's English part (Artetxe et al., 2020) is complete in itself: 240 paragraphs.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlrl.benchmarks.base import Demonstration, Example
from sqlrl.benchmarks.indexes import LOCAL, check_engine, index_of
from sqlrl.benchmarks.location import search
from sqlrl.executors.base import Gold
from sqlrl.executors.documents import Document
from sqlrl.executors.errors import DataError, MissingSplitError, UsageError

__all__ = ["FOLDERS", "MARKS", "WHERE", "Passages"]

_RAW = "deepretrieval/raw_data"
FOLDERS = {
    **{name: (f"{_RAW}/{name}", name) for name in ("nq", "triviaqa", "squad")},
    "xquad": ("evidence/xquad", "xquad"),
}
MARKS = ("xquad.en.json", "train.jsonl", "dev.jsonl", "test.jsonl")
WHERE = "the questions of {} as JSON lines (question, answers), or SQuAD's format for xquad, put there"
_FILES = {"train": "train.jsonl", "validation": "dev.jsonl", "test": "test.jsonl"}
_PASSAGES = "psgs_w100.tsv"
_XQUAD = "xquad.en.json"
# Of XQuAD's articles, in order: those of a split. A passage is asked about in one split only.
_ARTICLES = {"train": slice(0, 30), "validation": slice(30, 36), "test": slice(36, None)}


class Passages:
    """dataset: one of the four. data: its folder, or one above it; the passages stand in it or beside it. engine: what
    they are searched with."""

    splits = ("train", "validation", "test")
    judges = ("answer-rank@20", "answer-rank@1", "answer-rank@100")
    answer_key = "query"
    shares = ("databases",)  # one corpus for all splits
    engines = LOCAL

    def __init__(self, dataset: str, data: str | Path | None = None, engine: str = "bm25") -> None:
        self.name = dataset
        self.engine = check_engine(engine)
        marks = MARKS[:1] if dataset == "xquad" else MARKS[1:]
        how = f"have {WHERE.format(dataset)}"
        self.folder = search(dataset, FOLDERS[dataset], marks, data).folder(how)
        self._source = ""

    def examples(self, split: str) -> list[Example]:
        """The questions of a split, in the order of their file."""
        if split not in self.splits:
            raise UsageError(f"{self.name} has no split {split!r}; known: {', '.join(self.splits)}")
        if self.name == "xquad":
            return self._paragraph_questions(split)
        path = self.folder / _FILES[split]
        if not path.exists():
            raise MissingSplitError(f"{self.name}'s {split} split is not in {self.folder}: no {path.name}")
        lines = _text(path).split("\n")  # not splitlines: JSON may hold a line separator of Unicode's
        return [_example(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]

    def demonstrations(self) -> list[Demonstration]:
        """None: nobody wrote a right query down."""
        return []

    def sources(self, example: Example) -> list[str]:
        """The index of the passages, which is built on first use; empty where they are not here."""
        if not self._source and self.corpus.exists():
            self._source = index_of(self.name, [self.corpus], self.documents, self.engine)
        return [self._source] if self._source else []

    def faults(self, group: Any = None) -> dict[str, str]:
        """None: passages that are missing have no source."""
        return {}

    def notes(self) -> list[str]:
        """Whether the passages are missing."""
        return [] if self.corpus.exists() else [f"{self.name} has no passages: {self.corpus} is missing"]

    @property
    def corpus(self) -> Path:
        """The file of the passages."""
        if self.name == "xquad":
            return self.folder / _XQUAD
        beside = (self.folder / _PASSAGES, self.folder.parent / _PASSAGES, self.folder.parent / "wikipedia" / _PASSAGES)
        return next((path for path in beside if path.exists()), beside[0])

    def documents(self) -> Iterator[Document]:
        """The passages. DataError says which line is none."""
        if self.name == "xquad":
            for article, number, paragraph in self._paragraphs():
                yield Document(f"{article}-{number}", "", paragraph["context"])
            return
        csv.field_size_limit(min(sys.maxsize, 1 << 31))
        try:
            with open(self.corpus, encoding="utf-8", newline="") as file:
                rows = csv.reader(file, delimiter="\t")
                next(rows, None)
                for row in rows:
                    if len(row) != 3:
                        raise DataError(f"{self.corpus}, line {rows.line_num}: not id, text and title")
                    yield Document(row[0], row[2], row[1])
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{self.corpus} cannot be read: {error}") from None

    def _paragraphs(self) -> Iterator[tuple[int, int, dict[str, Any]]]:
        """(article, paragraph, its content) of XQuAD."""
        path = self.folder / _XQUAD
        try:
            articles = json.loads(_text(path))["data"]
            for place, article in enumerate(articles):
                for number, paragraph in enumerate(article["paragraphs"]):
                    yield place, number, paragraph
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path} is not in SQuAD's format: {error!r}") from None

    def _paragraph_questions(self, split: str) -> list[Example]:
        chosen = range(1_000_000)[_ARTICLES[split]]
        try:
            return [
                Example(
                    str(asked["id"]),
                    asked["question"],
                    Gold(answers=tuple(dict.fromkeys(answer["text"] for answer in asked["answers"]))),
                )
                for article, _, paragraph in self._paragraphs()
                if article in chosen
                for asked in paragraph["qas"]
            ]
        except (KeyError, TypeError) as error:
            raise DataError(f"{self.folder / _XQUAD} is not in SQuAD's format: {error!r}") from None


def _example(path: Path, number: int, line: str) -> Example:
    try:
        values = json.loads(line)
        question, answers = values["question"], values["answers"]
        if not isinstance(question, str) or not isinstance(answers, list) or not answers:
            raise TypeError
        gold = Gold(answers=tuple(dict.fromkeys(map(str, answers))))
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{path}, line {number}: no text 'question' with a list of 'answers'") from None
    return Example(f"{path.stem}-{number}", question, gold)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
