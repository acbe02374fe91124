"""Judging: one verdict for training and evaluation alike; predicted queries in, verdicts out."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from sqlrl.benchmarks import load_judge
from sqlrl.benchmarks.base import Example, Verdict
from sqlrl.benchmarks.judges.statements import is_nothing
from sqlrl.executors.address import is_search
from sqlrl.executors.base import Comparison, Gold, Limits, Outcome
from sqlrl.executors.errors import UsageError
from sqlrl.executors.source import is_server

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Benchmark
    from sqlrl.executors.groups import Group
    from sqlrl.executors.relations import Relation

__all__ = ["Judged", "Judging"]


@dataclass(frozen=True, slots=True)
class Judged:
    """The word on one prediction.

    outcome: how the prediction ended (on the first instance where it did not end OK), or "format". safe: the verdict
    where the database is there and has rows, None where not, and for search; a prediction without a statement is never
    right there. seconds, gold_seconds: processor time of each, 0 where the result was known before. gold_outcome: how
    the gold ended (on the first instance where it did not end OK). gold_empty: it returns nothing on any instance.
    instance: the one on which a wrong prediction is first wrong.

    Where it was judged closely: gold_verdict, the judge's word on the gold's own result (None where only another run
    can tell), and excerpts of what was returned on `instance`, see `Comparison`.
    """

    verdict: Verdict
    outcome: str
    message: str = ""
    safe: bool | None = None
    seconds: float = 0.0
    gold_seconds: float = 0.0
    predicted_rows: int = 0
    gold_rows: int = 0
    gold_outcome: str = "ok"
    gold_empty: bool = False
    instance: int = 0
    gold_verdict: Verdict | None = None
    excerpts: Mapping[str, Any] = field(default_factory=dict)


class Judging:
    """A judge over a benchmark's databases. Picklable: workers start where and when the first verdict is asked for.

    One verdict is drawn from all instances of an example's database.
    """

    def __init__(
        self,
        judge: str,
        sources: Mapping[str, Sequence[str]],
        *,
        faults: Mapping[str, str] | None = None,
        limits: Limits | None = None,
        workers: int | None = None,
    ) -> None:
        """sources: example id -> source URLs. faults: as `Benchmark.faults` has them. UsageError for a judge that
        times queries over servers, whose time is not the query's alone."""
        self.judge = load_judge(judge)
        self.sources = {identifier: tuple(urls) for identifier, urls in sources.items()}
        times = self.judge.relation(Gold(query="SELECT 1")).timed_runs
        if times and any(is_server(url) for urls in self.sources.values() for url in urls):
            raise UsageError(f"{judge} times queries, and a server's time is not theirs alone: take bird-ex or bird-f1")
        self.faults = dict(faults or {})
        self.searches = any(is_search(url) for urls in self.sources.values() for url in urls)
        self.limits = limits or Limits()
        self.workers = workers
        self._group: Group[Any] | None = None
        self._starting = threading.Lock()

    @classmethod
    def of(
        cls,
        benchmark: Benchmark,
        examples: Sequence[Example],
        judge: str | None = None,
        *,
        limits: Limits | None = None,
        workers: int | None = None,
    ) -> Judging:
        """Judge these examples; by the benchmark's default judge unless one is named."""
        sources = {example.id: benchmark.sources(example) for example in examples}
        judging = cls(judge or benchmark.judges[0], sources, limits=limits, workers=workers)
        try:
            judging.faults = dict(benchmark.faults(judging.group if any(sources.values()) else None))
        except BaseException:
            judging.close()
            raise
        return judging

    @property
    def group(self) -> Group[Any]:
        """The executors of every source, started on first use."""
        with self._starting:  # an asynchronous trainer asks from several threads
            if self._group is None:
                from sqlrl.executors import open_executors

                every = sorted({url for urls in self.sources.values() for url in urls})
                self._group = open_executors(every, limits=self.limits, workers=self.workers)
            return self._group

    def describe(self, example: Example, sample_rows: int = 0) -> str:
        """The description of an example's database; empty where it is missing."""
        urls = self.sources[example.id]
        return self.group.describe(urls[0], sample_rows) if urls else ""

    def judge_all(
        self, predictions: Sequence[tuple[Example, str | None]], *, thorough: bool = True, closely: bool = False
    ) -> list[Judged]:
        """One verdict for each (example, predicted query); None stands for a completion without a query.

        thorough: run every prediction on every instance. Else one that is wrong on the first is not run on the others:
        the verdict is the same, but for golds that fail on a later instance only, and for marks between wrong and
        right, which are then the first instance's. closely: fill in the last two fields of each `Judged`.
        """
        found: list[list[Comparison]] = [[] for _ in predictions]
        waiting = [(index, self.sources[e.id]) for index, (e, query) in enumerate(predictions) if query is not None]
        first = None if thorough else 1
        self._compare(predictions, [(index, urls[:first]) for index, urls in waiting], found, closely)
        if not thorough:
            open_still = [(index, urls[1:]) for index, urls in waiting if found[index] and found[index][0].equal]
            self._compare(predictions, open_still, found, closely)
        return [self._judged(e, query, comparisons) for (e, query), comparisons in zip(predictions, found, strict=True)]

    def _compare(
        self,
        predictions: Sequence[tuple[Example, str | None]],
        wanted: Sequence[tuple[int, Sequence[str]]],
        found: list[list[Comparison]],
        closely: bool,
    ) -> None:
        """Compare the prediction of each index on some sources; what comes of it is added to `found`."""
        tasks: list[tuple[str, str, Gold]] = []
        relations: list[Relation] = []
        contexts: list[Mapping[str, Any]] = []
        owners: list[int] = []
        for index, urls in wanted:
            example, predicted = predictions[index]
            if predicted is None or not urls:
                continue
            query, gold = self.judge.prepare(predicted, example.gold)
            relation = self.judge.relation(gold)
            for url in urls:
                tasks.append((url, query, gold))
                relations.append(relation)
                contexts.append(example.context)
                owners.append(index)
        if contexts and any(contexts):
            comparisons = self.group.compare_many(tasks, relations, closely=closely, contexts=contexts)  # type: ignore[call-arg]
        else:
            comparisons = self.group.compare_many(tasks, relations, closely=closely) if tasks else []
        for index, comparison in zip(owners, comparisons, strict=True):
            found[index].append(comparison)

    def _judged(self, example: Example, predicted: str | None, comparisons: list[Comparison]) -> Judged:
        fault = self.faults.get(example.labels.get("database", ""))
        if predicted is None:
            return Judged(Verdict(0.0, False, "format"), "format", safe=None if fault or self.searches else False)
        verdict = self.judge.verdict(comparisons)
        if not comparisons:
            return Judged(verdict, "missing_database")
        shown = next((c for c in comparisons if c.outcome.value != "ok"), comparisons[0])
        if fault == "empty":
            verdict = Verdict(verdict.score, verdict.correct, "empty_database")
        failed = next((c for c in comparisons if c.gold_outcome.value != "ok"), None)
        instance = next((index for index, c in enumerate(comparisons) if not c.equal), 0)
        return Judged(
            verdict,
            shown.outcome.value,
            (failed or shown).message,
            safe=None
            if fault or verdict.score is None or self.searches
            else verdict.correct and not is_nothing(predicted),
            seconds=sum(c.seconds for c in comparisons),
            gold_seconds=sum(c.gold_seconds for c in comparisons),
            predicted_rows=shown.predicted_rows,
            gold_rows=shown.gold_rows,
            gold_outcome=(failed or shown).gold_outcome.value,
            gold_empty=failed is None and all(c.gold_rows == 0 for c in comparisons),
            instance=instance,
            gold_verdict=self._gold_verdict(example.gold, comparisons),
            excerpts=comparisons[instance].excerpts,
        )

    def _gold_verdict(self, gold: Gold, comparisons: Sequence[Comparison]) -> Verdict | None:
        """The word on the gold as a prediction, from its own result; None where that must be run to be known."""
        if gold.query is None or any(c.gold_score is None for c in comparisons):
            return None
        as_predicted, as_gold = self.judge.prepare(gold.query, gold)
        if as_predicted != as_gold.query or self.judge.relation(as_gold).timed_runs:
            return None
        scores = [(c.gold_score or 0.0, c.gold_rows) for c in comparisons]
        return self.judge.verdict(
            [Comparison(Outcome.OK, Outcome.OK, score, score == 1.0, rows, rows) for score, rows in scores]
        )

    def close(self) -> None:
        """End the workers. They start again if asked."""
        if self._group is not None:
            self._group.close()
            self._group = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_group", "_starting")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _group=None, _starting=threading.Lock())
