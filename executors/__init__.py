"""Who runs a query, and what came back: the floor that everything else stands on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

if __name__ != "sqlrl.executors":
    raise ImportError("import sqlrl.executors: a top-level 'executors' would be a second copy of every class")

from sqlrl.executors.base import Comparison, Executor, Gold, Limits, Outcome, Result
from sqlrl.executors.errors import SourceError, UsageError, nearest

if TYPE_CHECKING:
    from sqlrl.executors.embedded import EmbeddedExecutor, ExecutorGroup

__all__ = ["Comparison", "Executor", "Gold", "Limits", "Outcome", "Result", "open_executor", "open_executors"]

# scheme -> (engine inside the worker, dialect); an engine's module is imported where it is first used
SCHEMES = {"sqlite": ("sqlrl.executors.sqlite:SQLiteEngine", "sqlite")}
_HEADERS = {b"SQLite format 3\x00": "sqlite"}


def open_executor(
    source: str, *, limits: Limits | None = None, workers: int | None = None, require_walls: bool = False
) -> EmbeddedExecutor:
    """The executor of one source: `sqlite:///shop.sqlite`, or a path whose content tells what it is.

    workers: processes, by default one for each processor. require_walls: raise SandboxError unless every wall of the
    operating system holds. SourceError where there is no such source.
    """
    from sqlrl.executors.embedded import EmbeddedExecutor

    return EmbeddedExecutor.alone(open_executors([source], limits=limits, workers=workers, require_walls=require_walls))


def open_executors(
    sources: Sequence[str], *, limits: Limits | None = None, workers: int | None = None, require_walls: bool = False
) -> ExecutorGroup:
    """Many sources of one kind behind one pool of workers."""
    from sqlrl.executors.embedded import ExecutorGroup

    places: dict[str, str] = {}
    schemes: set[str] = set()
    for source in sources:
        scheme, path = _locate(source)
        places[source] = path
        schemes.add(scheme)
    if len(schemes) > 1:
        raise UsageError(f"a group holds sources of one kind, not {' and '.join(sorted(schemes))}")
    engine, dialect = SCHEMES[schemes.pop() if schemes else "sqlite"]
    return ExecutorGroup(
        places, engine=engine, dialect=dialect, limits=limits, workers=workers, require_walls=require_walls
    )


def _locate(source: str) -> tuple[str, str]:
    """(scheme, absolute path) of a source, after a look at what the file is."""
    scheme, separator, rest = source.partition("://")
    if not separator:
        scheme, path = "", source
    elif scheme not in SCHEMES:
        raise UsageError(f"no executor for {scheme}://{nearest(scheme, SCHEMES)}")
    else:
        path = rest.removeprefix("/") if rest.startswith("/") else rest
    path = os.path.abspath(os.path.expanduser(path or "."))
    try:
        with open(path, "rb") as file:
            found = _HEADERS.get(file.read(16))
            empty = os.fstat(file.fileno()).st_size == 0
    except IsADirectoryError:
        raise SourceError(f"{path} is a folder, not a database") from None
    except FileNotFoundError:
        raise SourceError(f"there is no file {path}") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from None
    if scheme == "sqlite" and empty:  # SQLite's own reading: a database without tables
        return scheme, path
    if found is None or scheme not in ("", found):
        raise SourceError(
            f"{path} is not {'a database' if not scheme else f'an {scheme} database'} of a kind known here"
        )
    return found, path
