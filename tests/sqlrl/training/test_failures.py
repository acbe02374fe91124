"""Runs that end before their time: each says what happened and what is kept, and leaves with 2."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sqlrl.config import TrainConfig
from sqlrl.executors.errors import DataError, SqlrlError, UnavailableError
from sqlrl.runs import Run
from sqlrl.training.checkpoints import MARK, Checkpoints
from sqlrl.training.failures import DivergedError, TrainingError, told

pytest.importorskip("trl")
SMALL: dict[str, Any] = {
    "limit": 40, "questions": 4, "num_generations": 4, "save_steps": 2, "threads": 1, "workers": 1,
    "max_completion_tokens": 24,
}  # fmt: skip


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/x/model.safetensors"), "No space left on device: /x/model"),
        (RuntimeError("I/O error: No space left on device (os error 28)"), "no space left"),
        (RuntimeError("[enforce fail at inline_container.cc] . unexpected pos 64 vs 0"), "is the disk full"),
        (MemoryError(), "--micro-batch"),
        (DivergedError("grpo", 7, "loss"), "grpo, step 7: the loss is not a finite number"),
        (UnavailableError("grpo: no completion could be judged"), "no completion could be judged"),
    ],
)
def test_what_happened_and_what_is_kept(tmp_path: Path, error: Exception, words: str) -> None:
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    with pytest.raises(TrainingError) as caught, told(Run(tmp_path), checkpoints):
        raise error
    assert words in str(caught.value)
    assert "nothing was saved yet" in str(caught.value)
    for name in ("start", "1-grpo.trainer/checkpoint-4", "1-grpo.trainer/checkpoint-2"):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
    (tmp_path / "checkpoints" / "start" / MARK).touch()
    (tmp_path / "checkpoints" / "1-grpo.trainer" / "checkpoint-2" / MARK).touch()
    with pytest.raises(TrainingError) as caught, told(Run(tmp_path), checkpoints):
        raise error
    assert "checkpoint-2; once mended, go on with: sqlrl train --resume" in str(caught.value)


@pytest.mark.parametrize("error", [DataError("x"), KeyError("x"), KeyboardInterrupt()])
def test_what_is_not_the_runs_fault_goes_through(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)), told(Run(tmp_path), Checkpoints(tmp_path)):
        raise error


def _train(out: Path, name: str, **settings: Any) -> Run:
    from sqlrl.training.run import train

    return train(TrainConfig("mini", policy="tiny", out=str(out), name=name, **(SMALL | settings)))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_loss_that_is_no_number_ends_the_run_before_it_is_saved(tmp_path: Path) -> None:
    with pytest.raises(TrainingError) as caught:
        _train(tmp_path, "run", method="sft", sft_steps=60, sft_learning_rate=1e30)
    assert "not a finite number" in str(caught.value)
    assert "checkpoints/start" in str(caught.value)
    lines = Run(tmp_path / "run").metrics()
    assert lines[-1]["step"] < 60


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_databases_that_vanish_end_the_run_and_it_goes_on_once_they_are_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlrl.rewards import ExecutionReward
    from sqlrl.training.run import train

    whole = ExecutionReward.__call__
    calls = []

    def vanished(self: ExecutionReward, *arguments: Any, **columns: Any) -> list[float | None]:
        calls.append(1)
        values = whole(self, *arguments, **columns)
        return values if len(calls) < 8 else [None] * len(values)

    settings: dict[str, Any] = {"method": "sft+grpo", "sft_steps": 4, "grpo_steps": 30, "evaluate": False}
    with monkeypatch.context() as patch:
        patch.setattr(ExecutionReward, "__call__", vanished)
        with pytest.raises(SqlrlError, match="could be judged") as caught:
            _train(tmp_path, "run", **settings)
    assert "1-grpo.trainer/checkpoint-" in str(caught.value)
    assert train(TrainConfig("mini", **(SMALL | settings)), resume=tmp_path / "run").summary()


_FULL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from sqlrl.cli import main
main(sys.argv[1:])
"""


@pytest.mark.slow
def test_a_disk_that_takes_no_more_is_said_in_a_line(tmp_path: Path) -> None:
    """Files above 600 kB fail, as on a full disk: the weights of the small policy have 2 MB."""
    command = ["train", "mini", "--method", "sft", "--limit", "40", "--max-steps", "4", "--threads", "1"]
    ended = subprocess.run(
        [sys.executable, "-c", _FULL, *command, "--out", str(tmp_path), "--name", "run"],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith("sqlrl: ")
    assert "a bug" not in last
    assert "nothing was saved yet" in last
    assert not list((tmp_path / "run").rglob("policy.json"))
