"""Who runs a query, and what came back: the floor that everything else stands on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if __name__ != "sqlrl.executors":
    raise ImportError("import sqlrl.executors: a top-level 'executors' would be a second copy of every class")

from sqlrl.executors.base import Comparison, Executor, Gold, Limits, Outcome, Result
from sqlrl.executors.errors import UsageError
from sqlrl.executors.source import locate

if TYPE_CHECKING:
    from sqlrl.executors.embedded import EmbeddedExecutor, ExecutorGroup

__all__ = ["Comparison", "Executor", "Gold", "Limits", "Outcome", "Result", "open_executor", "open_executors"]


def open_executor(
    source: str | Sequence[str],
    *,
    limits: Limits | None = None,
    workers: int | None = None,
    tables: Sequence[str] | None = None,
    require_walls: bool = False,
) -> EmbeddedExecutor:
    """The executor of one source: `sqlite:///shop.sqlite`, `duckdb:///shop.duckdb`, `parquet:///folder`,
    `csv:///folder`, a list of Parquet and CSV files, or a path whose content tells what it is.

    Of a folder, each Parquet or CSV file is a table of that name, each folder in it one of all its files; what is added
    later is not seen. workers: processes, by default one for each processor. tables: the only tables and views that
    queries may read (a view needs the tables beneath it in the list as well); the engine itself holds to it on SQLite,
    its parser and its binder on DuckDB. require_walls: raise SandboxError unless every wall of the operating system
    holds. SourceError where there is no such source.
    """
    from sqlrl.executors.embedded import EmbeddedExecutor, ExecutorGroup

    return EmbeddedExecutor.alone(
        ExecutorGroup([locate(source)], limits=limits, workers=workers, tables=tables, require_walls=require_walls)
    )


def open_executors(
    sources: Sequence[str], *, limits: Limits | None = None, workers: int | None = None, require_walls: bool = False
) -> ExecutorGroup:
    """Many sources of one kind behind one pool of workers."""
    from sqlrl.executors.embedded import ExecutorGroup

    located = [locate(source) for source in sources]
    dialects = {each.kind.dialect for each in located}
    if len(dialects) > 1:
        raise UsageError(f"a group holds sources of one kind, not {' and '.join(sorted(dialects))}")
    return ExecutorGroup(located, limits=limits, workers=workers, require_walls=require_walls)
