"""DuckDB: database files, and Parquet or CSV files as tables, opened to be read only, inside a worker of the sandbox.

Guards, from the outside in: the walls of the operating system, a read-only database (or, over files, a read-only
transaction around every query), configuration that closes every door and is then locked, a parser that must find
exactly one SELECT, and a watchdog that interrupts at the deadline. DuckDB's own limits are not enough: its time limit
is not looked at within one long function, and its memory limit leaves out what functions and results use; there the
kernel's limits end the worker.
"""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import pytz  # noqa: F401  what DuckDB imports for a time with a zone, when the doors are closed already

from sqlrl.executors.allowlist import check_tables, first_line
from sqlrl.executors.base import Limits, Outcome, Row
from sqlrl.executors.casts import Fetch, ask
from sqlrl.executors.catalogue import Entry, quoted, read_catalogue
from sqlrl.executors.description import VIEWS_SHARE, describe_table
from sqlrl.executors.names import fold_all
from sqlrl.executors.sandbox.pieces import pieces
from sqlrl.executors.sandbox.watchdog import Watchdog
from sqlrl.executors.sandbox.worker import QueryEnded, StaleSource

__all__ = ["DuckDBEngine"]

OPEN_INSTANCES = 8
ROOM = 2 << 30  # address space beside what queries may use: DuckDB reserves more than it touches
LOADED_SHARE = 8  # CSV files are read into memory once where they take no more than this part of it
# What DuckDB looks up about the machine when it opens a database, and aborts without.
SYSTEM_FILES = ("/proc/self/cgroup", "/sys/fs/cgroup", "/proc/meminfo", "/proc/cpuinfo", "/sys/devices/system/cpu")
SETTINGS = ("SET TimeZone='UTC'", "SET enable_external_access=false")
# A database has its file open: nothing on this disk is for its queries, not even that file's bytes by their name.
NO_FILES = "SET disabled_filesystems='LocalFileSystem'"
LOCK = "SET lock_configuration=true"


class DuckDBEngine:
    """Runs queries on DuckDB databases. files: paths of databases, or JSON objects {table: [file, ...]} of Parquet and
    CSV files. tables: all that may be read, or None."""

    def __init__(self, limits: Limits, files: Sequence[str], tables: Sequence[str] | None = None) -> None:
        self.limits = limits
        self.memory_bytes = limits.memory_bytes + ROOM
        self.tables = fold_all(tables)
        self.parts = {path: _parts(path) for path in files}
        self.inodes = {name: _inode(name) for parts in self.parts.values() for name in parts}
        self.readable = [*self.inodes, *(name for name in SYSTEM_FILES if os.path.exists(name))]
        self.watchdog = Watchdog(limits.seconds)
        self.instances: OrderedDict[str, _Instance] = OrderedDict()
        # Load and start what the first query would.
        with duckdb.connect(":memory:", config=_configuration(limits)) as connection:
            connection.execute("SELECT [1], TIMESTAMPTZ '2020-01-01 00:00:00+00', json_serialize_sql('SELECT 1')")
            connection.fetchall()

    def open(self, path: str) -> _Instance:
        """See `Engine.open`."""
        if any(instance.broken for instance in self.instances.values()):
            self._close_all()
        identity = self._identity(path)
        instance = self.instances.get(path)
        if instance is None or instance.identity != identity:
            self.forget(path)  # before: should opening fail, nothing closed may be left to be found
            instance = self.instances[path] = _Instance(path, identity, self)
        self.instances.move_to_end(path)
        while len(self.instances) > OPEN_INSTANCES:
            self.instances.popitem(last=False)[1].close()
        return instance

    def make_room(self, instance: _Instance) -> bool:
        """Close all other instances; whether there were any. What they keep in memory is not this one's doing."""
        others = [path for path, other in self.instances.items() if other is not instance]
        for path in others:
            self.instances.pop(path).close()
        return bool(others)

    def _close_all(self) -> None:
        while self.instances:
            self.instances.popitem()[1].close()

    def _identity(self, path: str) -> tuple[Any, ...]:
        """Modification time and size of every file of the source."""
        found = []
        for name in self.parts[path]:
            if _inode(name) != self.inodes[name]:
                raise StaleSource
            if self.inodes[name] is None:
                if name != f"{path}.wal":  # nor was it there when this worker started
                    raise QueryEnded(Outcome.UNAVAILABLE, "its file is gone")
            else:
                status = os.stat(name)
                found.append((status.st_mtime_ns, status.st_ctime_ns, status.st_size))
        return tuple(found)

    def forget(self, path: str) -> None:
        """See `Engine.forget`."""
        instance = self.instances.pop(path, None)
        if instance is not None:
            instance.close()


