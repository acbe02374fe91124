"""Two processes train one policy over gloo, as accelerate starts them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sqlrl.config import TrainConfig
from sqlrl.runs import Run

pytest.importorskip("trl")
pytestmark = pytest.mark.slow
SMALL = [
    "--limit", "40", "--sft-steps", "8", "--rft-steps", "4", "--grpo-steps", "4", "--questions", "4",
    "--num-generations", "4", "--threads", "1", "--workers", "1", "--max-completion-tokens", "32", "--policy", "tiny",
]  # fmt: skip


def _launched(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sqlrl", "train", "mini", *arguments], capture_output=True, text=True, timeout=400
    )


def test_two_processes_share_the_work_and_one_writes(tmp_path: Path) -> None:
    ended = _launched(*SMALL, "--method", "sft+grpo", "--processes", "2", "--out", str(tmp_path), "--name", "run")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("report  ") == 1
    run = Run.open(tmp_path / "run")
    assert run.summary()["processes"] == 2
    lines = run.metrics()
    steps = [line["step"] for line in lines if line["stage"] == "grpo" and "loss" in line]
    assert steps == [1, 2, 3, 4]  # each once, not once a process
    assert all(line["sampled_completions"] >= 16 for line in lines if "sampled_completions" in line)
    assert len(run.items()) == 40
    assert (run.folder / "checkpoints" / "final" / "model.safetensors").exists()


def test_a_stage_of_two_processes_is_gone_on_with_by_one(tmp_path: Path) -> None:
    from sqlrl.training.run import train

    first = _launched(*SMALL, "--method", "sft", "--processes", "2", "--out", str(tmp_path), "--name", "warm")
    assert first.returncode == 0, first.stderr
    settings: dict[str, Any] = {"limit": 40, "grpo_steps": 2, "questions": 4, "num_generations": 4, "threads": 1}
    config = TrainConfig(
        "mini", policy=str(tmp_path / "warm"), method="grpo", out=str(tmp_path), name="next",
        max_completion_tokens=32, workers=1, **settings,
    )  # fmt: skip
    assert train(config).summary()["processes"] == 1


def test_what_is_wrong_is_said_and_nobody_waits(tmp_path: Path) -> None:
    ended = _launched(*SMALL, "--method", "grpo", "--processes", "2", "--questions", "3", "--out", str(tmp_path))
    assert ended.returncode != 0
    assert "3 questions a step cannot be shared by 2 processes" in ended.stderr
