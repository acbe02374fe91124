"""BIRD: questions over large databases, with what the asker knows besides (Li et al., NeurIPS 2023)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlrl.benchmarks.base import Demonstration, Example
from sqlrl.benchmarks.databases import Databases, ServerDatabases, notes_on
from sqlrl.benchmarks.location import search
from sqlrl.executors.base import Gold
from sqlrl.executors.errors import DataError, UsageError

__all__ = ["FOLDERS", "MARKS", "Bird"]

FOLDERS = ("bird", "dev_20240627", "bird/dev_20240627", "minidev/MINIDEV", "MINIDEV")
MARKS = ("dev.json", "train/train.json", "minidev/mini_dev_sqlite.json", "mini_dev_sqlite.json")
_FILES = {
    "train": ("train/train.json", "train.json"),
    "validation": ("dev.json", "dev/dev.json"),
    "mini": ("minidev/mini_dev_{0}.json", "mini_dev_{0}.json", "MINIDEV/mini_dev_{0}.json"),
}
_DATABASES = ("dev_databases", "train/train_databases", "train_databases", "dev/dev_databases", "MINIDEV/dev_databases")


class Bird:
    """data: the official folder, or one above it. subset: "dev" or "mini" (mini-dev), of what validation holds. url:
    of mini-dev's databases on a PostgreSQL, MariaDB or MySQL server, see `ServerDatabases`; the golds are then those in
    that dialect."""

    splits: tuple[str, ...] = ("train", "validation")
    judges = ("bird-ex", "robust", "strict")
    answer_key = "sql"

    def __init__(self, data: str | Path | None = None, subset: str = "dev", url: str | None = None) -> None:
        if subset not in ("dev", "mini"):
            raise UsageError(f"bird/{subset}: known are bird/dev and bird/mini")
        self.name = "bird" if subset == "dev" else f"bird/{subset}"
        self.subset = subset
        self.dialect = "sqlite" if url is None else _dialect_of(url, subset)
        self.folder = search("bird", FOLDERS, MARKS, data).folder()
        self._databases: Databases | ServerDatabases
        if url is None:
            self._databases = Databases([self.folder / name for name in _DATABASES])
        else:
            self._databases = ServerDatabases(url)
            self.splits = ("validation",)
        self._read: dict[str, list[Example]] = {}

    def examples(self, split: str) -> list[Example]:
        """See `Benchmark.examples`. labels: database, difficulty."""
        if split not in self.splits:
            raise UsageError(f"bird has no split {split!r}; known: {', '.join(self.splits)}")
        if split not in self._read:
            kind = "mini" if split == "validation" and self.subset == "mini" else split
            names = [name.format(self.dialect) for name in _FILES[kind]]
            file = next((self.folder / name for name in names if (self.folder / name).exists()), None)
            if file is None:
                raise DataError(f"bird's {split} split is not in {self.folder}: no {' or '.join(names)}")
            try:
                items = json.loads(file.read_text(encoding="utf-8"))
                self._read[split] = [self._example(item, split, index) for index, item in enumerate(items)]
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise DataError(f"{file} is not BIRD's: {error!r}") from None
        return list(self._read[split])

    def demonstrations(self) -> list[Demonstration]:
        """The training questions whose database is here, with their golds."""
        usable = [example for example in self.examples("train") if self.sources(example)]
        return [Demonstration(example, example.gold.query or "") for example in usable]

    def sources(self, example: Example) -> list[str]:
        """The database's file."""
        return self._databases.instances(example.labels["database"])

    def faults(self) -> dict[str, str]:
        """See `Benchmark.faults`; of the splits that were read so far."""
        names = {example.labels["database"] for examples in self._read.values() for example in examples}
        return self._databases.faults(names)

    def notes(self) -> list[str]:
        """Missing and empty databases with the questions that go with them."""
        return [
            note
            for split, examples in self._read.items()
            for note in notes_on(self.faults(), examples, f"{self.name} {split}")
        ]

    def _example(self, item: dict[str, Any], split: str, index: int) -> Example:
        return Example(
            str(item.get("question_id", index)) if split == "validation" else f"{split}-{index}",
            item["question"],
            Gold(query=item["SQL"]),
            evidence=item.get("evidence") or "",
            labels={"database": item["db_id"], "difficulty": item.get("difficulty") or "unknown"},
        )


def _dialect_of(url: str, subset: str) -> str:
    """Which of mini-dev's dialects a server speaks."""
    dialect = {"postgres": "postgresql", "mariadb": "mysql"}.get(scheme := url.partition("://")[0], scheme)
    if dialect not in ("postgresql", "mysql"):
        raise UsageError(f"BIRD has golds for postgresql:// and mysql://, not {scheme}://")
    if subset != "mini":
        raise UsageError("a server's golds are those of mini-dev: bird/mini")
    return dialect
