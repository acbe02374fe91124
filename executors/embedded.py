"""Embedded databases: groups of executors whose engine runs inside the sandbox, in the workers of one pool."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from sqlrl.executors.base import Comparison, Gold, Limits, Outcome, Result, check_count
from sqlrl.executors.description import read_column_notes
from sqlrl.executors.duplicates import is_repeatable, likeness
from sqlrl.executors.errors import QueryError, SourceError
from sqlrl.executors.groups import Group, relation_of_each
from sqlrl.executors.relations import Relation
from sqlrl.executors.sandbox import wire
from sqlrl.executors.sandbox.pool import Pool
from sqlrl.executors.sandbox.process import Workplace
from sqlrl.executors.sandbox.stream import Stream
from sqlrl.executors.sandbox.tasks import Reply
from sqlrl.executors.source import SCHEMES, Located

__all__ = ["EmbeddedGroup"]

LONGEST_QUERY = 100_000  # characters
_WHAT_ENDED = {
    Outcome.TIMED_OUT: "out of time",
    Outcome.CRASHED: "ended its worker twice",
    Outcome.UNAVAILABLE: "its source is gone, or was replaced again and again",
}


class EmbeddedGroup(Group[Stream]):
    """Databases of one engine that share one pool; see `Group`."""

    def __init__(
        self,
        located: Sequence[Located],
        *,
        limits: Limits | None = None,
        workers: int | None = None,
        tables: Sequence[str] | None = None,
        require_walls: bool = False,
    ) -> None:
        """located: sources of one kind; tables: see `open_executor`."""
        self.limits = limits or Limits()
        # What another process needs to do the same with workers of its own.
        self._again = partial(
            EmbeddedGroup, tuple(located), limits=limits, workers=workers, tables=tables, require_walls=require_walls
        )
        self._places = {each.source: each for each in located}
        kind = located[0].kind if located else SCHEMES["sqlite"]
        files = tuple(sorted({each.path for each in located}))
        place = Workplace(kind.engine, files, self.limits, kind.packages, None if tables is None else tuple(tables))
        self._pool = Pool(place, workers)
        weakref.finalize(self, self._pool.let_go).atexit = False
        if require_walls:
            self.require_walls()

    def __reduce__(self) -> Any:
        """Pickled and copied by its sources and settings: the copy has workers of its own, once it is asked."""
        return self._again, ()

    @property
    def walls(self) -> dict[str, str]:
        """Which walls hold around the workers: "held", or why not. Starts a worker if none runs."""
        return self._pool.report()

    @property
    def sources(self) -> list[str]:
        """The source URLs, in the order they were given."""
        return list(self._places)

    def execute_many(self, queries: Sequence[tuple[str, str]], *, limit: int | None = None) -> list[Result]:
        """Run (source, query) pairs; one that occurs several times runs once, unless clock or chance decide it."""
        check_count(limit, "limit")
        results: list[Result | None] = [None] * len(queries)
        asked: dict[Any, list[int]] = {}

        def tasks() -> Iterator[tuple[Any, ...]]:
            for index, (source, query) in enumerate(queries):
                place = self._place(source)
                refusal = _refusal(query)
                if refusal:
                    results[index] = Result(outcome=Outcome.REFUSED, message=refusal)
                    continue
                # Not by likeness: a column without a name is named by its text, spaces included.
                key = (query, place.source) if is_repeatable(query) else index
                alike = asked.get(key)
                if alike is None:
                    asked[key] = [index]
                    yield ("execute", place.path, query, limit)
                else:
                    alike.append(index)

        for indexes, reply in zip(*self._answered(asked, tasks()), strict=True):
            result = _result(reply)
            for index in indexes:
                results[index] = result
        return [result for result in results if result is not None]

    def _answered(
        self, asked: Mapping[Any, list[int]], tasks: Iterable[tuple[Any, ...]]
    ) -> tuple[Iterable[list[int]], list[Reply]]:
        """(who asked, the replies), once all have come: `asked` is filled while the tasks are made."""
        replies = self._pool.run(tasks)
        return asked.values(), replies

    async def aexecute(self, source: str, query: str, *, limit: int | None = None) -> Result:
        """Run one query without blocking the event loop. Cancelled, it is not begun, or given up soon."""
        place = self._place(source)
        refusal = _refusal(query)
        if refusal:
            return Result(outcome=Outcome.REFUSED, message=refusal)
        (reply,) = await self._pool.arun([("execute", place.path, query, limit)])
        return _result(reply)

    def compare_many(
        self, tasks: Sequence[tuple[str, str, Gold]], relation: Relation | Sequence[Relation], *, closely: bool = False
    ) -> list[Comparison]:
        """Compare (source, predicted query, gold) triples; see `Group.compare_many`."""
        relations = relation_of_each(tasks, relation)
        comparisons: list[Comparison | None] = [None] * len(tasks)
        asked: dict[Any, list[int]] = {}

        def wanted() -> Iterator[tuple[Any, ...]]:
            for index, ((source, predicted, gold), how) in enumerate(zip(tasks, relations, strict=True)):
                place = self._place(source)
                refusal = _refusal(predicted)
                if refusal:
                    comparisons[index] = Comparison(Outcome.REFUSED, message=refusal)
                    continue
                # Encoded, 1 is not 1.0 and rows can be hashed.
                rows = wire.encode_gold(gold.rows) if gold.query is None and gold.rows is not None else None
                # An excerpt names columns by the query's text, spaces included.
                alike = likeness(index, predicted, (place.source, gold.query, rows, how))
                key = (predicted, alike) if closely else alike
                before = asked.get(key)
                if before is None:
                    asked[key] = [index]
                    yield ("compare", place.path, predicted, gold.query, rows, how.to_tuple(), closely)
                else:
                    before.append(index)

        for indexes, reply in zip(*self._answered(asked, wanted()), strict=True):
            comparison = _comparison(reply)
            for index in indexes:
                comparisons[index] = comparison
        found = [comparison for comparison in comparisons if comparison is not None]
        return self._timed(tasks, relations, found) if any(how.timed_runs for how in relations) else found

    def _timed(
        self, tasks: Sequence[tuple[str, str, Gold]], relations: Sequence[Relation], found: Sequence[Comparison]
    ) -> list[Comparison]:
        """The comparisons, with timings for those that are equal and whose relation asks for timed runs."""
        runs: list[tuple[Any, ...]] = []
        counts = []
        for (source, predicted, gold), how, comparison in zip(tasks, relations, found, strict=True):
            counts.append(how.timed_runs if comparison.equal and gold.query is not None else 0)
            runs += [("time", self._place(source).path, predicted, gold.query)] * counts[-1]
        replies = iter(self._pool.run(runs))
        timed = []
        for comparison, count in zip(found, counts, strict=True):
            results = [_result(next(replies)) for _ in range(count)]
            fine = all(result.outcome is Outcome.OK for result in results)
            timings = tuple((result.rows[0][0], result.rows[0][1]) for result in results) if fine else ()
            timed.append(replace(comparison, timings=timings))
        return timed

    def stream(self, source: str, query: str) -> Stream:
        """The rows of one query of any length, from a worker of its own; the limits on rows and bytes don't count."""
        place = self._place(source)
        refusal = _refusal(query)
        if refusal:
            raise QueryError(Outcome.REFUSED, refusal)
        return Stream(self._pool, place.path, query, owner=self)

    def describe(
        self, source: str, sample_rows: int = 0, *, row_counts: bool = False, notes: str | Path | None = None
    ) -> str:
        """The schema of one database as DDL, in the order of its making, with comments beneath each table.

        sample_rows: adds the first rows; row_counts: how many there are. notes: a folder of column descriptions, as
        BIRD has them. SourceError where the source cannot be read in time.
        """
        check_count(sample_rows, "sample_rows")
        place = self._place(source)
        columns = read_column_notes(notes) if notes is not None else {}
        result = _result(self._pool.run([("describe", place.path, sample_rows, row_counts, columns)])[0])
        if result.outcome is not Outcome.OK:
            raise SourceError(f"{source}: {result.message}")
        return str(result.rows[0][0])

    def close(self) -> None:
        """End the workers. Closing twice does nothing."""
        self._pool.close()

    def identify(self, source: str) -> tuple[str, str]:
        """See `Group.identify`."""
        place = self._place(source)
        return place.source, place.kind.dialect

    def _place(self, source: str) -> Located:
        try:
            return self._places[source]
        except KeyError:
            raise SourceError(f"{source} is not one of this group's databases") from None


