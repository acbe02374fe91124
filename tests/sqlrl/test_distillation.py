"""A warm start from another policy's answers: only what returns the right result is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sqlrl.benchmarks import load_benchmark
from sqlrl.cli import main
from sqlrl.config import EvalConfig, TrainConfig
from sqlrl.distillation import distil, read_demonstrations
from sqlrl.executors.errors import DataError, UsageError
from sqlrl.training.plan import draw_plan
from sqlrl.training.run import Quiet

if TYPE_CHECKING:
    from tests.sqlrl.conftest import ChatServer

RIGHT = ["SELECT count(*) FROM product", "SELECT count(name) FROM product", "SELECT 3"]


def _form(query: str, thought: str = "product") -> str:
    return f"<think>{thought}</think><answer>{json.dumps({'sql': query})}</answer>"


def _answers(body: dict[str, Any]) -> list[str]:
    """The first question: three right queries, one of them twice, and a wrong one. Others: wrong ones."""
    if "how many products" not in body["messages"][-1]["content"]:
        return [_form("SELECT name FROM product WHERE price > 1000")] * body["n"]
    texts = [_form(RIGHT[0], "a longer thought"), _form(RIGHT[1]), _form("SELECT 7"), _form(RIGHT[0])]
    return (texts * body["n"])[: body["n"]]


def test_right_answers_of_a_server_become_demonstrations(shop: Path, server: ChatServer, tmp_path: Path) -> None:
    server.say = _answers
    config = EvalConfig(
        "spider", data=str(shop), policy=f"{server.url}#teacher", split="train", samples=4, judge="robust", workers=1
    )
    found = distil(config, Quiet(), keep=2)
    assert (found.questions, found.samples, found.right, found.solved) == (4, 16, 3, 1)
    kept = [(d.query, d.thought) for d in found.demonstrations]
    assert kept == [(RIGHT[0], "product"), (RIGHT[1], "product")]  # the commonest first, its shortest thought
    file = tmp_path / "kept.jsonl"
    found.write(file)
    train = load_benchmark("spider", str(shop)).examples("train")
    assert [(d.example.id, d.query, d.thought) for d in read_demonstrations(file, train)] == [
        (found.demonstrations[0].example.id, query, thought) for query, thought in kept
    ]


def test_no_gold_reaches_the_teacher(shop: Path, server: ChatServer) -> None:
    server.say = _answers
    distil(
        EvalConfig("spider", data=str(shop), policy=f"{server.url}#teacher", samples=2, judge="robust", workers=1),
        Quiet(),
    )
    asked = json.dumps(server.asked)
    assert "how many products" in asked
    assert "SELECT" not in asked


def test_an_empty_gold_shows_nothing(shop: Path, server: ChatServer) -> None:
    """ "Which products cost nothing?" returns nothing, and so would any wrong query."""
    server.say = lambda body: [_form("SELECT name FROM product WHERE price = 0")] * body["n"]
    found = distil(
        EvalConfig("spider", data=str(shop), policy=f"{server.url}#t", samples=2, judge="bird-ex", workers=1), Quiet()
    )
    assert found.demonstrations == []


def test_training_imitates_what_was_distilled(shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "kept.jsonl"
    file.write_text(json.dumps({"id": "train-0", "query": RIGHT[1], "thought": "product"}) + "\n")
    plan = draw_plan(TrainConfig("spider", data=str(shop), method="sft", demonstrations=str(file)))
    assert [(d.query, d.thought) for d in plan.demonstrations] == [(RIGHT[1], "product")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no demonstration"),
        ("nonsense\n", "line 1 is not JSON"),
        ('{"id": "train-0"}\n', "line 1 needs the keys id and query"),
        (
            '{"id": "train-0", "query": "SELECT 1"}\n{"id": "x", "query": "SELECT 1"}',
            "line 2: no training question 'x'",
        ),
        ('{"id": "train-0", "query": "SELECT 1", "thought": 3}', "the thought is not text"),
    ],
)
def test_a_wrong_line_is_named(shop: Path, tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "kept.jsonl"
    file.write_text(text)
    with pytest.raises(DataError, match=message):
        read_demonstrations(file, load_benchmark("spider", str(shop)).examples("train"))


def test_the_test_split_is_not_learnt_from(shop: Path) -> None:
    with pytest.raises(UsageError, match="not there to learn from"):
        distil(EvalConfig("spider", data=str(shop), policy="script:x", split="test"), Quiet())


def test_the_command_says_what_was_kept_and_writes_nothing_where_nothing_is_right(
    shop: Path, server: ChatServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.say = _answers
    out = tmp_path / "kept.jsonl"
    words = ["distill", "spider", "--data", str(shop), "--policy", f"{server.url}#teacher", "--out", str(out)]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--workers", "1", "--price-in", "1", "--price-out", "2"])
    said = capsys.readouterr()
    assert ended.value.code == 0
    assert "3 of 16 samples return the right result; 1 of 4 questions have one" in said.out
    assert len(out.read_text().splitlines()) == 2
    out.unlink()
    server.say = lambda body: ["no query at all"] * body["n"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--workers", "1", "--no-cache"])
    assert ended.value.code == 2
    assert "nothing was written" in capsys.readouterr().err
    assert not out.exists()
