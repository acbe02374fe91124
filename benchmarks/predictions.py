"""Predictions: queries that were written elsewhere, read from a file and put beside the examples that they answer."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
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
_DIGITS = 12  # of a position
_BIRD_MARK = "\t----- bird -----\t"


def read_predictions(
    path: Path,
    examples: Sequence[Example],
    *,
    chosen: Sequence[int] | None = None,
    match: str | None = None,
    to_first_tab: bool = False,
) -> list[str]:
    """One predicted query for each chosen example, in their order.

    `.json` (a list of texts or objects, or one object by key as BIRD's), `.jsonl`, `.csv` (with a header), and any
    other file as one query a line. chosen: positions among the examples, all where None. A file answers all examples,
    or exactly the chosen ones.

    The keys of one object are positions where they are 0 to n - 1; else each must be an id. Listed objects are matched
    by `id`, `index` or `question_id` where they have one, else by position. match: "id" or "position" allows the one
    or the other alone; by position, an object whose keys are no positions is taken in the file's order, as BIRD's
    script does. to_first_tab: of a plain line, what stands before its first tab is the query, as Spider's script has
    it; else only the name of its database is taken off its end. Where the count is wrong, or an id is unknown, twice
    there or missing, DataError says so.
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
            return _from_json(_parsed(text, path), asked)
        if kind in (".jsonl", ".ndjson"):
            return _from_items([_parsed(line, path) for line in text.split("\n") if line.strip()], asked)
        if kind in (".csv", ".tsv"):
            rows = list(csv.DictReader(io.StringIO(text), delimiter="," if kind == ".csv" else "\t"))
            return _from_items([{_plain(key): value for key, value in row.items() if key} for row in rows], asked)
    except RecursionError:
        raise DataError(f"{path} is not JSON: it is nested too deep") from None
    except csv.Error as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    except ValueError as error:  # no JSON, or a number of too many digits
        raise DataError(f"{path} is not JSON: {error}") from None
    lines = _lines(text, {len(examples), len(asked.chosen)})
    return asked.in_order([line.strip().partition("\t")[0] if to_first_tab else line for line in lines], "lines")


def _parsed(text: str, path: Path) -> Any:
    """JSON; DataError where it has a key twice, ValueError where it is none."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
            raise DataError(f"{path}: the key {_shown(twice)} is there twice")
        return found

    return json.loads(text, object_pairs_hook=once)


def _lines(text: str, wanted: set[int]) -> list[str]:
    """The lines of a text; blank ones at its end belong to it only where they make up the count."""
    lines = [line.rstrip("\r") for line in text.removesuffix("\n").split("\n")] if text else []
    while lines and not lines[-1].strip() and len(lines) not in wanted:
        lines.pop()
    return lines


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
        missing = min((int(key) for key in whole - items.keys()), default=None)
        if len(items) > len(whole):
            others += f": there are {len(items):,}"
        elif missing is not None and items.keys() < whole:
            others += f": {missing} is missing"
    raise DataError(f"{asked.path}: the key {_shown(stranger)} is the id of no question here{others}")


def _from_items(items: Sequence[Any], asked: _Asked) -> list[str]:
    left = {identifier: list(places) for identifier, places in asked.places.items()}
    places = [_place(item, left, asked) if isinstance(item, Mapping) else None for item in items]
    if all(place is None for place in places):
        return _by_number(items, asked)
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


def _by_number(items: Sequence[Any], asked: _Asked) -> list[str]:
    """Items without id and index: in the order of their question_id where these are positions, as they stand where
    they have none."""
    numbers = [str(item[_BIRD_ID]) for item in items if isinstance(item, Mapping) and item.get(_BIRD_ID) is not None]
    if not numbers or asked.match == "position":
        return asked.in_order(items, "items")
    by_number = dict(zip(numbers, items, strict=False))
    places = [str(place) for place in range(len(items))]
    if len(numbers) < len(items) or by_number.keys() != set(places):
        raise DataError(f"{asked.path}: {_shown(numbers[0])} is the id of no question here, nor do the ids count up")
    return asked.in_order([by_number[place] for place in places], "items")


def _place(item: Mapping[str, Any], left: dict[str, list[int]], asked: _Asked) -> int | None:
    """The position that an item names, None where it names none. An id that several examples share names the first,
    then the next."""
    by_id = {None: _ID_KEYS, "id": (*_ID_KEYS, _BIRD_ID), "position": ()}[asked.match]
    identifier = next((str(item[key]) for key in by_id if item.get(key) is not None), None)
    if identifier is not None and identifier in left:
        return _next(left[identifier])
    position = next((str(item[key]) for key in _POSITION_KEYS if str(item.get(key)).isdecimal()), None)
    if position is not None and asked.match != "id":
        if len(position) > _DIGITS:
            raise DataError(f"{asked.path}: index {_shown(position)} is outside 0 to {len(asked.examples) - 1}")
        return int(position)
    if identifier is not None:
        raise DataError(f"{asked.path}: {_shown(identifier)} is the id of no question here")
    if asked.match is None and str(item.get(_BIRD_ID)) in left:
        return _next(left[str(item[_BIRD_ID])])
    return None


def _next(places: list[int]) -> int:
    return places.pop(0) if len(places) > 1 else places[0]


def _shown(word: str) -> str:
    """In quotes, and not longer than a line."""
    return repr(word if len(word) <= 60 else f"{word[:59]}…")


def _plain(key: str) -> str:
    return re.sub(r"[\s_-]+", "_", str(key).strip().lower())


def _without_database(text: str, example: Example) -> str:
    """Without the database's name that some files put behind each query."""
    parts = text.split(_BIRD_MARK)
    if len(parts) == 2:
        return parts[0]
    before, tab, last = text.rpartition("\t")
    return before if tab and last.strip() == example.labels.get("database") else text
