"""Who runs a query, and what came back: the floor that everything else stands on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if __name__ != "sqlrl.executors":
    raise ImportError("import sqlrl.executors: a top-level 'executors' would be a second copy of every class")

from sqlrl.executors.base import Comparison, Executor, Gold, Limits, Outcome, Result, check_count
from sqlrl.executors.errors import UsageError

if TYPE_CHECKING:
    from sqlrl.executors.groups import Group, Member
    from sqlrl.executors.sandbox.stream import Stream
    from sqlrl.executors.search import SearchMember
    from sqlrl.executors.sqlalchemy import ServerStream

__all__ = ["Comparison", "Executor", "Gold", "Limits", "Outcome", "Result", "open_executor", "open_executors"]


def open_executor(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    limits: Limits | None = None,
    workers: int | None = None,
    tables: Sequence[str] | None = None,
    role: str | None = None,
    require_walls: bool = False,
) -> Member[Stream | ServerStream] | SearchMember:
    """The executor of one source: `sqlite:///shop.sqlite`, `duckdb:///shop.duckdb`, `parquet:///folder`,
    `csv:///folder`, a list of Parquet and CSV files, a path whose content tells what it is, or a server's database:
    `postgresql://user@host/shop`, `mysql://user@host/shop`, `mariadb://user@host/shop`.

    Of a folder, each Parquet or CSV file is a table of that name, each folder in it one of all its files; what is added
    later is not seen. A search engine: `bm25:///index`, `dense:///index`, `boolean:///index`, or a bare path to one of
    these; `pubmed:`, `trials:`, `opensearch://host/index`.

    workers: processes, by default one for each processor. tables: the only tables and views that
    queries may read (a view needs the tables beneath it in the list as well); the engine itself holds to it on SQLite,
    its parser and its binder on DuckDB. require_walls: raise SandboxError unless every wall of the operating system
    holds. SourceError where there is no such source.

    A server's database may be any that SQLAlchemy has a dialect for; `walls` says what then guards it. workers:
    connections. Connecting as a user who could do more than read rows (a superuser, or FILE and the like) raises
    SandboxError; on PostgreSQL, `role` names an ordinary role to act as instead. tables: by the reading of each query
    on PostgreSQL, MariaDB and MySQL; a view may be listed without the tables beneath it. UnavailableError where the
    server does not answer.
    """
    source = os.fspath(source) if isinstance(source, os.PathLike) else source
    if tables is not None:
        _check_tables(tables)
    check_count(workers, "workers", least=1)
    _check_limits(limits)
    from sqlrl.executors.address import is_search

    if isinstance(source, str) and is_search(source):
        from sqlrl.executors.search import SearchGroup

        if tables is not None or role is not None:
            raise UsageError("tables and role are for databases: a search engine has none")
        return SearchGroup([source], limits=limits, workers=workers).only()
    from sqlrl.executors.source import is_server, locate  # not above: workers start with this file too

    if isinstance(source, str) and is_server(source):
        from sqlrl.executors.sqlalchemy import ServerGroup

        return ServerGroup(
            [source], limits=limits, workers=workers, tables=tables, role=role, require_walls=require_walls
        ).only()
    if role is not None:
        raise UsageError("role goes with postgresql://")
    from sqlrl.executors.embedded import EmbeddedGroup

    located = [locate(source)]
    return EmbeddedGroup(located, limits=limits, workers=workers, tables=tables, require_walls=require_walls).only()


def open_executors(
    sources: Sequence[str], *, limits: Limits | None = None, workers: int | None = None, require_walls: bool = False
) -> Group[Any]:
    """Many sources of one kind behind one pool of workers, or of one kind of server, or search engines."""
    check_count(workers, "workers", least=1)
    _check_limits(limits)
    from sqlrl.executors.address import is_search

    if any(is_search(source) for source in sources):
        from sqlrl.executors.search import SearchGroup

        if not all(is_search(source) for source in sources):
            raise UsageError("a group holds search engines or databases, not both")
        return SearchGroup(sources, limits=limits, workers=workers)
    from sqlrl.executors.embedded import EmbeddedGroup
    from sqlrl.executors.source import is_server, locate

    if any(is_server(source) for source in sources):
        from sqlrl.executors.sqlalchemy import ServerGroup

        if not all(is_server(source) for source in sources):
            raise UsageError("a group holds files or servers, not both")
        return ServerGroup(sources, limits=limits, workers=workers, require_walls=require_walls)
    located = [locate(source) for source in sources]
    dialects = {each.kind.dialect for each in located}
    if len(dialects) > 1:
        raise UsageError(f"a group holds sources of one kind, not {' and '.join(sorted(dialects))}")
    return EmbeddedGroup(located, limits=limits, workers=workers, require_walls=require_walls)


def _check_tables(tables: Sequence[str]) -> None:
    if isinstance(tables, str):
        raise UsageError(f"tables is a list of names, not the text {tables!r}")
    for name in tables:
        if not isinstance(name, str):
            raise UsageError(f"tables is a list of names, not of {type(name).__name__}")


def _check_limits(limits: Limits | None) -> None:
    if limits is not None and not isinstance(limits, Limits):
        raise UsageError(f"limits is Limits(seconds=2), not {type(limits).__name__}")
