"""A search index asked through the layer: questions rewritten, documents back."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest

from sqlrl.executors import Outcome
from sqlrl.executors.documents import Document
from sqlrl.executors.errors import UsageError
from sqlrl.layer import Retriever, connect
from sqlrl.policies.question import QuestionPolicy
from sqlrl.policies.scripted import ScriptedPolicy

pytest.importorskip("bm25s")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> str:
    from sqlrl.executors.bm25 import build

    folder = tmp_path_factory.mktemp("index") / "index"
    build([Document("a", "Hearts", "vitamin D and the heart"), Document("b", "Bones", "calcium in bones")], folder)
    return f"bm25:///{folder}"


def test_documents_come_back_for_a_rewritten_question(index: str) -> None:
    policy = ScriptedPolicy({"skeleton": ['<think></think><answer>{"query": "bones calcium"}</answer>'], "x": ["no"]})
    entries: list[Any] = []
    with connect(index, policy, rows=5, audit=entries.append) as found:
        assert isinstance(found, Retriever)
        answer = found.ask("what is good for the skeleton?", who="ann")
        assert (answer.query, answer.columns) == ("bones calcium", ("id", "score", "title", "text"))
        assert [(row[0], *row[2:]) for row in answer.rows] == [("b", "Bones", "calcium in bones")]
        assert found.rewrite("the skeleton").query == "bones calcium"
        assert asyncio.run(found.aask("the skeleton")).rows == answer.rows
        plain = found.ask("x heart")
        assert (plain.query, plain.rows[0][0]) == ("x heart", "a")
        assert "the question is the query" in plain.warnings[0]
        assert found.run("").outcome is Outcome.INVALID
    assert [(entry["who"], entry["call"]) for entry in entries][:2] == [("ann", "ask"), ("", "rewrite")]


def test_without_a_policy_the_question_is_the_query(index: str) -> None:
    for policy in (None, QuestionPolicy()):
        with connect(index, policy) as found:
            assert found.ask("vitamin D").rows[0][0] == "a"


def test_what_is_for_databases_is_said(index: str) -> None:
    with pytest.raises(UsageError, match="row filters"):
        connect(index, row_filters={"a": "1 = 1"})


def _ask(*words: str) -> int:
    from sqlrl.cli import main

    with pytest.raises(SystemExit) as left:
        main(["ask", *words])
    return int(left.value.code or 0)


def test_the_command_line_asks_an_index(index: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _ask(index, "calcium", "--json", "--policy", "question:") == 0
    assert '"Bones", "calcium in bones"' in capsys.readouterr().out


def test_without_a_policy_the_command_line_searches_for_the_question(
    index: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SQLRL_POLICY", raising=False)
    assert _ask(index, "calcium") == 0
    shown = capsys.readouterr()
    assert "the question is the query" in shown.err
    assert "Bones" in shown.out


def test_a_chat_with_an_index_takes_each_question_by_itself(
    index: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["calcium", "", "/search vitamin", "/search", "/right", "/nonsense", "/help", "vitamin D", "/quit", "heart"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
    assert _ask(index, "--chat", "--policy", "question:") == 0
    shown = capsys.readouterr()
    assert [line.split()[0] for line in shown.out.splitlines() if line.startswith(("a ", "b "))] == ["b", "a", "a"]
    for said in ("asked of the question", "/right is for databases", "no command /nonsense", "invalid: "):
        assert said in shown.err
    assert "/search QUERY" in shown.out
