"""A training run: the stages of a method, one after another, from a benchmark to a run folder that tells what came of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sqlrl.executors.errors import MissingExtraError, UsageError, nearest

if TYPE_CHECKING:
    from sqlrl.config import TrainConfig

__all__ = ["METHODS", "Interrupted", "Progress", "stages_of", "train"]

METHODS = ("sft", "rft", "grpo")


class Progress(Protocol):
    """What a caller may show: a task with a number of steps, and each step as it is done."""

    def start(self, task: str, steps: int) -> Callable[[int, str], None]:
        """Begin a task; the callable advances it by some steps, with a word on how it goes."""

    def say(self, line: str) -> None:
        """A line for the reader."""


class Interrupted(Exception):
    """The run was asked to stop and has saved what it had. `folder`: of the run, to resume from."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))
        self.folder = folder


def stages_of(method: str) -> tuple[str, ...]:
    """The stages of a chain such as "sft+rft+grpo", in order."""
    stages = tuple(part.strip() for part in method.split("+"))
    for stage in stages:
        if stage not in METHODS:
            raise UsageError(f"no method {stage!r} in {method!r}{nearest(stage, METHODS)}")
    return stages


def train(config: TrainConfig, progress: Progress) -> Path:
    """Run the configured method to its end (or go on with `config.resume`); the run's folder, report and all.

    Raises Interrupted where somebody asked it to stop, and SqlrlError for whatever a user can mend.
    """
    _need_extra()
    from sqlrl.training.session import Session

    return Session.open(config, progress).run()


def _need_extra() -> None:
    import importlib.util

    for package in ("torch", "transformers", "trl", "datasets"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, "train")