class _Instance:
    """One guarded database instance and its one connection."""

    def __init__(self, path: str, identity: tuple[Any, ...], engine: DuckDBEngine) -> None:
        self.identity = identity
        self.engine = engine
        self.limits = limits = engine.limits
        self.tables = engine.tables
        self.watchdog = engine.watchdog
        self.broken = False
        self.over_files = path.startswith("{")
        try:
            if self.over_files:
                self.connection = duckdb.connect(":memory:", config=_configuration(limits))
                self._make_tables(json.loads(path))
            else:
                self.connection = duckdb.connect(path, read_only=True, config=_configuration(limits))
            for statement in (*SETTINGS, *([] if self.over_files else [NO_FILES]), LOCK):
                self.connection.execute(statement)
        except (duckdb.Error, MemoryError, RuntimeError) as error:
            raise QueryEnded(Outcome.UNAVAILABLE, f"cannot open the database: {first_line(error)}") from None

    def close(self) -> None:
        self.connection.close()

    def _make_tables(self, files: Mapping[str, Sequence[str]]) -> None:
        """Parquet files are views, read as far as a query needs; CSV files are read once, unless they are too large."""
        every = [name for names in files.values() for name in names]
        paths = "[" + ", ".join(_literal(name) for name in every) + "]"
        self.connection.execute(f"SET allowed_paths={paths}")
        loaded = sum(os.path.getsize(name) for name in every if not _is_parquet(name))
        fits = loaded <= self.limits.memory_bytes // LOADED_SHARE
        for table, names in sorted(files.items()):
            listed = "[" + ", ".join(_literal(name) for name in names) + "]"
            parquet = _is_parquet(names[0])
            read = f"{'read_parquet' if parquet else 'read_csv'}({listed}, union_by_name=true)"
            kind = "VIEW" if parquet or not fits else "TABLE"
            self.connection.execute(f"CREATE {kind} {quoted(table)} AS SELECT * FROM {read}")

    # -- queries

    def run(self, query: str, rows: int) -> tuple[tuple[str, ...], list[Row]]:
        """See `Database.run`."""
        try:
            return self._first_rows(query, rows)
        except QueryEnded as ended:
            if ended.outcome is Outcome.TOO_LARGE and self.engine.make_room(self):
                return self._first_rows(query, rows)
            raise

    def _first_rows(self, query: str, rows: int) -> tuple[tuple[str, ...], list[Row]]:
        with self._asked(query, rows) as (columns, fetch):
            return columns, fetch(rows)

    def pieces(self, query: str) -> Iterator[tuple[tuple[str, ...], list[Row]]]:
        """See `Database.pieces`."""
        with self._asked(query, None) as (columns, fetch):
            for piece in pieces(fetch):
                yield columns, piece

    @contextmanager
    def _asked(self, query: str, rows: int | None) -> Iterator[tuple[tuple[str, ...], Fetch]]:
        """A context in which a query's rows can be fetched: see `_result`. Raises QueryEnded."""
        try:
            with self.watchdog.over(self.connection):
                statement = self._only_statement(query)
                if self.tables is not None:
                    check_tables(self.connection, query, self.tables, over_files=self.over_files)
                if self.over_files:  # a database in memory cannot be opened read-only
                    self.connection.execute("BEGIN TRANSACTION READ ONLY")
                try:
                    yield ask(self.connection, query, statement, rows)
                finally:
                    if self.over_files:
                        self._roll_back()
        except (QueryEnded, GeneratorExit, StaleSource):
            raise
        except BaseException as error:  # DuckDB lets many kinds through, SystemError and RuntimeError among them
            raise self._ended(error) from None

    def _roll_back(self) -> None:
        try:
            self.connection.execute("ROLLBACK")
        except duckdb.Error:
            self.broken = True

    def _only_statement(self, query: str) -> Any:
        if not query.isascii():
            _check_encoding(query)
        statements = self.connection.extract_statements(query)
        if not statements:
            raise QueryEnded(Outcome.INVALID, "no statement")
        if len(statements) > 1:
            raise QueryEnded(Outcome.REFUSED, "only a single statement is allowed")
        if statements[0].type != duckdb.StatementType.SELECT:
            what = str(statements[0].type).rpartition(".")[2].replace("_", " ").lower()
            raise QueryEnded(Outcome.REFUSED, f"only reading is allowed, not {what}")
        return statements[0]

    def _ended(self, error: BaseException) -> QueryEnded:
        message = first_line(error)
        if self.watchdog.late:
            return QueryEnded(Outcome.TIMED_OUT, "out of processor time")
        if isinstance(error, (duckdb.OutOfMemoryException, MemoryError)) or "bad_alloc" in message:
            return QueryEnded(Outcome.TOO_LARGE, f"too large: {message}")
        if isinstance(error, (duckdb.FatalException, duckdb.InternalException)) or not isinstance(error, Exception):
            self.broken = True
        if "read-only mode" in message:
            return QueryEnded(Outcome.REFUSED, "only reading is allowed")
        if isinstance(error, (duckdb.PermissionException, duckdb.IOException, duckdb.HTTPException)):
            return QueryEnded(Outcome.REFUSED, message.removeprefix("Permission Error: "))
        return QueryEnded(Outcome.INVALID, message)

    # -- the schema

    def describe(self, sample_rows: int, row_counts: bool, notes: Mapping[str, Any]) -> str:
        """CREATE statements: tables and views in the order that the database keeps them in, files by name; comments
        beneath each. What of a view cannot be read is said beneath it."""
        try:
            with self.watchdog.over(self.connection):
                found = read_catalogue(self.connection, self.tables, over_files=self.over_files)
                described = {
                    entry: self._describe_one(entry, sample_rows, row_counts, notes)
                    for entry in found if entry.kind == "table"
                }  # fmt: skip
            # Views last, and in less time, so that one that never ends costs no table its rows.
            with self.watchdog.over(self.connection, VIEWS_SHARE):
                for entry in found:
                    if entry.kind == "view":
                        described[entry] = self._describe_one(entry, sample_rows, row_counts, notes)
        except (QueryEnded, StaleSource):
            raise
        except BaseException as error:  # see `pieces`
            raise self._ended(error) from None
        return "\n\n".join(described[entry] for entry in found)

    def _describe_one(self, entry: Entry, sample_rows: int, row_counts: bool, notes: Mapping[str, Any]) -> str:
        count = sample = None
        unread = ""
        try:
            if entry.kind == "view" and self.tables is not None:
                check_tables(self.connection, f"SELECT * FROM {entry.place}", self.tables)
            if row_counts:
                (count,) = self.connection.execute(f"SELECT count(*) FROM {entry.place}").fetchone() or (0,)
            if sample_rows:
                query = f"SELECT * FROM {entry.place} LIMIT {int(sample_rows)}"
                columns, fetch = ask(self.connection, query, query, int(sample_rows))
                sample = columns, fetch(int(sample_rows))
        except (duckdb.Error, QueryEnded) as error:
            ended = error if isinstance(error, QueryEnded) else self._ended(error)
            if self.broken or (ended.outcome is Outcome.TIMED_OUT and entry.kind == "table"):
                raise ended from None
            count, unread = None, ended.message
        return describe_table(entry.ddl, count, sample, notes.get(entry.name.lower(), {}), unread)


