"""A database of one's own on the command line: questions, answers, evaluation, a plan, and what is said of mistakes."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from sqlrl.benchmarks import answered
from sqlrl.cli import main
from sqlrl.runs import Run

LINES = [
    {"question": "how many products?", "answer": 3, "split": "test"},
    {"question": "which products are cheap?", "answer": ["pen", "ink"], "split": "test"},
    {"question": "what is the average price?", "answer": 31.33, "split": "test", "evidence": "in euros"},
    {"question": "which product is dear?", "answer": "desk", "split": "test", "partial": "contains"},
    {"question": "what does a pen cost?", "answer": 1.5, "split": "train"},
]
QUERIES = [
    "SELECT count(*) FROM product", "SELECT name FROM product WHERE price < 3", "SELECT avg(price) FROM product",
    "SELECT name FROM product",
]  # fmt: skip


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(answered, "DEMONSTRATIONS", 40)
    monkeypatch.chdir(tmp_path)
    with sqlite3.connect("shop.db") as connection:
        connection.execute("create table product(name text, price real)")
        connection.executemany("insert into product values (?, ?)", [("pen", 1.5), ("ink", 2.5), ("desk", 90.0)])
    connection.close()
    Path("answered.jsonl").write_text("".join(json.dumps(line) + "\n" for line in LINES))
    form = '<think></think><answer>{{"sql": "{}"}}</answer>'
    script = [
        {"question": line["question"], "completion": form.format(query)}
        for line, query in zip(LINES, QUERIES, strict=False)
    ]
    Path("script.jsonl").write_text("".join(json.dumps(line) + "\n" for line in script))
    return tmp_path


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def test_questions_are_shown_and_written(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "data", "questions", "sqlite:///shop.db", "--count", "8", "--seed", "2")
    assert code == 0
    assert out.count("\n    SELECT ") == 8
    assert "8 questions kept" in out
    code, _, _ = _run(capsys, "data", "questions", "shop.db", "--count", "8", "--seed", "2", "--json", "q.jsonl")
    assert code == 0
    written = [json.loads(line) for line in Path("q.jsonl").read_text().splitlines()]
    assert [line["question"] for line in written] == out.splitlines()[:16:2]
    assert all(line["tables"] == ["product"] and line["shape"] for line in written)


def test_a_policy_is_judged_by_the_answers(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(
        capsys, "eval", "sqlite:///shop.db", "--answered", "answered.jsonl", "--policy", "script:script.jsonl",
        "--name", "run", "--json", "items.jsonl",
    )  # fmt: skip
    assert code == 0
    items = [json.loads(line) for line in Path("items.jsonl").read_text().splitlines()]
    assert [item["correct"] for item in items] == [True, True, True, False]
    assert "judge answered" in out
    assert "4 for test" in out
    summary = Run.open("runs/run").summary()
    assert summary["benchmark"] == "answered"
    assert summary["evaluation"]["by"]["answer"].keys() == {"number", "names", "contains"}


def test_a_plan_needs_no_query_of_yours(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("trl")
    code, out, err = _run(capsys, "train", "shop.db", "--answered", "answered.jsonl", "--policy", "tiny", "--dry-run")
    assert code == 0, err
    assert "sft+rft" in out
    assert "demonstrations" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "sqlite:///shop.db"], "give --answered FILE"),
        (["eval", "shop.db", "--policy", "script:script.jsonl"], "give --answered FILE"),
        (["train", "shop.db", "--answered", "none.jsonl", "--dry-run"], "none.jsonl cannot be read"),
        (["train", "nowhere.db", "--answered", "answered.jsonl", "--dry-run"], "there is no file"),
        (["train", "shop.db", "--answered", "answered.jsonl", "--judge", "robust"], "--answered goes with the judge"),
        (["train", "shop.db", "--answered", "bad.jsonl", "--dry-run"], "bad.jsonl, line 2: no key 'qestion'; did you"),
        (["data", "questions", "nowhere.db"], "there is no file"),
        (["data", "questions", "shop.db", "--tables", "none"], "no table"),
        (["reproduce", "mini", "--databases", "x"], "--databases goes with own"),
        (["reproduce", "own", "--diversity", "4"], "--diversity goes with mini and geoquery"),
    ],
)
def test_a_mistake_gets_one_line(
    own: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    Path("bad.jsonl").write_text('{"question": "q", "answer": 1}\n{"qestion": "r", "answer": 2}\n')
    code, _, err = _run(capsys, *arguments)
    assert code == 2
    assert said in err
    assert err.count("\n") == 1
