"""A launch: the same command started in several processes, one a device, by PyTorch's or accelerate's own launcher."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlrl.executors.errors import UsageError
from sqlrl.training.processes import Processes
from sqlrl.training.recipe import LAUNCHERS, load_recipe

if TYPE_CHECKING:
    from sqlrl.config import TrainConfig

__all__ = ["Launch", "command_of", "processes_wanted"]


@dataclass(frozen=True, slots=True)
class Launch:
    """count: processes. launcher: one of LAUNCHERS. devices: GPUs of this machine; without one, processes share its
    processors over gloo."""

    count: int
    launcher: str = "none"
    devices: int = 0

    def as_processes(self) -> Processes:
        """What the main one of them would be, for checks before any is started."""
        sharded = self.launcher in ("zero3", "fsdp2") and self.count > 1
        return Processes(0, self.count, self.count, 0, sharded, self.launcher.startswith("zero"))

    def start(self, arguments: Sequence[str]) -> None:
        """Become the launcher of `sqlrl ARGUMENTS`; does not return. UsageError where the devices are not here."""
        if self.devices and self.count > self.devices:
            raise UsageError(
                f"{self.count} processes want as many devices, and this machine has {self.devices}: --processes "
                f"{self.devices}, or on each machine: "
                + command_of(self.count, self.launcher, arguments, machines=-(-self.count // self.devices))
            )
        if not self.devices and self.count > len(os.sched_getaffinity(0)):
            raise UsageError(
                f"{self.count} processes want as many devices, and this machine has no GPU and "
                f"{len(os.sched_getaffinity(0))} processors: take fewer --processes, or another --recipe"
            )
        words = _words(self.count, self.launcher if self.devices else "none", arguments)
        os.execv(sys.executable, [sys.executable, *words])


def processes_wanted(config: TrainConfig, here: Processes) -> Launch:
    """As --processes, --launcher and the recipe say; what a launcher has started is as it is."""
    import torch

    devices = torch.cuda.device_count() if config.device != "cpu" else 0
    if here.is_launched:
        return Launch(here.count, "none", devices)
    recipe = load_recipe(config.recipe) if config.recipe else None
    count = config.processes or (recipe.processes if recipe else 1)
    launcher = config.launcher or (recipe.launcher if recipe else "none")
    if launcher not in LAUNCHERS:
        from sqlrl.executors.errors import nearest

        raise UsageError(f"no launcher {launcher!r}{nearest(launcher, LAUNCHERS)}")
    if launcher == "none" and count > 1:
        launcher = "multi_gpu"
    return Launch(count, launcher, devices)


def command_of(count: int, launcher: str, arguments: Sequence[str], *, machines: int = 1) -> str:
    """The line to type on each of several machines, RANK and HOST left to the reader."""
    words = ["accelerate", "launch", "--config_file", str(_settings(launcher)), "--num_processes", str(count)]
    if machines > 1:
        words += ["--num_machines", str(machines), "--machine_rank", "RANK", "--main_process_ip", "HOST"]
        words += ["--main_process_port", "29500"]
    return " ".join([*words, "-m", "sqlrl", *arguments])


def _words(count: int, launcher: str, arguments: Sequence[str]) -> list[str]:
    """What the interpreter is given."""
    if launcher == "none":
        return [
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc_per_node",
            str(count),
            "-m",
            "sqlrl",
            *arguments,
        ]
    settings = ["--config_file", str(_settings(launcher)), "--num_processes", str(count)]
    return ["-m", "accelerate.commands.launch", *settings, "-m", "sqlrl", *arguments]


def _settings(launcher: str) -> object:
    """TRL's own settings for accelerate."""
    from importlib.resources import files

    return files("trl").joinpath("accelerate_configs", f"{launcher}.yaml")
