"""BEIR: retrieval data sets in one format, of which the paper's five and MS MARCO are here (Thakur et al., 2021).

A data set is a folder with `corpus.jsonl` (_id, title, text), `queries.jsonl` (_id, text) and `qrels/SPLIT.tsv` (query,
document, grade, under a heading). Where the questions are not there, those of the test split are taken from Anserini's
`topics.beir-v1.0.0-NAME.test.tsv`.
"""

from __future__ import annotations

import csv
from pathlib import Path

from sqlrl.benchmarks.base import Example
from sqlrl.benchmarks.corpora import json_lines, open_text
from sqlrl.benchmarks.location import find_file, search
from sqlrl.benchmarks.retrieval import Retrieval
from sqlrl.executors.base import Gold
from sqlrl.executors.errors import DataError, MissingSplitError

__all__ = ["FOLDERS", "MARKS", "ORIGINS", "Beir", "read_qrels"]

_FILES = {"train": "train.tsv", "validation": "dev.tsv", "test": "test.tsv"}
_NAMES = ("scifact", "nfcorpus", "fever", "hotpotqa", "fiqa")
# name -> folders that hold it; the third has the questions without the corpus
FOLDERS = {
    **{name: (f"beir/{name}", name, f"deepretrieval/raw_data/{name}") for name in _NAMES},
    "msmarco-beir": ("beir/msmarco", "msmarco", "deepretrieval/raw_data/msmarco_beir"),
}
MARKS = ("queries.jsonl", "queries.jsonl.gz", "qrels")
ORIGINS = {name: f"BEIR's {folders[1]}.zip, unpacked there" for name, folders in FOLDERS.items()}


class Beir(Retrieval):
    """dataset: one of BEIR's. data: its folder, or one above it. engine: see `Retrieval`."""

    def __init__(self, dataset: str, data: str | Path | None = None, engine: str | None = None) -> None:
        super().__init__(dataset, data, engine)
        self.asks = "claim" if dataset in ("scifact", "fever") else "question"
        archive = f"{FOLDERS[dataset][1]}.zip"
        self.folder = search(dataset, FOLDERS[dataset], MARKS, data).folder(
            f"unpack BEIR's {archive} below one of them"
        )
        self._questions: dict[str, str] | None = None

    @property
    def corpora(self) -> list[str]:
        """Beside the questions, and where BEIR's archives are unpacked."""
        return [str(self.folder / "corpus.jsonl"), *(f"{name}/corpus.jsonl" for name in FOLDERS[self.name][:2])]

    def has(self, split: str) -> bool:
        """Whether there are judgements."""
        return self._qrels(split).is_file()

    def read(self, split: str) -> list[Example]:
        """In the order of the judgements."""
        path = self._qrels(split)
        if not path.is_file():
            raise MissingSplitError(f"{self.name}'s {split} split is not in {self.folder}: no qrels/{path.name}")
        if self._questions is None:
            self._questions = self._read_questions()
        examples = []
        for name, grades in read_qrels(path).items():
            if name not in self._questions:
                if find_file([str(self.folder / MARKS[0])]) is None:
                    raise MissingSplitError(f"{self.name}'s {split} questions are not in {self.folder}: no {MARKS[0]}")
                raise DataError(f"{path}: question {name!r} is not in {MARKS[0]}")
            examples.append(Example(name, self._questions[name], Gold(relevant=grades)))
        return examples

    def _qrels(self, split: str) -> Path:
        return self.folder / "qrels" / _FILES[split]

    def _read_questions(self) -> dict[str, str]:
        """id -> text."""
        found: dict[str, str] = {}
        path = find_file([str(self.folder / MARKS[0])])
        if path is not None:
            for number, values in json_lines(path):
                if not isinstance(values.get("_id"), str) or not isinstance(values.get("text"), str):
                    raise DataError(f"{path}, line {number}: no text '_id' and 'text'")
                found[values["_id"]] = values["text"]
            return found
        name = f"topics.beir-v1.0.0-{FOLDERS[self.name][1]}.test.tsv"
        path = find_file([str(self.folder / name), f"beir/topics/{name}", name], self._data)
        if path is not None:
            with open_text(path) as file:
                for line in file:
                    own, _, text = line.rstrip("\r\n").partition("\t")
                    found[own] = text
        return found


def read_qrels(path: Path) -> dict[str, dict[str, float]]:
    """{question: {document: grade}} of a file of judgements with BEIR's heading, or without one. DataError says which
    line is none."""
    graded: dict[str, dict[str, float]] = {}
    try:
        with open_text(path) as file:
            for number, row in enumerate(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE), start=1):
                if not row or (number == 1 and row[-1] == "score"):
                    continue
                try:
                    question, document, grade = row
                    graded.setdefault(question, {})[document] = float(grade)
                except ValueError:
                    raise DataError(f"{path}, line {number}: not question, document and grade") from None
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    return graded
