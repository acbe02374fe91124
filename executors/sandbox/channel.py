"""A channel: the parent's end of one worker, with the tasks that it was sent and has not answered."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator

from sqlrl.executors.sandbox import wire
from sqlrl.executors.sandbox.process import Launched
from sqlrl.executors.sandbox.tasks import Task

__all__ = ["Channel"]

# Tasks are sent ahead so that a worker never waits for its parent, but not further than this: whatever stands behind a
# slow query waits for it, though another worker may be idle.
DEEPEST, SECONDS_AHEAD = 32, 0.003
FIRST_GUESS = 0.0005  # seconds an answer takes, before any was seen


class Channel:
    """ready: it has said hello. alone: its one task is suspected of having killed a worker. overdue: it was killed for
    taking too long. ended: nothing more will come. jobs: tasks answered. since: when its first task began, or earlier.
    pace: seconds an answer takes, of late."""

    def __init__(self, launched: Launched) -> None:
        self.launched = launched
        self.ready = self.alone = self.overdue = self.ended = False
        self.tasks: deque[Task] = deque()
        self.jobs = 0
        self.since = 0.0
        self.pace = FIRST_GUESS
        self._unsent = bytearray()
        self._frames = wire.Frames()
        for descriptor in (launched.reading, launched.writing):
            os.set_blocking(descriptor, False)

    @property
    def depth(self) -> int:
        """How many tasks it should have."""
        return max(1, min(DEEPEST, int(SECONDS_AHEAD / self.pace)))

    @property
    def seconds_ahead(self) -> float:
        """For how long the tasks that it has will keep it busy, by its pace."""
        return len(self.tasks) * self.pace

    def give(self, task: Task) -> None:
        """One more task, to be sent when `send` is called."""
        if not self.tasks:
            self.since = time.monotonic()
        self.tasks.append(task)
        self._unsent += task.frame

    def send(self) -> bool:
        """Send what the pipe takes; whether that was all."""
        try:
            while self._unsent:
                del self._unsent[: os.write(self.launched.writing, self._unsent[: 1 << 16])]
        except BlockingIOError:
            pass
        except OSError:  # it has died; reading tells how
            self._unsent.clear()
        return not self._unsent

    def receive(self) -> Iterator[bytes]:
        """The bodies of the frames that have come. Raises UnreadableAnswer where they are none of a worker of ours."""
        try:
            piece = os.read(self.launched.reading, 1 << 20)
        except BlockingIOError:
            return
        self.ended = not piece
        before, now = self.jobs, time.monotonic()
        yield from self._frames.feed(piece)
        answered = self.jobs - before
        if answered:
            self.pace += ((now - self.since) / answered - self.pace) * 0.3
            self.since = now

    def lend(self) -> Launched:
        """The worker itself, for who reads and writes as a file is read and written."""
        for descriptor in (self.launched.reading, self.launched.writing):
            os.set_blocking(descriptor, True)
        return self.launched
