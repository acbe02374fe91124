"""A shelf: numbered documents that a query names, best first, to show what a ranking earns without an index."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlrl.executors.base import Outcome, Result
from sqlrl.executors.documents import Document
from sqlrl.executors.search import COLUMNS, SearchGroup
from sqlrl.judging import Judging

__all__ = ["GONE", "SOURCE", "OnShelf", "Shelf"]

SOURCE = "shelf:"
GONE = "gone"  # the query on which the service is unavailable


class Shelf:
    """A search engine; see `sqlrl.executors.search.Engine`. The query `3 1 7-9` finds documents 3, 1, 7, 8 and 9, in
    this order, and the text of document 3 is "number 3"; there is no end of documents. What is no number is INVALID."""

    source = SOURCE
    dialect = "words"

    def describe(self) -> str:
        """What a query is."""
        return "A query names documents by their numbers, the best first: 3 1 7-9."

    def search(self, query: str, depth: int, context: Mapping[str, Any]) -> Result:
        """The documents named, each once. context: "exclude_ids"."""
        started = time.thread_time()
        if query == GONE:
            return Result(outcome=Outcome.UNAVAILABLE, message="the service is gone")
        named: dict[str, None] = {}
        for word in query.split():
            first, dash, last = word.partition("-")
            if not (first.isdecimal() and (last.isdecimal() if dash else True)):
                return Result(outcome=Outcome.INVALID, message=f"{word!r} is no number")
            named |= dict.fromkeys(map(str, range(int(first), int(last or first) + 1)))
        if not named:
            return Result(outcome=Outcome.INVALID, message="the query is empty")
        ids = [name for name in named if name not in context.get("exclude_ids", ())]
        rows = tuple((name, -float(place)) for place, name in enumerate(ids[:depth]))
        return Result(COLUMNS, rows, seconds=time.thread_time() - started, truncated=len(ids) > depth, total=len(ids))

    def search_many(self, queries: Sequence[tuple[str, Mapping[str, Any]]], depth: int) -> list[Result]:
        """One after the other."""
        return [self.search(query, depth, context) for query, context in queries]

    def among(self, query: str, ids: Collection[str], depth: int, context: Mapping[str, Any]) -> Result:
        """Of the documents named, those of `ids`."""
        found = self.search(query, depth or 1 << 30, context)
        rows = tuple(row for row in found.rows if row[0] in ids)
        return Result(found.columns, rows, found.outcome, found.message, found.seconds, total=found.total)

    def fetch(self, ids: Sequence[str]) -> list[Document]:
        """Any document."""
        return [Document(name, text=f"number {name}") for name in ids]

    def close(self) -> None:
        """Nothing is open."""


class _ShelfGroup(SearchGroup):
    """A shelf alone."""

    def __init__(self) -> None:
        super().__init__([])
        self._shelf = Shelf()

    def __reduce__(self) -> Any:
        return _ShelfGroup, ()

    @property
    def sources(self) -> list[str]:
        return [SOURCE]

    def engine(self, source: str) -> Shelf:
        return self._shelf


class OnShelf(Judging):
    """A judge of rankings over a shelf."""

    def __init__(self, judge: str, examples: Collection[str]) -> None:
        """examples: the ids of those that are asked there."""
        super().__init__(judge, {name: [SOURCE] for name in examples})
        self._shelf = _ShelfGroup()

    @property
    def group(self) -> SearchGroup:
        return self._shelf
