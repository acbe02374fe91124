"""Tasks: what is asked of one worker at a time, the batch whose caller waits for all of them, and how each ended."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from sqlrl.executors.base import Outcome

__all__ = ["Batch", "Reply", "Task"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a task. body: the worker's answer; None where the worker died of it, as `outcome` says.

    in_gold: it died while the gold query ran.
    """

    body: bytes | None
    outcome: Outcome = Outcome.OK
    in_gold: bool = False


@dataclass(slots=True, eq=False)
class Batch:
    """Tasks that one caller waits for. replies: in the caller's order. error: why none of them can be answered."""

    replies: list[Reply | None]
    left: int
    done: threading.Event = field(default_factory=threading.Event)
    cancelled: bool = False
    error: str = ""

    def settle(self, index: int, reply: Reply) -> None:
        """The reply of one task; the first counts."""
        if self.replies[index] is None:
            self.replies[index] = reply
            self.left -= 1
            if self.left == 0:
                self.done.set()

    def fail(self, error: str) -> None:
        """Nobody will answer what is left."""
        self.error = error
        self.done.set()


@dataclass(slots=True, eq=False)
class Task:
    """One task of a batch. attempts: workers that it has killed; moves: sources that were replaced beneath it."""

    frame: bytes
    batch: Batch
    index: int
    attempts: int = 0
    moves: int = 0
    in_gold: bool = False

    def settle(self, reply: Reply) -> None:
        self.batch.settle(self.index, reply)
