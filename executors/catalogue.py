"""A catalogue: the tables and views of a DuckDB database, with the statements that made them."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlrl.executors.allowlist import is_listed

__all__ = ["Entry", "quoted", "read_catalogue"]


class Entry(NamedTuple):
    """kind: "table" or "view"; ddl: the statement that makes it."""

    kind: str
    schema: str
    name: str
    ddl: str

    @property
    def place(self) -> str:
        """Schema and name, as a query has them."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"


def read_catalogue(connection: Any, allowed: frozenset[str] | None, *, over_files: bool) -> list[Entry]:
    """Every table and view in the order that the database keeps them in, or those of a list; a view over files reads as
    the table that it is."""
    found = connection.execute(
        "SELECT kind, schema_name, name, sql FROM (SELECT 'table' AS kind, table_oid AS oid, schema_name, "
        "table_name AS name, sql FROM duckdb_tables() WHERE NOT internal UNION ALL SELECT 'view', view_oid, "
        "schema_name, view_name, sql FROM duckdb_views() WHERE NOT internal) ORDER BY oid"
    ).fetchall()
    entries = [Entry(*row) for row in found if allowed is None or is_listed(row[1:3], "", allowed)]
    if not over_files:
        return entries
    return [Entry("table", entry.schema, entry.name, _ddl_of_files(connection, entry.name)) for entry in entries]


def _ddl_of_files(connection: Any, name: str) -> str:
    columns = connection.execute(
        "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = $1 ORDER BY column_index", [name]
    ).fetchall()
    return f"CREATE TABLE {quoted(name)}({', '.join(f'{quoted(column)} {kind}' for column, kind in columns)})"


def quoted(name: str) -> str:
    """A name as SQL has it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'
