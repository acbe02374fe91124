"""How the same command is started in several processes."""

from __future__ import annotations

import pytest

from sqlrl.config import TrainConfig
from sqlrl.executors.errors import UsageError
from sqlrl.training.launch import Launch, command_of, processes_wanted
from sqlrl.training.processes import ALONE, Processes
from sqlrl.training.recipe import LAUNCHERS

pytest.importorskip("trl")


@pytest.mark.parametrize("launcher", [name for name in LAUNCHERS if name != "none"])
def test_trl_has_the_settings_of_every_launcher(launcher: str) -> None:
    from pathlib import Path

    words = command_of(8, launcher, ["train", "mini"]).split()
    assert Path(words[words.index("--config_file") + 1]).is_file()


def test_a_machine_without_the_devices_says_what_to_type_where() -> None:
    with pytest.raises(UsageError) as caught:
        Launch(16, "zero3", devices=8).start(["train", "spider"])
    line = str(caught.value)
    assert "--num_machines 2 --machine_rank RANK" in line
    assert line.endswith("-m sqlrl train spider")
    with pytest.raises(UsageError, match="no GPU"):
        Launch(1000, "zero3").start(["train", "spider"])


def test_the_recipe_and_the_flag_say_how_many() -> None:
    assert processes_wanted(TrainConfig("mini"), ALONE).count == 1
    assert processes_wanted(TrainConfig("mini", recipe="7b-8gpu"), ALONE).count == 8
    assert processes_wanted(TrainConfig("mini", recipe="7b-8gpu", processes=2), ALONE).count == 2
    with pytest.raises(UsageError, match="no launcher 'zero4'; did you mean 'zero"):
        processes_wanted(TrainConfig("mini", launcher="zero4"), ALONE)


def test_a_launcher_says_who_is_who() -> None:
    words = {"WORLD_SIZE": "16", "RANK": "9", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "8", "ACCELERATE_USE_FSDP": "true"}
    found = Processes.of_launcher(words)
    assert found == Processes(rank=9, count=16, here=8, local_rank=1, sharded=True)
    deep = {"WORLD_SIZE": "2", "ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_DEEPSPEED_ZERO_STAGE": "2"}
    assert (Processes.of_launcher(deep).sharded, Processes.of_launcher(deep).has_master_weights) == (False, True)
    assert Processes.of_launcher({}) == ALONE


def test_alone_nothing_is_asked_of_others() -> None:
    assert ALONE.share([1, 2]) == [1, 2]
    assert ALONE.together([1, 2]) == [1, 2]
    assert ALONE.all(3) == [3]
    assert ALONE.decide(lambda: 4) == 4
    assert ALONE.any(False) is False
    assert Processes(rank=1, count=3).share("abcdefg") == "be"