def _configuration(limits: Limits) -> dict[str, Any]:
    """Settings that hold from the start; what this version of DuckDB doesn't know is left out."""
    wanted: dict[str, Any] = {
        "threads": 1,
        "memory_limit": f"{limits.memory_bytes // (1 << 20)}MiB",
        "temp_directory": "",
        "max_temp_directory_size": "0B",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "allow_persistent_secrets": False,
        "python_enable_replacements": False,
        "async_threads": 1,
    }
    known = _known_settings()
    return {name: value for name, value in wanted.items() if name in known}


_settings: set[str] = set()


def _known_settings() -> set[str]:
    if not _settings:
        with duckdb.connect(":memory:") as connection:
            _settings.update(name for (name,) in connection.execute("SELECT name FROM duckdb_settings()").fetchall())
    return _settings


def _parts(path: str) -> list[str]:
    """The files of a source: those of its tables, or the database with its log."""
    if path.startswith("{"):
        return sorted({name for names in json.loads(path).values() for name in names})
    return [path, f"{path}.wal"]


def _inode(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_dev, status.st_ino)


def _is_parquet(path: str) -> bool:
    return path.lower().endswith((".parquet", ".pq"))


def _check_encoding(query: str) -> None:
    try:
        query.encode()
    except UnicodeEncodeError:
        raise QueryEnded(Outcome.INVALID, "the query has a lone surrogate") from None


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
