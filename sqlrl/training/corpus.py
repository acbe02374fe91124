"""A corpus before it is trained on: whether what is right is in it, and what a search in it costs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from sqlrl.coverage import check_coverage
from sqlrl.executors.address import SERVICES, index_settings, parse_address
from sqlrl.executors.base import Limits
from sqlrl.executors.search import SearchGroup
from sqlrl.judging import Judging

if TYPE_CHECKING:
    from sqlrl.training.plan import Plan

__all__ = ["look_at_corpus"]

_TIMED = 100  # questions that are put as they are, to see what a search costs


def look_at_corpus(plan: Plan, most: int) -> list[tuple[str, str, str]]:
    """(what, what was found, verdict) as a pre-flight shows them. most: of the training questions, evenly spread."""
    places = sorted({url for example in plan.train for url in plan.benchmark.sources(example)})
    lines: list[tuple[str, str, str]] = []
    for address in map(parse_address, places):
        if address.scheme in SERVICES:  # before anybody has said yes to training, it is not asked
            return [("corpus", _service(address.source), "note")]
        size = ""
        if not address.host:
            documents = index_settings(address.path).get("documents")
            size = f"{documents:,} documents, " if isinstance(documents, int) else ""
        lines.append(("corpus", f"{size}searched by {address.scheme}", "ok"))
    sample = plan.train[:: -(-len(plan.train) // most)]
    limits = Limits(seconds=plan.config.seconds)
    covered = check_coverage(plan.benchmark, sample, limits=limits, workers=plan.config.workers)
    of = f"of {covered.total:,}" + (f" looked at among {len(plan.train):,}" if len(sample) < len(plan.train) else "")
    lines.append(("questions with all that is right in the corpus", f"{covered.whole:,} {of}", "ok"))
    if covered.wrong:
        lines.append(("not whole", f"{len(covered.wrong):,}, such as {covered.wrong[0]}", "note"))
    lines.append(_as_they_are(plan, sample[:: -(-len(sample) // _TIMED)], limits))
    return lines


def _service(source: str) -> str:
    """What training by a live service costs in time."""
    from sqlrl.executors.service import Service  # an extra's

    with SearchGroup([source]) as group:
        engine = group.engine(source)
        assert isinstance(engine, Service)
        rate = engine.per_second
        minutes = f"{1_000 / rate / 60:,.0f} minutes"
        return (
            f"{engine.name} itself, with at most {rate:g} requests a second: 1,000 new queries take {minutes} or more, "
            "those that were asked before nothing"
        )


def _as_they_are(plan: Plan, sample: list[Any], limits: Limits) -> tuple[str, str, str]:
    """What the questions find when they are the queries: the mean that training starts above or below."""
    with Judging.of(plan.benchmark, sample, plan.judge, limits=limits, workers=plan.config.workers) as judging:
        judging.judge_all([(sample[0], sample[0].question)])  # opens the index
        started = time.perf_counter()
        judged = judging.judge_all([(example, example.question) for example in sample])
        seconds = time.perf_counter() - started
    scores = [word.verdict.score for word in judged if word.verdict.score is not None]
    mean = f"{judging.judge.name} {sum(scores) / len(scores):.3f}" if scores else "no score"
    found = f"{mean} over {len(sample):,} questions, {1000 * seconds / len(sample):.2f} ms a search"
    return ("the question as the query", found, "ok")
