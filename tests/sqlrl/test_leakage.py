"""Leakage: who gives the answer away is told, and what the others find."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from sqlrl.benchmarks.base import Example, Verdict
from sqlrl.cli import cli
from sqlrl.evaluation import Item
from sqlrl.executors.base import Gold
from sqlrl.judging import Judged
from sqlrl.leakage import leakage_of, leaks


def example(question: str, *answers: str, evidence: str = "") -> Example:
    return Example("e", question, Gold(answers=answers), evidence)


@pytest.mark.parametrize(
    ("question", "query", "leaking"),
    [
        ("Who painted it?", "painting Édouard Manet", True),
        ("Who painted it?", "painting E\u0301DOUARD manet museum", True),
        ("Who painted it?", "painting Manet", False),
        ("Did Édouard Manet paint it?", "Édouard Manet", False),
        ("Who painted it?", None, False),
        ("Who painted it?", "", False),
        ("Who painted it?", "the same, Manet's, 1863", True),
    ],
)
def test_what_leaks(question: str, query: str | None, leaking: bool) -> None:
    assert leaks(example(question, "Édouard Manet", "1863"), query) == leaking


def test_what_is_known_besides_is_told_too() -> None:
    assert not leaks(example("Who?", "Manet", evidence="by Manet"), "Manet")
    assert leaks(example("Who was Édouard", "Édouard Manet", evidence="Manet"), "Édouard Manet")


@given(st.text(), st.text(), st.lists(st.text(), max_size=3))
def test_a_question_asked_as_it_stands_never_leaks(question: str, more: str, answers: list[str]) -> None:
    asked = example(question, *answers)
    assert not leaks(asked, question)
    assert leaks(asked, question) <= leaks(asked, f"{question} {more}")
    assert not leaks(Example("e", question, Gold(relevant={"1": 1})), more)


def test_the_share_and_what_both_kinds_score() -> None:
    asked = example("Who painted it?", "Manet")
    items = [
        Item(place, asked, query, Judged(Verdict(score, bool(score), "match"), "ok"))
        for place, (query, score) in enumerate([("Manet", 1.0), ("painting", 0.25), (None, 0.0), ("Manet", None)])
    ]
    found = leakage_of([*items, Item(4, example("Is it Manet?", "Manet"), "Manet", items[1].judged)])
    assert found is not None
    assert (found.leaked, found.given, found.total) == (1, 1, 4)
    assert (found.leaking.mean, found.others.mean) == (1.0, pytest.approx(0.5 / 3))
    assert leakage_of([]) is None


def test_an_evaluation_reports_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over a data set in the passages' own format: one query gives the answer away, one doesn't."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "nq"
    folder.mkdir()
    lines = [{"question": f"who wrote book{n}", "answers": [f"Author{n}"]} for n in range(3)]
    (folder / "test.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    passages = "".join(f'{n + 1}\t"book{n} was written by Author{n}."\tbook{n}\n' for n in range(3))
    (folder / "psgs_w100.tsv").write_text(f"id\ttext\ttitle\n{passages}")
    predictions = tmp_path / "queries.json"
    predictions.write_text(json.dumps(["author0", "book1", "nobody"]))
    asked = ["eval", "nq", "--data", str(folder), "--split", "test", "--predictions", str(predictions)]
    target = tmp_path / "items.jsonl"
    shown = CliRunner().invoke(
        cli, [*asked, "--out", str(tmp_path / "runs"), "--json", str(target)], env={"COLUMNS": "160"}
    )
    assert shown.exit_code == 0, shown.output
    assert "1 of 3 queries hold an answer that their question does not: 100.0 % with, 50.0 % without" in shown.output
    items = [json.loads(line) for line in target.read_text().splitlines()]
    assert [item["leaks"] for item in items] == [True, False, False]
    (summary,) = (tmp_path / "runs").glob("*/summary.json")
    assert json.loads(summary.read_text())["leakage"]["leaked"] == 1
    (page,) = (tmp_path / "runs").glob("*/report.html")
    assert "1 of 3 queries hold an answer" in page.read_text()
    assert page.read_text().count('"gives the answer away":"yes"') == 1
