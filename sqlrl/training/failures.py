"""Failures: what ends a run early, and what its owner is told: what happened, what is kept, how to go on."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlrl.executors.errors import DataError, SqlrlError, UsageError

if TYPE_CHECKING:
    from sqlrl.runs import Run
    from sqlrl.training.checkpoints import Checkpoints

__all__ = ["DivergedError", "TrainingError", "told"]


class TrainingError(SqlrlError):
    """A run that ended before its time; the message says what is kept."""


class DivergedError(SqlrlError):
    """A loss or gradient that is no number any more."""

    def __init__(self, stage: str, step: int, what: str) -> None:
        super().__init__(f"{stage}, step {step}: the {what} is not a finite number: a lower learning rate is needed")
        self.stage = stage
        self.step = step
        self.what = what

    def __reduce__(self) -> tuple[type[DivergedError], tuple[str, int, str]]:
        return (DivergedError, (self.stage, self.step, self.what))


@contextmanager
def told(run: Run, checkpoints: Checkpoints) -> Iterator[None]:
    """Raise what a user can do something about as a TrainingError that says what is kept; anything else as it is."""
    try:
        yield
    except Exception as error:
        what = _what_happened(error)
        if what is None:
            raise
        raise TrainingError(f"{what}; {_what_is_kept(run, checkpoints)}") from error


def _what_happened(error: Exception) -> str | None:
    """In a line; None for what is our own fault, or was asked for."""
    line = " ".join(str(error).split())
    if isinstance(error, DataError | UsageError):
        return None  # told in full already, and no checkpoint helps
    if isinstance(error, SqlrlError):
        return line
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG):
        return f"{error.strerror}: {error.filename or 'while a checkpoint was written'}"
    # safetensors and torch write files from their own languages, and say what the system said in text.
    if any(word in line for word in ("No space left", "Disk quota exceeded", "File too large", "os error 28")):
        return f"no space left on the disk ({line[:120]})"
    if "unexpected pos" in line or "PytorchStreamWriter failed" in line:
        return "a checkpoint could not be written: is the disk full?"
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "out of memory: take a smaller --micro-batch, --gradient-checkpointing or --lora 16"
    return None


def _what_is_kept(run: Run, checkpoints: Checkpoints) -> str:
    kept = sorted(checkpoints.folder.glob("*/checkpoint-*"), key=lambda path: path.stat().st_mtime)
    whole = [path for path in kept if (path / "policy.json").exists()]
    done = sorted(
        (path for path in checkpoints.folder.glob("*") if (path / "policy.json").exists()),
        key=lambda path: path.stat().st_mtime,
    )
    if not (whole or done):
        return f"nothing was saved yet in {run.folder}"
    last = (whole or done)[-1]
    return f"the last good checkpoint is {last}; once mended, go on with: sqlrl train --resume {run.folder}"
