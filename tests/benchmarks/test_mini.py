"""mini: repeatable, honest splits, golds that tell right from wrong."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from sqlrl.benchmarks import load_benchmark
from sqlrl.benchmarks.generation.houses import HOUSES
from sqlrl.benchmarks.mini import TEST, TRAIN, VALIDATION, Mini
from sqlrl.executors.errors import UsageError
from sqlrl.golds import check_golds


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Mini:
    return Mini(0, tmp_path_factory.mktemp("mini"))


def test_it_is_the_same_each_time_and_differs_by_seed(mini: Mini, tmp_path: Path) -> None:
    again, other = Mini(0, tmp_path / "again"), Mini(1, tmp_path / "other")
    assert again.examples("test") == mini.examples("test")
    assert again.demonstrations() == mini.demonstrations()
    assert other.examples("test") != mini.examples("test")
    example = mini.examples("test")[0]
    mine, theirs = mini.sources(example), again.sources(example)
    for left, right in zip(mine, theirs, strict=True):
        left_path, right_path = left.removeprefix("sqlite:///"), right.removeprefix("sqlite:///")
        dumps = [list(sqlite3.connect(path).iterdump()) for path in (left_path, right_path)]
        assert dumps[0] == dumps[1]


def test_it_is_what_it_was() -> None:
    """A change of the grammar changes every figure in the README: then this digest changes with them."""
    examples = [(e.id, e.question, e.gold.query) for s in Mini.splits for e in Mini(0).examples(s)]
    digest = hashlib.sha256(json.dumps(examples).encode()).hexdigest()
    golden = Path(__file__).parent / "mini.sha256"
    assert digest == golden.read_text(encoding="utf-8").strip()


def test_sizes_are_as_stated(mini: Mini) -> None:
    assert len(mini.examples("train")) == TRAIN
    assert len(mini.examples("validation")) == VALIDATION
    assert Counter(e.labels["held_out"] for e in mini.examples("test")) == TEST
    assert len(HOUSES) == 8


def test_no_question_is_in_two_splits(mini: Mini) -> None:
    asked = {split: {(e.labels["database"], e.question) for e in mini.examples(split)} for split in mini.splits}
    assert not asked["train"] & asked["test"]
    assert not asked["train"] & asked["validation"]
    assert not asked["validation"] & asked["test"]
    shown = {(d.example.labels["database"], d.example.question) for d in mini.demonstrations()}
    assert not shown & (asked["test"] | asked["validation"])


def test_demonstrations_know_every_word_in_several_readings(mini: Mini) -> None:
    readings: dict[tuple[str, str], set[str]] = {}
    for demonstration in mini.demonstrations():
        example = demonstration.example
        readings.setdefault((example.labels["database"], example.question), set()).add(demonstration.query)
    assert sum(len(queries) > 1 for queries in readings.values()) > 100


@pytest.mark.slow
def test_every_gold_is_right_on_both_instances(mini: Mini) -> None:
    for split in mini.splits:
        found = check_golds(mini, mini.examples(split))
        assert found.right == found.total, found.headline()
        assert not found.empty


def test_another_reading_is_mostly_wrong(mini: Mini) -> None:
    """The two instances tell readings apart: a demonstration's query is seldom right by luck."""
    from sqlrl.judging import Judging

    by_question = {(e.labels["database"], e.question): e for e in mini.examples("train")}
    pairs = []
    for demonstration in mini.demonstrations():
        example = by_question.get((demonstration.example.labels["database"], demonstration.example.question))
        if example is not None and demonstration.query != example.gold.query:
            pairs.append((example, demonstration.query))
    assert len(pairs) > 200
    with Judging.of(mini, [example for example, _ in pairs]) as judging:
        judged = judging.judge_all(pairs[:400])
    assert {word.outcome for word in judged} == {"ok"}
    assert sum(word.verdict.correct for word in judged) / len(judged) < 0.1


def test_names_and_splits_are_checked() -> None:
    with pytest.raises(UsageError, match="validation"):
        Mini(0).examples("dev")
    with pytest.raises(UsageError, match="whole number"):
        load_benchmark("mini/x")
    assert load_benchmark("mini/3").name == "mini"
