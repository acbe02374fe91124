"""Search: engines that rank documents, as a group of executors; a ranked list is a relation of ids and scores."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from sqlrl.executors.address import ENGINES, parse_address
from sqlrl.executors.base import Comparison, Gold, Limits, Outcome, Result, Row, check_count
from sqlrl.executors.documents import Document
from sqlrl.executors.errors import QueryError, SourceError, UsageError
from sqlrl.executors.excerpts import ROWS, excerpt_of
from sqlrl.executors.groups import Group, Member
from sqlrl.executors.relations import RANKED, Relation

__all__ = ["COLUMNS", "DEPTH", "Engine", "Hits", "SearchGroup", "SearchMember"]

COLUMNS = ("id", "score")
DEPTH = 1_000  # hits, where nobody says how many are wanted
_PAGE = 50  # documents that are fetched at a time
_CONTEXT = ("max_date", "exclude_ids")


class Engine(Protocol):
    """One index or one service. Made by `Class(source, limits)`; its methods may be called from several threads."""

    source: str
    dialect: str  # "words", "pubmed", "essie", "lucene"

    def describe(self) -> str:
        """The search syntax, as a model must know it."""

    def search(self, query: str, depth: int, context: Mapping[str, Any]) -> Result:
        """(document id, score), best first, ties by id, at most `depth` of them; `total` hits where known, `truncated`
        where there are more. Never raises for a bad query: INVALID says why; an empty one is INVALID.

        context: "max_date" (a date or ISO text), the last day on which a document counts; "exclude_ids", documents that
        don't. UsageError for what the engine cannot honour."""

    def search_many(self, queries: Sequence[tuple[str, Mapping[str, Any]]], depth: int) -> list[Result]:
        """`search` for (query, context) pairs, in parallel where the engine can."""

    def among(self, query: str, ids: Collection[str], depth: int, context: Mapping[str, Any]) -> Result:
        """Those of `ids` that are among the first `depth` hits (0: among all of them), with `total` as `search` has it;
        their order and scores say nothing."""

    def fetch(self, ids: Sequence[str]) -> list[Document]:
        """The documents, in the order of `ids`; what is unknown is left out."""

    def close(self) -> None:
        """Give back files and connections."""


class Hits:
    """The hits of one query for people and files, with their titles, which are fetched as they are read."""

    columns = (*COLUMNS, "title")

    def __init__(self, engine: Engine, rows: Sequence[Row]) -> None:
        self._engine = engine
        self._rows = rows

    def __iter__(self) -> Iterator[Row]:
        for start in range(0, len(self._rows), _PAGE):
            page = self._rows[start : start + _PAGE]
            found = {each.id: each.title or each.text for each in self._engine.fetch([row[0] for row in page])}
            for row in page:
                yield (*row, found.get(row[0], ""))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """There is nothing to give back."""


