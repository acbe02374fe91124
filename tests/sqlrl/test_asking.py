"""`sqlrl eval` against a real HTTP server: samples and votes, shots, cost, and every way to be interrupted."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlrl.benchmarks import load_benchmark
from sqlrl.cli import main
from sqlrl.runs import Run

pytest.importorskip("httpx")

ROOT = Path(__file__).parent.parent.parent
QUESTION = re.compile(r"Question: (.*)")


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(["eval", *arguments])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def _answer(query: str) -> str:
    return f"<think>so</think><answer>{json.dumps({'sql': query})}</answer>"


def _knowing(golds: dict[str, str], right: Callable[[int], bool]) -> Callable[[dict[str, Any]], list[str]]:
    """Answers with the gold where `right` says so of the seed, in words that differ each time, else as it can."""

    def say(body: dict[str, Any]) -> list[str]:
        question = QUESTION.findall(body["messages"][-1]["content"])[-1]
        said = []
        for seed in range(body["seed"], body["seed"] + body.get("n", 1)):
            wrong = "SELECT nothing" if seed % 2 else f"SELECT {seed}"
            said.append(_answer(f"{golds[question]} -- {seed}" if right(seed) else wrong))
        return said

    return say


@pytest.fixture
def mini(server: Any) -> Any:
    """A server that is right on every question of mini three times in five: seeds 0, 2 and 3."""
    golds = {example.question: example.gold.query or "" for example in load_benchmark("mini").examples("test")}
    server.say = _knowing(golds, lambda seed: seed % 5 in (0, 2, 3))
    return server


def test_votes_are_better_than_samples(
    mini: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    out = str(tmp_path / "runs")
    arguments = (
        "mini", "--policy", f"{mini.url}#tiny", "--samples", "5", "--vote", "--limit", "12", "--out", out,
        "--price-in", "2.5", "--price-out", "10",
    )  # fmt: skip
    code, said, _ = _run(capsys, *arguments, "--name", "one")
    assert code == 0
    assert re.search(r"official +100\.0 % .*12 of 12 questions", said)
    assert re.search(r"pass@1 +60\.0 % +\d+\.\d to", said)
    assert re.search(r"pass@5 +100\.0 % +\d+\.\d to 100\.0 +any of them right", said)
    assert re.search(r"3 of 5 +12 +12 +100\.0 %", said)
    assert "answers    60 from the server" in said
    assert "tokens     1,200 in, 600 out" in said
    assert "cost       US$ 0.0090 at US$ 2.5 in, 10 out a million tokens" in said
    assert {(body["n"], body["temperature"]) for body in mini.asked} == {(5, 0.8)}
    run = Run.open(tmp_path / "runs" / "one")
    summary = run.summary()
    assert summary["samples"]["pass@1"]["share"] == 0.6
    assert summary["samples"]["voted"] is True
    assert summary["asking"]["cost"]["total"] == pytest.approx(0.009)
    assert [item["index"] for item in run.items()] == list(range(12))
    assert run.items()[0]["vote"] | {"confidence": 0} == {
        "chosen": 0, "votes": 3, "voted": 4, "of": 5, "empty": False, "confidence": 0,
    }  # fmt: skip
    assert run.items()[0]["right_samples"] == 3
    asked = len(mini.asked)
    _, again, _ = _run(capsys, *arguments, "--name", "two")
    assert len(mini.asked) == asked, "what was answered is not asked again"
    assert "answers    60 from the cache, nothing was asked" in again
    assert "US$ 0.0090 (US$ 0.00 of it now)" in again


def test_without_a_vote_the_first_sample_counts(
    mini: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    _, said, _ = _run(
        capsys, "mini", "--policy", f"{mini.url}#m", "--samples", "2", "--limit", "4", "--seed", "3", "--no-cache",
        "--out", str(tmp_path),
    )  # fmt: skip
    assert re.search(r"official +100\.0 % .*4 of 4 questions", said)
    assert re.search(r"pass@1 +50\.0 %", said)
    assert "is of the first one" in said


def test_shots_are_shown_as_turns(mini: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, _ = _run(
        capsys, "mini", "--policy", f"{mini.url}#m", "--shots", "2", "--limit", "3", "--out", str(tmp_path)
    )
    assert code == 0
    assert "note: 2 similar shots a question, from 6,000 labelled questions of the training split" in said
    asked = {example.question for example in load_benchmark("mini").examples("test")}
    for body in mini.asked:
        assert [message["role"] for message in body["messages"]] == ["user", "assistant"] * 2 + ["user"]
        assert not {QUESTION.findall(message["content"])[-1] for message in body["messages"][:-1:2]} & asked
        assert "<answer>" in body["messages"][1]["content"]


def test_published_figures_stand_beside_ours(
    shop: Path, server: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("spider", "--data", str(shop), "--policy", f"{server.url}#m", "--out", str(tmp_path))
    _, said, _ = _run(capsys, *arguments, "--name", "x")
    assert "published execution accuracy, not measured here" in said
    assert "DeepRetrieval 3B   74.85  sets of rows  arXiv 2503.00223, 2025" in said
    assert [figure["number"] for figure in Run.open(tmp_path / "x").summary()["published"]] == [66.05, 73.5, 74.85]
    for narrower in (("--limit", "2"), ("--judge", "robust")):
        assert "not measured here" not in _run(capsys, *arguments, *narrower)[1]


def test_a_server_that_dies_is_one_line_and_loses_nothing(
    mini: Any, fault: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("mini", "--policy", f"{mini.url}#m", "--limit", "6", "--parallel", "1", "--out", str(tmp_path / "r"))
    say = mini.say
    mini.say = lambda body: say(body) if len(mini.asked) <= 4 else fault(401, "the account is empty")
    code, said, error = _run(capsys, *arguments)
    assert (code, said) == (2, "")
    assert error.strip().endswith("401: the account is empty; 4 answers are kept: the same command goes on from there")
    assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / "r").exists()
    mini.say = say
    mini.asked.clear()
    code, said, _ = _run(capsys, *arguments)
    assert (code, len(mini.asked)) == (0, 2)
    assert "4 from the cache, 2 from the server" in said


def _start(server: Any, tmp_path: Path) -> subprocess.Popen[str]:
    command = [
        sys.executable, "-m", "sqlrl", "eval", "mini", "--policy", f"{server.url}#m", "--limit", "40", "--parallel",
        "3", "--cache", str(tmp_path / "cache"), "--out", str(tmp_path / "runs"), "--samples", "2", "--vote",
    ]  # fmt: skip
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_an_interrupted_run_goes_on_from_the_last_answer(mini: Any, tmp_path: Path, how: signal.Signals) -> None:
    many = threading.Event()
    say = mini.say

    def slowly(body: dict[str, Any]) -> Any:
        if len(mini.asked) > 15:
            many.set()
        time.sleep(0.05)
        return say(body)

    mini.say = slowly
    process = _start(mini, tmp_path)
    assert many.wait(60)
    process.send_signal(how)
    _, error = process.communicate(timeout=20)
    assert process.returncode == (-9 if how is signal.SIGKILL else 130)
    if how is signal.SIGINT:
        assert "answers are kept: the same command goes on from there" in error
        assert "Traceback" not in error
    (cache,) = (tmp_path / "cache").glob("*.jsonl")
    kept = sum(line.endswith("}\n") for line in cache.read_text().splitlines(keepends=True))
    before = [body["messages"][-1]["content"] for body in mini.asked]
    assert 20 <= kept < 80
    mini.asked.clear()
    mini.say = say
    process = _start(mini, tmp_path)
    said, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    after = [body["messages"][-1]["content"] for body in mini.asked]
    assert sum(body.get("n", 1) for body in mini.asked) == 80 - kept
    assert len(set(before) & set(after)) <= 3, "only those in flight are asked twice"
    assert f"answers    {kept} from the cache, {80 - kept} from the server" in said


@pytest.mark.slow
def test_a_tiny_checkpoint_behind_a_server(
    shop: Path, server: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The real thing from end to end: a checkpoint that has learnt the four questions by heart, over HTTP."""
    pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    from sqlrl.policies.local import LocalPolicy
    from sqlrl.policies.tiny import TinyShape, create_model, create_tokenizer
    from sqlrl.prompts import Prompter

    prompter = Prompter()
    examples = load_benchmark("spider", shop).examples("validation")
    texts = [(example.question, prompter.completion(example.gold.query or "", "so")) for example in examples]
    tokenizer = create_tokenizer([part for pair in texts for part in pair], 400)
    model = create_model(tokenizer, TinyShape(hidden=64, layers=2, heads=2, feed_forward=128), seed=1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(150):
        for question, completion in texts:
            prompt = tokenizer.apply_chat_template([{"role": "user", "content": question}], add_generation_prompt=True)
            ids = prompt["input_ids"] if isinstance(prompt, dict) or hasattr(prompt, "keys") else prompt
            end = [*tokenizer(completion, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
            tokens = torch.tensor([[*ids, *end]])
            labels = tokens.clone()
            labels[:, : len(ids)] = -100
            model(tokens, labels=labels).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    model.eval()
    model.save_pretrained(tmp_path / "checkpoint")
    tokenizer.save_pretrained(tmp_path / "checkpoint")
    lock = threading.Lock()

    def say(body: dict[str, Any]) -> list[str]:
        question = QUESTION.findall(body["messages"][-1]["content"])[-1]
        with lock:
            policy = LocalPolicy.from_folder(tmp_path / "checkpoint", device="cpu", seed=body["seed"])
            messages = [{"role": "user", "content": question}]
            return policy.generate([messages], body.get("n", 1), body["temperature"], body["max_tokens"])[0]

    server.say = say
    arguments = ("spider", "--data", str(shop), "--policy", f"{server.url}#tiny", "--out", str(tmp_path / "runs"))
    _, greedy, _ = _run(capsys, *arguments)
    assert re.search(r"official +100\.0 % .*4 of 4 questions", greedy)
    _, voted, _ = _run(capsys, *arguments, "--samples", "5", "--vote")
    assert re.search(r"official +100\.0 % .*4 of 4 questions", voted)
