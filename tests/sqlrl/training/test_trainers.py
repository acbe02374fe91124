"""What every trainer is given: batches that divide, and where metrics go besides."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrl.config import TrainConfig
from sqlrl.executors.errors import UsageError
from sqlrl.runs import Run
from sqlrl.training.trainers import TRACKERS, Tracking, batching, check_trackers


@given(st.integers(1, 512), st.integers(1, 16), st.integers(0, 64))
def test_every_sequence_of_a_step_is_taken_once(sequences: int, processes: int, micro: int) -> None:
    if sequences % processes:
        with pytest.raises(UsageError, match="cannot be shared"):
            batching(sequences, processes, micro)
        return
    shape = batching(sequences, processes, micro)
    at_once, parts = shape["per_device_train_batch_size"], shape["gradient_accumulation_steps"]
    assert at_once * parts * processes == sequences
    assert at_once <= (micro or sequences)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True if name in TRACKERS.values() else whole(name))
    monkeypatch.delenv("TENSORBOARD_LOGGING_DIR", raising=False)


def test_each_stage_has_a_folder_of_its_own(installed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, run = TrainConfig("mini", report_to="tensorboard, wandb"), Run(tmp_path / "run")
    for stage in ("sft", "grpo"):
        found = Tracking.of(config, run, stage)
        assert found.settings == {"report_to": ["tensorboard", "wandb"], "run_name": f"run-{stage}"}
        assert os.environ["TENSORBOARD_LOGGING_DIR"] == str(tmp_path / "run" / "tensorboard" / stage)
    monkeypatch.delenv("TENSORBOARD_LOGGING_DIR")


def test_none_is_nothing(tmp_path: Path) -> None:
    assert Tracking.of(TrainConfig("mini"), Run(tmp_path), "sft").settings == {}


def test_a_tracker_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="did you mean 'tensorboard'"):
        check_trackers("tensorbord")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="pip install wandb"):
        check_trackers("wandb")
