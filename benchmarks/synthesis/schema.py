"""A schema: the tables that are to be filled, as SQLite itself reads their CREATE statements."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlrl.executors import Outcome, open_executor
from sqlrl.executors.errors import DataError, SourceError

__all__ = ["Column", "Foreign", "Schema", "Table", "make_tables", "read_schema", "schema_of_source"]

# What a schema may do while it is read: make tables, indexes and views, and note them in SQLite's own catalogue.
_MAKING = frozenset(
    [
        sqlite3.SQLITE_CREATE_TABLE,
        sqlite3.SQLITE_CREATE_INDEX,
        sqlite3.SQLITE_CREATE_VIEW,
        sqlite3.SQLITE_INSERT,
        sqlite3.SQLITE_UPDATE,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_REINDEX,
        sqlite3.SQLITE_TRANSACTION,
    ]
)


@dataclass(frozen=True, slots=True)
class Column:
    """kind: "integer", "real", "text", "numeric" or "blob", by SQLite's rules of affinity. declared: the type as
    written, in lower case. generated: computed by the engine, so nothing is put there."""

    name: str
    kind: str
    declared: str
    required: bool = False
    generated: bool = False


@dataclass(frozen=True, slots=True)
class Foreign:
    """Columns whose values must stand in the columns `targets` of `table`."""

    columns: tuple[str, ...]
    table: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """uniques: the primary key and all other unique sets of columns. statement: what makes it."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    uniques: tuple[tuple[str, ...], ...]
    foreign: tuple[Foreign, ...]
    statement: str = ""

    def column(self, name: str) -> Column | None:
        """The column of that name, whatever its case."""
        wanted = name.lower()
        return next((column for column in self.columns if column.name.lower() == wanted), None)


@dataclass(frozen=True, slots=True)
class Schema:
    """statements: what makes it, in order. tables: in an order in which parents come before their children, as far as
    there is one."""

    name: str
    statements: tuple[str, ...]
    tables: tuple[Table, ...]

    def table(self, name: str) -> Table | None:
        """The table of that name, whatever its case."""
        wanted = name.lower()
        return next((table for table in self.tables if table.name.lower() == wanted), None)


def schema_of_source(source: str, name: str) -> Schema:
    """The schema of an SQLite database: of its rows nothing is read. SourceError where it is not SQLite's."""
    with open_executor(source, workers=1) as executor:
        if executor.dialect != "sqlite":
            raise SourceError(f"{source} is not an SQLite database: give its schema as a file of CREATE statements")
        found = executor.execute(
            "SELECT type, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
            "ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 ELSE 2 END, rowid"
        )
    if found.outcome is not Outcome.OK:
        raise SourceError(f"{source}: {found.message}")
    # Shadow tables of a virtual one, and triggers, are nothing that rows could be drawn for.
    kept = [sql for kind, sql in found.rows if kind in ("table", "index", "view")]
    return read_schema([sql for sql in kept if not re.match(r"\s*CREATE\s+VIRTUAL", sql, re.IGNORECASE)], name)


def make_tables(connection: sqlite3.Connection, statements: Sequence[str]) -> None:
    """Run CREATE statements, and let them do nothing else. DataError says what they may not or cannot do."""
    connection.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _MAKING else sqlite3.SQLITE_DENY)
    try:
        for statement in statements:
            try:
                connection.execute(statement)
            except (sqlite3.Error, sqlite3.Warning) as error:
                line = " ".join(statement.split())[:80]
                raise DataError(f"the schema cannot be made: {error}: {line}") from None
    finally:
        connection.set_authorizer(None)


def read_schema(statements: Iterable[str], name: str) -> Schema:
    """The tables that CREATE statements make. DataError where SQLite cannot read them, or no table comes of them."""
    kept = tuple(statement for statement in statements if statement.strip())
    connection = sqlite3.connect(":memory:")
    try:
        make_tables(connection, kept)
        names = [
            row[0]
            for row in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            )
        ]
        tables = [_table(connection, table, names) for table in names]
    finally:
        connection.close()
    if not tables:
        raise DataError(f"the schema of {name} has no table")
    return Schema(name, kept, tuple(_parents_first(tables)))


def _table(connection: sqlite3.Connection, name: str, names: Sequence[str]) -> Table:
    quoted = '"' + name.replace('"', '""') + '"'
    information = connection.execute(f"PRAGMA table_xinfo({quoted})").fetchall()
    columns = tuple(
        Column(row[1], _kind(row[2] or ""), (row[2] or "").lower(), bool(row[3]), row[6] in (2, 3))
        for row in information
        if row[6] != 1
    )
    key = tuple(row[1] for row in sorted(information, key=lambda row: row[5]) if row[5])
    uniques = [key] if key else []
    for index in connection.execute(f"PRAGMA index_list({quoted})").fetchall():
        if index[2] and not index[4]:  # unique, and of all rows
            inside = [row[2] for row in connection.execute(f'PRAGMA index_info("{index[1]}")')]
            if all(inside) and tuple(inside) not in uniques:
                uniques.append(tuple(inside))
    foreign = _foreign(connection, quoted, {known.lower(): known for known in names})
    (statement,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()
    return Table(name, columns, key, tuple(uniques), tuple(foreign), statement)


def _foreign(connection: sqlite3.Connection, quoted: str, names: dict[str, str]) -> list[Foreign]:
    parts: dict[int, list[tuple[int, str, str | None, str]]] = {}
    for number, place, table, column, target, *_ in connection.execute(f"PRAGMA foreign_key_list({quoted})"):
        parts.setdefault(number, []).append((place, column, target, table))
    foreign = []
    for _, found in sorted(parts.items()):
        table = names.get(found[0][3].lower())
        if table is None:
            continue
        ordered = sorted(found)
        targets = [target for _, _, target, _ in ordered]
        if None in targets:
            inside = connection.execute('PRAGMA table_info("' + table.replace('"', '""') + '")').fetchall()
            targets = [row[1] for row in sorted(inside, key=lambda row: row[5]) if row[5]]
        if len(targets) == len(ordered):
            columns = tuple(column for _, column, _, _ in ordered)
            foreign.append(Foreign(columns, table, tuple(target or "" for target in targets)))
    return foreign


def _kind(declared: str) -> str:
    """The affinity of a declared type, by the rules of SQLite's documentation (Datatypes, 3.1)."""
    upper = declared.upper()
    if "INT" in upper:
        return "integer"
    if any(word in upper for word in ("CHAR", "CLOB", "TEXT")):
        return "text"
    if "BLOB" in upper or not upper:
        return "blob"
    return "real" if any(word in upper for word in ("REAL", "FLOA", "DOUB")) else "numeric"


def _parents_first(tables: Sequence[Table]) -> list[Table]:
    ordered: list[Table] = []
    waiting = list(tables)
    while waiting:
        placed = {table.name for table in ordered}
        ready = [
            table
            for table in waiting
            if all(foreign.table in placed or foreign.table == table.name for foreign in table.foreign)
        ]
        ordered += ready or waiting[:1]  # a ring of keys is cut where it began
        waiting = [table for table in waiting if table not in ordered]
    return ordered
