"""An allow-list: the tables that a query may read, checked on DuckDB's own reading of the query."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from sqlrl.executors.base import Outcome
from sqlrl.executors.names import fold
from sqlrl.executors.sandbox.worker import QueryEnded

__all__ = ["check_tables", "first_line", "is_listed"]

# With a list of tables, the only functions that may stand in FROM: they make rows of their arguments alone.
SAFE_TABLE_FUNCTIONS = frozenset(["generate_series", "json_each", "json_tree", "range", "repeat_row", "unnest"])
# Functions whose text argument is a query, which neither the parser nor the binder sees as one.
_TAKE_QUERIES = ("json_serialize_", "json_deserialize_", "json_execute_")
_PARTS = re.compile(r'"(?:[^"]|"")*"|[^."]+')
_SPACE = re.compile(r"\s+")


def check_tables(connection: Any, query: str, allowed: frozenset[str], *, over_files: bool = False) -> None:
    """By the list of tables, twice: as DuckDB's parser reads the names, and as its binder resolves them. Views and
    macros are resolved to the tables beneath, so these must be in the list as well. What is not understood is
    refused. over_files: whether all views are of the engine's own making, over the files of their names: then there is
    nothing to be resolved, and the binder, asked for names alone, would not know a list of files."""
    (text,) = connection.execute("SELECT json_serialize_sql($1::VARCHAR)", [query]).fetchone() or ("",)
    try:
        tree = json.loads(text)
    except RecursionError:
        raise QueryEnded(Outcome.REFUSED, "the query is nested too deeply") from None
    if tree.get("error"):
        raise QueryEnded(Outcome.INVALID, _SPACE.sub(" ", str(tree.get("error_message", "cannot be parsed"))))
    named = _Named()
    named.read(tree)
    catalogue = {
        fold(name)
        for (name,) in connection.execute(
            "SELECT table_name FROM duckdb_tables() UNION ALL SELECT view_name FROM duckdb_views()"
        ).fetchall()
    }
    (database,) = connection.execute("SELECT current_database()").fetchone()
    shadowed = sorted((named.ctes & catalogue) - allowed)
    if shadowed:
        raise QueryEnded(Outcome.REFUSED, f"WITH may not take the name {shadowed[0]}")
    for path in named.tables:
        if not is_listed(path, fold(database), allowed) and not (len(path) == 1 and fold(path[0]) in named.ctes):
            raise QueryEnded(Outcome.REFUSED, f"the table {path[-1]} is not one of those that may be read")
    if named.refused:
        raise QueryEnded(Outcome.REFUSED, f"with a list of tables, {named.refused[0]} is not allowed")
    if over_files:
        return
    try:
        names = connection.get_table_names(query, qualified=True)
    except duckdb.Error as error:
        message = f"with a list of tables, what cannot be resolved is refused: {first_line(error)}"
        raise QueryEnded(Outcome.REFUSED, message) from None
    for resolved in names:
        path = [part.strip('"').replace('""', '"') for part in _PARTS.findall(resolved)]
        if not is_listed(path, fold(database), allowed):
            raise QueryEnded(Outcome.REFUSED, f"the table {resolved} is not one of those that may be read")


def is_listed(path: Sequence[str], database: str, allowed: frozenset[str]) -> bool:
    """Whether [database, schema,] table is in the list, where a table of the main schema stands by its name alone and
    others as schema.table."""
    parts = [fold(part) for part in path]
    if len(parts) > 1 and parts[0] == database:
        parts = parts[1:]
    if len(parts) > 1 and parts[0] == "main":
        parts = parts[1:]
    return ".".join(parts) in allowed


class _Named:
    """What a serialised statement names. tables: paths of names; ctes: names that its WITHs give; refused: what reads
    something else than tables."""

    def __init__(self) -> None:
        self.tables: list[list[str]] = []
        self.ctes: set[str] = set()
        self.refused: list[str] = []

    def read(self, tree: Any) -> None:
        """Everything below one node; a stack of its own, since queries may be nested deeper than Python recurses."""
        waiting = [tree]
        while waiting:
            node = waiting.pop()
            if isinstance(node, list):
                waiting.extend(node)
            elif isinstance(node, dict):
                self._read_node(node)
                waiting.extend(node.values())

    def _read_node(self, node: Mapping[str, Any]) -> None:
        kind = node.get("type")
        if isinstance(node.get("cte_map"), dict):
            self.ctes |= {fold(str(entry["key"])) for entry in node["cte_map"].get("map", [])}
        if kind == "BASE_TABLE":
            path = (node.get("qualified_name") or {}).get("path") or [node.get("table_name", "")]
            self.tables.append([str(part) for part in path])
        elif kind == "TABLE_FUNCTION":
            name = str(node.get("function", {}).get("function_name", "")).lower()
            if name not in SAFE_TABLE_FUNCTIONS:
                self.refused.append(f"the function {name or '?'} in FROM")
        elif kind == "FUNCTION" and str(node.get("function_name", "")).lower().startswith(_TAKE_QUERIES):
            self.refused.append(f"the function {node['function_name']}")
        elif kind == "SHOW_REF" and not node.get("query"):
            self.refused.append("SHOW")
        elif isinstance(kind, str) and kind.endswith(("DELETE_QUERY_NODE", "INSERT_QUERY_NODE", "UPDATE_QUERY_NODE")):
            self.refused.append("writing")


def first_line(error: BaseException) -> str:
    """DuckDB's words without the picture of the query that it draws beneath."""
    text = str(error).partition("\n\n")[0]
    return _SPACE.sub(" ", text).strip() or type(error).__name__
