"""GeoQuery: people's questions about one database of United States geography, as text2sql-data holds them.

Finegan-Dollak et al., ACL 2018: variables are substituted into text and SQL; split by question (a query may occur in
train with other words) or by query (it may not). Half of the training questions are given with their query, as
demonstrations; of the others only the result is known. Re-filling a question's variables with other values of the same
kind gives further questions of both sorts.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.benchmarks.base import Demonstration, Example
from sqlrl.benchmarks.location import search
from sqlrl.executors import Limits, Outcome, open_executor
from sqlrl.executors.base import Gold
from sqlrl.executors.errors import DataError, UsageError

if TYPE_CHECKING:
    from sqlrl.executors.groups import Group

__all__ = ["FOLDERS", "MARKS", "GeoQuery"]

FOLDERS = ("text2sql-data", "geoquery", "text2sql-data/data", "data")
MARKS = ("geography.json",)
DATABASE = "geography-db.added-in-2020.sqlite"
LABELLED = 0.5
REFILLS = 3  # further fillings tried of each training question
_ALIAS = re.compile(r"\b([A-Z_]+)alias(\d+)\b")
_DOUBLE_QUOTED = re.compile(r'"([^"]*)"')
_LITERAL = re.compile(r"('(?:[^']|'')*')")
_KEYWORDS = frozenset(
    [
        "SELECT",
        "FROM",
        "WHERE",
        "AND",
        "OR",
        "AS",
        "IN",
        "NOT",
        "MAX",
        "MIN",
        "COUNT",
        "SUM",
        "AVG",
        "DISTINCT",
        "ORDER",
        "BY",
        "GROUP",
        "HAVING",
        "LIMIT",
        "DESC",
        "ASC",
        "ALL",
        "LIKE",
        "BETWEEN",
        "IS",
        "NULL",
        "EXISTS",
        "ON",
        "JOIN",
        "LEFT",
        "OUTER",
        "UNION",
        "EXCEPT",
        "INTERSECT",
    ]
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One filling of one question."""

    number: int  # of the query that it belongs to
    split: str
    text: str
    query: str
    variables: Mapping[str, str]


