"""MS MARCO by subject: the paper's three parts of the passage-ranking task: health, science, technology.

Each is `train.jsonl` and `dev.jsonl` (question, docs_id); the paper reports dev, which is the test split here. The
corpus is MS MARCO's passages (Bajaj et al., 2016): `collection.tsv`, or BEIR's `corpus.jsonl` of them.
"""

from __future__ import annotations

from pathlib import Path

from sqlrl.benchmarks.base import Example
from sqlrl.benchmarks.corpora import json_lines
from sqlrl.benchmarks.location import search
from sqlrl.benchmarks.retrieval import Retrieval
from sqlrl.executors.base import Gold
from sqlrl.executors.errors import DataError, MissingSplitError

__all__ = ["FOLDERS", "MARKS", "ORIGINS", "Subject"]

_FILES = {"train": "train.jsonl", "test": "dev.jsonl"}
FOLDERS = {
    f"msmarco-{subject}": (
        f"deepretrieval/raw_data/msmarco/msmarco_{subject}", f"msmarco/msmarco_{subject}", f"msmarco_{subject}",
    )
    for subject in ("health", "science", "tech")
}  # fmt: skip
MARKS = tuple(_FILES.values())
ORIGINS = {
    name: f"code/data/raw_data/msmarco/{folders[-1]} of pat-jj/DeepRetrieval" for name, folders in FOLDERS.items()
}


class Subject(Retrieval):
    """dataset: one of the three. data: its folder, or one above it. engine: see `Retrieval`."""

    def __init__(self, dataset: str, data: str | Path | None = None, engine: str | None = None) -> None:
        super().__init__(dataset, data, engine)
        self.folder = search(dataset, FOLDERS[dataset], MARKS, data).folder(f"take {ORIGINS[dataset]}")

    @property
    def corpus_name(self) -> str:
        """One for the three."""
        return "msmarco"

    @property
    def corpora(self) -> list[str]:
        """MS MARCO's own file, or BEIR's."""
        folders = (str(self.folder), "msmarco", "msmarco-passage", "beir/msmarco")
        return [f"{folder}/{name}" for folder in folders for name in ("collection.tsv", "corpus.jsonl")]

    def has(self, split: str) -> bool:
        """There is no validation split."""
        return split in _FILES and (self.folder / _FILES[split]).is_file()

    def read(self, split: str) -> list[Example]:
        """In the order of the file; a question's id is its split and its line."""
        path = self.folder / _FILES[split]
        if not path.is_file():
            raise MissingSplitError(f"{self.name}'s {split} split is not in {self.folder}: no {path.name}")
        examples = []
        for number, values in json_lines(path):
            question, relevant = values.get("question"), values.get("docs_id")
            if not isinstance(question, str) or not isinstance(relevant, list):
                raise DataError(f"{path}, line {number}: no 'question' and list of 'docs_id'")
            gold = Gold(relevant={str(name): 1.0 for name in relevant})
            examples.append(Example(f"{split}-{number}", question, gold))
        return examples
