"""Every preset pays its authors' numbers, and nothing wrong earns as much as what is right."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from contextlib import closing
from itertools import chain, permutations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sqlrl.answers import Answer
from sqlrl.benchmarks import load_benchmark
from sqlrl.benchmarks.judges import load_judge
from sqlrl.executors.cell_f1 import NEARLY
from sqlrl.executors.errors import UsageError
from sqlrl.judging import Judging
from sqlrl.prompts import Prompter
from sqlrl.rewards import PRESETS, ExecutionReward, Parts, load_preset
from sqlrl.rewards.presets import choose_preset, presets_for
from tests.sqlrl.rewards.cases import COMPARED, GOLDEN, GOLDS, Case, cases, create_database, examples


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return create_database(tmp_path)


def paid(preset: str, database: Path, some: list[Case]) -> list[float | None]:
    sources = {example.id: [f"sqlite:///{database}"] for example in examples()}
    with Judging(PRESETS[preset].judge, sources, workers=1) as judging:
        reward = ExecutionReward(preset, Prompter(), examples(), judging)
        return reward(None, [case.ours for case in some], [str(case.gold) for case in some])


@pytest.mark.parametrize("preset", sorted(COMPARED))
def test_a_published_preset_pays_the_golden_values(preset: str, database: Path) -> None:
    """golden.json holds what the authors' own functions gave for the same completions."""
    some = [case for case in cases() if case.form in COMPARED[preset]]
    golden = json.loads(GOLDEN.read_text())[preset]
    assert paid(preset, database, some) == [pytest.approx(value, abs=1e-9) for value in golden]


@pytest.mark.parametrize("preset", ["execution", "cell-f1"])
def test_our_own_presets_pay_what_another_reading_of_them_says(preset: str, database: Path) -> None:
    some = list(cases())
    with closing(sqlite3.connect(database)) as connection:
        read = [_reading(case, connection, 0.5 if preset == "cell-f1" else 0.0) for case in some]
    assert paid(preset, database, some) == [None if value is None else pytest.approx(value) for value in read]
    assert len({*read}) > (10 if preset == "cell-f1" else 2)


def _reading(case: Case, connection: sqlite3.Connection, partial: float) -> float | None:
    gold = connection.execute(GOLDS[case.gold]).fetchall()
    if case.form != "whole":
        return 0.0
    try:
        rows = connection.execute(case.query).fetchall()
    except sqlite3.Error:
        return 0.0
    if not gold:
        return 0.0 if rows else None  # whatever finds something is wrong
    ordered = GOLDS[case.gold] in (GOLDS[2], GOLDS[6])
    for places in permutations(range(len(gold[0]))) if rows and len(rows[0]) == len(gold[0]) else ():
        turned: list[Any] = [tuple(row[place] for place in places) for row in rows]
        if turned == gold if ordered else Counter(turned) == Counter(gold):
            return 1.0
    mine, theirs = Counter(chain(*rows)), Counter(chain(*gold))
    common = (mine & theirs).total()
    return partial * min(NEARLY, 2 * common / (mine.total() + theirs.total()))


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_nothing_wrong_earns_as_much_as_the_least_right_answer(name: str) -> None:
    preset = PRESETS[name]
    answers = [Answer("q" * n, "", "t" * m, "b" * (n + 11)) for n in (1, 9, 5000) for m in (0, 9, 5000)]
    right = [preset.parts("right", 1.0, answer).total for answer in answers]
    wrong = [preset.parts(kind, NEARLY, answer).total for kind in ("ran", "failed", "malformed") for answer in answers]
    tied = preset.searches and not preset.partial  # DeepRetrieval's tiers: recall 0.7 earns what all earns
    assert min(right) >= preset.right.total >= max(wrong)
    assert (preset.right.total > max(wrong)) != tied
    assert preset.parts("ran", NEARLY, answers[0]).total >= preset.failed.total >= preset.malformed.total


@pytest.mark.parametrize("name", presets_for(search=True))
def test_a_better_ranking_never_earns_less(name: str) -> None:
    preset, answer = PRESETS[name], Answer("q", "", "", "q")
    marks = sorted({0.0, 5e-324, *(least for least, _ in preset.tiers), *(1 / n for n in range(1, 4000))})
    paid = [preset.parts("ran", mark, answer).total for mark in marks]
    assert paid == sorted(paid)
    assert paid[0] == preset.ran.total
    assert paid[-1] == preset.right.total == preset.parts("right", 1.0, answer).total
    assert [preset.parts("right", mark, answer).total for mark in marks] == paid  # an answer at any rank is right
    assert preset.parts("malformed", 0.0, Answer(None, "no form")) == preset.malformed


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_says_whose_it_is_and_by_which_judge(name: str) -> None:
    preset = PRESETS[name]
    assert preset.source
    assert preset.summary
    assert load_judge(preset.judge).name == preset.judge
    assert bool(preset.differs) == (name != "execution")
    assert set(preset.paid_for) <= {"format", "executability", "result", "length", "thinking"}


def test_the_length_of_thinking_and_answer_is_paid_apart() -> None:
    preset = PRESETS["sql-r1"]
    short = preset.parts("right", 1.0, Answer("SELECT  1", "", "", "x" * 16))
    assert short == Parts(format=1.0, executability=2.0, result=3.0, length=0.5 * 16 / 2048 + 8 / 16)
    longer = preset.parts("right", 1.0, Answer("SELECT  1", "", "t" * 1000, "x" * 16))
    assert longer.thinking == pytest.approx(0.5 * 1000 / 2048)
    assert longer.length == short.length
    assert preset.parts("right", 1.0, Answer("q" * 90, "", "t" * 9000, "x" * 100)).total == pytest.approx(6.5 + 0.9)


def test_an_unknown_preset_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'execution'"):
        load_preset("exekution")


LAZY = ("SELECT 7", "SELECT id FROM {table}", "SELECT * FROM {table}", "SELECT count(*) FROM {table}")


@pytest.mark.parametrize(("preset", "most"), [("cell-f1", 0.06), ("deepretrieval-bird", 0.41), ("arctic", 0.11)])
def test_what_a_policy_that_does_not_read_the_question_earns(preset: str, most: float) -> None:
    """The best of four lazy queries, on average over questions of mini: partial credit is no free lunch."""
    benchmark = load_benchmark("mini")
    some = benchmark.examples("train")[:200]
    tables = [re.findall(r"FROM (\w+)", example.gold.query or "")[0] for example in some]
    reward = ExecutionReward.of(benchmark, some, Prompter(thinking=False), preset, workers=1)
    with reward.judging:
        earned = []
        for query in LAZY:
            said = [reward.prompter.completion(query.format(table=table)) for table in tables]
            values = [value for value in reward(None, said, [example.id for example in some]) if value is not None]
            earned.append(sum(values) / len(values))
    assert most - 0.02 < max(earned) < most


def test_the_default_is_what_the_benchmark_measures() -> None:
    mini = load_benchmark("mini")
    assert choose_preset(None, mini) == "execution"
    assert choose_preset("skyrl", mini) == "skyrl"
    for judges, preset in (("ndcg-binary@10", "ndcg"), ("recall@100", "recall"), ("answer-rank@20", "answer-rank")):
        search = SimpleNamespace(name="found", judges=(judges,), answer_key="query")
        assert choose_preset(None, search) == preset  # type: ignore[arg-type]
        with pytest.raises(UsageError, match=f"the reward execution does not pay for: .*{preset}"):
            choose_preset("execution", search)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="found knows the right answers"):
        choose_preset("recall", search)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="mini knows the right rows"):
        choose_preset("recall", mini)
