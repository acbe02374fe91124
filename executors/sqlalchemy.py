"""Server databases: PostgreSQL, MariaDB and MySQL, and whatever else has an SQLAlchemy dialect, as executors.

Queries run on the server, over a few connections at once; what they return is compared here. What stands between a
query and the data is said in `sqlrl.executors.servers`, dialect by dialect, and by `walls`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlrl.executors.base import Comparison, Gold, Limits, Outcome, Result, Row
from sqlrl.executors.description import read_column_notes
from sqlrl.executors.errors import QueryError, SourceError, SqlrlError
from sqlrl.executors.groups import Group
from sqlrl.executors.relations import Relation
from sqlrl.executors.servers.server import Ran, Server
from sqlrl.executors.servers.session import Settings

__all__ = ["ServerGroup", "ServerStream"]

SESSIONS = 4  # connections to one database, unless `workers` says otherwise
_T = TypeVar("_T")


class ServerGroup(Group["ServerStream"]):
    """Databases of servers of one kind, asked together. `group[source]` is the executor of one of them."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        limits: Limits | None = None,
        workers: int | None = None,
        tables: Sequence[str] | None = None,
        role: str | None = None,
        require_walls: bool = False,
    ) -> None:
        """urls: as SQLAlchemy writes them; see `open_executor`. Each is connected to once, to see that it answers and
        that it is safe to ask: SourceError, UnavailableError, SandboxError, UsageError, MissingExtraError."""
        self.limits = limits or Limits()
        chosen = None if tables is None else frozenset(name.lower() for name in tables)
        settings = Settings(self.limits, chosen, role)
        self._sessions = workers or SESSIONS
        servers = [Server(url, settings, self._sessions) for url in urls]
        self._servers = dict(zip(urls, servers, strict=True))
        self._shown = {server.source: server for server in servers}
        self._walls: dict[str, str] = {}
        try:
            for server in servers:
                with server.session() as session:
                    self._walls = dict(session.guards)
            if require_walls:
                self.require_walls()
        except BaseException:
            self.close()
            raise

    @property
    def walls(self) -> dict[str, str]:
        """Which guards hold on the server: "held", or what there is instead."""
        return dict(self._walls)

    @property
    def sources(self) -> list[str]:
        """The URLs without their passwords, in the order they were given."""
        return list(self._shown)

    def execute_many(self, queries: Sequence[tuple[str, str]], *, limit: int | None = None) -> list[Result]:
        """Run (source, query) pairs; one that occurs several times runs once, unless clock or chance decide it."""
        tasks = [(self._server(source), query) for source, query in queries]
        keys = [_key(server, index, query) for index, (server, query) in enumerate(tasks)]
        ran = self._each(keys, tasks, lambda server, query: server.run(query, keep_rows=limit))
        return [_result(each) for each in ran]

    def compare_many(
        self, tasks: Sequence[tuple[str, str, Gold]], relation: Relation | Sequence[Relation], *, closely: bool = False
    ) -> list[Comparison]:
        """Compare (source, predicted query, gold) triples; see `Group.compare_many`."""
        relations = [relation] * len(tasks) if isinstance(relation, Relation) else list(relation)
        if len(relations) != len(tasks):
            raise ValueError(f"{len(relations)} relations for {len(tasks)} comparisons")
        wanted = []
        keys = []
        for index, ((source, predicted, gold), how) in enumerate(zip(tasks, relations, strict=True)):
            if gold.query is None and gold.rows is None:
                raise ValueError("a database compares with a gold query or gold rows")
            server = self._server(source)
            wanted.append((server, predicted, gold, how, closely))
            right = gold.query if gold.query is not None else gold.rows
            keys.append((_key(server, index, predicted), right, how))
        return self._each(keys, wanted, lambda server, *task: server.compare(*task))

    def stream(self, source: str, query: str) -> ServerStream:
        """The rows of one query of any length; the limits on rows and bytes don't count, that on seconds counts for
        every piece."""
        return ServerStream(self._server(source), query)

    def describe(
        self, source: str, sample_rows: int = 0, *, row_counts: bool = False, notes: str | Path | None = None
    ) -> str:
        """The schema of one database as DDL, by name, with comments beneath each table.

        sample_rows: adds the first rows; row_counts: how many there are, where counting takes no longer than a query
        may. notes: a folder of column descriptions, as BIRD has them. SourceError where the schema cannot be read.
        """
        from sqlrl.executors.servers.schema import describe

        columns = read_column_notes(notes) if notes is not None else {}
        server = self._server(source)
        with server.session() as session:
            try:
                return describe(session, server.settings.tables, sample_rows, row_counts, columns)
            except QueryError as ended:
                raise SourceError(f"{server.source}: {ended.message}") from None

    def _each(self, keys: Sequence[Any], tasks: Sequence[tuple[Any, ...]], run: Callable[..., _T]) -> list[_T]:
        """What `run` gives for each task, once for tasks of one key, as many at a time as there may be sessions."""
        first: dict[Any, tuple[Any, ...]] = {}
        for key, task in zip(keys, tasks, strict=True):
            first.setdefault(key, task)
        if len(first) < 2:
            found = {key: run(*task) for key, task in first.items()}
        else:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(min(self._sessions, len(first)), thread_name_prefix="sqlrl") as threads:
                found = dict(zip(first, threads.map(lambda task: run(*task), first.values()), strict=True))
        return [found[key] for key in keys]

    def close(self) -> None:
        """End the connections. Closing twice does nothing."""
        for server in self._servers.values():
            server.close()

    def identify(self, source: str) -> tuple[str, str]:
        """See `Group.identify`."""
        server = self._server(source)
        return server.source, server.dialect

    def _server(self, source: str) -> Server:
        server = self._shown.get(source) or self._servers.get(source)
        if server is None:
            raise SourceError("that is not one of this group's databases")
        return server


class ServerStream:
    """The rows of one query, one by one; a context manager. columns: their names, known from the first piece on."""

    def __init__(self, server: Server, query: str) -> None:
        self._rows = self._read(server, query)
        self.columns: tuple[str, ...] = ()
        self._first = next(self._rows)

    def _read(self, server: Server, query: str) -> Generator[Row, None, None]:
        statement = server.read(query)
        try:
            with server.session() as session, contextlib.closing(session.pieces(statement)) as pieces:
                for columns, piece in pieces:
                    if not self.columns:
                        self.columns = columns
                        yield ()  # not a row: now the columns are known
                    yield from piece
        except QueryError:
            raise
        except SqlrlError as error:
            raise QueryError(Outcome.UNAVAILABLE, str(error)) from None

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        return next(self._rows)

    def close(self) -> None:
        """End the query where rows are left, and give its connection back."""
        self._rows.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _key(server: Server, index: int, query: Any) -> Any:
    """Equal for queries that must give the same result."""
    try:
        statement = server.read(query)
    except QueryError:
        return (index,)
    return (server.source, statement.text.strip()) if statement.repeatable else (index,)


def _result(ran: Ran) -> Result:
    return Result(ran.columns, tuple(ran.rows), ran.outcome, ran.message, ran.seconds, ran.truncated)
