"""Groups: sources of one kind that share what runs their queries, and each source of a group as an executor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from sqlrl.executors.base import Comparison, Gold, Result
from sqlrl.executors.errors import SandboxError, UsageError
from sqlrl.executors.relations import RANKED, Relation

__all__ = ["Group", "Member", "relation_of_each"]

_Stream = TypeVar("_Stream", covariant=True)


class _Closing(ABC):
    """A context manager that closes."""

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class Group(_Closing, Generic[_Stream]):
    """Databases of one kind, asked together. `group[source]` is the executor of one of them."""

    def __getitem__(self, source: str) -> Member[_Stream]:
        return Member(self, *self.identify(source), owns_group=False)

    def only(self) -> Member[_Stream]:
        """The executor of a group of one, which closes the group with itself."""
        (source,) = self.sources
        return Member(self, *self.identify(source), owns_group=True)

    def require_walls(self) -> None:
        """SandboxError, and the group is closed, where a wall does not hold."""
        missing = [f"{name} ({held})" for name, held in self.walls.items() if held != "held"]
        if missing:
            self.close()
            raise SandboxError(f"walls that do not hold: {', '.join(missing)}")

    @property
    @abstractmethod
    def walls(self) -> dict[str, str]:
        """What stands between a query and all else: "held", or why not."""

    @property
    @abstractmethod
    def sources(self) -> list[str]:
        """The source URLs as they may be shown, in the order they were given."""

    @abstractmethod
    def identify(self, source: str) -> tuple[str, str]:
        """(the source as it may be shown, its dialect). SourceError where it is none of this group's."""

    @abstractmethod
    def execute_many(self, queries: Sequence[tuple[str, str]], *, limit: int | None = None) -> list[Result]:
        """Run (source, query) pairs; one that occurs several times runs once, unless clock or chance decide it."""

    async def aexecute(self, source: str, query: str, *, limit: int | None = None) -> Result:
        """Run one query without blocking the event loop. Cancelled, its query may run on until its time is up."""
        import asyncio  # not above: workers, which need none, start with this file too

        return (await asyncio.to_thread(self.execute_many, [(source, query)], limit=limit))[0]

    def __reduce__(self) -> Any:
        raise TypeError(f"a {type(self).__name__} cannot be pickled: open its sources anew where they are needed")

    @abstractmethod
    def compare_many(
        self, tasks: Sequence[tuple[str, str, Gold]], relation: Relation | Sequence[Relation], *, closely: bool = False
    ) -> list[Comparison]:
        """Compare (source, predicted query, gold) triples; see `Executor.compare_many`. closely: fill in the last two
        fields of each `Comparison`."""

    @abstractmethod
    def stream(self, source: str, query: str) -> _Stream:
        """The rows of one query of any length; the limits on rows and bytes don't count."""

    @abstractmethod
    def describe(
        self, source: str, sample_rows: int = 0, *, row_counts: bool = False, notes: str | Path | None = None
    ) -> str:
        """The schema of one database as DDL, with comments beneath each table.

        sample_rows: adds the first rows; row_counts: how many there are. notes: a folder of column descriptions, as
        BIRD has them. SourceError where the schema cannot be read in time.
        """


class Member(_Closing, Generic[_Stream]):
    """One database of a group, as an `Executor`."""

    def __init__(self, group: Group[_Stream], source: str, dialect: str, *, owns_group: bool) -> None:
        self.source = source
        self.dialect = dialect
        self._group = group
        self._owns_group = owns_group

    @property
    def walls(self) -> dict[str, str]:
        """See `Group.walls`."""
        return self._group.walls

    def describe(self, sample_rows: int = 0, *, row_counts: bool = True, notes: str | Path | None = None) -> str:
        """See `Group.describe`."""
        return self._group.describe(self.source, sample_rows, row_counts=row_counts, notes=notes)

    def execute(self, query: str, *, limit: int | None = None, context: Mapping[str, Any] | None = None) -> Result:
        """Run one read-only query; see `Executor.execute`."""
        return self.execute_many([query], limit=limit)[0]

    def execute_many(
        self, queries: Sequence[str], *, limit: int | None = None, context: Mapping[str, Any] | None = None
    ) -> list[Result]:
        """Run many; results in the order of the queries."""
        if isinstance(queries, (str, bytes)):
            raise UsageError("execute_many takes a list of queries; execute takes one")
        return self._group.execute_many([(self.source, query) for query in queries], limit=limit)

    def compare_many(
        self,
        pairs: Sequence[tuple[str, Gold]],
        relation: Relation | Sequence[Relation],
        *,
        context: Mapping[str, Any] | None = None,
    ) -> list[Comparison]:
        """Compare each predicted query's result with its gold, where the rows are; each gold is asked once."""
        return self._group.compare_many([(self.source, predicted, gold) for predicted, gold in pairs], relation)

    def stream(self, query: str) -> _Stream:
        """The rows of one query of any length, as they come. Raises QueryError where it ends otherwise than OK."""
        return self._group.stream(self.source, query)

    async def aexecute(self, query: str, *, limit: int | None = None) -> Result:
        """`execute` without blocking the event loop."""
        return await self._group.aexecute(self.source, query, limit=limit)

    def close(self) -> None:
        """End what runs its queries, if that is not shared with a larger group. Closing twice does nothing."""
        if self._owns_group:
            self._group.close()


def relation_of_each(tasks: Sequence[tuple[str, str, Gold]], relation: Relation | Sequence[Relation]) -> list[Relation]:
    """The relation of each (source, predicted query, gold). UsageError where these cannot be compared."""
    for *_, gold in tasks:
        if not isinstance(gold, Gold):
            raise UsageError(f"a query is compared with a Gold, not with {type(gold).__name__}")
        if gold.query is None and gold.rows is None:
            raise UsageError("a database compares with a gold query or gold rows")
    relations = list(relation) if isinstance(relation, Sequence) else [relation] * len(tasks)
    for each in relations:
        if not isinstance(each, Relation):
            raise UsageError(f"results are compared by a Relation, not by {each!r:.40}")
        if each.measure in RANKED:
            raise UsageError(f"{each.measure} measures rankings of documents, which a database does not give")
    if len(relations) != len(tasks):
        raise UsageError(f"{len(relations)} relations for {len(tasks)} comparisons")
    return relations
