"""Casts: how values of DuckDB that Python's types cannot hold are asked for, and read.

DuckDB's Python module hands out an infinite date as the last or first day that Python knows, cuts nanoseconds off,
raises for intervals of more than 999,999,999 days, and has no word for a type. Where a result has such a column or
such a value, it is asked for again with that column as text, which is read back as far as Python's types go. What is
beyond them stays text: "infinity", "10000-01-01", "2024-01-01 00:00:00.123456789", "1000000000 days 00:00:00".

Months of an interval are 30 days, and days 24 hours, as in DuckDB's own comparisons. A UNION is the value that it
holds, an ENUM, BIT or JSON its text, a BIGNUM an integer, a GEOMETRY its bytes. A VARIANT that holds a time is its
text. A MAP whose keys are lists or structs has tuples of their items for keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import duckdb

from sqlrl.executors.base import Row

__all__ = ["Casts", "Fetch", "ask"]

LOOKED_AT = 100  # rows of a long result that tell what a column of any type holds
Fetch = Callable[[int], list[Row]]  # the next rows of a result, at most so many

# Kinds that are always asked for as text; those that are where a value demands it; those that have kinds within.
_ALWAYS = {"timestamp_ns", "timestamptz_ns", "time_ns", "type"}
_WATCHED = {"date", "timestamp", "timestamp_s", "timestamp_ms", "timestamp with time zone", "interval"}
_NESTED = {"list", "array", "struct", "tuple", "map", "union"}
_NOT_PLAIN = _ALWAYS | _WATCHED | _NESTED | {"bignum", "variant"}
_EXTREMES = {date.min, date.max, datetime.min, datetime.max}
_INTERVAL = re.compile(
    r"(?:(-?\d+) years? ?)?(?:(-?\d+) months? ?)?(?:(-?\d+) days? ?)?(?:(-?)(\d+):(\d\d):(\d\d)(?:\.(\d{1,6}))?)?"
)
_FINER = re.compile(r"\.\d{6}0*[1-9]")  # than a microsecond
_Read = Callable[[Any], Any]


def ask(connection: Any, query: str, statement: Any, rows: int | None) -> tuple[tuple[str, ...], Fetch]:
    """Run a query: its columns, and what fetches so many rows; asked a second time where Python cannot hold the values
    as they are. statement: the query as the connection takes it. rows: all that will be fetched, at once; None: more,
    piece by piece."""
    connection.execute(statement)
    description = connection.description or ()
    columns = tuple(column[0] for column in description)
    casts = Casts([column[1] for column in description])
    # A value of a later piece could demand what the first was not asked for.
    as_text = casts.always or (casts.watched and rows is None)
    looked_at = rows if rows is not None else LOOKED_AT if casts.varies else 0
    first = None if as_text else _first_rows(connection, casts, looked_at) if looked_at else []
    if first is not None:
        return columns, _going_on(connection, casts, first)
    connection.execute(casts.wrap(query))
    return columns, lambda count: casts.read(connection.fetchmany(count), wrapped=True)


def _first_rows(connection: Any, casts: Casts, rows: int) -> list[Row] | None:
    """The first rows as Python holds them; None where it cannot."""
    try:
        found: list[Row] = connection.fetchmany(rows)
    except OverflowError:  # an interval
        if casts.demanded(None):
            return None
        raise
    return None if casts.demanded(found) else found


def _going_on(connection: Any, casts: Casts, first: list[Row]) -> Fetch:
    """What fetches these rows, and then those that follow."""

    def fetch(count: int) -> list[Row]:
        rows, first[:] = first[:count], first[count:]
        if len(rows) < count:
            rows += connection.fetchmany(count - len(rows))
        return casts.read(rows, wrapped=False)

    return fetch


class Casts:
    """What the columns of one result need. kinds: DuckDB's types, in order.

    always: whether some column has to be asked for as text whatever is in it; watched: whether some value could demand
    it; varies: whether a column holds values of any type, which only a look at them tells.
    """

    def __init__(self, kinds: Sequence[Any]) -> None:
        self._kinds = kinds
        self._as_text = _ALWAYS | _WATCHED
        self._plain = not {kind.id for kind in kinds} & _NOT_PLAIN
        within = [] if self._plain else [set(_within(kind)) for kind in kinds]
        self.always = any(found & _ALWAYS for found in within)
        self.watched = any(found & _WATCHED for found in within)
        self._looked_at = [index for index, found in enumerate(within) if found & _WATCHED]
        self._variants = [index for index, found in enumerate(within) if "variant" in found]
        self.varies = bool(self._variants)

    def demanded(self, rows: Sequence[Row] | None) -> bool:
        """Whether a value may stand for another that Python has no word for. rows: None where they could not be had."""
        if self._variants and (rows is None or any(_has_time(row[index]) for index in self._variants for row in rows)):
            self._as_text = self._as_text | {"variant"}
            return True
        if rows is None:
            return self.watched
        return any(_is_extreme(row[index]) for index in self._looked_at for row in rows)

    def wrap(self, query: str) -> str:
        """The query with its columns as text where that is needed."""
        columns = ", ".join(
            f"#{number}" if (carrier := _carrier(kind, self._as_text)) == str(kind) else f"CAST(#{number} AS {carrier})"
            for number, kind in enumerate(self._kinds, 1)
        )
        return f"SELECT {columns} FROM (\n{_without_end(query)}\n)"

    def read(self, rows: list[Row], *, wrapped: bool) -> list[Row]:
        """The rows as they count. wrapped: whether they come of a query that `wrap` gave."""
        if self._plain:
            return rows
        readers = [_reader(kind, wrapped) for kind in self._kinds]
        if not any(readers):
            return rows
        return [tuple(read(cell) if read else cell for read, cell in zip(readers, row, strict=True)) for row in rows]


def _children(kind: Any) -> list[tuple[str, Any]]:
    """(name, kind) of what is within; nothing for the tag of a union and the size of an array."""
    if kind.id not in _NESTED:
        return []
    found = [(name, child) for name, child in kind.children if hasattr(child, "id")]
    return found[1:] if kind.id == "union" else found


def _within(kind: Any) -> Iterator[str]:
    """The kind's own name, and those of all kinds within."""
    yield kind.id
    for _, child in _children(kind):
        yield from _within(child)