class SearchGroup(Group[Hits]):
    """Search engines asked together; each is opened when it is first asked. Picklable by its sources."""

    def __init__(self, sources: Sequence[str], *, limits: Limits | None = None, workers: int | None = None) -> None:
        """workers: of an engine that has some of its own. UsageError, SourceError where a source is none."""
        self.limits = limits or Limits()
        self._addresses = {source: parse_address(source) for source in sources}
        self._again = (list(sources), self.limits, workers)
        self._engines: dict[str, Engine] = {}
        self._opening = threading.Lock()

    def __reduce__(self) -> Any:
        sources, limits, workers = self._again
        return _opened, (sources, limits, workers)

    def __getitem__(self, source: str) -> SearchMember:
        return SearchMember(self, *self.identify(source), owns_group=False)

    def only(self) -> SearchMember:
        (source,) = self.sources
        return SearchMember(self, *self.identify(source), owns_group=True)

    @property
    def walls(self) -> dict[str, str]:
        """Nothing of a search query is code: there is none to wall in."""
        return {}

    @property
    def sources(self) -> list[str]:
        return list(self._addresses)

    def identify(self, source: str) -> tuple[str, str]:
        return source, self.engine(source).dialect

    def engine(self, source: str) -> Engine:
        """The engine of one source, opened on first use."""
        with self._opening:
            if source not in self._engines:
                if source not in self._addresses:
                    raise SourceError(f"{source} is none of this group's sources")
                module, name = ENGINES[self._addresses[source].scheme]
                self._engines[source] = getattr(importlib.import_module(module), name)(source, self.limits)
            return self._engines[source]

    def execute_many(
        self,
        queries: Sequence[tuple[str, str]],
        *,
        limit: int | None = None,
        contexts: Sequence[Mapping[str, Any]] | None = None,
    ) -> list[Result]:
        """The first `limit` hits (by default 1,000) of each (source, query); contexts: one for each, see `Engine`."""
        check_count(limit, "limit")
        depth = DEPTH if limit is None else limit
        asked = [(source, query, depth, context) for (source, query), context in zip(
            queries, _each(contexts, len(queries)), strict=True
        )]  # fmt: skip
        return self._search(asked)

    def _search(self, asked: Sequence[tuple[str, str, int, Mapping[str, Any]]]) -> list[Result]:
        """One result for each (source, query, depth, context); what occurs several times is searched once."""
        found: dict[Any, Result] = {}
        waiting: dict[tuple[str, int], dict[Any, tuple[str, Mapping[str, Any]]]] = {}
        keys = [(source, query, depth, _key(context)) for source, query, depth, context in asked]
        for key, (source, query, depth, context) in zip(keys, asked, strict=True):
            waiting.setdefault((source, depth), {})[key] = (query, context)
        for (source, depth), pairs in waiting.items():
            results = self.engine(source).search_many(list(pairs.values()), max(depth, 1))
            found.update(zip(pairs, results, strict=True))
        return [_cut(found[key], key[2]) for key in keys]

    def compare_many(
        self,
        tasks: Sequence[tuple[str, str, Gold]],
        relation: Relation | Sequence[Relation],
        *,
        closely: bool = False,
        contexts: Sequence[Mapping[str, Any]] | None = None,
    ) -> list[Comparison]:
        """Compare (source, query, gold) triples by a measure of rankings; see `Group.compare_many`."""
        relations = _relations(tasks, relation)
        own = _each(contexts, len(tasks))
        results: list[Result | None] = [None] * len(tasks)
        ranked: list[int] = []
        members: list[int] = []
        for index, how in enumerate(relations):  # of recall, who is found is all that counts: no ranking is needed
            (members if how.measure == "recall" and not closely else ranked).append(index)
        sought = [(*tasks[i][:2], tasks[i][2].relevant or {}, relations[i].depth, own[i]) for i in members]
        for index, result in zip(members, self._among(sought), strict=True):
            results[index] = result
        deep = [(tasks[i][0], tasks[i][1], relations[i].depth or self.limits.rows, own[i]) for i in ranked]
        for index, result in zip(ranked, self._search(deep), strict=True):
            results[index] = result
        return [
            self._compared(source, gold, how, result, closely)
            for (source, _, gold), how, result in zip(tasks, relations, results, strict=True)
            if result is not None
        ]

    def _among(self, asked: Sequence[tuple[str, str, Mapping[str, float], int, Mapping[str, Any]]]) -> list[Result]:
        """One result for each (source, query, ids, depth, context); what occurs several times is asked once, and a
        service, which waits more than it works (`parallel` above 1), is asked side by side."""
        keys = [(source, query, frozenset(ids), depth, _key(context)) for source, query, ids, depth, context in asked]
        once = dict(zip(keys, asked, strict=True))

        def ask(each: tuple[str, str, Mapping[str, float], int, Mapping[str, Any]]) -> Result:
            source, query, ids, depth, context = each
            return self.engine(source).among(query, ids, depth, context)

        parallel = max((getattr(self.engine(source), "parallel", 1) for source, *_ in asked), default=1)
        if parallel > 1 and len(once) > 1:
            pool = ThreadPoolExecutor(parallel, thread_name_prefix="sqlrl-among")
            try:
                found = dict(zip(once, pool.map(ask, once.values()), strict=True))
            finally:
                pool.shutdown(cancel_futures=True)
        else:
            found = {key: ask(each) for key, each in once.items()}
        return [found[key] for key in keys]

    def _compared(self, source: str, gold: Gold, how: Relation, result: Result, closely: bool) -> Comparison:
        from sqlrl.executors.rankings import relevant_ids, score_ranking  # not above: most groups never rank

        known = len(gold.answers or () if how.measure == "answer-rank" else relevant_ids(gold.relevant or {}))
        if result.outcome is not Outcome.OK:
            return Comparison(result.outcome, gold_rows=known, seconds=result.seconds, message=result.message)
        try:
            score = score_ranking(how, gold, result.rows, lambda ids: self._contents(source, ids))
        except QueryError as ended:  # the documents could not be had
            return Comparison(ended.outcome, gold_rows=known, seconds=result.seconds, message=ended.message)
        total = len(result.rows) if result.total is None else result.total
        return Comparison(
            Outcome.OK, Outcome.OK, score, score == 1.0, total, known, result.seconds,
            excerpts={"predicted": self._excerpt(source, result)} if closely else {},
        )  # fmt: skip

    def _contents(self, source: str, ids: Sequence[str]) -> list[str]:
        """Title and text of each document; empty of what is unknown."""
        texts = {document.id: document.contents for document in self.engine(source).fetch(ids)}
        return [texts.get(name, "") for name in ids]

    def _excerpt(self, source: str, result: Result) -> Mapping[str, Any]:
        shown = result.rows[:ROWS]
        titles = {document.id: document.title or document.text for document in self.engine(source).fetch(
            [row[0] for row in shown]
        )}  # fmt: skip
        rows = [(*row, titles.get(row[0], "")) for row in shown]
        return excerpt_of((*COLUMNS, "title"), rows, more=len(result.rows) > len(shown))

    def stream(self, source: str, query: str) -> Hits:
        """The hits of one query, as many as `Limits.rows` has them, with titles. QueryError where it ends badly."""
        (result,) = self.execute_many([(source, query)], limit=self.limits.rows)
        if result.outcome is not Outcome.OK:
            raise QueryError(result.outcome, result.message)
        return Hits(self.engine(source), result.rows)

    def describe(
        self, source: str, sample_rows: int = 0, *, row_counts: bool = False, notes: str | Path | None = None
    ) -> str:
        """The search syntax. UsageError for `notes`, which are for columns."""
        if notes is not None:
            raise UsageError("notes describe the columns of databases; a search engine has none")
        return self.engine(source).describe()

    def close(self) -> None:
        """Close every engine. They open again if asked."""
        with self._opening:
            engines, self._engines = list(self._engines.values()), {}
        for engine in engines:
            engine.close()


