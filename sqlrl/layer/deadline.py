"""A deadline: the moment by which a whole call must have ended, whatever its parts are doing."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from sqlrl.executors.errors import SqlrlError, UsageError

__all__ = ["Deadline", "LateError"]

_T = TypeVar("_T")
_LONGEST = 86_400.0


class LateError(SqlrlError):
    """A part of a call that had not ended when its time was up."""


class Deadline:
    """seconds: from now; None for no deadline. Cancelled, it is over at once."""

    def __init__(self, seconds: float | None) -> None:
        if seconds is not None and (
            isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= _LONGEST
        ):
            raise UsageError(f"a deadline is a number of seconds above 0 and at most a day, not {seconds!r}")
        self.seconds = seconds
        self._end = None if seconds is None else time.monotonic() + seconds
        self._cancelled = threading.Event()
        self._watchers: list[Callable[[], object]] = []

    @property
    def left(self) -> float | None:
        """Seconds that are left, 0 where it is over; None where there is no end."""
        if self._cancelled.is_set():
            return 0.0
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def share(self, part: float) -> Deadline:
        """Another one, for what may take a part of the time that is left and no more."""
        left = self.left
        return Deadline(None if left is None else max(left * part, 0.001))

    def cancel(self) -> None:
        """Nobody waits any more: no further part is begun."""
        self._cancelled.set()
        for tell in list(self._watchers):
            tell()

    def check(self) -> None:
        """LateError where it is over."""
        if self.left == 0.0:
            raise LateError(f"not done within {self.seconds or 0:.3g} s")

    def run(self, work: Callable[[], _T]) -> _T:
        """What `work` gives. Where it has not ended in time, LateError, and it is left to itself: a thread that waits
        for a server cannot be stopped, only abandoned, and keeps nobody from leaving."""
        self.check()
        if self._end is None:
            return work()
        done = threading.Event()
        found: list[Any] = [None, None]

        def labour() -> None:
            try:
                found[0] = work()
            except BaseException as error:  # raised again by who waits
                found[1] = error
            finally:
                done.set()

        threading.Thread(target=labour, name="sqlrl-layer", daemon=True).start()
        if not done.wait(self.left):
            raise LateError(f"not done within {self.seconds or 0:.3g} s")
        if found[1] is not None:
            raise found[1]
        result: _T = found[0]
        return result

    def finish(self, work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """What a coroutine gives. Where it has not ended in time, or somebody cancels, it is cancelled, and LateError.
        Not for a thread with a running event loop: call it within `run`."""
        import asyncio

        async def bounded() -> _T:
            loop = asyncio.get_running_loop()
            task = asyncio.ensure_future(work())

            def stop() -> None:
                with contextlib.suppress(RuntimeError):  # the loop has ended, and the task with it
                    loop.call_soon_threadsafe(task.cancel)

            self._watchers.append(stop)
            try:
                self.check()
                return await asyncio.wait_for(task, self.left)
            except (TimeoutError, asyncio.CancelledError):
                raise LateError(f"not done within {self.seconds or 0:.3g} s") from None
            finally:
                task.cancel()
                self._watchers.remove(stop)

        return asyncio.run(bounded())
