"""`sqlrl ask`, as it is typed."""

from __future__ import annotations

import io
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from sqlrl.benchmarks.answers import read_answers
from sqlrl.cli import main

SAID = {
    "how many orders": "select count(*) as n from orders",
    "whose are they": "select custmer from orders",
    "no such column: custmer": "select distinct customer from orders order by 1",
    "all of them": "select id, customer from orders order by id",
    "drop": "drop table orders",
    "nobody": "select customer from orders where id > 99",
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A SQLite file of twelve orders by three customers, one of whom drives terminals."""
    path = tmp_path / "shop.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("create table orders(id integer primary key, customer text)")
        names = ["Ann", "Bo", "\x1b[31mCy"]
        connection.executemany("insert into orders values (?, ?)", [(i, names[i % 3]) for i in range(12)])
    connection.close()
    return path


@pytest.fixture
def words(shop: Path, tmp_path: Path) -> list[str]:
    """What every command begins with."""
    script = tmp_path / "script.jsonl"
    lines = [
        {"question": key, "completion": f"<think>so</think><answer>{json.dumps({'sql': query})}</answer>"}
        for key, query in SAID.items()
    ]
    script.write_text("\n".join(map(json.dumps, lines)))
    return [str(shop), "--policy", f"script:{script}"]


def _ask(*words: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(["ask", *words])
    return int(left.value.code or 0)


def _chat(monkeypatch: pytest.MonkeyPatch, lines: list[str], *words: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
    return _ask(*words, "--chat")


def test_query_and_rows_are_shown_and_what_was_done(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert _ask(*words, "whose are they?") == 0
    shown = capsys.readouterr()
    assert [line.rstrip() for line in shown.out.splitlines()] == [
        "select distinct customer from orders order by 1", "", "customer", "\ufffd[31mCy", "Ann", "Bo",
    ]  # fmt: skip
    steps = shown.err.splitlines()
    assert steps[0] == "asking the policy"
    assert "the query cannot be run: no such column: custmer; asking again" in steps
    assert steps[-1] == "3 rows"
    assert "\x1b" not in shown.out + shown.err


def test_json_is_one_object(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert _ask(*words, "all of them", "--json", "--rows", "2") == 0
    shown = capsys.readouterr()
    item = json.loads(shown.out)
    assert (item["rows"], item["truncated"], item["outcome"]) == ([[0, "Ann"], [1, "Bo"]], True, "ok")
    assert shown.err == ""


def test_no_rows_are_an_answer_and_a_refusal_is_none(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert _ask(*words, "nobody?") == 0
    assert capsys.readouterr().err.splitlines()[-1] == "no rows"
    assert _ask(*words, "drop it") == 3
    assert "refused: only reading is allowed" in capsys.readouterr().err
    assert _ask(*words, "whose are they?", "--repairs", "0") == 3
    assert "did you mean orders.customer?" in capsys.readouterr().err


def test_samples_say_how_many_agree(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert _ask(*words, "how many orders?", "--samples", "3") == 0
    assert "1 row, 100% of 3 samples agree" in capsys.readouterr().err


def test_without_a_policy_it_says_how_to_get_one(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SQLRL_POLICY", raising=False)
    assert _ask(words[0], "how many orders?") == 2
    said = capsys.readouterr().err
    assert f"sqlrl train {words[0]} --answered" in said
    assert len(said.splitlines()) == 1
    monkeypatch.setenv("SQLRL_POLICY", words[2])
    assert _ask(words[0], "how many orders?", "--json") == 0


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "takes a QUESTION, or --chat"),
        (["--chat", "--json"], "--json goes with a QUESTION"),
        (["x", "--timeout", "0"], "--timeout"),
        (["x", "--timeout", "nan"], "--timeout"),
        (["x", "--tables", ","], "--tables names no table"),
        (["x", "--tables", "order"], "no table 'order'"),
        ([" "], "an empty question"),
        (["x", "--role", "reader"], "role goes with postgresql"),
    ],
)
def test_what_is_wrong_is_one_line(
    words: list[str], capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    assert _ask(*words, *more) == 2
    message = capsys.readouterr().err
    assert said in message
    assert len(message.splitlines()) == 1


def test_a_chat_keeps_what_is_marked(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "answered.jsonl"
    lines = [
        "how many orders?", "/right", "/forget", "whose are they?", '/answer ["Ann", "Bo"]', "all of them", "/right",
        "nobody?", "/right", "/answer", "/nonsense", "/sql select 7 as seven", "/schema", "/help", "/quit", "drop it",
    ]  # fmt: skip
    assert _chat(monkeypatch, lines, *words, "--answered", str(file)) == 0
    shown = capsys.readouterr()
    for said in ("a result of nothing", "/answer takes", "no command /nonsense", "sqlrl train"):
        assert said in shown.err
    for said in ("seven", "CREATE TABLE orders", "/forget"):
        assert said in shown.out
    assert "drop" not in shown.out.replace("drop it", "")
    kept = read_answers(file)
    assert [(answer.question, answer.partial.known) for answer in kept] == [
        ("how many orders?", "number"), ("whose are they?", "names"), ("all of them", "whole"),
    ]  # fmt: skip
    assert kept[0].partial.rows == ((12,),)
    assert kept[1].partial.rows == (("Ann",), ("Bo",))
    assert kept[2].evidence == "asked after: whose are they?"
    # What is marked again gives way, and the rest stays.
    assert _chat(monkeypatch, ["how many orders?", "/answer 13"], *words, "--answered", str(file)) == 0
    assert [answer.partial.rows[0] for answer in read_answers(file)] == [("Ann",), (0, "Ann"), (13,)]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_chat_goes_on_after_a_bad_answer(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = ["/right", "drop it", "/right", "how many orders?", "/answer []", '/answer {"a":']
    assert _chat(monkeypatch, lines, *words, "--answered", str(tmp_path / "a.jsonl")) == 0
    said = capsys.readouterr().err
    for part in ("nothing was asked yet", "only an answer with a result", "an answer of nothing", "is no JSON"):
        assert part in said
    assert not (tmp_path / "a.jsonl").exists()


def test_it_starts_without_torch(words: list[str]) -> None:
    code = (
        "import sys; from sqlrl.cli import main\n"
        "try: main(['ask', *sys.argv[1:]])\n"
        "except SystemExit as left: assert not left.code, left.code\n"
        "assert not {'torch', 'httpx', 'numpy', 'duckdb'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code, *words, "how many orders?", "--json"], check=True, timeout=60)
