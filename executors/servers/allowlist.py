"""An allow-list: the tables that a query may read on a server, by sqlglot's reading of the query."""

from __future__ import annotations

import re
from typing import Any

from sqlrl.executors.base import Outcome
from sqlrl.executors.errors import QueryError
from sqlrl.executors.servers.session import Tables
from sqlrl.executors.servers.statement import Statement

__all__ = ["check_tables"]

_UNDERLINED = re.compile(r"\x1b\[[0-9;]*m")  # of a terminal: a parser's error marks a part of the query so


def check_tables(statement: Statement, parser: str | None, allowed: frozenset[str], known: Tables) -> None:
    """QueryError unless every table that the query names is in the list; what cannot be read is refused. Names of the
    default schema stand by themselves, others as schema.table. A view in the list may be read whatever is beneath it,
    as on the server. Functions of the database's own could read any table, and are refused."""
    import sqlglot
    from sqlglot import exp

    # What an operator calls, its name doesn't tell.
    own = sorted(statement.calls & (known.functions | {"operator"}) | statement.fields & known.computed)
    if own:
        raise QueryError(Outcome.REFUSED, f"with a list of tables, the function {own[0]} is not allowed")
    signs = sorted(own for own in known.operators if any(own in run for run in statement.signs))
    if signs:
        raise QueryError(Outcome.REFUSED, f"with a list of tables, the operator {signs[0]} is not allowed")
    try:
        trees = sqlglot.parse(statement.text, read=parser)
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        words = " ".join(_UNDERLINED.sub("", str(error)).split())[:160]
        raise QueryError(Outcome.REFUSED, f"with a list of tables, what cannot be read is refused: {words}") from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Query) or trees[0].find(exp.Command):
        raise QueryError(Outcome.REFUSED, "with a list of tables, what cannot be read is refused")
    tree = trees[0]
    given = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    shadowing = sorted((given & known.relations) - allowed)
    if shadowing:
        raise QueryError(Outcome.REFUSED, f"WITH may not take the name {shadowing[0]}")
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):  # a function: decided by its name
            continue
        name = _name(table, known.schema)
        if name not in allowed and not (name in given and not table.db):
            raise QueryError(Outcome.REFUSED, f"the table {name} is not one of those that may be read")


def _name(table: Any, schema: str) -> str:
    """As the list has it."""
    parts = [part.lower() for part in (table.catalog, table.db, table.name) if part]
    if len(parts) == 2 and parts[0] == schema:
        parts = parts[1:]
    return ".".join(parts)
