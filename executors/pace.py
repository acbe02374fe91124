"""A pace: how many requests a second one service gets from all processes of this machine together."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlrl.executors.errors import SourceError, UnavailableError

__all__ = ["Pace", "services_folder"]

_MARGIN = 1.05  # requests that leave in step arrive a little out of step; the service counts what arrives
_LONGEST = 900.0  # seconds; a turn further away than that was taken before the clock was set back


def services_folder() -> Path:
    """Where rates and replies of services are kept: $XDG_CACHE_HOME/sqlrl/services, by default below ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "sqlrl" / "services"


class Pace:
    """Turns at one service, handed out in order of asking, one every 1 / `per_second`.

    The next free turn stands in a row of an SQLite file, which a process changes with the file locked: whoever asks
    takes the turn and moves the row on. file: by default in the user's cache, so that all of a user's processes share
    it. clock: seconds since 1970, the same for all who share the file.
    """

    def __init__(
        self, service: str, per_second: float, file: Path | None = None, *, clock: Callable[[], float] = time.time
    ) -> None:
        """SourceError where the file cannot be written: an unshared rate would be too high a one."""
        self.service = service
        self.seconds_between = _MARGIN / per_second
        self._file = file or services_folder() / "pace.sqlite"
        self._clock = clock
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._open()) as rows:
                rows.execute("create table if not exists turns (service text primary key, free_at real not null)")
        except (OSError, sqlite3.Error) as error:
            raise self._unshared(error) from None

    def take(self, within_seconds: float) -> float:
        """Take the next turn: how many seconds away it is. UnavailableError, and nothing is taken, where that is more
        than `within_seconds`."""
        with closing(self._open()) as rows:
            try:
                rows.execute("begin immediate")
                now, free_at = self._read(rows)
                turn = max(now, free_at)
                if turn - now > within_seconds:
                    rows.execute("rollback")
                    raise UnavailableError(
                        f"{self.service} is busy with this machine's other requests: the next turn is "
                        f"{turn - now:.3g} s away"
                    )
                self._write(rows, turn + self.seconds_between)
            except sqlite3.Error as error:
                raise self._unshared(error) from None
        return turn - now

    def pause(self, seconds: float) -> None:
        """Nobody's turn comes before that many seconds have passed: the service wants to be left alone."""
        with closing(self._open()) as rows:
            try:
                rows.execute("begin immediate")
                now, free_at = self._read(rows)
                self._write(rows, max(free_at, now + min(seconds, _LONGEST)))
            except sqlite3.Error as error:
                raise self._unshared(error) from None

    def _open(self) -> sqlite3.Connection:
        rows = sqlite3.connect(self._file, timeout=30, isolation_level=None)
        rows.execute("pragma synchronous = off")  # after a power cut nobody's turn is lost that would still count
        return rows

    def _read(self, rows: sqlite3.Connection) -> tuple[float, float]:
        found = rows.execute("select free_at from turns where service = ?", (self.service,)).fetchone()
        now = self._clock()
        free_at = float(found[0]) if found else now
        return now, now if free_at - now > _LONGEST + self.seconds_between else free_at

    def _write(self, rows: sqlite3.Connection, free_at: float) -> None:
        rows.execute("insert or replace into turns values (?, ?)", (self.service, free_at))
        rows.execute("commit")

    def _unshared(self, error: Exception) -> SourceError:
        return SourceError(f"the pace of requests cannot be kept in {self._file}: {error}")
