"""The official evaluators' own verdicts on real predictions, row by row, against ours over the real databases."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import isclose
from pathlib import Path

import pytest

from sqlrl.benchmarks.base import Verdict
from sqlrl.benchmarks.judges import load_judge
from sqlrl.executors import Gold, Limits, open_executors

# a benchmark's prefix in the names of its files -> the folder of its databases, and who said what in which column
OFFICIAL = {
    "spider": (
        "spider/database",
        {"spider": "official", "spider-strict": "official_keep_distinct_no_value_bug"},
    ),
    "bird": ("bird/dev_databases", {"bird-ex": "official_ex", "bird-f1": "official_f1"}),
}
SAMPLE = 150


@dataclass(frozen=True)
class Item:
    """One prediction, and what an official evaluator said of it."""

    file: str
    index: int
    judge: str
    source: str
    predicted: str
    gold: str
    score: float


def official_items(data_root: Path) -> list[Item]:
    items = []
    for path in sorted((data_root / "verdicts").glob("*.jsonl")):
        folder, columns = OFFICIAL[path.name.partition("_")[0]]
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            database = data_root / folder / row["db_id"] / f"{row['db_id']}.sqlite"
            items += [
                Item(
                    path.stem,
                    row["index"],
                    judge,
                    f"sqlite:///{database}",
                    row["predicted"],
                    row["gold"],
                    float(row[key]),
                )
                for judge, key in columns.items()
            ]
    if not items:
        pytest.skip("no verdicts among the real data")
    return items


def judged(items: Sequence[Item]) -> list[Verdict]:
    """Our verdicts, from one batch over all databases."""
    judges = {item.judge: load_judge(item.judge) for item in items}
    tasks, relations = [], []
    for item in items:
        predicted, gold = judges[item.judge].prepare(item.predicted, Gold(query=item.gold))
        tasks.append((item.source, predicted, gold))
        relations.append(judges[item.judge].relation(gold))
    sources = sorted({item.source for item in items})
    with open_executors(sources, limits=Limits(seconds=30), workers=2) as group:  # BIRD's script allows 30 as well
        comparisons = group.compare_many(tasks, relations)
    return [judges[item.judge].verdict([found]) for item, found in zip(items, comparisons, strict=True)]


def check_parity(items: Sequence[Item]) -> None:
    """Every verdict is the official one, but where a query that does not read was refused; prints the count of each."""
    by_file: dict[tuple[str, str], Counter[str]] = {}
    wrong = []
    for item, verdict in zip(items, judged(items), strict=True):
        kind = (
            "same"
            if isclose(verdict.score or 0.0, item.score) and verdict.correct == (item.score == 1)
            else "refused"
            if verdict.reason == "refused"
            else "other"
        )
        by_file.setdefault((item.file, item.judge), Counter())[kind] += 1
        if kind == "other":
            wrong.append(f"{item.file}:{item.index} {item.judge} says {verdict}, officially {item.score}")
    for (file, judge), counts in by_file.items():
        print(f"{file} {judge}: {counts['same']} of {counts.total()} the same, {counts['refused']} refused")
    assert wrong == []


def test_a_sample_of_official_verdicts_is_ours_too(data_root: Path) -> None:
    items = official_items(data_root)
    groups = [list(group) for _, group in groupby(sorted(items, key=key_of), key=key_of)]
    each = -(-SAMPLE // len(groups))
    check_parity([group[number * len(group) // each] for group in groups for number in range(each)])


def key_of(item: Item) -> tuple[str, str, float]:
    """So that both words of every judge on every file are in the sample, however rare one is."""
    return (item.file, item.judge, item.score)


@pytest.mark.slow
def test_every_official_verdict_is_ours_too(data_root: Path) -> None:
    check_parity(official_items(data_root))
