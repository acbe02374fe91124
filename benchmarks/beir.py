"""BEIR: retrieval data sets in one format, of which the paper's five and MS MARCO are here (Thakur et al., 2021).

A data set is a folder with `corpus.jsonl` (_id, title, text), `queries.jsonl` (_id, text) and `qrels/SPLIT.tsv` (query,
document, grade, under a heading).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlrl.benchmarks.base import Demonstration, Example
from sqlrl.benchmarks.indexes import LOCAL, check_engine, index_of
from sqlrl.benchmarks.location import search
from sqlrl.executors.base import Gold
from sqlrl.executors.documents import Document
from sqlrl.executors.errors import DataError, MissingSplitError, UsageError

__all__ = ["FOLDERS", "MARKS", "WHERE", "Beir"]

_HELD_OUT = 10  # where a data set has no validation split, one training question in so many is for it
_FILES = {"train": "train.tsv", "validation": "dev.tsv", "test": "test.tsv"}
# name -> folders that hold it
FOLDERS = {
    **{name: (f"beir/{name}", name) for name in ("scifact", "nfcorpus", "fever", "hotpotqa", "fiqa")},
    "msmarco-beir": ("beir/msmarco", "msmarco"),
}
MARKS = ("queries.jsonl",)
WHERE = "BEIR's {}.zip, unpacked there"


class Beir:
    """dataset: one of BEIR's. data: its folder, or one above it. engine: what its corpus is searched with."""

    splits = ("train", "validation", "test")
    judges = ("ndcg@10", "ndcg-binary@10", "recall@100")
    answer_key = "query"
    shares = ("databases",)  # one corpus for all splits
    engines = LOCAL

    def __init__(self, dataset: str, data: str | Path | None = None, engine: str = "bm25") -> None:
        self.name = dataset
        self.engine = check_engine(engine)
        how = f"have {WHERE.format(FOLDERS[dataset][-1])}"
        self.folder = search(dataset, FOLDERS[dataset], MARKS, data).folder(how)
        self._examples: dict[str, list[Example]] = {}
        self._source = ""

    def examples(self, split: str) -> list[Example]:
        """The questions of a split that have a relevant document, in the order of their judgements."""
        if split not in self.splits:
            raise UsageError(f"{self.name} has no split {split!r}; known: {', '.join(self.splits)}")
        if split not in self._examples:
            self._examples[split] = self._read(split)
        return list(self._examples[split])

    def demonstrations(self) -> list[Demonstration]:
        """None: nobody wrote a right query down."""
        return []

    def sources(self, example: Example) -> list[str]:
        """The index of the corpus, which is built on first use; empty where the corpus is not here."""
        if not self._source and self.corpus.exists():
            self._source = index_of(self.name, [self.corpus], self.documents, self.engine)
        return [self._source] if self._source else []

    def faults(self, group: Any = None) -> dict[str, str]:
        """None: a corpus that is missing has no source."""
        return {}

    def notes(self) -> list[str]:
        """What is not here, and what was made of it."""
        notes = []
        if not self.corpus.exists():
            notes.append(f"{self.name} has no corpus: {self.corpus} is missing")
        if "validation" in self._examples and not self._path("validation").exists():
            notes.append(f"{self.name} has no validation split: one training question in {_HELD_OUT} stands for it")
        return notes

    @property
    def corpus(self) -> Path:
        """The file of the documents."""
        return self.folder / "corpus.jsonl"

    def documents(self) -> Iterator[Document]:
        """The corpus, in the order of its file. DataError says which line is no document."""
        for number, values in _lines(self.corpus):
            if not isinstance(values.get("_id"), str) or not isinstance(values.get("text"), str):
                raise DataError(f"{self.corpus}, line {number}: no text '_id' and 'text'")
            yield Document(values["_id"], str(values.get("title") or ""), values["text"])

    def _path(self, split: str) -> Path:
        return self.folder / "qrels" / _FILES[split]

    def _read(self, split: str) -> list[Example]:
        path = self._path(split)
        made = split == "validation" and not path.exists()  # from the training split, where there is none
        if made or split == "train":
            path = self._path("train")
        if not path.exists():
            raise MissingSplitError(f"{self.name}'s {split} split is not in {self.folder}: no qrels/{path.name}")
        graded = read_qrels(path)
        if made or (split == "train" and not self._path("validation").exists()):
            graded = {
                name: grades for place, (name, grades) in enumerate(graded.items())
                if (place % _HELD_OUT == _HELD_OUT - 1) is made
            }  # fmt: skip
        questions = self._questions()
        examples = []
        for name, grades in graded.items():
            if name not in questions:
                raise DataError(f"{path}: question {name!r} is not in queries.jsonl")
            if any(grade > 0 for grade in grades.values()):
                examples.append(Example(name, questions[name], Gold(relevant=grades)))
        return examples

    def _questions(self) -> dict[str, str]:
        found = {}
        for number, values in _lines(self.folder / "queries.jsonl"):
            if not isinstance(values.get("_id"), str) or not isinstance(values.get("text"), str):
                raise DataError(f"{self.folder / 'queries.jsonl'}, line {number}: no text '_id' and 'text'")
            found[values["_id"]] = values["text"]
        return found


def read_qrels(path: Path) -> dict[str, dict[str, float]]:
    """{question: {document: grade}} of a file of judgements with a heading. DataError says which line is none."""
    graded: dict[str, dict[str, float]] = {}
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            next(rows, None)
            for number, row in enumerate(rows, start=2):
                if not row:
                    continue
                try:
                    question, document, grade = row
                    graded.setdefault(question, {})[document] = float(grade)
                except ValueError:
                    raise DataError(f"{path}, line {number}: not question, document and grade") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    return graded


def _lines(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(number, object) of each line of a JSONL file."""
    try:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                values = json.loads(line)
                if not isinstance(values, dict):
                    raise DataError(f"{path}, line {number}: not a JSON object")
                yield number, values
    except (OSError, UnicodeDecodeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} cannot be read: {error}") from None
