"""A watchdog: a thread of a worker that interrupts the query which has used up its processor time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Watchdog"]


class Watchdog:
    """Watches one connection at a time, anything with an `interrupt`. seconds: of processor time for each query. late:
    whether the last query was interrupted."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.late = False
        self._deadline = float("inf")
        self._connection: Any = None
        self._lock = threading.Lock()  # so that an interrupt never meets the next query
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    @contextmanager
    def over(self, connection: Any, share: float = 1.0) -> Iterator[None]:
        """A context in which the deadline holds, or comes after a share of the time."""
        with self._lock:
            self.late = False
            self._connection = connection
            self._deadline = time.process_time() + self.seconds * share
        try:
            yield
        finally:
            with self._lock:
                self._deadline = float("inf")
                self._connection = None

    def _watch(self) -> None:
        pause = min(0.05, max(0.005, self.seconds / 20))
        while True:
            time.sleep(pause)
            with self._lock:
                if time.process_time() > self._deadline:
                    self.late = True
                    self._connection.interrupt()