def _refusal(query: Any) -> str:
    """Why a query is not even sent, or an empty string."""
    if not isinstance(query, str):
        return f"a query is text, not {type(query).__name__}"
    if len(query) > LONGEST_QUERY:
        return f"the query is longer than {LONGEST_QUERY:,} characters"
    if "\0" in query:
        return "the query has a NUL character"
    try:
        query.encode()
    except UnicodeEncodeError:
        return "the query has a lone surrogate"
    return ""


def _result(reply: Reply) -> Result:
    if reply.body is None:
        return Result(outcome=reply.outcome, message=_WHAT_ENDED[reply.outcome])
    try:
        outcome, columns, rows, message, seconds, truncated = wire.decode_rows(reply.body)
    except wire.UnreadableAnswer as error:
        return Result(outcome=Outcome.CRASHED, message=f"the worker's answer cannot be read: {error}")
    return Result(columns, rows, outcome, message, seconds, truncated)


def _comparison(reply: Reply) -> Comparison:
    if reply.body is None:
        message = _WHAT_ENDED[reply.outcome]
        if reply.in_gold:
            return Comparison(Outcome.OK, gold_outcome=reply.outcome, message=f"the gold query is {message}")
        return Comparison(reply.outcome, message=message)
    try:
        return wire.decode_comparison(reply.body)
    except wire.UnreadableAnswer as error:
        return Comparison(Outcome.CRASHED, message=f"the worker's answer cannot be read: {error}")
