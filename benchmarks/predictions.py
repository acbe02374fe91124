"""Predictions: queries that were written elsewhere, read from a file and put beside the examples that they answer."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlrl.benchmarks.base import Example
from sqlrl.executors.errors import DataError, UsageError

__all__ = ["read_predictions"]

_QUERY_KEYS = ("predicted", "prediction", "query", "sql", "pred", "predicted_sql", "pred_sql", "predictedsql", "output")
_ID_KEYS = ("id", "example_id")
_POSITION_KEYS = ("index", "idx")
_BIRD_ID = "question_id"
_BIRD_MARK = "\t----- bird -----\t"


def read_predictions(
    path: Path, examples: Sequence[Example], *, chosen: Sequence[int] | None = None, match: str | None = None
) -> list[str]:
    """One predicted query for each chosen example, in their order.

    `.json` (a list of texts or objects, or one object by key as BIRD's), `.jsonl`, `.csv` (with a header), and any
    other file as one query a line. chosen: positions among the examples, all where None. A file answers all examples,
    or exactly the chosen ones.

    The keys of one object are positions where they are 0 to n - 1; else each must be an id. Listed objects are matched
    by `id`, `index` or `question_id` where they have one, else by position. match: "id" or "position" allows the one
    or the other alone; by position, an object whose keys are no positions is taken in the file's order, as BIRD's
    script does. Where the count is wrong, or an id is unknown, twice there or missing, DataError says so.
    """
    if match not in (None, "id", "position"):
        raise UsageError(f"--match is id or position, not {match!r}")
    asked = _Asked(path, examples, list(range(len(examples)) if chosen is None else chosen), match)
    try:
        text = path.read_text(encoding="utf-8-sig", errors="strict")
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    kind = path.suffix.lower()
    try:
        if kind == ".json":
            return _from_json(json.loads(text), asked)
        if kind in (".jsonl", ".ndjson"):
            return _from_items([json.loads(line) for line in text.split("\n") if line.strip()], asked)
    except json.JSONDecodeError as error:
        raise DataError(f"{path} is not JSON: {error}") from None
    if kind in (".csv", ".tsv"):
        rows = list(csv.DictReader(text.splitlines(keepends=True), delimiter="," if kind == ".csv" else "\t"))
        return _from_items([{_plain(key): value for key, value in row.items() if key} for row in rows], asked)
    lines = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return asked.in_order([line.rstrip("\r") for line in lines], "lines")


@dataclass(slots=True)
class _Asked:
    """The questions that a file is to answer."""

    path: Path
    examples: Sequence[Example]
    chosen: list[int]
    match: str | None
    places: dict[str, list[int]] = field(default_factory=dict)  # id -> positions; BIRD's mini-dev has two ids twice

    def __post_init__(self) -> None:
        for place, example in enumerate(self.examples):
            self.places.setdefault(example.id, []).append(place)

    def in_order(self, items: Sequence[Any], what: str) -> list[str]:
        """Queries from one item for each example, or for each chosen one."""
        if self.match == "id":
            raise DataError(f"{self.path}: its {what} have no ids to be matched by")
        if len(items) == len(self.examples):
            items = [items[place] for place in self.chosen]
        elif len(items) != len(self.chosen):
            filtered = f" ({len(self.chosen):,} chosen)" if len(self.chosen) < len(self.examples) else ""
            raise DataError(
                f"{self.path} has {len(items):,} {what} for {len(self.examples):,} questions{filtered}: they are "
                "matched by position"
            )
        return [self._query(item, self.examples[place]) for item, place in zip(items, self.chosen, strict=True)]

    def by_place(self, found: Mapping[int, Any]) -> list[str]:
        """Queries from items by the position of their example."""
        queries = {place: self._query(item, self.examples[place]) for place, item in found.items()}
        needed = set(self.chosen) if found.keys() <= set(self.chosen) else set(range(len(self.examples)))
        missing = sorted(needed - found.keys())
        if missing:
            more = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
            raise DataError(f"{self.path}: no prediction for {self.examples[missing[0]].id}{more}")
        return [queries[place] for place in self.chosen]

    def _query(self, item: Any, example: Example) -> str:
        if isinstance(item, Mapping):
            plain = {_plain(key): value for key, value in item.items()}
            key = next((key for key in _QUERY_KEYS if key in plain), None)
            if key is None:
                raise DataError(f"{self.path}: an item has none of the keys {', '.join(_QUERY_KEYS[:5])}")
            item = plain[key]
        if item is None:
            return ""
        if not isinstance(item, str):
            raise DataError(f"{self.path}: a prediction is text, not {type(item).__name__}")
        return _without_database(item, example)


def _from_json(value: Any, asked: _Asked) -> list[str]:
    if isinstance(value, list):
        return _from_items(value, asked)
    if not isinstance(value, dict):
        raise DataError(f"{asked.path} is neither a JSON list nor an object")
    # What is no query counts as an empty one, as in BIRD's script.
    items = {key: item if isinstance(item, (str, Mapping)) else "" for key, item in value.items()}
    whole, part = ({str(place) for place in range(count)} for count in (len(asked.examples), len(asked.chosen)))
    chosen_ids = {asked.examples[place].id for place in asked.chosen}
    by_position = items.keys() == whole or (items.keys() == part and (asked.match or items.keys() != chosen_ids))
    if by_position and asked.match != "id":
        return asked.in_order([items[str(place)] for place in range(len(items))], "keys")
    if asked.match == "position":
        return asked.in_order(list(items.values()), "keys")
    stranger = next((key for key in items if key not in asked.places), None)
    if stranger is None:
        return asked.by_place({place: item for key, item in items.items() for place in asked.places[key]})
    others = ""
    if asked.match is None:
        filtered = f" (nor 0 to {len(part) - 1:,} of those chosen)" if len(part) < len(whole) else ""
        others = f", and the keys are not the positions 0 to {len(whole) - 1:,}{filtered}"
    raise DataError(f"{asked.path}: the key {stranger!r} is the id of no question here{others}")


def _from_items(items: Sequence[Any], asked: _Asked) -> list[str]:
    left = {identifier: list(places) for identifier, places in asked.places.items()}
    places = [_place(item, left, asked) if isinstance(item, Mapping) else None for item in items]
    if all(place is None for place in places):
        return asked.in_order(items, "items")
    found: dict[int, Any] = {}
    for number, (item, place) in enumerate(zip(items, places, strict=True), 1):
        if place is None:
            raise DataError(f"{asked.path}: item {number} has neither id nor index, where others have")
        if not 0 <= place < len(asked.examples):
            raise DataError(f"{asked.path}: index {place} is outside 0 to {len(asked.examples) - 1}")
        if place in found:
            raise DataError(f"{asked.path}: {asked.examples[place].id} is there twice")
        found[place] = item
    return asked.by_place(found)


def _place(item: Mapping[str, Any], left: dict[str, list[int]], asked: _Asked) -> int | None:
    """The position that an item names, None where it names none. An id that several examples share names the first,
    then the next."""
    by_id = {None: _ID_KEYS, "id": (*_ID_KEYS, _BIRD_ID), "position": ()}[asked.match]
    identifier = next((str(item[key]) for key in by_id if key in item), None)
    if identifier is not None and identifier in left:
        return _next(left[identifier])
    position = next((str(item[key]) for key in _POSITION_KEYS if str(item.get(key)).isdigit()), None)
    if position is not None and asked.match != "id":
        return int(position)
    if identifier is not None:
        raise DataError(f"{asked.path}: {identifier!r} is the id of no question here")
    if asked.match is None and str(item.get(_BIRD_ID)) in left:
        return _next(left[str(item[_BIRD_ID])])
    return None


def _next(places: list[int]) -> int:
    return places.pop(0) if len(places) > 1 else places[0]


def _plain(key: str) -> str:
    return re.sub(r"[\s_-]+", "_", str(key).strip().lower())


def _without_database(text: str, example: Example) -> str:
    """Without the database's name that some files put behind each query."""
    parts = text.split(_BIRD_MARK)
    if len(parts) == 2:
        return parts[0]
    before, tab, last = text.rpartition("\t")
    return before if tab and last.strip() == example.labels.get("database") else text
