"""Spider 1.0: questions across 200 databases, each seen in one split only (Yu et al., EMNLP 2018)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlrl.benchmarks.base import Demonstration, Example
from sqlrl.benchmarks.databases import Databases, notes_on
from sqlrl.benchmarks.hardness import hardness_of
from sqlrl.benchmarks.location import search
from sqlrl.executors.base import Gold
from sqlrl.executors.errors import DataError, UsageError

__all__ = ["FOLDERS", "MARKS", "Spider"]

FOLDERS = ("spider", "spider_data")
MARKS = ("dev.json", "train_spider.json")
_FILES = {
    "train": ("train_spider.json", "train_others.json"),
    "validation": ("dev.json",),
    "test": ("test.json",),
}


class Spider:
    """data: the official folder (`spider_data`), or one above it."""

    name = "spider"
    splits = ("train", "validation", "test")
    judges = ("spider", "spider-strict", "robust", "strict", "bird-ex")
    answer_key = "sql"

    def __init__(self, data: str | Path | None = None) -> None:
        self.folder = search("spider", FOLDERS, MARKS, data).folder()
        self._databases = Databases([self.folder / "database", self.folder / "test_database"])
        self._read: dict[str, list[Example]] = {}

    def examples(self, split: str) -> list[Example]:
        """See `Benchmark.examples`. labels: database, difficulty (Spider's hardness)."""
        if split not in self.splits:
            raise UsageError(f"spider has no split {split!r}; known: {', '.join(self.splits)}")
        if split not in self._read:
            files = [self.folder / name for name in _FILES[split] if (self.folder / name).exists()]
            if not files:
                raise DataError(f"spider's {split} split is not in {self.folder}: no {' or '.join(_FILES[split])}")
            items = [item for file in files for item in read_items(file)]
            self._read[split] = [self._example(item, split, index) for index, item in enumerate(items)]
        return list(self._read[split])

    def has(self, split: str) -> bool:
        """Whether a split's questions are in the folder."""
        return any((self.folder / name).exists() for name in _FILES[split])

    def demonstrations(self) -> list[Demonstration]:
        """The training questions whose database is here, with their golds: for a warm start that is asked for."""
        usable = [example for example in self.examples("train") if self.sources(example)]
        return [Demonstration(example, example.gold.query or "") for example in usable]

    def sources(self, example: Example) -> list[str]:
        """Every SQLite file of the database's folder; of a synthesized suite, those that decide the question."""
        return self._databases.instances(example.labels["database"], example.gold.query)

    def faults(self) -> dict[str, str]:
        """See `Benchmark.faults`; of the splits that were read so far."""
        names = {example.labels["database"] for examples in self._read.values() for example in examples}
        return self._databases.faults(names)

    def notes(self) -> list[str]:
        """Missing and empty databases with the questions that go with them."""
        return [
            note
            for split, examples in self._read.items()
            for note in notes_on(self.faults(), examples, f"spider {split}")
        ]

    def _example(self, item: dict[str, Any], split: str, index: int) -> Example:
        return Example(
            f"{split}-{index}",
            item["question"],
            Gold(query=item["query"]),
            labels={"database": item["db_id"], "difficulty": hardness_of(item["query"])},
        )


def read_items(file: Path) -> list[dict[str, Any]]:
    """A JSON list of objects with question, query and db_id; DataError says what is not."""
    try:
        items = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read: {error}") from None
    if not isinstance(items, list):
        raise DataError(f"{file} is not a JSON list")
    for index, item in enumerate(items):
        for key in ("question", "query", "db_id"):
            if not isinstance(item, dict) or not isinstance(item.get(key), str):
                raise DataError(f"{file}, item {index}: no text {key!r}")
    return items
