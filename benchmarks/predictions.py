"""Predictions: queries that were written elsewhere, read from a file and put beside the examples that they answer."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlrl.benchmarks.base import Example
from sqlrl.executors.errors import DataError, UsageError

__all__ = ["read_predictions"]

_QUERY_KEYS = ("predicted", "prediction", "query", "sql", "pred", "predicted_sql", "pred_sql", "predictedsql", "output")
_ID_KEYS = ("id", "example_id")
_INDEX_KEYS = ("index", "idx", "question_id")
_BIRD_MARK = "\t----- bird -----\t"


def read_predictions(path: Path, examples: Sequence[Example]) -> list[str]:
    """One predicted query for each example, in their order.

    `.json` (a list of texts or objects, or an object by position as BIRD's), `.jsonl`, `.csv` (with a header), and any
    other file as one query a line. Objects are matched by `id` or `index` where they have one, else by position. Where
    the count is wrong, or an id is unknown, twice there or missing, DataError says so.
    """
    try:
        text = path.read_text(encoding="utf-8-sig", errors="strict")
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    kind = path.suffix.lower()
    try:
        if kind == ".json":
            return _from_json(json.loads(text), examples, path)
        if kind in (".jsonl", ".ndjson"):
            items = [json.loads(line) for line in text.split("\n") if line.strip()]
            return _from_items(items, examples, path)
    except json.JSONDecodeError as error:
        raise DataError(f"{path} is not JSON: {error}") from None
    if kind in (".csv", ".tsv"):
        rows = list(csv.DictReader(text.splitlines(keepends=True), delimiter="," if kind == ".csv" else "\t"))
        return _from_items([{_plain(key): value for key, value in row.items() if key} for row in rows], examples, path)
    lines = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    _check_count(len(lines), examples, path, "lines")
    return [_without_database(line.rstrip("\r"), example) for line, example in zip(lines, examples, strict=True)]


def _from_json(value: Any, examples: Sequence[Example], path: Path) -> list[str]:
    if isinstance(value, list):
        return _from_items(value, examples, path)
    if not isinstance(value, dict):
        raise DataError(f"{path} is neither a JSON list nor an object")
    known = {example.id for example in examples}
    if set(value) <= known and len(known & set(value)) == len(examples):
        return [_query(value[example.id], example, path) for example in examples]
    positions = [str(index) for index in range(len(examples))]
    if set(value) != set(positions):
        _check_count(len(value), examples, path, "keys")
        stranger = next(iter(set(value) - set(positions)))
        raise DataError(f"{path}: the key {stranger!r} is neither an id nor a position")
    return [_query(value[key], example, path) for key, example in zip(positions, examples, strict=True)]


def _from_items(items: Sequence[Any], examples: Sequence[Example], path: Path) -> list[str]:
    by_id = {example.id: index for index, example in enumerate(examples)}
    places: list[int | None] = [_place(item, by_id) if isinstance(item, Mapping) else None for item in items]
    for item, place in zip(items, places, strict=True):
        stranger = next((item[key] for key in _ID_KEYS if key in item), None) if isinstance(item, Mapping) else None
        if place is None and stranger is not None:
            raise DataError(f"{path}: {stranger!r} is the id of no question here")
    if any(place is None for place in places):
        if not all(place is None for place in places):
            bare = next(number for number, place in enumerate(places, 1) if place is None)
            raise DataError(f"{path}: item {bare} has neither id nor index, where others have")
        _check_count(len(items), examples, path, "items")
        return [_query(item, example, path) for item, example in zip(items, examples, strict=True)]
    found: dict[int, str] = {}
    for item, place in zip(items, places, strict=True):
        assert place is not None
        if not 0 <= place < len(examples):
            raise DataError(f"{path}: index {place} is outside 0 to {len(examples) - 1}")
        if place in found:
            raise DataError(f"{path}: {examples[place].id} is there twice")
        found[place] = _query(item, examples[place], path)
    missing = [example.id for index, example in enumerate(examples) if index not in found]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise DataError(f"{path}: no prediction for {missing[0]}{more}")
    return [found[index] for index in range(len(examples))]


def _place(item: Mapping[str, Any], by_id: Mapping[str, int]) -> int | None:
    for key in _ID_KEYS:
        if key in item and str(item[key]) in by_id:
            return by_id[str(item[key])]
    for key in _INDEX_KEYS:
        value = item.get(key)
        if key == "question_id" and str(value) in by_id:
            return by_id[str(value)]
        if key != "question_id" and str(value).isdigit():
            return int(str(value))
    return None


def _query(item: Any, example: Example, path: Path) -> str:
    if isinstance(item, Mapping):
        plain = {_plain(key): value for key, value in item.items()}
        key = next((key for key in _QUERY_KEYS if key in plain), None)
        if key is None:
            raise DataError(f"{path}: an item has none of the keys {', '.join(_QUERY_KEYS[:5])}")
        item = plain[key]
    if item is None:
        return ""
    if not isinstance(item, str):
        raise DataError(f"{path}: a prediction is text, not {type(item).__name__}")
    return _without_database(item, example)


def _plain(key: str) -> str:
    return re.sub(r"[\s_-]+", "_", str(key).strip().lower())


def _without_database(text: str, example: Example) -> str:
    """Without the database's name that some files put behind each query."""
    query, mark, _ = text.partition(_BIRD_MARK)
    if mark:
        return query
    before, tab, last = text.rpartition("\t")
    return before if tab and last.strip() == example.labels.get("database") else text


def _check_count(count: int, examples: Sequence[Example], path: Path, what: str) -> None:
    if count != len(examples):
        raise DataError(f"{path} has {count:,} {what} for {len(examples):,} questions: they are matched by position")
