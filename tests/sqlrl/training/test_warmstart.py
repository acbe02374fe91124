"""A policy where none was named: made of machine-made questions, interrupted, gone on with, kept, replaced; really."""

from __future__ import annotations

import functools
import io
import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlrl.benchmarks import answered, questions
from sqlrl.cli import main
from sqlrl.executors.errors import MissingExtraError
from sqlrl.incumbent import Seat
from sqlrl.runs import Run
from sqlrl.training import warmstart
from sqlrl.training.run import Interrupted, Quiet
from sqlrl.training.warmstart import warm_start

pytest.importorskip("trl")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # TRL's and transformers' own
]
COLOURS = ("red", "green", "blue")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(questions, "WRITTEN", 120)
    monkeypatch.setattr(answered, "DEMONSTRATIONS", 400)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SQLRL_POLICY", raising=False)
    monkeypatch.chdir(tmp_path)
    with sqlite3.connect("shop.db") as connection:
        connection.execute("create table product(id integer primary key, name text, colour text, price real)")
        rows = [(n, f"p{n}", COLOURS[n % 3], n + 0.5) for n in range(12)]
        connection.executemany("insert into product values (?, ?, ?, ?)", rows)
    connection.close()
    return "shop.db"


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command makes a policy of six steps."""
    monkeypatch.setattr(warmstart, "warm_start", functools.partial(warm_start, sft_steps=6))


class Stopping(Quiet):
    """Presses Ctrl-C at a step of the training."""

    def __init__(self, step: int) -> None:
        self.left = step

    def start(self, task: str, steps: int) -> Callable[[int, str], None]:
        def advance(count: int, word: str) -> None:
            self.left -= count
            if not self.left and task.startswith("warm start"):
                os.kill(os.getpid(), signal.SIGINT)

        return advance


def _run(*words: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(words)
    return int(left.value.code or 0)


def test_it_is_made_once_and_then_taken(shop: str, short: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("ask", shop, "how many products?", "--warm-start", "--json") in (0, 3)
    first = capsys.readouterr()
    assert json.loads(first.out)["attempts"]
    seat = Seat.of(shop)
    assert seat.present is not None
    assert seat.present.policy == str(seat.folder / "warm-start")
    assert 0 < seat.present.total <= 12
    made = Path(seat.present.policy, "checkpoints", "final", "model.safetensors").stat().st_mtime_ns
    assert _run("ask", shop, "how many products?", "--json") in (0, 3)
    second = capsys.readouterr()
    (line,) = second.err.splitlines()
    assert line.startswith(f"policy {seat.present.policy} (warm start, new, {seat.present.right} of ")
    assert [each["query"] for each in json.loads(second.out)["attempts"]] == [
        each["query"] for each in json.loads(first.out)["attempts"]
    ]
    assert Path(seat.present.policy, "checkpoints", "final", "model.safetensors").stat().st_mtime_ns == made
    with sqlite3.connect(shop) as connection:
        connection.execute("alter table product add column weight real")
    connection.close()
    assert _run("ask", shop, "how many products?") == 2
    changed, missing = capsys.readouterr().err.splitlines()
    assert "the schema has changed" in changed
    assert "--warm-start" in missing


@pytest.mark.parametrize("killed", [False, True])
def test_what_is_interrupted_is_no_policy_and_goes_on(shop: str, killed: bool) -> None:
    seat = Seat.of(shop)
    with pytest.raises(Interrupted):
        warm_start(shop, seat, Stopping(3), sft_steps=8)
    assert seat.present is None
    assert Seat.of(shop).present is None
    folder = seat.folder / warmstart.FOLDER
    if killed:  # before it had written what it is
        (folder / "config.yaml").unlink()
    made = warm_start(shop, Seat.of(shop), Quiet(), sft_steps=8)
    assert Seat.of(shop).present == made
    steps = [line["step"] for line in Run.open(folder).metrics() if "loss" in line]
    assert steps == list(range(1, 9))


def test_ctrl_c_is_told_in_one_line(
    shop: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(source: str, seat: Seat, progress: Any) -> None:
        warm_start(source, seat, Stopping(2), sft_steps=6)

    monkeypatch.setattr(warmstart, "warm_start", stopped)
    assert _run("ask", shop, "how many products?", "--warm-start") == 130
    assert "no policy is kept of what is half made" in capsys.readouterr().err


def test_what_is_missing_is_said_before_anything_is_asked(
    shop: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacking() -> None:
        raise MissingExtraError("trl", "train")

    monkeypatch.setattr("sqlrl.training.run.need_extra", lacking)
    assert _run("ask", shop, "how many products?", "--warm-start") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "pip install 'sqlrl[train]'" in line


def test_nobody_to_ask_gets_one_line(shop: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("ask", shop, "how many products?") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--warm-start makes a small one for shop.db in about" in line
    for words in (["--tables", "product"], ["--tables", "product", "--warm-start"]):
        assert _run("ask", shop, "how many products?", *words) == 2
        assert "none with --tables" in capsys.readouterr().err


def test_somebody_is_asked_and_may_say_no(shop: str) -> None:
    """On a terminal of its own."""
    main_end, other_end = pty.openpty()
    command = [sys.executable, "-m", "sqlrl", "ask", shop, "how many products?"]
    process = subprocess.Popen(command, stdin=other_end, stdout=other_end, stderr=other_end)
    os.close(other_end)
    said = b""
    try:
        while b"Train one now?" not in said:
            said += os.read(main_end, 4096)
        os.write(main_end, b"n\n")
        while part := _read(main_end):
            said += part
        assert process.wait(60) == 2
    finally:
        process.kill()
        process.wait()
        os.close(main_end)
    text = " ".join(said.decode().split())
    assert "its one table" in text
    assert "of 10" in text
    assert "--warm-start makes a small one" in text
    assert Seat.of(shop).present is None


def _read(end: int) -> bytes:
    try:
        return os.read(end, 4096)
    except OSError:  # the other end is closed
        return b""


def test_marks_train_a_policy_that_answers_if_it_is_better(
    shop: str, short: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A chat's marks, training on them, the judgement, and who answers then."""
    form = '<think></think><answer>{"sql": "%s"}</answer>'
    asked = {f"What is the price of p{n}?": f"SELECT price FROM product WHERE name = 'p{n}'" for n in range(12)}
    asked |= {f"How many products are {c}?": f"SELECT count(*) FROM product WHERE colour = '{c}'" for c in COLOURS}
    script = [json.dumps({"question": question, "completion": form % query}) for question, query in asked.items()]
    Path("script.jsonl").write_text("\n".join(script))
    lines = [line for question in asked for line in (question, "/right", "/forget")]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
    assert _run("ask", shop, "--chat", "--policy", "script:script.jsonl") == 0
    assert len(Path("answered.jsonl").read_text().splitlines()) == len(asked)

    assert _run("ask", shop, "how many products?", "--warm-start") in (0, 3)
    warm = Seat.of(shop).present
    assert warm is not None
    words = ["--answered", "answered.jsonl", "--policy", "tiny", "--threads", "1"]
    assert _run("train", shop, *words, "--sft-steps", "350", "--method", "sft", "--name", "good") == 0
    assert "sqlrl adopt shop.db --answered answered.jsonl --policy runs/good" in capsys.readouterr().out
    assert _run("adopt", shop, "--answered", "answered.jsonl", "--policy", "runs/good") == 0
    said = capsys.readouterr().out.strip()
    assert "answers from now on" in said
    assert said.endswith(f"kept beside it: {warm.policy}")
    good = str(Path("runs/good").resolve())
    assert _run("ask", shop, "how many products?") in (0, 3)
    assert f"policy {good} (trained, new" in capsys.readouterr().err

    assert _run("train", shop, *words, "--sft-steps", "4", "--method", "sft", "--name", "bad") == 0
    assert _run("adopt", shop, "--answered", "answered.jsonl", "--policy", "runs/bad") == 3
    assert f"{good} stays" in capsys.readouterr().out
    present = Seat.of(shop).present
    assert present is not None
    assert present.policy == good
