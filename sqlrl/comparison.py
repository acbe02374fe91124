"""A comparison: two evaluations over the same questions, and what changed between them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlrl.evaluation import rank
from sqlrl.executors.errors import DataError, UsageError
from sqlrl.runs import Run, read_lines
from sqlrl.statistics import Interval, clustered_bootstrap, mcnemar, paired, percentile_bootstrap, permutation

__all__ = ["Answers", "Change", "Comparison", "Pair", "compare", "read_answers"]

_NO_LABELS = {
    "index", "id", "db_id", "predicted", "gold", "outcome", "correct", "score", "safe", "reason", "question", "seconds",
    "gold_seconds", "predicted_rows", "gold_rows", "completion", "evidence", "message", "fault", "results",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answers:
    """The judged items of one evaluation. what: benchmark, split, judge and revision, as far as they are known."""

    name: str
    items: list[dict[str, Any]]
    what: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pair:
    """One question as it was answered before and after."""

    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def change(self) -> int:
        """1: gained, -1: lost, 0: as right or as wrong as it was."""
        return int(self.after["correct"]) - int(self.before["correct"])

    @property
    def rise(self) -> float:
        """Of the score."""
        return float(self.after["score"]) - float(self.before["score"])


@dataclass(frozen=True, slots=True)
class Change:
    """What some questions came to, before and after. before, after: mean scores."""

    total: int
    before: float
    after: float
    gained: int
    lost: int

    @classmethod
    def of(cls, pairs: Sequence[Pair]) -> Change:
        total = len(pairs)
        return cls(
            total,
            sum(pair.before["score"] for pair in pairs) / total,
            sum(pair.after["score"] for pair in pairs) / total,
            sum(pair.change == 1 for pair in pairs),
            sum(pair.change == -1 for pair in pairs),
        )

    @property
    def difference(self) -> float:
        return self.after - self.before

    def to_dict(self) -> dict[str, Any]:
        return {
            "total": self.total, "before": self.before, "after": self.after, "difference": self.difference,
            "gained": self.gained, "lost": self.lost,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Comparison:
    """every: over all shared questions; safe: over those judged safely in both. interval: 95 %, of the difference,
    paired bootstrap over questions; across: over databases, None for fewer than eight. p: McNemar's, exact, of full
    marks. graded_p: of a permutation of the scores, None where there are only noughts and ones. by: label -> value ->
    change. alone: questions that only one of them has. unjudged: shared, but without a mark in one of them."""

    before: Answers
    after: Answers
    pairs: list[Pair]
    every: Change
    safe: Change | None
    interval: Interval
    across: Interval | None
    p: float
    graded_p: float | None
    by: Mapping[str, Mapping[str, Change]]
    alone: tuple[int, int]
    unjudged: int
    notes: list[str]

    @property
    def gained(self) -> list[Pair]:
        return [pair for pair in self.pairs if pair.change == 1]

    @property
    def lost(self) -> list[Pair]:
        return [pair for pair in self.pairs if pair.change == -1]

    def to_dict(self) -> dict[str, Any]:
        """All figures, and every question that changed."""

        def changed(pairs: list[Pair]) -> list[dict[str, Any]]:
            keys = ("predicted", "outcome", "reason", "score")
            return [
                {
                    **{key: pair.after.get(key) for key in ("id", "db_id", "question", "gold")},
                    "before": {key: pair.before.get(key) for key in keys},
                    "after": {key: pair.after.get(key) for key in keys},
                }
                for pair in pairs
            ]

        return {
            "before": {"name": self.before.name, **self.before.what},
            "after": {"name": self.after.name, **self.after.what},
            "every": self.every.to_dict(),
            "safe": self.safe.to_dict() if self.safe else None,
            "interval": list(self.interval),
            "across_databases": list(self.across) if self.across else None,
            "mcnemar_p": self.p,
            "permutation_p": self.graded_p,
            "by": {
                label: {value: change.to_dict() for value, change in values.items()}
                for label, values in self.by.items()
            },
            "only_before": self.alone[0],
            "only_after": self.alone[1],
            "unjudged": self.unjudged,
            "notes": self.notes,
            "gained": changed(self.gained),
            "lost": changed(self.lost),
        }


def read_answers(path: str | Path) -> Answers:
    """The items of a run folder that `sqlrl eval` made, or of a file that its --json made."""
    place = Path(path).expanduser()
    if place.is_dir():
        run = Run.open(place)
        items, summary = run.items(), run.summary()
        if not items:
            stages = sorted(file.name for file in place.glob("items-*.jsonl"))
            hint = f": name one of its files, {', '.join(stages)}" if stages else ""
            raise UsageError(f"{place} holds no judged items of `sqlrl eval`{hint}")
        revision = summary.get("provenance", {}).get("revision", {})
        what = {
            "benchmark": summary.get("benchmark"), "split": summary.get("split"),
            "judge": summary.get("evaluation", {}).get("judge"), "questions": revision.get("questions"),
            "databases": revision.get("databases"),
        }  # fmt: skip
        return Answers(place.name, _checked(items, place), {key: str(value) for key, value in what.items() if value})
    if not place.is_file():
        raise UsageError(f"there is no run or file {path}")
    return Answers(place.stem, _checked(list(read_lines(place)), place))


def compare(before: Answers, after: Answers) -> Comparison:
    """Put the answers to the same questions side by side: equal by their id and their words.

    UsageError where they have no question in common.
    """
    first = {_key(item): item for item in before.items}
    second = {_key(item): item for item in after.items}
    shared = [key for key in first if key in second]
    if not shared:
        raise UsageError(f"{_named(before)} and {_named(after)} have no question in common")
    pairs = [Pair(first[key], second[key]) for key in shared]
    judged = [pair for pair in pairs if _is_judged(pair.before) and _is_judged(pair.after)]
    if not judged:
        raise UsageError(f"{_named(before)} and {_named(after)} have no question that both have a mark for")
    safe = [pair for pair in judged if None not in (pair.before.get("safe"), pair.after.get("safe"))]
    rises = [pair.rise for pair in judged]
    every = Change.of(judged)
    # Only noughts and ones: then full marks and scores are the same.
    plain = all(item["score"] == item["correct"] for pair in judged for item in (pair.before, pair.after))
    if plain:
        right = [
            [bool(item["correct"]) for item in items]
            for items in zip(*((p.before, p.after) for p in judged), strict=True)
        ]
        interval = paired(*right).interval
    else:
        interval = percentile_bootstrap(rises)
    return Comparison(
        before,
        after,
        judged,
        every,
        Change.of(safe) if safe else None,
        interval,
        clustered_bootstrap(rises, [str(pair.after.get("db_id", "")) for pair in judged]),
        mcnemar(every.gained, every.lost),
        None if plain else permutation(rises),
        _by_label(judged),
        (len(first) - len(shared), len(second) - len(shared)),
        len(pairs) - len(judged),
        list(_notes(before, after, pairs)),
    )


def _by_label(pairs: Sequence[Pair]) -> dict[str, dict[str, Change]]:
    """By difficulty and what else the items are labelled with, and by database."""
    found: dict[str, dict[str, list[Pair]]] = defaultdict(lambda: defaultdict(list))
    for pair in pairs:
        for label, value in pair.after.items():
            if label not in _NO_LABELS and isinstance(value, str):
                found[label][value].append(pair)
        if pair.after.get("db_id"):
            found["database"][pair.after["db_id"]].append(pair)
    return {
        label: {value: Change.of(those) for value, those in sorted(values.items(), key=rank)}
        for label, values in found.items()
    }


def _notes(before: Answers, after: Answers, pairs: Sequence[Pair]) -> Iterable[str]:
    """What makes the two less alike than they should be."""
    consequences = {
        "judge": "the difference is the judges' as much as the answers'",
        "benchmark": "questions are the same by id and words",
        "split": "questions are the same by id and words",
        "databases": "results may differ for that alone",
    }
    for key, consequence in consequences.items():
        was, now = before.what.get(key), after.what.get(key)
        if was and now and was != now:
            yield f"{key}: {was} before, {now} after; {consequence}"
    golds = sum(pair.before.get("gold") != pair.after.get("gold") for pair in pairs)
    if golds:
        yield f"the golds of {golds:,} questions differ: other revisions of the data"


def _key(item: Mapping[str, Any]) -> tuple[str, str]:
    return (str(item["id"]), str(item.get("question", "")))


def _is_judged(item: Mapping[str, Any]) -> bool:
    return item["score"] is not None and item.get("reason") != "missing_database"


def _named(answers: Answers) -> str:
    what = " ".join(answers.what[key] for key in ("benchmark", "split") if key in answers.what)
    return f"{answers.name} ({what})" if what else answers.name


def _checked(items: list[dict[str, Any]], place: Path) -> list[dict[str, Any]]:
    """The items, where they are what `sqlrl eval` writes."""
    if not items:
        raise DataError(f"{place} holds no items")
    seen = set()
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict) or not {"id", "correct", "score"} <= set(item):
            raise DataError(f"{place}, line {number} is not a judged item: it wants id, correct and score")
        if not (item["score"] is None or isinstance(item["score"], int | float)):
            raise DataError(f"{place}, line {number}: a score is a number, not {json.dumps(item['score'])[:40]}")
        if _key(item) in seen:
            raise DataError(f"{place}, line {number}: the question {item['id']} is there twice")
        seen.add(_key(item))
    return items
