"""BIRD: questions over large databases, with what the asker knows besides (Li et al., NeurIPS 2023)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.benchmarks.base import Demonstration, Example
from sqlrl.benchmarks.databases import Databases, ServerDatabases, notes_on
from sqlrl.benchmarks.location import search
from sqlrl.executors.base import Gold
from sqlrl.executors.errors import DataError, MissingSplitError, UsageError

if TYPE_CHECKING:
    from sqlrl.executors.groups import Group

__all__ = ["FOLDERS", "MARKS", "Bird"]

FOLDERS = ("bird", "dev_20240627", "bird/dev_20240627", "minidev/MINIDEV", "MINIDEV")
MARKS = ("dev.json", "train/train.json", "minidev/mini_dev_sqlite.json", "mini_dev_sqlite.json")
_FILES = {
    "train": ("train/train.json", "train.json"),
    "validation": ("dev.json", "dev/dev.json"),
    "minidev": ("minidev/mini_dev_{0}.json", "mini_dev_{0}.json", "MINIDEV/mini_dev_{0}.json"),
}
_DATABASES = ("dev_databases", "train/train_databases", "train_databases", "dev/dev_databases", "MINIDEV/dev_databases")


class Bird:
    """data: the official folder, or one above it. The split `minidev` is 500 questions of `validation`, some with
    golds that were put right; two of them are there twice, with one id. url: of mini-dev's databases on a PostgreSQL,
    MariaDB or MySQL server, see `ServerDatabases`; the golds are then those in that dialect, and mini-dev is all."""

    name = "bird"
    splits: tuple[str, ...] = ("train", "validation", "minidev")
    judges = ("bird-ex", "bird-f1", "bird-ves", "robust", "strict")
    answer_key = "sql"

    def __init__(self, data: str | Path | None = None, url: str | None = None) -> None:
        self.dialect = "sqlite" if url is None else _dialect_of(url)
        self.folder = search("bird", FOLDERS, MARKS, data).folder()
        self._databases: Databases | ServerDatabases
        if url is None:
            self._databases = Databases([self.folder / name for name in _DATABASES])
        else:
            self._databases = ServerDatabases(url)
            self.splits = ("minidev",)
        self._read: dict[str, list[Example]] = {}

    def examples(self, split: str) -> list[Example]:
        """See `Benchmark.examples`. labels: database, difficulty."""
        if split not in self.splits:
            raise UsageError(f"bird has no split {split!r}; known: {', '.join(self.splits)}")
        if split not in self._read:
            names = [name.format(self.dialect) for name in _FILES[split]]
            file = next((self.folder / name for name in names if (self.folder / name).exists()), None)
            if file is None:
                raise MissingSplitError(f"bird's {split} split is not in {self.folder}: no {' or '.join(names)}")
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

    def faults(self, group: Group[Any] | None = None) -> dict[str, str]:
        """See `Benchmark.faults`; of the splits that were read so far."""
        names = {example.labels["database"] for examples in self._read.values() for example in examples}
        return self._databases.faults(names, group)

    def notes(self) -> list[str]:
        """Missing and empty databases with the questions that go with them."""
        return [
            note
            for split, examples in self._read.items()
            for note in notes_on(self.faults(), examples, f"bird {split}")
        ]

    def _example(self, item: dict[str, Any], split: str, index: int) -> Example:
        return Example(
            f"train-{index}" if split == "train" else str(item.get("question_id", index)),
            item["question"],
            Gold(query=item["SQL"]),
            evidence=item.get("evidence") or "",
            labels={"database": item["db_id"], "difficulty": item.get("difficulty") or "unknown"},
        )


def _dialect_of(url: str) -> str:
    """Which of mini-dev's dialects a server speaks."""
    dialect = {"postgres": "postgresql", "mariadb": "mysql"}.get(scheme := url.partition("://")[0], scheme)
    if dialect not in ("postgresql", "mysql"):
        raise UsageError(f"BIRD has golds for postgresql:// and mysql://, not {scheme}://")
    return dialect
