"""A warm start: a small policy for one database, made of questions that a grammar wrote about it, and kept."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sqlrl.config import TrainConfig
from sqlrl.executors.errors import UsageError
from sqlrl.incumbent import WARM, Incumbent, Seat
from sqlrl.runs import Run
from sqlrl.training.run import need_extra, train

if TYPE_CHECKING:
    from sqlrl.training.run import Progress

__all__ = ["FOLDER", "warm_start"]

FOLDER = "warm-start"  # in the seat's folder
_THREADS = 1  # of torch: so small a model gains nothing from a second one, and loses much where others compute
_SAVE_STEPS = 25  # the trainer's own checkpoints of an imitation come four times as rarely


def warm_start(
    source: str, seat: Seat, progress: Progress, *, threads: int = _THREADS, sft_steps: int | None = None
) -> Incumbent:
    """Train a policy for the schema of `seat`, and seat it there; goes on with one that was interrupted.

    Raises Interrupted where somebody asked it to stop: nothing is seated then. MissingExtraError, DataError where there
    is nothing to ask about, UsageError where another process is at it.
    """
    need_extra()
    with seat.held():
        if seat.present is not None:  # by another process, meanwhile
            return seat.present
        folder = seat.folder / FOLDER
        config = TrainConfig(
            f"questions:{source}", policy="tiny", method="sft", out=str(seat.folder), name=FOLDER, threads=threads,
            sft_steps=sft_steps, save_steps=_SAVE_STEPS,
        )  # fmt: skip
        run = train(config, progress, resume=_begun(folder))
        right, total = _judged(run)
        incumbent = Incumbent(str(folder), WARM, time.time(), right, total)
        seat.give(incumbent)
    return incumbent


def _begun(folder: Path) -> Path | None:
    """The run to go on with. What was killed before it had settings is no run."""
    if not folder.exists():
        return None
    try:
        return Run.open(folder).folder
    except UsageError:
        shutil.rmtree(folder)
        return None


def _judged(run: Run) -> tuple[int, int]:
    """(right, total) of the held-out questions after the last stage; noughts where there were none."""
    stages = list(run.summary().get("stages", {}).values())
    score = stages[-1].get("validation", {}) if stages else {}
    return int(score.get("right", 0)), int(score.get("total", 0))
