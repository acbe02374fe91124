"""One's own database, tried where the golds are known: what is written down of them, and what comes of it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sqlrl.benchmarks import answered
from sqlrl.benchmarks.answered import Answered
from sqlrl.benchmarks.answers import read_answers
from sqlrl.executors import Outcome, Result
from sqlrl.executors.errors import DataError
from sqlrl.judging import Judging
from sqlrl.training.own import compare_own, known_of, own, write_own
from sqlrl.training.run import Quiet

pytest.importorskip("torch")


@pytest.mark.parametrize(
    ("rows", "ordered", "known"),
    [
        (((42,),), False, {"answer": 42}),
        (((1 / 3,),), True, {"answer": 0.33}),
        ((("a",), ("b",)), True, {"answer": ["a", "b"], "ordered": True}),
        ((("a",),), True, {"answer": ["a"]}),
        ((("a", 1),), False, {"answer": {"columns": ["x"], "rows": [["a", 1]]}}),
        ((), False, None),
        (((None,),), False, None),
        (((date(2020, 1, 1),),), False, None),
    ],
)
def test_a_person_writes_down_what_a_screen_shows(rows: Any, ordered: bool, known: Any) -> None:
    assert known_of(Result(("x",), rows), ordered) == known


def test_of_a_long_answer_the_first_rows_and_the_count_are_known() -> None:
    known = known_of(Result(("x",), tuple((n,) for n in range(50))), True)
    assert known == {
        "answer": {"columns": ["x"], "rows": [[0], [1], [2], [3], [4]]}, "partial": "contains", "at_most": 50,
    }  # fmt: skip


def test_a_query_that_failed_is_known_nothing_of() -> None:
    assert known_of(Result(outcome=Outcome.INVALID), False) is None


def test_the_golds_meet_their_own_answers_and_are_in_one_file_alone(tmp_path: Path) -> None:
    owned = own("mini/shop", tmp_path)
    shown = [json.loads(line) for line in owned.answered.read_text().splitlines()]
    assert len(shown) == owned.questions > 300
    assert not any("query" in line for line in shown)
    assert [(a.question, a.partial) for a in read_answers(owned.answered)] == [
        (a.question, a.partial) for a in read_answers(owned.labelled)
    ]
    answers = Answered(owned.source, owned.labelled)
    examples = answers.examples("test")
    with Judging.of(answers, examples, workers=1) as judging:
        judged = judging.judge_all([(example, example.gold.query) for example in examples])
    assert all(word.verdict.correct for word in judged)
    splits = {e.question: e.id for e in Answered(owned.source, owned.answered).examples("test")}
    assert splits == {e.question: e.id for e in examples}


def test_a_database_that_is_not_here_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no questions on a database 'shpo'"):
        own("mini/shpo", tmp_path)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_arms_are_judged_by_the_golds_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("trl")
    monkeypatch.setattr(answered, "DEMONSTRATIONS", 100)
    settings = {"sft_steps": 6, "max_steps": 6, "limit": 20, "workers": 1, "max_completion_tokens": 16}
    for _ in range(2):  # the second finds all done
        found, agreement = compare_own(
            ["mini/shop"], [0], ["ceiling", "control"], tmp_path, Quiet(), threads=1, settings=settings
        )
    assert found.arms == ["warm", "control", "ceiling"]
    assert sorted(found.kinds()) == ["known answer", "new answer"]
    total = len(found.items["warm"][0])
    assert agreement.both + agreement.neither + agreement.answers + agreement.golds == 3 * total
    table = write_own(found, agreement, ["mini/shop"])
    assert f"% of {total} |" in table
    assert {"known answers", "new answers"} <= set(table.splitlines()[0].split(" | "))
    assert (tmp_path / "shop" / "seed-0" / "ceiling" / "config.yaml").exists()
