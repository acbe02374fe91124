"""One verdict from several instances of a database."""

from __future__ import annotations

import itertools
import sqlite3
from pathlib import Path

import pytest

from sqlrl.benchmarks.base import Example
from sqlrl.executors.base import Gold
from sqlrl.executors.errors import UsageError
from sqlrl.judging import Judging


def _instances(folder: Path) -> list[str]:
    urls = []
    for number, rows in enumerate(([1, 2], [1, 2, 3])):
        path = folder / f"{number}.sqlite"
        with sqlite3.connect(path) as connection:
            connection.execute("create table t(x)")
            connection.executemany("insert into t values (?)", [(row,) for row in rows])
        connection.close()
        urls.append(f"sqlite:///{path}")
    return urls


EXAMPLES = [Example(f"q{i}", "?", Gold(query=gold), labels={"database": "t"}) for i, gold in enumerate(
    ["select count(*) from t", "select x from t where x > 2", "select x from t", "broken"]
)]  # fmt: skip
QUERIES = [
    "select count(*) from t",
    "select 2",
    "select x from t where x < 3",
    "select 3 where 0",
    "broken",
    "select x from t",
    None,
]


def test_right_by_luck_on_one_instance_is_wrong(tmp_path: Path) -> None:
    with Judging("robust", {"q0": _instances(tmp_path)}, workers=1) as judging:
        right, lucky, format_ = judging.judge_all([(EXAMPLES[0], query) for query in (QUERIES[0], "select 2", None)])
    assert (right.verdict.correct, right.verdict.reason) == (True, "match")
    assert (lucky.verdict.correct, lucky.verdict.reason) == (False, "mismatch")
    assert (format_.verdict.correct, format_.outcome, format_.safe) == (False, "format", False)


def test_hurry_changes_no_verdict(tmp_path: Path) -> None:
    urls = _instances(tmp_path)
    pairs = list(itertools.product(EXAMPLES, QUERIES))
    with Judging("robust", {example.id: urls for example in EXAMPLES}, workers=1) as judging:
        thorough = judging.judge_all(pairs)
        hurried = judging.judge_all(pairs, thorough=False)
    for slow, quick in zip(thorough, hurried, strict=True):
        assert slow.verdict.correct == quick.verdict.correct
        assert (slow.verdict.score, slow.outcome) == (quick.verdict.score, quick.outcome)


def test_a_missing_database_is_nobodys_fault(tmp_path: Path) -> None:
    with Judging("robust", {"q0": []}, faults={"t": "missing"}, workers=1) as judging:
        (word,) = judging.judge_all([(EXAMPLES[0], "select 1")])
    assert word.outcome == word.verdict.reason == "missing_database"
    assert word.safe is None


def test_a_close_look_tells_what_the_gold_is_worth_as_a_prediction(tmp_path: Path) -> None:
    urls = _instances(tmp_path)
    golds = ["select x from t", "select 'value'", "select datetime('now')", "broken"]
    examples = [Example(f"q{i}", "?", Gold(query=gold), labels={"database": "t"}) for i, gold in enumerate(golds)]
    with Judging("spider", {example.id: urls for example in examples}, workers=1) as judging:
        words = judging.judge_all([(example, "select 7") for example in examples], closely=True)
        assert judging.judge_all([(examples[0], "select 7")])[0].gold_verdict is None
    # As a prediction the second is another query; what the third gives is not known; the fourth gives nothing.
    assert [word.gold_verdict is not None and word.gold_verdict.correct for word in words] == [
        True,
        False,
        False,
        False,
    ]
    assert [word.gold_verdict is None for word in words] == [False, True, True, True]
    assert words[0].excerpts["gold"]["rows"] == [[1], [2]]


def test_nobody_is_timed_on_a_server() -> None:
    with pytest.raises(UsageError, match="bird-ves@5 times queries"):
        Judging("bird-ves@5", {"q0": ["postgresql://reader@localhost/shop"]})
    Judging("bird-ex", {"q0": ["postgresql://reader@localhost/shop"]}).close()
