"""A server's schema: what SQLAlchemy reads of it, as the statements that would make it."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Mapping
from typing import Any

from sqlrl.executors.base import Outcome, Row
from sqlrl.executors.description import describe_table
from sqlrl.executors.errors import QueryError
from sqlrl.executors.servers.session import Session
from sqlrl.executors.servers.statement import Statement

__all__ = ["describe"]


def describe(
    session: Session,
    allowed: frozenset[str] | None,
    sample_rows: int,
    row_counts: bool,
    notes: Mapping[str, Mapping[str, str]],
) -> str:
    """CREATE TABLE statements by name, with keys and without what only the server needs (indexes, sequences,
    collations); views as the columns that they show. Comments beneath each. QueryError where it cannot be read."""
    import sqlalchemy as sa

    parts = []
    try:
        inspector = sa.inspect(session.connection)
        for schema, name in _names(inspector, allowed):
            count = sample = None
            unread = ""
            place = _quoted(session, name, schema)
            try:
                with warnings.catch_warnings():  # about types that SQLAlchemy has no class for
                    warnings.simplefilter("ignore")
                    ddl, keys = _ddl(inspector, session, name, schema)
                if row_counts:
                    _, ((count,),) = _look(session, f"SELECT count(*) FROM {place}")
                if sample_rows:
                    order = f" ORDER BY {', '.join(_quoted(session, key) for key in keys)}" if keys else ""
                    sample = _look(session, f"SELECT * FROM {place}{order} LIMIT {int(sample_rows)}")
            except sa.exc.UnreflectableTableError as error:  # a view over what is gone
                ddl, unread = f"CREATE VIEW {place}", str(error).partition("\n")[0]
            except QueryError as ended:  # takes too long, or may not be asked
                if session.broken:
                    raise
                unread = "" if ended.outcome is Outcome.TIMED_OUT else ended.message
            parts.append(describe_table(ddl, count, sample, dict(notes.get(name.lower(), {})), unread))
    except sa.exc.DBAPIError as error:
        raise session.ended(error.orig or error) from None
    except sa.exc.SQLAlchemyError as error:
        raise session.ended(error) from None
    finally:
        with contextlib.suppress(Exception):
            session.connection.rollback()
    return "\n\n".join(parts)


def _names(inspector: Any, allowed: frozenset[str] | None) -> list[tuple[str | None, str]]:
    """(schema, name) of tables and views, None for the default schema; of others only what is in the list."""
    schemas: list[str | None] = [None]
    if allowed is not None:
        schemas += [
            name for name in inspector.get_schema_names() if any(a.startswith(f"{name.lower()}.") for a in allowed)
        ]
    found = []
    for schema in schemas:
        names = {*inspector.get_table_names(schema), *inspector.get_view_names(schema)}
        found += [
            (schema, name)
            for name in sorted(names)
            if allowed is None or (name if schema is None else f"{schema}.{name}").lower() in allowed
        ]
    return found


def _ddl(inspector: Any, session: Session, name: str, schema: str | None) -> tuple[str, list[str]]:
    """One statement, and the names of the key's columns."""
    keys = list(inspector.get_pk_constraint(name, schema).get("constrained_columns") or [])
    lines = []
    for column in inspector.get_columns(name, schema):
        kind = column["type"]
        for only_the_servers in ("collation", "charset", "display_width"):
            if getattr(kind, only_the_servers, None) is not None:
                setattr(kind, only_the_servers, None)
        line = f"{_quoted(session, column['name'])} {kind.compile(session.engine.dialect)}"
        if [column["name"]] == keys:
            line += " PRIMARY KEY"
        elif not column["nullable"]:
            line += " NOT NULL"
        lines.append(line)
    if len(keys) > 1:
        lines.append(f"PRIMARY KEY ({', '.join(_quoted(session, key) for key in keys)})")
    for key in inspector.get_foreign_keys(name, schema):
        columns = ", ".join(_quoted(session, column) for column in key["constrained_columns"])
        referred = ", ".join(_quoted(session, column) for column in key["referred_columns"])
        table = _quoted(session, key["referred_table"], key["referred_schema"])
        lines.append(f"FOREIGN KEY ({columns}) REFERENCES {table} ({referred})")
    what = "VIEW" if name in inspector.get_view_names(schema) else "TABLE"
    body = ",\n  ".join(lines)
    return f"CREATE {what} {_quoted(session, name, schema)} (\n  {body}\n)", keys


def _look(session: Session, text: str) -> tuple[tuple[str, ...], list[Row]]:
    """(columns, rows) of a query of ours. QueryError."""
    columns, rows, _ = session.run(Statement(text, frozenset(), True), None, None)
    return columns, rows


def _quoted(session: Session, name: str, schema: str | None = None) -> str:
    preparer = session.engine.dialect.identifier_preparer
    return ".".join(str(preparer.quote(part)) for part in (schema, name) if part)
