"""A stream: the rows of one query of any length, in pieces, from a worker that is lent to it alone.

A slow reader is no fault of the query: the worker waits while its pipe is full, so memory stays bounded on both sides.
"""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from sqlrl.executors.base import Outcome, Row
from sqlrl.executors.errors import QueryError
from sqlrl.executors.sandbox import wire
from sqlrl.executors.sandbox.clock import TICK, Clock
from sqlrl.executors.sandbox.crew import GRACE_SECONDS, WALL_FACTOR
from sqlrl.executors.sandbox.pool import Pool
from sqlrl.executors.sandbox.process import Launched

__all__ = ["Stream"]

ATTEMPTS = 3  # where the source was replaced beneath a worker, or one died before its first row


class Stream:
    """Iterate for rows. columns: known once it is made. close: gives the worker back, wherever reading has come to.

    Making one raises QueryError where the query ends otherwise than OK before its first piece; iterating, later.
    """

    def __init__(self, pool: Pool, path: str, query: str, owner: Any = None) -> None:
        """owner: what closes the pool when nobody holds it any more; held as long as the stream is."""
        self._pool = pool
        self._owner = owner
        self._task = wire.pack_task(("stream", path, query))
        self._worker: Launched | None = None
        self._bodies: Iterator[bytes] = iter(())
        self._frames = wire.Frames()
        self._ended = self._stale = False
        for attempt in range(ATTEMPTS):
            first = self._begin()
            if first is not None:
                break
            self._give_worker_back()
            if self._stale and attempt == ATTEMPTS - 1:
                raise QueryError(Outcome.UNAVAILABLE, "its source is gone, or was replaced again and again")
            if not self._stale and attempt:
                raise QueryError(Outcome.CRASHED, "ended its worker twice")
        assert first is not None
        self.columns, self._rows = first

    def __iter__(self) -> Iterator[Row]:
        while True:
            yield from self._rows
            self._rows = ()
            if self._ended:
                return
            piece = self._next_piece()
            if piece is None and not self._ended:
                self.close()
                raise QueryError(Outcome.CRASHED, "the worker died while rows were read")
            self._rows = piece[1] if piece else ()

    def close(self) -> None:
        """End the worker. Closing twice does nothing."""
        self._ended = True
        self._give_worker_back()

    def _give_worker_back(self) -> None:
        if self._worker is not None:
            self._pool.take_back(self._worker)
            self._worker = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> Any:
        raise TypeError("a stream of rows cannot be pickled: it reads from a process of its own")

    def __del__(self) -> None:
        if getattr(self, "_worker", None) is not None:
            self.close()

    def _begin(self) -> tuple[tuple[str, ...], tuple[Row, ...]] | None:
        """The first piece; None where the worker died of it or of a replaced source."""
        self._worker = self._pool.lend()
        self._frames, self._bodies = wire.Frames(), iter(())
        task = memoryview(self._task)
        with contextlib.suppress(BrokenPipeError):  # it has died; reading tells how
            while task:
                task = task[os.write(self._worker.writing, task) :]
        return self._next_piece()

    def _next_piece(self) -> tuple[tuple[str, ...], tuple[Row, ...]] | None:
        """(columns, rows); None at the end, or where the worker has died. Raises QueryError as the query ended."""
        body = self._next_frame()
        if body is None or body[:1] == wire.STALE:
            self._stale = body is not None
            return None
        try:
            outcome, columns, rows, message, _, _ = wire.decode_rows(body[1:])
        except wire.UnreadableAnswer as error:
            self.close()
            raise QueryError(Outcome.CRASHED, f"the worker's answer cannot be read: {error}") from None
        if body[:1] == wire.ANSWER:
            self.close()
            if outcome is not Outcome.OK:
                raise QueryError(outcome, message)
            return None
        return columns, rows

    def _next_frame(self) -> bytes | None:
        assert self._worker is not None
        seconds = self._pool.limits.seconds
        clock, waiting = Clock(), select.poll()
        waiting.register(self._worker.reading, select.POLLIN)
        try:
            while (body := next(self._bodies, None)) is None:
                if not waiting.poll(TICK * 1000):
                    if clock.now() > seconds * WALL_FACTOR + GRACE_SECONDS:
                        self.close()
                        raise QueryError(Outcome.TIMED_OUT, "out of time")
                    continue
                piece = os.read(self._worker.reading, 1 << 20)
                if not piece:
                    self._worker.process.wait()
                    if self._worker.was_out_of_time(clock.now(), seconds):
                        self.close()
                        raise QueryError(Outcome.TIMED_OUT, "out of time")
                    return None
                self._bodies = self._frames.feed(piece)
        except wire.UnreadableAnswer:
            self._worker.process.kill()
            return None
        return body
