"""The pool: the parent's side of the sandbox. It starts workers, hands out tasks, and knows whom to blame.

One thread does all of it. Workers are started with Popen, never forked: a fork of a large trainer is slow, and unsafe
beside threads and CUDA. One spare is always warm, so that the query after a kill doesn't wait for a start. Tasks are
sent ahead, some deep; when a worker dies, the first that it left unanswered is the culprit: it runs once more, alone,
and the others go to another worker in order.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import selectors
import signal
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from sqlrl.executors.base import Outcome
from sqlrl.executors.errors import SandboxError
from sqlrl.executors.sandbox import wire
from sqlrl.executors.sandbox.channel import Channel
from sqlrl.executors.sandbox.loans import Loans
from sqlrl.executors.sandbox.process import Launched, Workplace, launch
from sqlrl.executors.sandbox.tasks import Batch, Reply, Task
from sqlrl.executors.sandbox.worker import STALE, WALL_FACTOR

__all__ = ["GRACE_SECONDS", "Pool"]

JOBS_BEFORE_RETIREMENT = 100_000
STARTS_THAT_MAY_FAIL = 3
GRACE_SECONDS = 0.4  # the worker's own wall-clock stop comes first
# While every worker has enough to do, answers may gather: to wake up for each costs more than to read it.
TASKS_TO_REST_ON, LEAST_REST, LONGEST_REST = 4, 0.0001, 0.0005
_LIVE: weakref.WeakSet[Pool] = weakref.WeakSet()


class Pool:
    """Workers of one workplace. Thread-safe; a forked child gets workers of its own."""

    def __init__(self, place: Workplace, workers: int | None = None) -> None:
        self.place = place
        self.limits = place.limits
        self.size = workers or max(1, min(os.cpu_count() or 1, 8))
        self._reset()
        _LIVE.add(self)

    def _reset(self) -> None:
        self.walls: dict[str, str] = {}
        self._lock = threading.Lock()
        self._queue: deque[Task] = deque()
        self._suspects: deque[Task] = deque()  # to be run alone
        self._workers: list[Channel] = []
        self._spares: list[Channel] = []
        self._loans = Loans()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._failed_starts = 0
        self._failure = ""
        self._wake_reading = self._wake_writing = -1
        self._greeted = threading.Event()

    # What callers use

    def run(self, tasks: Sequence[tuple[Any, ...]]) -> list[Reply]:
        """Answer all tasks; replies in their order. Raises SandboxError where no worker can be started."""
        if not tasks:
            return []
        batch = Batch([None] * len(tasks), len(tasks))
        queued = [Task(wire.pack_task(task), batch, index) for index, task in enumerate(tasks)]
        with self._at_work():
            self._queue.extend(queued)
        try:
            batch.done.wait()
        except BaseException:
            batch.cancelled = True
            raise
        if batch.error:
            raise SandboxError(batch.error)
        return [reply for reply in batch.replies if reply is not None]

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
        with self._at_work():
            greeted = self._greeted
        if not greeted.wait(30) or self._failure:
            raise SandboxError(self._failure or "the worker did not start within 30 seconds")
        return dict(self.walls)

    def close(self) -> None:
        """End all workers. Queries still running are given up."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
            thread = self._thread
            self._wake()
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        _LIVE.discard(self)

    @contextlib.contextmanager
    def _at_work(self) -> Iterator[None]:
        """A context in which something is asked of the thread, which runs, and looks at it thereafter."""
        with self._lock:
            if self._closing:
                raise SandboxError("the executor is closed")
            if self._thread is None:
                self._failure = ""
                self._failed_starts = 0
                self._greeted = threading.Event()
                self._wake_reading, self._wake_writing = os.pipe()
                os.set_blocking(self._wake_reading, False)
                os.set_blocking(self._wake_writing, False)
                thread = threading.Thread(target=self._serve, name=f"sqlrl-pool-{self.place.engine}", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:  # the system has no more
                    os.close(self._wake_reading)
                    os.close(self._wake_writing)
                    self._wake_reading = self._wake_writing = -1
                    raise SandboxError(f"the pool cannot be started: {error}") from None
                self._thread = thread
            yield
            self._wake()

    def _wake(self) -> None:
        if self._wake_writing >= 0:
            with contextlib.suppress(OSError):  # it is awake, or gone
                os.write(self._wake_writing, b"w")

    # The thread

    def _serve(self) -> None:
        selector = selectors.DefaultSelector()
        selector.register(self._wake_reading, selectors.EVENT_READ, None)
        why = "the executor is closed"
        try:
            while not self._closing:
                self._keep_strength(selector)
                self._hand_out(selector)
                self._rest()
                for key, events in selector.select(self._patience()):
                    if key.data is None:
                        self._drain_wake()
                    elif events & selectors.EVENT_READ:
                        self._receive(key.data, selector)
                    elif events & selectors.EVENT_WRITE:
                        self._send(key.data, selector)
                self._end_overdue()
        except SandboxError as error:
            why = str(error)
        except Exception as error:  # whatever it was, no caller may wait for ever
            why = f"the pool stopped: {type(error).__name__}: {error}"
        finally:
            self._stop(why, selector)

    def _stop(self, why: str, selector: selectors.BaseSelector) -> None:
        """Leave nobody waiting and nothing running. Whoever asks again starts anew, unless it was closed."""
        with self._lock:
            self._failure = why
            tasks = [*self._queue, *self._suspects, *(task for worker in self._workers for task in worker.tasks)]
            self._queue.clear()
            self._suspects.clear()
            for task in tasks:
                task.batch.fail(why)
            self._loans.fail(why)
            for worker in [*self._workers, *self._spares]:
                self._bury(worker, selector)
            self._workers.clear()
            self._spares.clear()
            self._loans.kill()
            selector.close()
            os.close(self._wake_reading)
            os.close(self._wake_writing)
            self._wake_reading = self._wake_writing = -1
            self._thread = None
        self._greeted.set()

    def _rest(self) -> None:
        busy = [worker for worker in self._workers if worker.ready]
        if busy and min(len(worker.tasks) for worker in busy) >= TASKS_TO_REST_ON:
            seconds = min(worker.seconds_ahead for worker in busy) / 2
            if seconds >= LEAST_REST:
                time.sleep(min(seconds, LONGEST_REST))

    def _drain_wake(self) -> None:
        try:
            while os.read(self._wake_reading, 4096):
                pass
        except BlockingIOError:
            pass

    def _patience(self) -> float | None:
        """Seconds until the next worker is overdue."""
        allowed = self.limits.seconds * WALL_FACTOR + GRACE_SECONDS
        ends = [worker.since + allowed for worker in self._workers if worker.tasks and not worker.overdue]
        return max(0.0, min(ends) - time.monotonic()) if ends else None

    def _end_overdue(self) -> None:
        allowed = self.limits.seconds * WALL_FACTOR + GRACE_SECONDS
        now = time.monotonic()
        for worker in self._workers:
            if worker.tasks and not worker.overdue and now > worker.since + allowed * (2 if worker.alone else 1):
                worker.overdue = True
                worker.launched.process.kill()

    def _keep_strength(self, selector: selectors.BaseSelector) -> None:
        """As many workers as there is work for, and one spare; none of either where only loans are asked for."""
        least = 0 if self._loans and not self._workers else 1
        wanted = min(self.size, max(least, len(self._queue) + sum(len(worker.tasks) > 0 for worker in self._workers)))
        wanted += sum(worker.alone for worker in self._workers) + bool(self._suspects)
        while len(self._workers) < wanted:
            self._workers.append(self._spares.pop() if self._spares else self._start(selector))
        if self._suspects and not any(worker.jobs == 0 and not worker.tasks for worker in self._workers):
            self._workers.append(self._spares.pop() if self._spares else self._start(selector))  # they need a new one
        if not self._spares and (self._loans or (self._greeted.is_set() and self._workers)):
            self._spares.append(self._start(selector))
        while self._loans and self._spares and self._spares[-1].ready:
            worker = self._spares.pop()
            self._unwatch(worker, selector)
            self._loans.grant(worker.lend())
            if self._loans:
                self._spares.append(self._start(selector))

    def _start(self, selector: selectors.BaseSelector) -> Channel:
        worker = Channel(launch(self.place))
        selector.register(worker.launched.reading, selectors.EVENT_READ, worker)
        return worker

    def _hand_out(self, selector: selectors.BaseSelector) -> None:
        for worker in self._workers:
            if not worker.ready or worker.overdue or worker.jobs >= JOBS_BEFORE_RETIREMENT:
                continue
            if worker.alone:
                if worker.tasks:
                    continue
                worker.alone = False
            given = len(worker.tasks)
            if self._suspects and not worker.tasks and worker.jobs == 0:
                worker.alone = True
                worker.give(self._suspects.popleft())
            else:
                # Shares are even before they are deep: two workers with four tasks each beat one with eight.
                depth = min(worker.depth, -(-len(self._queue) // len(self._workers)))
                while len(worker.tasks) < depth and self._queue:
                    task = self._queue.popleft()
                    if not task.batch.cancelled:
                        worker.give(task)
            if len(worker.tasks) > given:
                self._send(worker, selector)

    def _send(self, worker: Channel, selector: selectors.BaseSelector) -> None:
        sent = worker.send()
        watched = worker.launched.writing in selector.get_map()
        if not sent and not watched:
            selector.register(worker.launched.writing, selectors.EVENT_WRITE, worker)
        elif sent and watched:
            selector.unregister(worker.launched.writing)

    def _receive(self, worker: Channel, selector: selectors.BaseSelector) -> None:
        if worker not in self._workers and worker not in self._spares:
            return
        try:
            for body in worker.receive():
                self._hear(worker, body)
        except wire.UnreadableAnswer:
            worker.launched.process.kill()
        if worker.ended:
            self._mourn(worker, selector)
        elif worker.jobs >= JOBS_BEFORE_RETIREMENT and not worker.tasks and worker in self._workers:
            self._workers.remove(worker)
            self._bury(worker, selector)

    def _hear(self, worker: Channel, body: bytes) -> None:
        kind = body[:1]
        if kind == wire.HELLO:
            worker.ready = True
            self._failed_starts = 0
            try:
                report = json.loads(body[1:])
                self.walls = {str(name): str(held) for name, held in report.items()}
            except (ValueError, AttributeError):
                self.walls = {}
            self._greeted.set()
        elif worker.tasks:
            if kind == wire.GOLD_STARTS:
                worker.tasks[0].in_gold = not worker.tasks[0].in_gold
                worker.since = time.monotonic()
                return
            worker.jobs += 1
            worker.tasks.popleft().settle(Reply(body[1:]))

    def _mourn(self, worker: Channel, selector: selectors.BaseSelector) -> None:
        """Find the culprit of a death, and give the others' tasks back to the front of the queue, in order."""
        words = self._bury(worker, selector)
        if worker in self._spares:
            self._spares.remove(worker)
        else:
            self._workers.remove(worker)
        status = worker.launched.process.returncode
        if not worker.ready:
            self._failed_starts += 1
            if status != -signal.SIGKILL or self._failed_starts > STARTS_THAT_MAY_FAIL:
                last = words.strip().splitlines()[-1] if words.strip() else f"exit status {status}"
                raise SandboxError(f"a worker ended before its first answer: {last}")
        tasks = list(worker.tasks)
        worker.tasks.clear()
        if not tasks:
            return
        first, rest = tasks[0], tasks[1:]
        self._queue.extendleft(reversed(rest))
        if status == STALE and first.moves < STARTS_THAT_MAY_FAIL + self.size:
            first.moves += 1
            self._queue.appendleft(first)
            # The others' walls are about the old file as well: the idle go now, the busy will find out by themselves.
            for idle in [*self._spares, *(other for other in self._workers if other.ready and not other.tasks)]:
                self._bury(idle, selector)
            self._spares.clear()
            self._workers = [other for other in self._workers if other.tasks or not other.ready]
            return
        if status == STALE:
            first.settle(Reply(None, Outcome.UNAVAILABLE, first.in_gold))
        elif worker.overdue or status in (-signal.SIGPROF, -signal.SIGALRM):
            first.settle(Reply(None, Outcome.TIMED_OUT, first.in_gold))
        elif first.attempts == 0:
            first.attempts, first.in_gold = 1, False
            self._suspects.append(first)
        else:
            first.settle(Reply(None, Outcome.CRASHED, first.in_gold))

    def _bury(self, worker: Channel, selector: selectors.BaseSelector) -> str:
        """Make sure that a worker is gone and nothing of it is left; its last words."""
        self._unwatch(worker, selector)
        return worker.launched.end()

    @staticmethod
    def _unwatch(worker: Channel, selector: selectors.BaseSelector) -> None:
        for descriptor in (worker.launched.reading, worker.launched.writing):
            if descriptor in selector.get_map():
                selector.unregister(descriptor)


def _forget_in_child() -> None:
    """After a fork the child has copies of the pipes but no thread: let go of them and begin anew when asked."""
    for pool in list(_LIVE):
        for launched in [*(worker.launched for worker in [*pool._workers, *pool._spares]), *pool._loans.lent]:
            process = launched.process
            process.returncode = 0  # not this process's child: nobody here may wait for it
            with contextlib.suppress(OSError, ValueError):  # the thread was just about to close it
                os.close(launched.reading)
            with contextlib.suppress(OSError):
                os.close(launched.writing)
            with contextlib.suppress(OSError, ValueError):
                if process.stderr is not None:
                    process.stderr.close()
        for descriptor in (pool._wake_reading, pool._wake_writing):
            if descriptor >= 0:
                with contextlib.suppress(OSError):
                    os.close(descriptor)
        closing = pool._closing
        pool._reset()
        pool._closing = closing


def _close_all() -> None:
    for pool in list(_LIVE):
        pool.close()


os.register_at_fork(after_in_child=_forget_in_child)
atexit.register(_close_all)
