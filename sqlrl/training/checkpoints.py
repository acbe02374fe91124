"""Checkpoints: the folder of a run in which each stage's weights lie, and what is kept while a stage goes on."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlrl.prompts import Prompter
    from sqlrl.training.learner import Learner

__all__ = ["MARK", "Checkpoints", "step_of"]

MARK = "policy.json"  # written last: a folder that has it is whole, and says how its policy is asked


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """folder: holds one folder a stage, `start` and `final`, and STAGE.trainer with what a stage needs to go on."""

    folder: Path

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def has(self, name: str) -> bool:
        """Whether the weights of this name are here, and whole."""
        return (self.folder / name / MARK).exists()

    def save(self, learner: Learner, name: str, prompter: Prompter) -> None:
        """Beside and renamed: a folder with this name is whole."""
        place = self.folder / name
        beside = place.with_name(f"{name}.part")
        shutil.rmtree(beside, ignore_errors=True)
        learner.save(beside, prompter.to_dict())
        shutil.rmtree(place, ignore_errors=True)
        beside.rename(place)

    def of_trainer(self, stage: str) -> Path:
        """Where the trainer of this stage keeps what it needs to go on; gone once the stage is done."""
        return self.folder / f"{stage}.trainer"

    def last_of_trainer(self, stage: str) -> Path | None:
        """The trainer's last whole checkpoint."""
        folder = self.of_trainer(stage)
        whole = [path for path in folder.glob("checkpoint-*") if _is_whole(path)] if folder.is_dir() else []
        return max(whole, key=step_of, default=None)

    def drop_trainer(self, stage: str) -> None:
        """The stage is done."""
        shutil.rmtree(self.of_trainer(stage), ignore_errors=True)


def step_of(checkpoint: Path | None) -> int:
    """The optimiser steps that a trainer's checkpoint holds; none at its beginning."""
    return int(checkpoint.name.rpartition("-")[2]) if checkpoint is not None else 0


def _is_whole(checkpoint: Path) -> bool:
    """Whether nothing is missing: our mark is written after all else, and the trainer's state can be read."""
    try:
        json.loads((checkpoint / "trainer_state.json").read_text())
    except (OSError, ValueError):
        return False
    return (checkpoint / MARK).exists()
