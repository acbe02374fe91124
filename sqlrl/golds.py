"""Golds: whether a benchmark's own right answers run, return something, and are right by the benchmark's own judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlrl.evaluation import Score
from sqlrl.judging import Judging

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Benchmark, Example
    from sqlrl.evaluation import Item
    from sqlrl.executors.base import Limits

__all__ = ["Ceiling", "GoldCheck", "ceiling_of", "check_golds"]

_BATCH = 64


@dataclass(slots=True)
class GoldCheck:
    """Each list holds one line a gold: its id, its database and what is remarkable about it."""

    total: int = 0
    right: int = 0
    judge: str = ""
    seconds: float = 0.0
    failing: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def headline(self) -> str:
        """One line on all of them."""
        return (
            f"{self.right:,} of {self.total:,} golds run and are right by {self.judge}; "
            f"{len(self.failing):,} fail, {len(self.wrong):,} are wrong by their own judge, {len(self.empty):,} return "
            f"nothing, {len(self.slow):,} take long, {len(self.missing):,} lack a database; {self.seconds:.1f} s in all"
        )

    def remarkable(self) -> dict[str, list[str]]:
        """What there is to name, by kind."""
        kinds = {
            "fail": self.failing,
            "wrong by their own judge": self.wrong,
            "return nothing": self.empty,
            "take long": self.slow,
            "have no database": self.missing,
        }
        return {kind: lines for kind, lines in kinds.items() if lines}


def check_golds(
    benchmark: Benchmark,
    examples: Sequence[Example],
    judge: str | None = None,
    *,
    limits: Limits | None = None,
    slow_seconds: float = 1.0,
    workers: int | None = None,
    advance: Callable[[int], None] | None = None,
) -> GoldCheck:
    """Judge each gold query against itself."""
    found = GoldCheck()
    with Judging.of(benchmark, examples, judge, limits=limits, workers=workers) as judging:
        found.judge = judging.judge.name
        for start in range(0, len(examples), _BATCH):
            part = examples[start : start + _BATCH]
            for example, word in zip(part, judging.judge_all([(e, e.gold.query) for e in part]), strict=True):
                place = f"{example.id} ({example.labels.get('database', '')})"
                found.total += 1
                if word.outcome == "missing_database":
                    found.missing.append(place)
                    continue
                took = max(word.seconds, word.gold_seconds)
                found.seconds += took
                if word.outcome != "ok":
                    found.failing.append(f"{place}: {word.outcome}: {' '.join(word.message.split())[:160]}")
                    continue
                if not word.gold_rows:
                    found.empty.append(place)
                if took > slow_seconds:
                    found.slow.append(f"{place}: {took:.1f} s")
                # A judge that gives nothing for matching an empty gold says so on purpose.
                if word.verdict.correct or word.verdict.reason == "empty_gold":
                    found.right += 1
                else:
                    found.wrong.append(f"{place}: {word.verdict.reason}")
            if advance is not None:
                advance(len(part))
    return found


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What the golds come to when their own judge is given them as answers: the most that anybody can reach. empty:
    golds that return nothing, which any query that returns nothing equals. failed: golds that did not run,
    timed_out among them."""

    score: Score
    empty: int = 0
    failed: int = 0
    timed_out: int = 0

    def counts(self) -> dict[str, int]:
        return {
            "total": self.score.total, "empty": self.empty, "failed": self.failed, "timed_out": self.timed_out,
        }  # fmt: skip


def ceiling_of(
    items: Sequence[Item], judging: Judging, *, advance: Callable[[int], None] | None = None
) -> Ceiling | None:
    """The golds of judged items, judged against themselves; None where nobody knows a right query.

    What judging the predictions closely has told of the golds is not asked again. The others are run: those of items
    whose prediction was not, and those that would be another query as a prediction.
    """
    asked = [item for item in items if item.example.gold.query and judging.sources[item.example.id]]
    if not any(item.example.gold.query for item in items):
        return None
    marks: list[tuple[float, bool]] = []
    empty = 0
    failed = Counter(item.judged.gold_outcome for item in asked if item.judged.gold_outcome != "ok")
    marks += [(0.0, False)] * failed.total()
    running = []
    for item in asked:
        if item.judged.gold_outcome != "ok":
            continue
        verdict = item.judged.gold_verdict
        if verdict is None or verdict.score is None:
            running.append(item.example)
            continue
        empty += item.judged.gold_empty
        marks.append((verdict.score, verdict.correct))
    if advance is not None:
        advance(len(items) - len(running))
    for start in range(0, len(running), _BATCH * 4):
        part = running[start : start + _BATCH * 4]
        for word in judging.judge_all([(example, example.gold.query) for example in part]):
            empty += word.gold_empty
            if word.gold_outcome != "ok":  # of an item whose prediction was never run
                failed[word.gold_outcome] += 1
            if word.verdict.score is not None:
                marks.append((word.verdict.score, word.verdict.correct))
        if advance is not None:
            advance(len(part))
    return Ceiling(Score.of(marks), empty, failed.total(), failed["timed_out"])
