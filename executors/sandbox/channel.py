"""A channel: the parent's end of one worker, with the tasks that it was sent and has not answered."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from itertools import islice

from sqlrl.executors.sandbox import wire
from sqlrl.executors.sandbox.clock import Clock
from sqlrl.executors.sandbox.process import Launched
from sqlrl.executors.sandbox.tasks import Reply, Task

__all__ = ["Channel"]

# Tasks are sent ahead so that a worker never waits for its parent, but not further than this: whatever stands behind a
# slow query waits for it until it is called back.
DEEPEST, SECONDS_AHEAD = 32, 0.003
FIRST_GUESS = 0.0005  # seconds an answer takes, before any was seen


class Channel:
    """ready: it has said hello. alone: its one task is suspected of having killed a worker. overdue: it was killed for
    taking too long. stale: it ended because the source was replaced. ended: nothing more will come. buried: its pipes
    are closed. in_gold: the first task's gold query runs. jobs: tasks answered. since: when its first task began, or
    earlier; before it is ready, when it was started. pace: seconds an answer takes, of late. called_back: tasks that
    were given to others meanwhile."""

    def __init__(self, launched: Launched, clock: Clock) -> None:
        self.launched = launched
        self.clock = clock
        self.ready = self.alone = self.overdue = self.stale = self.ended = False
        self.buried = self.in_gold = False
        self.tasks: deque[Task] = deque()
        self.called_back: set[Task] = set()
        self.jobs = 0
        self.since = clock.now()
        self.pace = FIRST_GUESS
        self._given = 0
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
            self.since = self.clock.now()
        self.tasks.append(task)
        self._given += 1
        self._unsent += task.frame

    def call_back(self) -> list[Task]:
        """The tasks behind the first, for others to do. The worker gives back what it has not begun when it reads this;
        should it begin one at this very moment, two do the same and the first answer counts."""
        behind = [task for task in islice(self.tasks, 1, None) if task not in self.called_back]
        self.launched.call_back(self._given)
        self.called_back.update(behind)
        return [task for task in behind if not task.settled]

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
        before, now = self.jobs, self.clock.now()
        yield from self._frames.feed(piece)
        answered = self.jobs - before
        if answered:
            self.pace += ((now - self.since) / answered - self.pace) * 0.3
            self.since = now

    def hear(self, body: bytes) -> Task | None:
        """What a worker at work says; a task that it gave back though nobody else has it."""
        kind = body[:1]
        if not self.tasks:
            return None
        if kind == wire.GOLD_STARTS:
            self.in_gold = not self.in_gold
            self.since = self.clock.now()
            return None
        if kind == wire.STALE:
            self.stale = True
            return None
        task = self.tasks.popleft()
        self.in_gold = False
        if kind == wire.GIVEN_BACK:
            if task not in self.called_back:
                return task
        else:
            self.jobs += 1
            task.settle(Reply(body[1:]))
        self.called_back.discard(task)
        return None

    def lend(self) -> Launched:
        """The worker itself, for who reads and writes as a file is read and written."""
        for descriptor in (self.launched.reading, self.launched.writing):
            os.set_blocking(descriptor, True)
        return self.launched
