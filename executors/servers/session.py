"""A session: one guarded connection to a server, where each query has a read-only transaction of its own.

This module holds what every SQLAlchemy dialect can do. What PostgreSQL and MariaDB or MySQL enforce besides stands in
their own modules.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from sqlrl.executors.base import Limits, Outcome, Row
from sqlrl.executors.errors import QueryError, SourceError, UnavailableError, UsageError
from sqlrl.executors.servers.statement import Statement

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from sqlrl.executors.servers.reflection import Readable, Reflection

__all__ = [
    "ROWS_A_PIECE",
    "Pieces",
    "Session",
    "Settings",
    "Tables",
    "one_line",
    "shown",
    "size_of",
    "unavailable",
    "without_password",
]

ROWS_A_PIECE = 500
SECRETS = ("passwd", "password", "sslpassword")  # what drivers also take after the question mark
CELL_BYTES = 16  # what a cell takes beside its text
_SPACE = re.compile(r"\s+")

Pieces = Generator[tuple[tuple[str, ...], list[Row]], None, None]  # the columns' names with some of the rows


@dataclass(frozen=True, slots=True)
class Settings:
    """tables: all that queries may read, in lower case, or None. role: what PostgreSQL is to act as."""

    limits: Limits
    tables: frozenset[str] | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Tables:
    """What the server knows: its default schema, the names of every relation, and of every function that is not its
    own; all in lower case. computed: those of these functions that are called by a field's name as well.
    operators: those that call one of these functions, unless it is compiled."""

    schema: str
    relations: frozenset[str]
    functions: frozenset[str]
    computed: frozenset[str] = frozenset()
    operators: frozenset[str] = frozenset()


class Session:
    """Any dialect. broken: the connection must not be used again."""

    dialect = "sql"  # for the reading of statements
    parser: str | None = None  # sqlglot's name of the dialect
    driver_name: str | None = None  # SQLAlchemy's name of dialect and driver, None for what the URL says
    guards: ClassVar[dict[str, str]] = {
        "read-only": "by the words of the query and a rollback only",
        "time-out": "between rows only",
        "session reset": "by a rollback only",
    }

    def __init__(self, url: URL, settings: Settings) -> None:
        """UnavailableError where no server answers, SourceError where it does not let us in, UsageError and
        SandboxError where it would let us do too much."""
        import sqlalchemy as sa

        self.url = url
        self.settings = settings
        self.limits = settings.limits
        self.broken = False
        self.deadline = float("inf")
        self.forbidden: frozenset[str] = frozenset()
        self.forbidden_signs: frozenset[str] = frozenset()  # operators
        self.tables: Tables | None = None
        self.engine = self._engine()
        try:
            self.connection = self.engine.connect()
            self.driver: Any = self.connection.connection.driver_connection
            self._open()
        except sa.exc.DBAPIError as error:
            self.close()
            raise self._not_opened(error.orig or error) from None
        except sa.exc.SQLAlchemyError as error:
            self.close()
            raise SourceError(f"{self.source}: {self.clean(error)}") from None
        except BaseException as error:
            self.close()
            if isinstance(error, self.engine.dialect.loaded_dbapi.Error):
                raise self._not_opened(error) from None
            raise

    @property
    def source(self) -> str:
        """The URL without its password."""
        return shown(self.url)

    def close(self) -> None:
        """Let go of the connection, whatever state it is in."""
        self.broken = True
        with contextlib.suppress(Exception):
            self.connection.invalidate()
            self.connection.close()
        with contextlib.suppress(Exception):
            self.engine.dispose()

    # -- queries

    def run(
        self, statement: Statement, most_rows: int | None, keep_rows: int | None
    ) -> tuple[tuple[str, ...], list[Row], bool]:
        """(columns, rows, truncated). most_rows: stop one row past this, nothing further can matter; keep_rows: the
        first rows only. QueryError where the query ends otherwise than OK."""
        wanted = min(bound for bound in (self.limits.rows, most_rows, keep_rows) if bound is not None)
        columns: tuple[str, ...] = ()
        rows: list[Row] = []
        size = 0
        with contextlib.closing(self.pieces(statement, wanted + 1)) as pieces:
            for names, piece in pieces:
                columns = names
                rows += piece
                size += size_of(piece)
                if size > self.limits.bytes:
                    raise QueryError(Outcome.TOO_LARGE, f"the result is larger than {self.limits.bytes:,} bytes")
                if len(rows) > wanted:
                    break
        if len(rows) <= wanted:
            return columns, rows, False
        if keep_rows is not None and wanted == keep_rows:
            return columns, rows[:keep_rows], True
        if most_rows is not None and wanted == most_rows:
            return columns, rows, True
        raise QueryError(Outcome.TOO_LARGE, f"more than {self.limits.rows:,} rows")

    def pieces(self, statement: Statement, rows: int | None = None) -> Pieces:
        """(columns, rows) piece by piece, at least one. rows: how many are wanted, None for all."""
        computed = statement.fields & self.tables.computed if self.tables is not None else frozenset()
        unknown = sorted((statement.calls | computed) & self.forbidden)
        if unknown:
            raise QueryError(Outcome.REFUSED, f"the function {unknown[0]} is not allowed: it may do more than read")
        signs = sorted(sign for sign in self.forbidden_signs if any(sign in run for run in statement.signs))
        if signs:
            raise QueryError(Outcome.REFUSED, f"the operator {signs[0]} is not allowed: it may do more than read")
        if self.settings.tables is not None:
            from sqlrl.executors.servers.allowlist import check_tables

            assert self.tables is not None
            check_tables(statement, self.parser, self.settings.tables, self.tables)
        # A reader who takes his time is not the query's fault.
        self.deadline = time.monotonic() + self.limits.seconds if rows is not None else float("inf")
        try:
            self._begin(rows)
            yield from self._read(statement.text, rows)
        except GeneratorExit:
            raise
        except Exception as error:
            ended = error if isinstance(error, QueryError) else self.ended(error)
            self.broken = self.broken or ended.outcome is Outcome.UNAVAILABLE
            raise ended from None
        except BaseException:  # Ctrl-C, in the middle of a conversation with the server
            self.broken = True
            raise
        finally:
            self.deadline = float("inf")
            self._finish()

    def _finish(self) -> None:
        """Leave nothing behind, or be broken."""
        if not self.broken:
            try:
                self._end()
            except Exception:
                self.broken = True

    def look(self) -> None:
        """QueryError where the time is up."""
        if time.monotonic() > self.deadline:
            raise QueryError(Outcome.TIMED_OUT, "out of time")

    def clean(self, error: BaseException) -> str:
        """The words of an error on one line, without a password."""
        return one_line(str(error), str(self.url.password or "")) or type(error).__name__

    # -- what dialects do differently

    def _engine(self) -> Any:
        import sqlalchemy as sa
        from sqlalchemy.pool import NullPool

        url = self.url.set(drivername=self.driver_name) if self.driver_name else self.url
        try:
            return sa.create_engine(url, poolclass=NullPool)
        except ModuleNotFoundError as error:
            raise UsageError(f"{self.url.drivername}:// needs the package {error.name}") from None

    def _open(self) -> None:
        """See that the connection can do no harm, and learn what its guards need."""
        if self.settings.role is not None:
            raise UsageError(f"role goes with postgresql://, not {self.url.drivername}://")
        if self.settings.tables is not None:
            raise UsageError(f"tables goes with postgresql:// and mysql://, not {self.url.drivername}://")

    def readable(self, schemas: Sequence[str]) -> Readable | None:
        """The columns in these schemas that the user may read; None where only the queries themselves would tell."""
        return None

    def told(self, error: BaseException | None, schema: str, table: str) -> Reflection | None:
        """What the server tells of a table to those who may not ask how it was made, if that is what the error says."""
        return None

    def _not_opened(self, error: BaseException) -> Exception:
        return SourceError(f"{self.source}: {self.clean(error)}")

    def _begin(self, rows: int | None) -> None:
        """A transaction; `rows` may be used to let the server stop by itself."""
        if self.connection.in_transaction():
            self.connection.rollback()

    def _read(self, text: str, rows: int | None) -> Pieces:
        result = self.connection.execution_options(stream_results=True, no_parameters=True).exec_driver_sql(text)
        try:
            columns = tuple(result.keys())
            while True:
                piece = [tuple(row) for row in result.fetchmany(ROWS_A_PIECE)]
                self.look()
                yield columns, piece
                if len(piece) < ROWS_A_PIECE:
                    return
        finally:
            result.close()

    def _end(self) -> None:
        self.connection.rollback()

    def ended(self, error: BaseException) -> QueryError:
        """What an exception of the driver says about the query."""
        original = getattr(error, "orig", None) or error
        lost = bool(getattr(error, "connection_invalidated", False))
        return QueryError(Outcome.UNAVAILABLE if lost else Outcome.INVALID, self.clean(original))


def without_password(text: str) -> str:
    """A URL as it may be written down; `{database}` in it stays."""
    import sqlalchemy as sa

    return shown(sa.make_url(text)).replace("%7Bdatabase%7D", "{database}")


def shown(url: URL) -> str:
    """A URL without its passwords."""
    return url.difference_update_query(SECRETS).render_as_string(hide_password=True)


def size_of(rows: Sequence[Row]) -> int:
    """About how many bytes rows take."""
    text = sum(len(cell) for row in rows for cell in row if isinstance(cell, (str, bytes)))
    return text + CELL_BYTES * sum(map(len, rows))


def one_line(text: str, secret: str = "") -> str:
    """The first line that says something, without a secret."""
    line = next((line for line in text.splitlines() if line.strip()), "")
    line = _SPACE.sub(" ", line).strip()
    return line.replace(secret, "***") if len(secret) > 2 else line


def unavailable(source: str, words: str) -> UnavailableError:
    """No server, or none that takes us now."""
    return UnavailableError(f"{source} does not answer: {words}")
