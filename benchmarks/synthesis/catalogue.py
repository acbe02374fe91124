"""A catalogue: schemas as Spider's `tables.json` lists them, written as the CREATE statements that it leaves out.

The list knows less than a database does. Types are text, number, time, boolean and others; of a key of several columns
only the first is there; whether a column may be null is not. What is missing is taken from the names and from the
queries: see `statements_of`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from sqlrl.executors.errors import DataError

__all__ = ["read_catalogue", "statements_of"]

_TYPES = {"text": "TEXT", "number": "INTEGER", "time": "DATETIME", "boolean": "BOOLEAN", "others": "TEXT"}
_FRACTIONS = (
    "amount", "avg", "average", "balance", "charge", "cost", "discount", "fee", "gdp", "gpa", "height", "lat", "long",
    "money", "percent", "price", "rate", "rating", "ratio", "salary", "score", "share", "temperature", "total_points",
    "weight",
)  # fmt: skip


def read_catalogue(file: Path) -> dict[str, dict[str, Any]]:
    """Database -> its item. DataError where the file is not such a list."""
    try:
        items = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read: {error}") from None
    wanted = ("db_id", "table_names_original", "column_names_original", "column_types", "foreign_keys", "primary_keys")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise DataError(f"{file} is not a JSON list of schemas")
    for index, item in enumerate(items):
        missing = [key for key in wanted if key not in item]
        if missing:
            raise DataError(f"{file}, item {index}: no {missing[0]!r}")
    return {item["db_id"]: item for item in items}


def statements_of(item: Mapping[str, Any], counted: Collection[tuple[str, str]] = ()) -> list[str]:
    """CREATE TABLE statements, parents as they come.

    counted: (table, column) in lower case that the queries count rows of. A key that is itself a foreign key is the
    first of several columns wherever the table has another foreign key, or where it is counted: a table that ties
    others together would else hold each but once.
    """
    columns = item["column_names_original"]
    tables = item["table_names_original"]
    keys: dict[int, list[int]] = {}
    for entry in item["primary_keys"]:
        for place in entry if isinstance(entry, list) else [entry]:
            keys.setdefault(columns[place][0], []).append(place)
    foreign: dict[int, list[tuple[int, int]]] = {}
    for child, parent in item["foreign_keys"]:
        foreign.setdefault(columns[child][0], []).append((child, parent))
    statements = []
    for number, table in enumerate(tables):
        if table.lower().startswith("sqlite_"):  # SQLite's own
            continue
        own = [place for place, (owner, _) in enumerate(columns) if owner == number]
        key = _whole_key(table, keys.get(number, []), own, foreign.get(number, []), columns, counted)
        lines = [f"{_quoted(columns[place][1])} {_type(item, place)}" for place in own]
        if key:
            lines.append(f"PRIMARY KEY ({', '.join(_quoted(columns[place][1]) for place in key)})")
        for child, parent in foreign.get(number, []):
            owner = columns[parent][0]
            if keys.get(owner) != [parent] or _is_tied(parent, keys, foreign, columns):
                continue  # SQLite lets a foreign key only lead to what is unique
            lines.append(
                f"FOREIGN KEY ({_quoted(columns[child][1])}) REFERENCES {_quoted(tables[owner])}"
                f"({_quoted(columns[parent][1])})"
            )
        statements.append(f"CREATE TABLE {_quoted(table)} (\n    " + ",\n    ".join(lines) + "\n)")
    return statements


def _whole_key(
    table: str,
    key: list[int],
    own: list[int],
    foreign: list[tuple[int, int]],
    columns: list[Any],
    counted: Collection[tuple[str, str]],
) -> list[int]:
    children = [child for child, _ in foreign]
    if len(key) != 1 or key[0] not in children:
        return key
    others = [child for child in children if child != key[0]]
    if others:
        return [*key, *dict.fromkeys(others)]
    if (table.lower(), str(columns[key[0]][1]).lower()) in counted:
        return [*key, *[place for place in own if place not in key][:1]]
    return key


def _is_tied(
    parent: int, keys: Mapping[int, list[int]], foreign: Mapping[int, list[tuple[int, int]]], columns: list[Any]
) -> bool:
    """Whether a listed key is the first of several columns, and so not unique by itself."""
    children = [child for child, _ in foreign.get(columns[parent][0], [])]
    return parent in children and len(set(children)) > 1


def _type(item: Mapping[str, Any], place: int) -> str:
    name = str(item["column_names_original"][place][1]).lower()
    declared = _TYPES.get(item["column_types"][place], "TEXT")
    if declared == "INTEGER" and not name.endswith("id") and any(word in name for word in _FRACTIONS):
        return "REAL"
    return declared


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
