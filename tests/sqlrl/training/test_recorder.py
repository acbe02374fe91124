"""What a step's line of metrics holds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sqlrl.rewards.account import Account

pytest.importorskip("transformers")


def test_a_line_has_the_rewards_parts_and_its_share_of_the_time() -> None:
    from sqlrl.training.recorder import Recorder, Stop

    lines: list[dict[str, Any]] = []
    reward = SimpleNamespace(account=Account(seconds={"all": 5.0}))
    recorder = Recorder("grpo", lines.append, stop=Stop())
    recorder.attach(groups=None, reward=reward)
    recorder.on_step_begin(None, None, None)
    reward.account = Account(seconds={"all": 5.0 + 1e-9})
    logs = {"reward": 0.5, "reward/format": 0.1, "reward/right": 0.25, "rewards/skyrl/mean": 0.5}
    recorder.step_started -= 10
    recorder.on_log(None, SimpleNamespace(global_step=3), None, logs=logs)
    reward.account = Account(seconds={"all": 10.0})
    recorder.on_log(None, SimpleNamespace(global_step=4), None, logs=logs)
    assert lines[0]["reward/format"] == 0.1
    assert lines[0]["reward/right"] == 0.25
    assert "rewards/skyrl/mean" not in lines[0]
    assert [line["reward/share_of_seconds"] for line in lines] == [0.0, pytest.approx(0.5, rel=0.01)]
