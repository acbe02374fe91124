"""A training run: from a configuration to a run folder that tells what came of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sqlrl.executors.errors import MissingExtraError

if TYPE_CHECKING:
    from sqlrl.config import TrainConfig
    from sqlrl.runs import Run
    from sqlrl.training.preflight import Preflight

__all__ = ["Interrupted", "Progress", "Quiet", "need_extra", "train"]


class Progress(Protocol):
    """What a caller may show: a task with a number of steps, and each step as it is done."""

    def start(self, task: str, steps: int) -> Callable[[int, str], None]:
        """Begin a task; the callable advances it by some steps, with a word on how it goes."""

    def say(self, line: str) -> None:
        """A line for the reader."""


class Quiet:
    """Shows nothing."""

    def start(self, task: str, steps: int) -> Callable[[int, str], None]:
        return lambda count, word: None

    def say(self, line: str) -> None:
        pass


class Interrupted(Exception):
    """The run was asked to stop and has saved what it had. `folder`: of the run, to resume from."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))
        self.folder = folder


def train(
    config: TrainConfig,
    progress: Progress | None = None,
    *,
    resume: Path | None = None,
    show: Callable[[Preflight], None] | None = None,
) -> Run:
    """Run the configured method to its end, or go on with the run in `resume`; the run, report and all.

    show: is given what the pre-flight found, before anything is spent.

    Raises Interrupted where somebody asked it to stop, and SqlrlError for whatever a user can mend.
    """
    need_extra()
    from sqlrl.training.session import Session

    return Session.open(config, progress or Quiet(), resume=resume).run(show)


def need_extra() -> None:
    """MissingExtraError where a package of the extra `train` is missing."""
    import importlib.util

    for package in ("torch", "transformers", "trl", "datasets", "accelerate"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, "train")