class SearchMember(Member[Hits]):
    """One search engine of a group, as an `Executor` that also gives the documents."""

    _group: SearchGroup

    def execute_many(
        self, queries: Sequence[str], *, limit: int | None = None, context: Mapping[str, Any] | None = None
    ) -> list[Result]:
        """The first `limit` hits of each query; context: see `Engine.search`."""
        if isinstance(queries, (str, bytes)):
            raise UsageError("execute_many takes a list of queries; execute takes one")
        pairs = [(self.source, query) for query in queries]
        return self._group.execute_many(pairs, limit=limit, contexts=[context or {}] * len(pairs))

    def execute(self, query: str, *, limit: int | None = None, context: Mapping[str, Any] | None = None) -> Result:
        return self.execute_many([query], limit=limit, context=context)[0]

    def compare_many(
        self,
        pairs: Sequence[tuple[str, Gold]],
        relation: Relation | Sequence[Relation],
        *,
        context: Mapping[str, Any] | None = None,
    ) -> list[Comparison]:
        """Compare each query's ranking with what is known to be relevant."""
        tasks = [(self.source, predicted, gold) for predicted, gold in pairs]
        return self._group.compare_many(tasks, relation, contexts=[context or {}] * len(tasks))

    def fetch(self, ids: Sequence[str]) -> list[Document]:
        """The documents, in the order of `ids`; what is unknown is left out."""
        return self._group.engine(self.source).fetch(ids)


def _opened(sources: Sequence[str], limits: Limits, workers: int | None) -> SearchGroup:
    return SearchGroup(sources, limits=limits, workers=workers)


def _each(contexts: Sequence[Mapping[str, Any]] | None, count: int) -> Sequence[Mapping[str, Any]]:
    """A context for each query. UsageError for a key that no engine knows, or for too few."""
    if contexts is None:
        return [{}] * count
    if len(contexts) != count:
        raise UsageError(f"{len(contexts)} contexts for {count} queries")
    for context in contexts:
        strange = set(context) - set(_CONTEXT)
        if strange:
            raise UsageError(f"a search knows no {sorted(strange)[0]!r}: its context has {' and '.join(_CONTEXT)}")
    return contexts


def _key(context: Mapping[str, Any]) -> Any:
    return (str(context.get("max_date", "")), frozenset(context.get("exclude_ids", ())))


def _cut(result: Result, limit: int) -> Result:
    if len(result.rows) <= limit:
        return result
    total = len(result.rows) if result.total is None else result.total
    return replace(result, rows=result.rows[:limit], truncated=True, total=total)


def _relations(tasks: Sequence[tuple[str, str, Gold]], relation: Relation | Sequence[Relation]) -> list[Relation]:
    """The relation of each task. UsageError where a ranking cannot be judged by it."""
    relations = [relation] * len(tasks) if isinstance(relation, Relation) else list(relation)
    if len(relations) != len(tasks):
        raise UsageError(f"{len(relations)} relations for {len(tasks)} comparisons")
    for (*_, gold), how in zip(tasks, relations, strict=True):
        if how.measure not in RANKED:
            raise UsageError(f"a ranking is judged by {', '.join(sorted(RANKED))}, not by {how.measure!r}")
        if (gold.answers if how.measure == "answer-rank" else gold.relevant) is None:
            missing = "answers" if how.measure == "answer-rank" else "relevant documents"
            raise UsageError(f"{how.measure} needs a gold with {missing}")
    return relations
