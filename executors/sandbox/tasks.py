"""Tasks: what is asked of one worker at a time, the batch whose caller waits for all of them, and how each ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from sqlrl.executors.base import Outcome
from sqlrl.executors.errors import SandboxError

__all__ = ["Batch", "Reply", "Task"]


class Reply(NamedTuple):
    """What became of a task. body: the worker's answer; None where the worker died of it, as `outcome` says.

    in_gold: it died while the gold query ran.
    """

    body: bytes | None
    outcome: Outcome = Outcome.OK
    in_gold: bool = False


class Batch:
    """Tasks that one caller waits for, who adds them one by one while the first already run. cancelled: he has gone.

    One thread adds and completes, one settles and fails: each counter has a single writer, so no lock is needed.
    """

    def __init__(self, tell: Callable[[], None]) -> None:
        """tell: called, from any of the two threads and perhaps twice, when nothing is left to wait for."""
        self.cancelled = False
        self._replies: list[Reply | None] = []
        self._settled = 0
        self._complete = False
        self._error = ""
        self._tell = tell

    def add(self, frame: bytes) -> Task:
        """One more task."""
        self._replies.append(None)
        return Task(frame, self, len(self._replies) - 1)

    def complete(self) -> None:
        """No further task will be added."""
        self._complete = True
        if self._settled == len(self._replies):
            self._tell()

    def settle(self, index: int, reply: Reply) -> None:
        """The reply of one task; the first counts."""
        if self._replies[index] is None:
            self._replies[index] = reply
            self._settled += 1
            if self._complete and self._settled == len(self._replies):
                self._tell()

    def is_settled(self, index: int) -> bool:
        """Whether nobody waits for this one any more."""
        return self.cancelled or self._replies[index] is not None

    def fail(self, error: str) -> None:
        """Nobody will answer what is left."""
        if not self._complete or self._settled < len(self._replies):
            self._error = error
            self._tell()

    def replies(self) -> list[Reply]:
        """In the order of adding, once the caller was told. Raises SandboxError where there are none."""
        if self._error:
            raise SandboxError(self._error)
        return [reply for reply in self._replies if reply is not None]


@dataclass(slots=True, eq=False)
class Task:
    """One task of a batch. attempts: workers that it has killed; moves: sources that were replaced beneath it."""

    frame: bytes
    batch: Batch
    index: int
    attempts: int = 0
    moves: int = 0

    def settle(self, reply: Reply) -> None:
        self.batch.settle(self.index, reply)

    @property
    def settled(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.batch.is_settled(self.index)