def _carrier(kind: Any, as_text: Collection[str]) -> str:
    """The type that a value travels as: text for what Python may not hold, whatever it lies within."""
    name = kind.id
    if name in as_text:
        return "VARCHAR"
    if name not in _NESTED:
        return str(kind)
    carriers = [(field, _carrier(child, as_text)) for field, child in _children(kind)]
    if name == "list":
        return f"{carriers[0][1]}[]"
    if name == "array":
        return f"{carriers[0][1]}[{dict(kind.children)['size']}]"
    if name in ("map", "tuple"):
        return f"{name.upper()}({', '.join(carrier for _, carrier in carriers)})"
    fields = ", ".join('"' + field.replace('"', '""') + f'" {carrier}' for field, carrier in carriers)
    return f"{name.upper()}({fields})"


def _reader(kind: Any, wrapped: bool) -> _Read | None:
    """What reads a cell; None where it is right as it is."""
    name = kind.id
    if name == "bignum":
        return _read_integer
    if wrapped and name in _READERS:
        return _READERS[name]
    if name not in _NESTED or name == "union":  # which kind a union holds is not said
        return None
    readers = [_reader(child, wrapped) for _, child in _children(kind)]
    if name == "map":
        frozen = _children(kind)[0][1].id in _NESTED
        return _map_reader(readers[0], readers[1], frozen) if frozen or any(readers) else None
    if not any(readers):
        return None
    if name in ("list", "array"):
        return _list_reader(readers[0] or _same)
    each = [read or _same for read in readers]
    if name == "tuple":
        return lambda cell: None if cell is None else tuple(read(item) for read, item in zip(each, cell, strict=True))
    return lambda cell: (
        None if cell is None else {key: read(item) for read, (key, item) in zip(each, cell.items(), strict=True)}
    )


def _list_reader(read: _Read) -> _Read:
    return lambda cell: None if cell is None else type(cell)(read(item) for item in cell)


def _map_reader(read_key: _Read | None, read_value: _Read | None, frozen: bool) -> _Read:
    """DuckDB's module hands out lists of keys and values where keys cannot be hashed."""
    of_key, of_value = read_key or _same, read_value or _same

    def read(cell: Any) -> Any:
        if cell is None:
            return None
        pairs = (
            zip(cell["key"], cell["value"], strict=True) if frozen and cell.keys() == {"key", "value"} else cell.items()
        )
        return {_hashable(of_key(key)): of_value(value) for key, value in pairs}

    return read


def _same(cell: Any) -> Any:
    return cell


def _hashable(key: Any) -> Any:
    if isinstance(key, dict):
        return tuple((name, _hashable(value)) for name, value in key.items())
    return tuple(map(_hashable, key)) if isinstance(key, (list, tuple)) else key


def _read_integer(text: Any) -> Any:
    try:
        return int(text)
    except (TypeError, ValueError):  # nothing, or more digits than Python reads
        return text


def _read_date(text: Any) -> Any:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        return text


def _read_timestamp(text: Any) -> Any:
    try:
        return text if _FINER.search(text) or " 24:" in text else datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return text


def _read_time(text: Any) -> Any:
    try:
        return text if _FINER.search(text) or text.startswith("24") else time.fromisoformat(text)
    except (AttributeError, TypeError, ValueError):
        return text


def _read_interval(text: Any) -> Any:
    match = _INTERVAL.fullmatch(text) if text is not None else None
    if match is None:
        return text
    years, months, days, hours, minutes, seconds = (int(match[group] or 0) for group in (1, 2, 3, 5, 6, 7))
    parts = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + int((match[8] or "").ljust(6, "0"))
    days += (years * 12 + months) * 30
    more, parts = divmod(-parts if match[4] else parts, 86_400_000_000)
    days += more
    if abs(days) < 999_999_999:
        return timedelta(days=days, microseconds=parts)
    seconds, parts = divmod(parts, 1_000_000)
    fraction = f".{parts:06d}" if parts else ""
    return f"{days} days {seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{fraction}"


_READERS: dict[str, _Read] = {
    "date": _read_date,
    "interval": _read_interval,
    "time_ns": _read_time,
    **dict.fromkeys(
        ("timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns", "timestamp with time zone", "timestamptz_ns"),
        _read_timestamp,
    ),
}


def _is_extreme(cell: Any) -> bool:
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=None) in _EXTREMES
    if isinstance(cell, date):
        return cell in _EXTREMES
    return any(map(_is_extreme, _items(cell)))


def _has_time(cell: Any) -> bool:
    return isinstance(cell, (date, time, timedelta)) or any(map(_has_time, _items(cell)))


def _items(cell: Any) -> list[Any]:
    if isinstance(cell, dict):
        return [*cell.keys(), *cell.values()]
    return list(cell) if isinstance(cell, (list, tuple)) else []


def _without_end(query: str) -> str:
    """The query without the semicolons and comments that it ends in."""
    text = query.encode()
    for offset, kind in reversed(duckdb.tokenize(query)):
        if kind != duckdb.token_type.comment and text[offset : offset + 1] != b";":
            break
        text = text[:offset]
    return text.decode()
