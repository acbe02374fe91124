"""A breaker: a service that fails again and again is left alone for a while, by all processes of this machine."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlrl.executors.errors import UnavailableError
from sqlrl.executors.pace import services_folder

__all__ = ["FAILURES", "Breaker"]

FAILURES = 6  # in a row, as many as one query attempts
_PATIENCE = 10.0  # waits; what is over sooner is for the attempts of each query to ride out
_COOL_DOWN = 30.0  # waits; the first one, doubled each time
_LONGEST = 900.0  # seconds
_EXCERPT = 300  # characters of what went wrong
_FRESH = 0.2  # seconds for which nothing known is not looked up again
_SCHEMA = (
    "create table if not exists outages (service text primary key, failures integer not null, since real not null, "
    "caller text not null, several integer not null, why text not null, openings integer not null, "
    "until real not null)"
)


@dataclass(frozen=True, slots=True)
class _Outage:
    """failures: in a row, the first at `since`. caller: whose request it was; several: another's failed too.
    openings: how often in a row nobody was to ask, the last time up to `until`."""

    failures: int = 0
    since: float = 0.0
    caller: str = ""
    several: bool = False
    why: str = ""
    openings: int = 0
    until: float = 0.0


class Breaker:
    """After six failures in a row, of more than one caller and over some seconds, a service is not asked for a
    cool-down. Then one caller tries: an answer ends it, a failure doubles it, up to a quarter of an hour.

    The count stands in an SQLite file, by default in the user's cache, which all of a user's processes share; where it
    cannot be written, each process counts for itself. backoff_seconds: the wait that patience (10) and the first
    cool-down (30) are multiples of. clock: seconds since 1970, the same for all who share the file.
    """

    def __init__(
        self,
        service: str,
        backoff_seconds: float = 1.0,
        file: Path | None = None,
        *,
        name: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """name: of the service, for messages."""
        self.service = service
        self.name = name or service
        self.clock = clock
        self._patience = _PATIENCE * backoff_seconds
        self._cool_down = _COOL_DOWN * backoff_seconds
        self._file: Path | None = file or services_folder() / "outages.sqlite"
        self._lock = threading.Lock()
        self._known = _Outage()  # what was last seen, when
        self._seen = -1e9
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._open()) as rows:
                rows.execute(_SCHEMA)
        except (OSError, sqlite3.Error):
            self._file = None

    def enter(self, within_seconds: float) -> bool:
        """Whether this caller is the one that tries after a cool-down, which it has so many seconds for.
        UnavailableError where nobody is to ask."""
        if not self._look().openings:
            return False
        with self._changed() as (known, write):
            if not known.openings:
                return False
            now = self.clock()
            if now < known.until:
                raise self._refusal(known, now)
            write(replace(known, until=now + min(_LONGEST, within_seconds + 1)))
            return True

    def check(self) -> None:
        """UnavailableError where nobody is to ask any more; for those who wait."""
        known, now = self._look(), self.clock()
        if known.openings and now < known.until:
            raise self._refusal(known, now)

    def failed(self, caller: str, why: str, began: float, *, tried: bool = False) -> None:
        """A request that began at that time brought no answer. caller: one name for all attempts at one thing. tried:
        it was the one after a cool-down."""
        with self._changed() as (known, write):
            now = self.clock()
            if known.openings and not tried:
                return  # it began before; the others have said it already
            known = replace(
                known, failures=known.failures + 1, since=known.since if known.failures else began,
                caller=known.caller or caller, several=known.several or known.caller not in ("", caller),
                why=why[:_EXCERPT],
            )  # fmt: skip
            long_enough = known.several and now - known.since >= self._patience
            if tried or (known.failures >= FAILURES and long_enough):
                wait = min(_LONGEST, self._cool_down * 2 ** min(known.openings, 30))
                known = replace(known, openings=known.openings + 1, until=now + wait)
            write(known)

    def answered(self) -> None:
        """The service answered: all is well again."""
        if self._look().failures:
            with self._changed() as (_, write):
                write(_Outage())

    def gave_up(self) -> None:
        """Who was to try did not get to it: the next caller may."""
        with self._changed() as (known, write):
            write(replace(known, until=min(known.until, self.clock())))

    def _refusal(self, known: _Outage, now: float) -> UnavailableError:
        return UnavailableError(
            f"{self.name} is not asked: it failed {known.failures} times in a row, again in {known.until - now:.3g} s; "
            f"last: {known.why}"
        )

    def _look(self) -> _Outage:
        """What is known; where that is nothing, for some tenths of a second without reading it again."""
        now = time.monotonic()
        with self._lock:
            if self._file is None or (not self._known.failures and now - self._seen < _FRESH):
                return self._known
        try:
            with closing(self._open()) as rows:
                found = self._read(rows)
        except sqlite3.Error:
            return self._known
        with self._lock:
            self._known, self._seen = found, now
        return found

    @contextmanager
    def _changed(self) -> Iterator[tuple[_Outage, Callable[[_Outage], None]]]:
        """(what is known, what writes it anew), with all others kept out."""
        if self._file is None:
            with self._lock:
                yield self._known, self._keep
            return
        try:
            rows = self._open()
        except sqlite3.Error:
            yield self._known, self._keep
            return
        with closing(rows):
            try:
                rows.execute("begin immediate")
                known = self._read(rows)
            except sqlite3.Error:
                known = self._known

            def write(now: _Outage) -> None:
                self._keep(now)
                values = (now.failures, now.since, now.caller, now.several, now.why, now.openings, now.until)
                try:
                    if now.failures:
                        marks = ", ".join("?" * (1 + len(values)))
                        rows.execute(f"insert or replace into outages values ({marks})", (self.service, *values))
                    else:
                        rows.execute("delete from outages where service = ?", (self.service,))
                    rows.execute("commit")
                except sqlite3.Error:
                    return  # this process knows, and so does who asks next

            yield known, write

    def _keep(self, now: _Outage) -> None:
        self._known, self._seen = now, time.monotonic()

    def _open(self) -> sqlite3.Connection:
        assert self._file is not None
        rows = sqlite3.connect(self._file, timeout=5, isolation_level=None)
        rows.execute("pragma synchronous = off")  # after a power cut the count begins anew
        return rows

    def _read(self, rows: sqlite3.Connection) -> _Outage:
        asked = "select failures, since, caller, several, why, openings, until from outages where service = ?"
        found = rows.execute(asked, (self.service,)).fetchone()
        if found is None:
            return _Outage()
        failures, since, caller, several, why, openings, until = found
        known = _Outage(failures, since, caller, bool(several), why, openings, until)
        now = self.clock()
        # An end further away than any cool-down was written before the clock was set back.
        return replace(known, until=now) if known.until - now > _LONGEST else known
