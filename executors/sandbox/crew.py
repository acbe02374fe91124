"""A crew: the workers of a pool, those at work and the one in spare: started, watched and buried by the pool's thread.

One spare is always warm, so that the query after a kill doesn't wait for a start.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import threading
from collections.abc import Iterator

from sqlrl.executors.errors import SandboxError
from sqlrl.executors.sandbox.channel import Channel
from sqlrl.executors.sandbox.clock import TICK, Clock
from sqlrl.executors.sandbox.loans import Loans
from sqlrl.executors.sandbox.process import Launched, Workplace, launch

__all__ = ["GRACE_SECONDS", "WALL_FACTOR", "Crew"]

# Times the limit, and beside it: wall time past which a query is ended in any case.
WALL_FACTOR, GRACE_SECONDS = 3.5, 0.1
SECONDS_TO_START, STARTS_THAT_MAY_FAIL = 60.0, 3
SECONDS_FOR_NOBODY = 0.5  # what a query may still take once its caller has gone


class Crew:
    """workers: those that are given tasks. spares: started, and given none yet. clock: by which their time is taken.
    greeted: set once the first has said which walls hold, which `walls` then tells, or there will be none."""

    def __init__(self, place: Workplace, size: int, loans: Loans) -> None:
        self.place = place
        self.size = size
        self.loans = loans
        self.clock = Clock()
        self.selector = selectors.DefaultSelector()
        self.workers: list[Channel] = []
        self.spares: list[Channel] = []
        self.walls: dict[str, str] = {}
        self.greeted = threading.Event()
        self._failed_starts = 0
        self._allowed = place.limits.seconds * WALL_FACTOR + GRACE_SECONDS

    def keep_strength(self, tasks: int, suspects: int) -> None:
        """As many workers as there is work for, and one spare; none of either where only loans are asked for. tasks:
        how many wait or run; suspects: how many of them need a new worker, for themselves alone."""
        least = 0 if self.loans and not self.workers else 1
        wanted = min(self.size, max(least, tasks))
        wanted += sum(worker.alone for worker in self.workers) + bool(suspects)
        while len(self.workers) < wanted:
            self._employ()
        if suspects and not any(worker.jobs == 0 and not worker.tasks for worker in self.workers):
            self._employ()
        if not self.spares and (self.loans or (self.greeted.is_set() and self.workers)):
            self.spares.append(self._start())
        while self.loans and self.spares and self.spares[-1].ready:
            worker = self.spares.pop()
            self._unwatch(worker)
            self.loans.grant(worker.lend())
            if self.loans:
                self.spares.append(self._start())

    def greet(self, worker: Channel, report: bytes) -> None:
        """It has said hello, with a report of its walls."""
        worker.ready = True
        self._failed_starts = 0
        try:
            self.walls = {str(name): str(held) for name, held in json.loads(report).items()}
        except (ValueError, AttributeError):
            self.walls = {}
        self.greeted.set()

    def send(self, worker: Channel) -> None:
        """Send what it was given; the rest when its pipe takes more."""
        sent = worker.send()
        watched = worker.launched.writing in self.selector.get_map()
        if not sent and not watched:
            self.selector.register(worker.launched.writing, selectors.EVENT_WRITE, worker)
        elif sent and watched:
            self.selector.unregister(worker.launched.writing)

    def is_idle(self, worker: Channel) -> bool:
        """Whether it could begin a task at once."""
        return worker.ready and not worker.tasks and not worker.overdue

    def patience(self) -> float | None:
        """Seconds until the clock must be looked at; None where nobody's time is running."""
        return TICK if any(worker.tasks or not worker.ready for worker in [*self.workers, *self.spares]) else None

    def end_overdue(self) -> None:
        """Kill whoever takes too long for a query or a start. One that somebody has stopped is not late by its own
        doing, so it isn't called overdue: its query runs once more."""
        now = self.clock.now()
        for worker in [*self.workers, *self.spares]:
            if worker.overdue or not (worker.tasks or not worker.ready):
                continue
            if not worker.ready:
                allowed = SECONDS_TO_START
            elif worker.tasks[0].batch.cancelled:
                allowed = min(SECONDS_FOR_NOBODY, self._allowed)
            else:
                allowed = self._allowed * (2 if worker.alone else 1)
            if now > worker.since + allowed:
                worker.overdue = not worker.launched.is_stopped()
                worker.launched.process.kill()

    def mourn(self, worker: Channel) -> None:
        """Bury one that has ended. Raises SandboxError where workers end again and again before they say hello."""
        words = self.dismiss(worker)
        status = worker.launched.process.returncode
        if worker.ready:
            return
        self._failed_starts += 1
        # 0: a parent that ignores SIGCHLD learns of no status.
        if status not in (-signal.SIGKILL, 0) or self._failed_starts > STARTS_THAT_MAY_FAIL:
            last = words.strip().splitlines()[-1] if words.strip() else f"exit status {status}"
            if worker.overdue:
                last = f"not ready after {SECONDS_TO_START:.0f} seconds"
            raise SandboxError(f"a worker ended before its first answer: {last}")

    def dismiss(self, worker: Channel) -> str:
        """Make sure that a worker is gone and nothing of it is left; its last words."""
        for group in (self.workers, self.spares):
            if worker in group:
                group.remove(worker)
        self._unwatch(worker)
        worker.buried = True
        return worker.launched.end()

    def dismiss_idle(self) -> None:
        """Those that know a file which was replaced go now; the busy will find out by themselves."""
        for worker in [*self.spares, *(other for other in self.workers if self.is_idle(other))]:
            self.dismiss(worker)

    def dismiss_all(self) -> None:
        """End all, and watch nothing any more."""
        for worker in [*self.workers, *self.spares]:
            self.dismiss(worker)
        self.selector.close()
        self.greeted.set()

    def forget(self) -> None:
        """In a forked child: let go of the copies of what the parent holds."""
        for launched in self._launched():
            process = launched.process
            process.returncode = 0  # not this process's child: nobody here may wait for it
            with contextlib.suppress(OSError, ValueError):  # the thread was just about to close it
                os.close(launched.reading)
            with contextlib.suppress(OSError):
                os.close(launched.writing)
            with contextlib.suppress(OSError, ValueError):
                launched.page.close()
            with contextlib.suppress(OSError, ValueError):
                if process.stderr is not None:
                    process.stderr.close()
        with contextlib.suppress(OSError, ValueError):
            self.selector.close()

    def _launched(self) -> Iterator[Launched]:
        yield from (worker.launched for worker in [*self.workers, *self.spares])
        yield from self.loans.lent

    def _employ(self) -> None:
        self.workers.append(self.spares.pop() if self.spares else self._start())

    def _start(self) -> Channel:
        worker = Channel(launch(self.place), self.clock)
        self.selector.register(worker.launched.reading, selectors.EVENT_READ, worker)
        return worker

    def _unwatch(self, worker: Channel) -> None:
        for descriptor in (worker.launched.reading, worker.launched.writing):
            if descriptor in self.selector.get_map():
                self.selector.unregister(descriptor)
