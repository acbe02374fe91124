"""Settings survive the file, and unknown ones are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlrl.config import EvalConfig, TrainConfig, read_config, write_config
from sqlrl.executors.errors import DataError, UsageError


def test_a_configuration_survives_its_file(tmp_path: Path) -> None:
    config = TrainConfig("mini", seed=3, method="sft+grpo", thinking=False)
    write_config(config, tmp_path / "config.yaml")
    assert TrainConfig.from_dict(read_config(tmp_path / "config.yaml")) == config


def test_an_unknown_key_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="max_steps"):
        TrainConfig.from_dict({"benchmark": "mini", "max_step": 3})


@pytest.mark.parametrize(("key", "value"), [("max_steps", 0), ("num_generations", 1), ("limit", -1)])
def test_absurd_values_are_refused(key: str, value: int) -> None:
    with pytest.raises(UsageError, match=key.replace("_", "-")):
        TrainConfig.from_dict({"benchmark": "mini", key: value})


@pytest.mark.parametrize("text", ["- a list", "a: [", "\x00"])
def test_a_file_that_is_no_configuration(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(DataError):
        read_config(tmp_path / "config.yaml")


def test_every_flag_is_a_key() -> None:
    from sqlrl.cli.eval import command as evaluate
    from sqlrl.cli.train import command as train

    for command, config, aside in (
        (train, TrainConfig, {"config_file", "resume", "dry_run", "seeds"}),
        (evaluate, EvalConfig, {"json_file"}),
    ):
        flags = {parameter.name for parameter in command.params} - aside
        assert flags <= set(config.__dataclass_fields__), flags - set(config.__dataclass_fields__)