class GeoQuery:
    """split: "question" or "query". seed: which half of train is labelled."""

    splits = ("train", "validation", "test")
    judges = ("robust", "strict", "spider-strict", "spider", "bird-ex")
    answer_key = "sql"

    def __init__(self, data: str | Path | None = None, split: str = "question", seed: int = 0) -> None:
        if split not in ("question", "query"):
            raise UsageError(f"geoquery/{split}: known are geoquery/question and geoquery/query")
        self.name = "geoquery" if split == "question" else f"geoquery/{split}"
        self.split = split
        self.seed = seed
        self.folder = search("geoquery", FOLDERS, MARKS, data).folder()
        if not (self.folder / DATABASE).exists():
            raise DataError(f"geoquery's database {DATABASE} is not in {self.folder}")
        self.source = f"sqlite:///{(self.folder / DATABASE).resolve()}"

    def examples(self, split: str) -> list[Example]:
        """See `Benchmark.examples`. In train: the questions of which only the result is known, re-fillings included."""
        if split not in self.splits:
            raise UsageError(f"geoquery has no split {split!r}; known: {', '.join(self.splits)}")
        return [
            self._example(asked, f"{split}-{index}")
            for index, asked in enumerate(self._unlabelled if split == "train" else self._held_out(split))
        ]

    def demonstrations(self) -> list[Demonstration]:
        """The labelled half of train and its re-fillings, each with its query."""
        return [
            Demonstration(self._example(asked, f"demonstration-{index}"), asked.query)
            for index, asked in enumerate(self._labelled)
        ]

    def sources(self, example: Example) -> list[str]:
        """The one database."""
        return [self.source]

    def faults(self, group: Group[Any] | None = None) -> dict[str, str]:
        """None: without its database it cannot be loaded."""
        return {}

    def notes(self) -> list[str]:
        """What was left out and why."""
        failing, empty = self._left_out
        return [
            f"{self.name}: {failing} questions whose gold query fails are left out; {empty} training questions whose "
            f"gold returns nothing earn no reward"
        ]

    def _held_out(self, split: str) -> list[_Asked]:
        return [asked for asked in self._asked if asked.split == split]

    @cached_property
    def _halves(self) -> tuple[list[_Asked], list[_Asked]]:
        train = [asked for asked in self._asked if asked.split == "train"]
        random.Random(f"geoquery/{self.seed}").shuffle(train)
        middle = round(len(train) * LABELLED)
        return train[:middle], train[middle:]

    @cached_property
    def _labelled(self) -> list[_Asked]:
        labelled = self._halves[0]
        held_out = {asked.text for asked in self._asked if asked.split != "train"}
        further = [asked for asked in self._refilled(labelled, "labelled") if asked.text not in held_out]
        return labelled + [asked for asked, rows in zip(further, self._rows(further), strict=True) if rows]

    @cached_property
    def _unlabelled(self) -> list[_Asked]:
        known = {asked.text for asked in self._labelled}
        known |= {asked.text for asked in self._asked if asked.split != "train"}
        candidates: dict[str, _Asked] = {}
        for asked in self._halves[1] + self._refilled(self._halves[1], "unlabelled"):
            if asked.text not in known:
                candidates.setdefault(asked.text, asked)
        questions = list(candidates.values())
        return [asked for asked, rows in zip(questions, self._rows(questions), strict=True) if rows]

    @cached_property
    def _left_out(self) -> tuple[int, int]:
        rows = self._rows(self._halves[1])
        return len(self._every) - len(self._asked), sum(not found for found in rows)

    @cached_property
    def _asked(self) -> list[_Asked]:
        """Every question whose gold runs."""
        return [asked for asked, rows in zip(self._every, self._rows(self._every), strict=True) if rows is not None]

    @cached_property
    def _items(self) -> list[dict[str, Any]]:
        file = self.folder / "geography.json"
        try:
            items: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
            for item in items:
                _ = item["sql"][0], item["variables"], item["query-split"]
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise DataError(f"{file} is not text2sql-data's: {error!r}") from None
        return items

    @cached_property
    def _every(self) -> list[_Asked]:
        names = {"train": "train", "dev": "validation", "test": "test"}
        asked = []
        for number, item in enumerate(self._items):
            for sentence in item["sentences"]:
                split = sentence["question-split"] if self.split == "question" else item["query-split"]
                if split in names:
                    filled = self._fill(number, sentence["text"], sentence["variables"])
                    asked.append(_Asked(number, names[split], *filled, {**sentence["variables"], "": sentence["text"]}))
        return asked

    def _fill(self, number: int, text: str, variables: Mapping[str, str]) -> tuple[str, str]:
        """(question, query) with every variable's value in its place; an empty one is the item's example."""
        item = self._items[number]
        values = {entry["name"]: variables.get(entry["name"]) or entry["example"] for entry in item["variables"]}
        return _substitute(text, values), _simplify(_substitute(item["sql"][0], values))

    def _refilled(self, asked: Sequence[_Asked], purpose: str) -> list[_Asked]:
        """Up to REFILLS other fillings of each question, with values of the same kind that train has."""
        generator = random.Random(f"geoquery/{self.seed}/{purpose}")
        seen = {question.text for question in asked}
        further = []
        for question in asked:
            kinds = {entry["name"]: entry["type"] for entry in self._items[question.number]["variables"]}
            sentence = question.variables[""]
            for _ in range(REFILLS if kinds else 0):
                variables = {
                    name: generator.choice(self._values[kind]) if question.variables.get(name) else ""
                    for name, kind in kinds.items()
                }
                text, query = self._fill(question.number, sentence, variables)
                if text not in seen:
                    seen.add(text)
                    further.append(_Asked(question.number, "train", text, query, {**variables, "": sentence}))
        return further

    @cached_property
    def _values(self) -> dict[str, list[str]]:
        """Kind of variable -> the values that training questions have."""
        values: dict[str, set[str]] = {}
        for asked in self._every:
            kinds = {entry["name"]: entry["type"] for entry in self._items[asked.number]["variables"]}
            for name, kind in kinds.items():
                if asked.split == "train" and asked.variables.get(name):
                    values.setdefault(kind, set()).add(asked.variables[name])
                values.setdefault(kind, set())
        for item in self._items:
            for entry in item["variables"]:
                values.setdefault(entry["type"], set()).add(entry["example"])
        return {kind: sorted(found) for kind, found in values.items()}

    def _rows(self, asked: Sequence[_Asked]) -> list[int | None]:
        """How many rows each gold returns (one at most is read), None where it fails."""
        with open_executor(self.source, limits=Limits(seconds=2.0), workers=1) as executor:
            results = executor.execute_many([question.query for question in asked], limit=1)
        return [len(result.rows) if result.outcome is Outcome.OK else None for result in results]

    def _example(self, asked: _Asked, identifier: str) -> Example:
        return Example(
            identifier,
            asked.text,
            Gold(query=asked.query),
            labels={"database": "geography", "difficulty": _depth(asked.query)},
        )


def _substitute(text: str, values: Mapping[str, str]) -> str:
    for name in sorted(values, key=len, reverse=True):  # river1 before river
        text = re.sub(rf"\b{re.escape(name)}\b", lambda _, value=values[name]: value, text)  # type: ignore[misc]
    return text


def _simplify(query: str) -> str:
    """The same query in fewer words: short aliases, lower-case names, and literals in single quotes as SQL has them
    (double quotes work by SQLite's leniency alone)."""
    query = _ALIAS.sub(lambda match: f"{match.group(1).lower()}{match.group(2)}", query)
    query = _DOUBLE_QUOTED.sub(lambda match: "'" + match.group(1).replace("'", "''") + "'", query)
    parts = _LITERAL.split(query)
    query = "".join(
        part
        if index % 2
        else re.sub(r"\b[A-Z_]+\b", lambda m: m.group() if m.group() in _KEYWORDS else m.group().lower(), part)
        for index, part in enumerate(parts)
    )
    return re.sub(r"\s+", " ", query).replace(" ;", "").strip(" ;")


def _depth(query: str) -> str:
    """Easy with one SELECT, medium with two, hard with more."""
    return ("easy", "medium", "hard")[min(query.count("SELECT"), 3) - 1]
