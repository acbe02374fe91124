"""What can go wrong outside a query.

A bad query never raises: it is data, an `Outcome`. These are for the person who calls: a wrong path, a missing extra,
a system that cannot be made safe.

    SqlrlError                      one clear line; the command line prints it and leaves with code 2
    ├── UsageError                  a wrong name, path, flag or value: what was given, and the nearest that would do
    ├── DataError                   a data set or file that cannot be read, or is not what it says it is
    │   ├── MissingSplitError       a split of a benchmark whose file is not there
    │   └── SourceError             a database or index that cannot be opened
    │       └── AccessError         a server that does not know the user, or another password
    ├── QueryError                  a query that was asked for as a stream of rows, and ended otherwise than OK
    ├── MissingExtraError           a package that an extra brings; says the exact `pip install`
    ├── SandboxError                a worker that cannot start, or a wall that was required and does not hold
    └── UnavailableError            a service (model endpoint, search engine, model hub) that does not answer
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlrl.executors.base import Outcome

__all__ = [
    "AccessError",
    "DataError",
    "MissingExtraError",
    "MissingSplitError",
    "QueryError",
    "SandboxError",
    "SourceError",
    "SqlrlError",
    "UnavailableError",
    "UsageError",
    "nearest",
]


class SqlrlError(Exception):
    """The root: every error that sqlrl raises on purpose."""


class UsageError(SqlrlError):
    """A wrong name, path, flag or value."""


class DataError(SqlrlError):
    """A data set or file that cannot be read, or is not what it says it is."""


class MissingSplitError(DataError):
    """A split of a benchmark whose file is not there, though others may be."""


class SourceError(DataError):
    """A database or index that cannot be opened."""


class AccessError(SourceError):
    """A server that does not know the user, or another password."""


class QueryError(SqlrlError):
    """A query that was asked for as a stream of rows, and ended otherwise than OK. outcome: how."""

    def __init__(self, outcome: Outcome, message: str) -> None:
        super().__init__(f"{outcome}: {message}")
        self.outcome = outcome
        self.message = message

    def __reduce__(self) -> tuple[type[QueryError], tuple[Outcome, str]]:
        return (QueryError, (self.outcome, self.message))


class MissingExtraError(SqlrlError):
    """A package is missing that one of sqlrl's extras brings."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed: pip install 'sqlrl[{extra}]'")
        self.package = package
        self.extra = extra

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str]]:
        return (MissingExtraError, (self.package, self.extra))


class SandboxError(SqlrlError):
    """A worker that cannot start, or a wall that was required and does not hold."""


class UnavailableError(SqlrlError):
    """A service that does not answer."""


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean X?` for the known word closest to `word`, or the whole list where none is close."""
    import difflib

    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(names)}"
