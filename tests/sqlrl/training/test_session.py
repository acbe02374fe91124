"""Real training runs, small: every method, killed and resumed, interrupted, from a checkpoint."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from sqlrl.config import TrainConfig
from sqlrl.executors.errors import DataError, UsageError
from sqlrl.rewards.presets import KINDS
from sqlrl.training.run import Interrupted, Quiet, train

pytest.importorskip("trl")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # TRL's and transformers' own
]
SMALL: dict[str, Any] = {
    "limit": 40, "sft_steps": 12, "rft_steps": 6, "grpo_steps": 6, "questions": 4, "num_generations": 4,
    "save_steps": 2, "threads": 1, "workers": 1, "max_completion_tokens": 24,
}  # fmt: skip


def _config(out: Path, name: str, **settings: Any) -> TrainConfig:
    return TrainConfig("mini", policy="tiny", out=str(out), name=name, **(SMALL | settings))


def _without_times(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in line.items() if not key.endswith("seconds")} for line in lines]


@pytest.mark.parametrize("method", ["sft", "sft+grpo", "sft+sft"])
def test_a_method_runs_to_its_end(tmp_path: Path, method: str) -> None:
    run = train(_config(tmp_path, "run", method=method), Quiet())
    names = list(run.summary()["stages"])
    assert len(names) == len(method.split("+"))
    assert (run.folder / "checkpoints" / "final" / "model.safetensors").exists()
    assert not list((run.folder / "checkpoints").glob("*.trainer"))
    assert (run.folder / "report.html").exists()
    assert len(run.items()) == 40
    lines = run.metrics()
    assert max(line["step"] for line in lines if line["stage"] == "sft") == 12
    if "grpo" in method:
        assert list((run.folder / "completions").glob("*.parquet"))
        steps = [line for line in lines if "sampled_reward" in line]
        assert all(0 <= line["sampled_reward"] <= 1 for line in steps)
        for line in steps:
            assert line["reward/result"] == pytest.approx(line["sampled_reward"])
            assert sum(line[f"reward/{kind}"] for kind in KINDS) == pytest.approx(1)
            assert 0 < line["reward/share_of_seconds"] < 1
            assert line["reward/seconds"] <= line["reward_seconds"] < line["seconds"]


@pytest.mark.parametrize("reward", ["sql-r1", "cell-f1"])
def test_a_reward_with_marks_between_trains(tmp_path: Path, reward: str) -> None:
    """A bonus for length on top of right, or half a mark beneath it, is told by its parts."""
    run = train(_config(tmp_path, "run", method="sft+grpo", reward=reward, sft_steps=60), Quiet())
    import pyarrow.parquet as pq

    steps = [line for line in run.metrics() if "sampled_reward" in line]
    parts = {"sql-r1": ("format", "executability", "result", "length", "thinking"), "cell-f1": ("result",)}[reward]
    for line in steps:
        assert sum(line[f"reward/{part}"] for part in parts) == pytest.approx(line["sampled_reward"])
        assert line["reward/unjudged"] == 0
    (file, *_) = sorted((run.folder / "completions").glob("*.parquet"))
    for row in pq.read_table(file).to_pylist():
        assert row["reward"] == pytest.approx(sum(row[part] for part in parts))
        assert row["reason"]


def test_the_same_seed_gives_the_same_run(tmp_path: Path) -> None:
    first = train(_config(tmp_path, "first", method="sft+grpo"), Quiet())
    second = train(_config(tmp_path, "second", method="sft+grpo"), Quiet())
    other = train(_config(tmp_path, "other", method="sft", seed=1), Quiet())
    assert _without_times(first.metrics()) == _without_times(second.metrics())
    assert _without_times(first.metrics())[0] != _without_times(other.metrics())[0]


@pytest.mark.parametrize(
    ("method", "stage", "steps"), [("sft+grpo", "sft", 12), ("sft+grpo", "grpo", 6), ("sft+rloo", "rloo", 6)]
)
def test_a_killed_run_ends_as_one_that_was_not(tmp_path: Path, method: str, stage: str, steps: int) -> None:
    """SIGKILL at some step of a stage; resumed, the metrics are the same but for times."""
    kill_at = (stage, random.Random(f"{method}/{stage}/0").randrange(1, steps))
    whole = train(_config(tmp_path, "whole", method=method), Quiet())
    config = _config(tmp_path, "killed", method=method)
    code = (
        "import sys, json, warnings; warnings.simplefilter('ignore')\n"
        "from sqlrl.config import TrainConfig\n"
        "from sqlrl.training.run import Quiet, train\n"
        "train(TrainConfig.from_dict(json.loads(sys.argv[1])), Quiet())\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, json.dumps(config.to_dict())])
    metrics = tmp_path / "killed" / "metrics.jsonl"
    deadline = time.monotonic() + 300
    while process.poll() is None and time.monotonic() < deadline:
        lines = metrics.read_text().splitlines() if metrics.exists() else []
        seen = [json.loads(line) for line in lines if line.endswith("}")]
        if any(line["stage"] == kill_at[0] and line["step"] >= kill_at[1] for line in seen):
            process.kill()
        time.sleep(0.005)
    assert process.wait() == -signal.SIGKILL
    resumed = train(config, Quiet(), resume=tmp_path / "killed")
    assert _without_times(resumed.metrics()) == _without_times(whole.metrics())
    assert _without_times(resumed.items()) == _without_times(whole.items())


def test_ctrl_c_saves_and_the_run_goes_on(tmp_path: Path) -> None:
    config = _config(tmp_path, "stopped", method="sft", sft_steps=30)

    class Watch(Quiet):
        def start(self, task: str, steps: int) -> Any:
            def advance(count: int, word: str) -> None:
                if "loss" in word and not sent:
                    sent.append(True)
                    os.kill(os.getpid(), signal.SIGINT)

            return advance

    sent: list[bool] = []
    assert threading.current_thread() is threading.main_thread()
    with pytest.raises(Interrupted) as stop:
        train(config, Watch())
    assert stop.value.folder == tmp_path / "stopped"
    run = train(config, Quiet(), resume=stop.value.folder)
    assert [line["step"] for line in run.metrics() if "loss" in line] == list(range(1, 31))


def test_a_checkpoint_is_trained_on_as_it_was_taught(tmp_path: Path) -> None:
    first = train(_config(tmp_path, "first", method="sft"), Quiet())
    config = TrainConfig("mini", policy=str(first.folder), method="grpo", out=str(tmp_path), name="second", **SMALL)
    second = train(config, Quiet())
    settings = [json.loads((r.folder / "checkpoints/final/policy.json").read_text()) for r in (first, second)]
    assert settings[0] == settings[1]
    assert "start" in second.summary()["stages"]


def test_a_stop_while_sampling_is_heard_at_once(tmp_path: Path) -> None:
    class Watch(Quiet):
        def start(self, task: str, steps: int) -> Any:
            if "sampling" in task:
                os.kill(os.getpid(), signal.SIGINT)
            return super().start(task, steps)

        def say(self, line: str) -> None:
            said.append(line)

    said: list[str] = []
    with pytest.raises(Interrupted):
        train(_config(tmp_path, "stopped", method="sft+rft", evaluate=False, sft_steps=60, limit=40), Watch())
    assert any("stopping" in line for line in said)
    assert not (tmp_path / "stopped" / "checkpoints" / "1-rft.harvest.json").exists()


def test_few_steps_sample_few_questions(tmp_path: Path) -> None:
    settings = SMALL | {"limit": 200, "max_steps": 1, "sft_steps": None}
    config = TrainConfig("mini", policy="tiny", method="rft", out=str(tmp_path), name="few", evaluate=False, **settings)
    with pytest.raises(DataError, match="none of 32 questions"):
        train(config, Quiet())


def test_nothing_right_to_imitate_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing to imitate"):
        train(_config(tmp_path, "hopeless", method="rft", limit=3, evaluate=False), Quiet())


def test_a_taken_name_begins_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(UsageError, match="already there"):
        train(_config(tmp_path, "taken"), Quiet())
