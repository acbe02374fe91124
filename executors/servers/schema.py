"""A server's schema: what SQLAlchemy reads of it, as the statements that would make it."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Mapping
from typing import Any

from sqlrl.executors.base import Outcome, Row
from sqlrl.executors.description import describe_table
from sqlrl.executors.errors import QueryError
from sqlrl.executors.servers.reflection import quoted, reflect
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
    collations); views as the columns that they show. Comments beneath each. What may not be read is not told of, where
    the server says what that is. QueryError where the schema cannot be read."""
    import sqlalchemy as sa

    parts = []
    try:
        inspector = sa.inspect(session.connection)
        names = _names(inspector, allowed)
        default = inspector.default_schema_name
        places = sorted({schema or default for schema, _ in names})
        may = session.readable(places) if names else None
        views = {(schema, name) for schema in {each for each, _ in names} for name in inspector.get_view_names(schema)}
        for schema, name in names:
            if may is not None and (schema or default, name) not in may and (schema, name) not in views:
                continue
            count = sample = None
            unread = ""
            place = quoted(session, name, schema)
            try:
                with warnings.catch_warnings():  # about types that SQLAlchemy has no class for
                    warnings.simplefilter("ignore")
                    table = reflect(inspector, session, name, schema)
                if may is not None:
                    table = table.only(may, schema or default, name)
                if may is not None and not table.columns:  # a view that may not be read; a broken one was refused above
                    continue
                ddl = table.ddl(session, "VIEW" if (schema, name) in views else "TABLE", name, schema)
                if row_counts:
                    _, ((count,),) = _look(session, f"SELECT count(*) FROM {place}")
                if sample_rows:
                    order = f" ORDER BY {', '.join(quoted(session, key) for key in table.keys)}" if table.keys else ""
                    columns = ", ".join(quoted(session, column.name) for column in table.columns)
                    sample = _look(session, f"SELECT {columns} FROM {place}{order} LIMIT {int(sample_rows)}")
            except sa.exc.UnreflectableTableError as error:  # a view over what is gone
                ddl, unread = f"CREATE VIEW {place}", str(error).partition("\n")[0]
            except QueryError as ended:  # takes too long, or may not be asked
                if session.broken:
                    raise
                unread = "" if ended.outcome is Outcome.TIMED_OUT else ended.message
            parts.append(describe_table(ddl, count, sample, dict(notes.get(name.lower(), {})), unread))
    except (sa.exc.DBAPIError, session.engine.dialect.loaded_dbapi.Error) as error:
        raise session.ended(getattr(error, "orig", None) or error) from None
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


def _look(session: Session, text: str) -> tuple[tuple[str, ...], list[Row]]:
    """(columns, rows) of a query of ours. QueryError."""
    columns, rows, _ = session.run(Statement(text, frozenset(), True), None, None)
    return columns, rows
