"""SQLite: database files, opened to be read only, inside a worker of the sandbox.

Guards, from the outside in: the walls of the operating system, a read-only connection, `query_only`, an authorizer that
knows only reading, limits on the size of everything that a statement is made of, and a deadline in processor time.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlrl.executors.base import Limits, Outcome, Row
from sqlrl.executors.database_file import as_uri, identity_of, key_of, was_changed_since, why_closed
from sqlrl.executors.description import VIEWS_SHARE, describe_table
from sqlrl.executors.names import fold, fold_all
from sqlrl.executors.sandbox.pieces import pieces
from sqlrl.executors.sandbox.worker import QueryEnded, StaleSource

__all__ = ["SQLiteEngine"]

OPEN_CONNECTIONS = 16
GONE, LOCKED = "its file is gone", "somebody is writing to the database"
OPCODES_BETWEEN_LOOKS = 20_000
# Functions that reach outside the query, crash-prone pointers, and what makes a result differ from run to run.
REFUSED_FUNCTIONS = frozenset(
    [
        "edit", "fileio_readfile", "fts3_tokenizer", "load_extension", "lsmode", "random", "randomblob", "readfile",
        "sqlite_log", "writefile", "zipfile",
    ]
)  # fmt: skip
ALLOWED_ACTIONS = {
    sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE
}  # fmt: skip
ACTION_NAMES = {
    getattr(sqlite3, name): name.removeprefix("SQLITE_").replace("_", " ").lower()
    for name in dir(sqlite3)
    if name.startswith(("SQLITE_CREATE", "SQLITE_DROP", "SQLITE_ALTER"))
    or name in (
        "SQLITE_ANALYZE", "SQLITE_ATTACH", "SQLITE_DELETE", "SQLITE_DETACH", "SQLITE_INSERT", "SQLITE_PRAGMA",
        "SQLITE_REINDEX", "SQLITE_SAVEPOINT", "SQLITE_TRANSACTION", "SQLITE_UPDATE",
    )
}  # fmt: skip
LIMITS = (
    (sqlite3.SQLITE_LIMIT_LENGTH, 16 << 20),
    (sqlite3.SQLITE_LIMIT_SQL_LENGTH, 100_000),
    (sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 1_000),
    (sqlite3.SQLITE_LIMIT_COMPOUND_SELECT, 500),
    (sqlite3.SQLITE_LIMIT_VDBE_OP, 100_000),
    (sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200),
    (sqlite3.SQLITE_LIMIT_ATTACHED, 0),
    (sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 0),
    (sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH, 1),
    (sqlite3.SQLITE_LIMIT_WORKER_THREADS, 0),
)
_SPACE = re.compile(r"\s+")
_ERRORS = (sqlite3.Error, sqlite3.Warning, MemoryError, ValueError, OverflowError, SystemError)


class SQLiteEngine:
    """Runs queries on SQLite files. files: those that will be asked for. tables: all that may be read, or None."""

    def __init__(self, limits: Limits, files: Sequence[str], tables: Sequence[str] | None = None) -> None:
        self.limits = limits
        self.memory_bytes = limits.memory_bytes
        self.tables = fold_all(tables)
        self.files = {path: key_of(path) for path in files}
        # A database in WAL mode is read with its log; the folder itself stays closed.
        self.readable = [name for path in files for name in (path, f"{path}-wal", f"{path}-shm", f"{path}-journal")]
        self.connections: OrderedDict[str, _Connection] = OrderedDict()
        sqlite3.connect(":memory:").execute("SELECT 1").fetchall()  # load what the first query loads

    def forget(self, path: str) -> None:
        """See `Engine.forget`."""
        connection = self.connections.pop(path, None)
        if connection is not None:
            connection.close()

    def open(self, path: str) -> _Connection:
        """See `Engine.open`."""
        identity = self._identity(path)
        connection = self.connections.get(path)
        if connection is not None and connection.identity == identity:
            self.connections.move_to_end(path)
            return connection
        self.forget(path)  # before: should opening fail, nothing closed may be left to be found
        connection = self.connections[path] = _Connection(path, identity, self.limits, self.tables)
        while len(self.connections) > OPEN_CONNECTIONS:
            self.connections.popitem(last=False)[1].close()
        return connection

    def _identity(self, path: str) -> tuple[Any, ...]:
        known = self.files.get(path)
        try:
            identity = identity_of(path, known)
        except FileNotFoundError:
            if known is None:  # nor was it there when this worker started
                raise QueryEnded(Outcome.UNAVAILABLE, GONE) from None
            raise StaleSource from None
        if identity is None:
            raise StaleSource
        return identity


class _Connection:
    """One guarded connection to one file."""

    def __init__(
        self, path: str, identity: tuple[Any, ...], limits: Limits, tables: frozenset[str] | None = None
    ) -> None:
        self.path = path
        self.identity = identity
        self.limits = limits
        self.seconds = limits.seconds
        self.tables = tables
        self.refusal = ""
        self.deadline = float("inf")
        self.late = False
        # Immutable skips locks and change checks, so only without a log and a journal that would have to be read.
        self._open(immutable=not identity[4] and not identity[5])

    def _open(self, *, immutable: bool) -> None:
        self.immutable = immutable
        limits = self.limits
        try:
            self.connection = sqlite3.connect(
                f"file:{as_uri(self.path)}?mode=ro{'&immutable=1' if immutable else ''}", uri=True,
                isolation_level=None, check_same_thread=False, cached_statements=32,
                timeout=min(1.0, limits.seconds / 2),
            )  # fmt: skip
            for pragma in (
                "query_only=1", "trusted_schema=off", "cell_size_check=on", "temp_store=memory", "mmap_size=0",
                f"hard_heap_limit={min(limits.memory_bytes, 512 << 20)}",
            ):  # fmt: skip
                self.connection.execute(f"PRAGMA {pragma}").fetchall()
            # These virtual tables register themselves by a statement that the authorizer would refuse.
            for function in ("json_each", "json_tree"):
                self.connection.execute(f"SELECT * FROM {function}('[]')").fetchall()
            self.connection.text_factory = _text
            catalogue = self.connection.execute("SELECT name FROM sqlite_master").fetchall()
            self.connection.text_factory = str
        except (sqlite3.Error, sqlite3.Warning) as error:
            if "database is locked" in str(error):
                raise QueryEnded(Outcome.UNAVAILABLE, LOCKED) from None
            raise QueryEnded(
                Outcome.UNAVAILABLE, f"cannot open the database: {why_closed(self.path, self.identity, error)}"
            ) from None
        self.catalogue = {fold(name) for (name,) in catalogue}
        for category, value in LIMITS:
            self.connection.setlimit(category, value)
        self.connection.set_authorizer(self._authorize)
        self.connection.set_progress_handler(self._look, OPCODES_BETWEEN_LOOKS)

    def close(self) -> None:
        self.connection.close()

    def run(self, query: str, rows: int) -> tuple[tuple[str, ...], list[Row]]:
        """See `Database.run`."""
        self._start_clock()
        try:
            found = self._fetch_text(query, rows)
            if not self._was_written():
                return found
        except _ERRORS as error:
            if not self._was_written():
                raise self._ended(error) from None
        finally:
            self.deadline = float("inf")
        # Without a lock half of it may have been the old content, half the new.
        self.close()
        self._open(immutable=False)
        return self.run(query, rows)

    def _was_written(self) -> bool:
        """Whether somebody wrote to the file, of which no lock would have kept him, since it was opened."""
        return self.immutable and was_changed_since(self.path, self.identity)

    def _fetch_text(self, query: str, rows: int) -> tuple[tuple[str, ...], list[Row]]:
        try:
            return self._fetch(query, rows)
        except sqlite3.OperationalError as error:
            if "decode to UTF-8" not in str(error):
                raise
            self.connection.text_factory = _text
            try:
                return self._fetch(query, rows)
            finally:
                self.connection.text_factory = str

    def _start_clock(self) -> None:
        self.refusal = ""
        self.late = False
        self.deadline = time.thread_time() + self.seconds

    def _fetch(self, query: str, rows: int) -> tuple[tuple[str, ...], list[Row]]:
        cursor = self.connection.execute(query)
        try:
            return _columns(cursor), cursor.fetchmany(rows)
        finally:
            cursor.close()

    def _ended(self, error: BaseException) -> QueryEnded:
        message = _SPACE.sub(" ", str(error)) or type(error).__name__
        if self.late:
            return QueryEnded(Outcome.TIMED_OUT, "out of processor time")
        if self.refusal:
            return QueryEnded(Outcome.REFUSED, self.refusal)
        if isinstance(error, MemoryError) or "out of memory" in message or "too big" in message:
            return QueryEnded(Outcome.TOO_LARGE, f"too large: {message}")
        if "database is locked" in message:
            return QueryEnded(Outcome.UNAVAILABLE, LOCKED)
        if "one statement at a time" in message:
            return QueryEnded(Outcome.REFUSED, "only a single statement is allowed")
        if "readonly database" in message or "query_only" in message:
            return QueryEnded(Outcome.REFUSED, "only reading is allowed")
        return QueryEnded(Outcome.INVALID, message)

    def _authorize(
        self, action: int, first: str | None, second: str | None, schema: str | None, trigger: str | None
    ) -> int:
        if action == sqlite3.SQLITE_FUNCTION and fold(second or "") in REFUSED_FUNCTIONS:
            self.refusal = f"the function {second} is not allowed"
            return sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_READ and self.tables is not None and not self._may_read(first or "", second):
            self.refusal = f"the table {first} is not one of those that may be read"
            return sqlite3.SQLITE_DENY
        if action in ALLOWED_ACTIONS:
            return sqlite3.SQLITE_OK
        what = ACTION_NAMES.get(action, "this")
        if first in ("sqlite_master", "sqlite_temp_master"):
            # SQLite asks to update its catalogue where a virtual table is made on the fly; CREATE and DROP for a row.
            what = "a virtual table (such as a pragma's)" if what == "update" else "changing the schema"
        self.refusal = f"only reading is allowed, not {what}"
        return sqlite3.SQLITE_DENY

    def _may_read(self, table: str, column: str | None) -> bool:
        """By the list of tables. Beneath a view SQLite asks for its tables too, so they must be in the list as well:
        the name of the view that it gives besides is no proof, since a query's own WITH can take that name."""
        assert self.tables is not None
        name = fold(table)
        if name in self.tables or name in ("json_each", "json_tree"):
            return True
        # Where no column is read, SQLite asks even for the query's own WITH; those are in no catalogue.
        if not column and name not in self.catalogue and not name.startswith(("sqlite_", "pragma_", "dbstat")):
            return True
        # To set up a table-valued function it looks at the catalogue's row ids, and at nothing else.
        return name == "sqlite_master" and column == "ROWID"

    def _look(self) -> bool:
        self.late = time.thread_time() > self.deadline
        return self.late

    def pieces(self, query: str) -> Iterator[tuple[tuple[str, ...], list[Row]]]:
        """See `Database.pieces`."""
        self._start_clock()
        self.connection.text_factory = _text
        try:
            cursor = self.connection.execute(query)
            columns = _columns(cursor)
            for piece in pieces(cursor.fetchmany):
                yield columns, piece
            if self._was_written():
                raise QueryEnded(Outcome.UNAVAILABLE, "somebody wrote to the database while rows were read")
        except _ERRORS as error:
            raise self._ended(error) from None
        finally:
            self.deadline = float("inf")
            self.connection.text_factory = str

    def describe(self, sample_rows: int, row_counts: bool, notes: Mapping[str, Any]) -> str:
        """The CREATE statements of tables and views in the order of their making, with comments beneath each. What of a
        view cannot be read is said beneath it."""
        self._start_clock()
        self.connection.text_factory = _text
        try:
            described = self._describe_all(self._catalogued(), sample_rows, row_counts, notes)
        except _ERRORS as error:
            raise self._ended(error) from None
        finally:
            self.deadline = float("inf")
            self.connection.text_factory = str
        return "\n\n".join(described)

    def _catalogued(self) -> list[tuple[str, str, str]]:
        """(type, name, DDL) of what may be described. The catalogue is read by statements of our own, so the authorizer
        stands aside. What a virtual table keeps its rows in is not described."""
        self.connection.set_authorizer(None)
        try:
            shadows = {row[1] for row in self.connection.execute("PRAGMA main.table_list") if row[2] == "shadow"}
            found = self.connection.execute(
                "SELECT type, name, sql FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE "
                "'sqlite\\_%' ESCAPE '\\' AND sql IS NOT NULL ORDER BY rowid"
            ).fetchall()
        finally:
            self.connection.set_authorizer(self._authorize)
        return [
            entry for entry in found
            if entry[1] not in shadows and (self.tables is None or fold(entry[1]) in self.tables)
        ]  # fmt: skip

    def _describe_all(
        self, found: Sequence[tuple[str, str, str]], sample_rows: int, row_counts: bool, notes: Mapping[str, Any]
    ) -> list[str]:
        """In order; views are looked at last, and in less time, so that one that never ends costs no table its rows."""
        described = [""] * len(found)
        views = False
        for index in sorted(range(len(found)), key=lambda index: found[index][0] == "view"):
            kind, name, sql = found[index]
            if kind == "view" and not views:
                views = True
                self.deadline = time.thread_time() + self.seconds * VIEWS_SHARE
            count, sample, unread = None, None, ""
            try:
                count, sample = self._look_at(name, sample_rows, row_counts)
            except (sqlite3.Error, UnicodeEncodeError) as error:
                ended = self._ended(error)
                if ended.outcome is Outcome.TIMED_OUT and kind == "table":
                    raise
                unread = "its name is not text" if isinstance(error, UnicodeEncodeError) else ended.message
            described[index] = describe_table(sql, count, sample, notes.get(name.lower(), {}), unread)
        return described

    def _look_at(
        self, name: str, sample_rows: int, row_counts: bool
    ) -> tuple[int | None, tuple[Sequence[str], Sequence[Row]] | None]:
        """(how many rows, (columns, the first rows)) of a table or view, each where it is asked for."""
        self.refusal = ""
        quoted = '"' + name.replace('"', '""') + '"'
        count = sample = None
        if row_counts:
            count = self.connection.execute(f"SELECT count(*) FROM main.{quoted}").fetchone()[0]
        if sample_rows:
            rows = self.connection.execute(f"SELECT * FROM main.{quoted} LIMIT {int(sample_rows)}")
            sample = (_columns(rows), rows.fetchall())
        return count, sample


def _columns(cursor: sqlite3.Cursor) -> tuple[str, ...]:
    if cursor.description is None:  # nothing but space and comments
        raise QueryEnded(Outcome.INVALID, "no statement")
    return tuple(column[0] for column in cursor.description)


def _text(stored: bytes) -> str:
    """What is not UTF-8 keeps its bytes."""
    return stored.decode("utf-8", "surrogateescape")
