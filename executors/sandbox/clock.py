"""A clock of the time in which this process was running: a stop of the job is nobody's delay.

While processes are stopped (Ctrl-Z, SIGSTOP, a frozen container) the system's clocks and its timers on them go on, and
every query in flight would be out of time when they continue. Only who was stopped as well can tell: by the gap in its
own looks at the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["TICK", "Clock"]

TICK = 0.1  # seconds after which it is to be looked at again, at the latest, while anybody's time is running
LONGEST_GAP = 0.25  # what counts of the time between two looks: that much is a busy machine


class Clock:
    """Seconds since some moment. last: what it showed when it was last looked at."""

    def __init__(self, system: Callable[[], float] = time.monotonic) -> None:
        self._system = system
        self._seen = system()
        self.last = 0.0

    def now(self) -> float:
        """Look: the time since the last look has passed, but no more of it than LONGEST_GAP."""
        seen = self._system()
        self.last += min(seen - self._seen, LONGEST_GAP)
        self._seen = seen
        return self.last
