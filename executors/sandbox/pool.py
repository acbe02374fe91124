"""The pool: the parent's side of the sandbox. It hands out tasks to its workers, and knows whom to blame.

One thread does all of it. Workers are started with Popen, never forked: a fork of a large trainer is slow, and unsafe
beside threads and CUDA. Tasks are sent ahead, some deep; those behind a slow one are called back when another worker
has nothing to do. When a worker dies, the first that it left unanswered is the culprit: it runs once more, alone, and
the others go to another worker in order.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import selectors
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from sqlrl.executors.base import Outcome
from sqlrl.executors.errors import SandboxError
from sqlrl.executors.sandbox import wire
from sqlrl.executors.sandbox.bell import Bell
from sqlrl.executors.sandbox.channel import Channel
from sqlrl.executors.sandbox.crew import Crew
from sqlrl.executors.sandbox.loans import Loans
from sqlrl.executors.sandbox.process import Launched, Workplace
from sqlrl.executors.sandbox.tasks import Batch, Reply, Task

__all__ = ["Pool"]

JOBS_BEFORE_RETIREMENT = 100_000
LEAST_MOVES = 4  # how often a source may be replaced beneath one task, beside once for every worker
TASKS_AT_ONCE = 32  # the first of many run while the last are still being made
SLOW_SECONDS = 0.02  # a query that takes longer holds up nobody who could go elsewhere
# While every worker has enough to do, answers may gather: to wake up for each costs more than to read it.
TASKS_TO_REST_ON, LEAST_REST, LONGEST_REST = 4, 0.0001, 0.0005
_LIVE: weakref.WeakSet[Pool] = weakref.WeakSet()


class Pool:
    """Workers of one workplace. Thread-safe; a forked child gets workers of its own."""

    def __init__(self, place: Workplace, workers: int | None = None) -> None:
        self.place = place
        self.limits = place.limits
        self.size = workers or max(1, min(os.cpu_count() or 1, 8))
        self.reset()
        _LIVE.add(self)

    def reset(self, closed: bool = False) -> None:
        """As new, with nothing running; whatever ran is left to itself."""
        self._lock = threading.Lock()
        self._queue: deque[Task] = deque()
        self._suspects: deque[Task] = deque()  # to be run alone
        self._loans = Loans()
        self._bell: Bell | None = None
        self._crew: Crew | None = None
        self._thread: threading.Thread | None = None
        self._closing = closed
        self._failure = ""

    # What callers use

    def run(self, tasks: Iterable[tuple[Any, ...]]) -> list[Reply]:
        """Answer all tasks; replies in their order. The first run while the iterable still makes the last. Raises
        SandboxError where no worker can be started, or the pool is closed meanwhile."""
        done = threading.Event()
        batch = Batch(done.set)
        try:
            self._submit(batch, tasks)
            done.wait()
        except BaseException:
            batch.cancelled = True
            raise
        return batch.replies()

    async def arun(self, tasks: Iterable[tuple[Any, ...]]) -> list[Reply]:
        """`run` for asyncio. If it is cancelled, its queries are not begun, or given up soon."""
        import asyncio

        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def tell() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
                loop.call_soon_threadsafe(done.set)

        batch = Batch(tell)
        try:
            self._submit(batch, tasks)
            await done.wait()
        except BaseException:
            batch.cancelled = True
            raise
        return batch.replies()

    def lend(self) -> Launched:
        """A worker that has said hello, for one caller alone, who hands it to `take_back`. Raises SandboxError."""
        with self._at_work():
            loan = self._loans.ask()
        return self._loans.receive(loan)

    def take_back(self, worker: Launched) -> None:
        """End a worker that was lent."""
        self._loans.take_back(worker)

    def report(self) -> dict[str, str]:
        """Which walls hold around the workers: "held", or why not. Raises SandboxError."""
        with self._at_work() as crew:
            pass
        crew.greeted.wait()
        if not crew.walls:
            raise SandboxError(self._failure or "the executor is closed")
        return dict(crew.walls)

    def close(self) -> None:
        """End all workers. Queries still running are given up, and their callers told."""
        with self._lock:
            self._closing = True
            thread = self._thread
            if self._bell is not None:
                self._bell.ring()
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        _LIVE.discard(self)

    def let_go(self) -> None:
        """`close` for who cannot wait: garbage is collected wherever a thread stands, and whatever lock it holds."""
        if not self._closing and self._thread is not None:
            with contextlib.suppress(RuntimeError):  # the interpreter is ending, which closes all
                threading.Thread(target=self.close, name="sqlrl-pool-closing", daemon=True).start()

    def _submit(self, batch: Batch, tasks: Iterable[tuple[Any, ...]]) -> None:
        made = (batch.add(wire.pack_task(task)) for task in tasks)
        while some := list(islice(made, TASKS_AT_ONCE)):
            with self._at_work():
                self._queue.extend(some)
        batch.complete()

    @contextlib.contextmanager
    def _at_work(self) -> Iterator[Crew]:
        """A context in which something is asked of the thread, which runs, and looks at it thereafter."""
        with self._lock:
            if self._closing:
                raise SandboxError("the executor is closed")
            if self._crew is None or self._bell is None:
                self._crew, self._bell = self._begin()
            yield self._crew
            self._bell.ring()

    def _begin(self) -> tuple[Crew, Bell]:
        self._failure = ""
        crew, bell = Crew(self.place, self.size, self._loans), Bell()
        thread = threading.Thread(
            target=self._serve, args=(crew, bell), name=f"sqlrl-pool-{self.place.engine}", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:  # the system has no more
            bell.close()
            raise SandboxError(f"the pool cannot be started: {error}") from None
        self._thread = thread
        return crew, bell

    # The thread

    def _serve(self, crew: Crew, bell: Bell) -> None:
        with self._lock:
            if bell is not self._bell:  # who started this was interrupted, and knows nothing of it
                bell.close()
                return
        crew.selector.register(bell.reading, selectors.EVENT_READ, None)
        why = "the executor is closed"
        try:
            while not self._closing:
                crew.keep_strength(
                    len(self._queue) + sum(len(worker.tasks) for worker in crew.workers), len(self._suspects)
                )
                self._hand_out(crew)
                _rest(crew)
                for key, events in crew.selector.select(self._patience(crew)):
                    if key.data is None:
                        bell.hear()
                    elif key.data.buried:
                        continue
                    elif events & selectors.EVENT_READ:
                        self._receive(key.data, crew)
                    elif events & selectors.EVENT_WRITE:
                        crew.send(key.data)
                crew.end_overdue()
        except SandboxError as error:
            why = str(error)
        except Exception as error:  # whatever it was, no caller may wait for ever
            why = f"the pool stopped: {type(error).__name__}: {error}"
        finally:
            self._stop(why, crew, bell)

    def _stop(self, why: str, crew: Crew, bell: Bell) -> None:
        """Leave nobody waiting and nothing running. Whoever asks again starts anew, unless it was closed."""
        with self._lock:
            self._failure = why
            tasks = [*self._queue, *self._suspects, *(task for worker in crew.workers for task in worker.tasks)]
            self._queue.clear()
            self._suspects.clear()
            for task in tasks:
                task.batch.fail(why)
            self._loans.fail(why)
            self._loans.kill()
            crew.dismiss_all()
            bell.close()
            self._crew = self._bell = self._thread = None

    def _patience(self, crew: Crew) -> float | None:
        """Seconds to wait for something to happen."""
        patience = crew.patience()
        if patience is None or self._queue or not any(len(worker.tasks) > 1 for worker in crew.workers):
            return patience
        return SLOW_SECONDS if any(map(crew.is_idle, crew.workers)) else patience

    def _hand_out(self, crew: Crew) -> None:
        if not self._queue and any(map(crew.is_idle, crew.workers)):
            self._call_back(crew)
        for worker in crew.workers:
            if not worker.ready or worker.overdue or worker.jobs >= JOBS_BEFORE_RETIREMENT:
                continue
            if worker.alone:
                if worker.tasks:
                    continue
                worker.alone = False
            given = len(worker.tasks)
            if self._suspects and not worker.tasks and worker.jobs == 0:
                suspect = self._suspects.popleft()
                if not suspect.settled:
                    worker.alone = True
                    worker.give(suspect)
            elif not given or crew.clock.last < worker.since + SLOW_SECONDS:
                # Shares are even before they are deep: two workers with four tasks each beat one with eight.
                depth = min(worker.depth, -(-len(self._queue) // len(crew.workers)))
                while len(worker.tasks) < depth and self._queue:
                    task = self._queue.popleft()
                    if not task.settled:
                        worker.give(task)
            if len(worker.tasks) > given:
                crew.send(worker)

    def _call_back(self, crew: Crew) -> None:
        """What stands behind a slow query, for a worker that has nothing to do."""
        for worker in crew.workers:
            if len(worker.tasks) > 1 and crew.clock.last > worker.since + SLOW_SECONDS:
                self._queue.extend(worker.call_back())

    def _receive(self, worker: Channel, crew: Crew) -> None:
        try:
            for body in worker.receive():
                if body[:1] == wire.HELLO:
                    crew.greet(worker, body[1:])
                elif (given_back := worker.hear(body)) is not None:
                    self._queue.appendleft(given_back)
        except wire.UnreadableAnswer:
            worker.launched.process.kill()
        if worker.ended:
            crew.mourn(worker)
            self._judge(worker, crew)
        elif worker.jobs >= JOBS_BEFORE_RETIREMENT and not worker.tasks and worker in crew.workers:
            crew.dismiss(worker)

    def _judge(self, worker: Channel, crew: Crew) -> None:
        """Find the culprit of a death, and give the others' tasks back to the front of the queue, in order."""
        tasks = [None if task in worker.called_back or task.settled else task for task in worker.tasks]
        self._queue.extendleft(task for task in reversed(tasks[1:]) if task is not None)
        if not tasks or (first := tasks[0]) is None:
            return
        ran = crew.clock.last - worker.since
        if worker.stale and first.moves < LEAST_MOVES + self.size:
            first.moves += 1
            self._queue.appendleft(first)
            crew.dismiss_idle()
        elif worker.stale:
            first.settle(Reply(None, Outcome.UNAVAILABLE, worker.in_gold))
        elif worker.overdue or worker.launched.was_out_of_time(ran, self.limits.seconds):
            first.settle(Reply(None, Outcome.TIMED_OUT, worker.in_gold))
        elif first.attempts == 0:
            first.attempts = 1
            self._suspects.append(first)
        else:
            first.settle(Reply(None, Outcome.CRASHED, worker.in_gold))


def _rest(crew: Crew) -> None:
    busy = [worker for worker in crew.workers if worker.ready]
    if busy and min(len(worker.tasks) for worker in busy) >= TASKS_TO_REST_ON:
        seconds = min(worker.seconds_ahead for worker in busy) / 2
        if seconds >= LEAST_REST:
            time.sleep(min(seconds, LONGEST_REST))


def _forget_in_child() -> None:
    """After a fork the child has copies of the pipes but no thread: let go of them and begin anew when asked."""
    for pool in list(_LIVE):
        if pool._crew is not None:
            pool._crew.forget()
        if pool._bell is not None:
            pool._bell.close()
        pool.reset(closed=pool._closing)


def _close_all() -> None:
    for pool in list(_LIVE):
        pool.close()


os.register_at_fork(after_in_child=_forget_in_child)
atexit.register(_close_all)
