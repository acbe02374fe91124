"""A server: one database behind a few sessions, with the golds that were asked of it."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlrl.executors import excerpts
from sqlrl.executors.base import Comparison, Gold, Outcome, Row
from sqlrl.executors.errors import MissingExtraError, QueryError, SqlrlError, UsageError, nearest
from sqlrl.executors.relations import Relation, ScoresRows, matcher_for
from sqlrl.executors.servers.session import Session, Settings, shown, size_of
from sqlrl.executors.servers.statement import Statement, read_statement
from sqlrl.executors.source import SCHEMES

__all__ = ["Ran", "Server", "dialect_of"]

GOLD_CACHE_BYTES = 64 << 20
# scheme -> (module, class, the dialect's name, the extra that brings its driver, that driver)
KINDS = {
    "postgresql": ("postgresql", "PostgreSQLSession", "postgresql", "psycopg"),
    "postgres": ("postgresql", "PostgreSQLSession", "postgresql", "psycopg"),
    "mysql": ("mysql", "MySQLSession", "mysql", "pymysql"),
    "mariadb": ("mysql", "MySQLSession", "mysql", "pymysql"),
}


def dialect_of(scheme: str) -> str:
    """ "postgresql" or "mysql", or what SQLAlchemy calls the dialect of a scheme. UsageError where nobody knows it."""
    base = scheme.partition("+")[0]
    if base in KINDS:
        return KINDS[base][2]
    import sqlalchemy as sa

    try:
        sa.make_url(f"{scheme}://").get_dialect()
    except sa.exc.NoSuchModuleError:
        raise UsageError(f"no executor for {scheme}://{nearest(base, [*KINDS, *SCHEMES])}") from None
    except ModuleNotFoundError as error:
        raise UsageError(f"{scheme}:// needs the package {error.name}") from None
    return base


@dataclass(slots=True)
class Ran:
    """How a query ended, with its rows."""

    outcome: Outcome = Outcome.OK
    columns: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    message: str = ""
    truncated: bool = False
    seconds: float = 0.0
    matchers: dict[Relation, ScoresRows] = field(default_factory=dict)


class Server:
    """url: as SQLAlchemy writes it; most_sessions: how many queries run at once. Safe to use from several threads; a
    forked child makes sessions of its own."""

    def __init__(self, url: str, settings: Settings, most_sessions: int) -> None:
        import sqlalchemy as sa

        try:
            self.url = sa.make_url(url)
        except (sa.exc.ArgumentError, ValueError):  # their words may hold the password
            raise UsageError(f"{url.partition('://')[0]}://... is not a URL that can be read") from None
        self.dialect = dialect_of(self.url.drivername)
        self.source = shown(self.url)
        self.settings = settings
        self.most_sessions = most_sessions
        self._reset()

    def _reset(self) -> None:
        self.process = os.getpid()
        self.idle: list[Session] = []
        self.places = threading.BoundedSemaphore(self.most_sessions)
        self.lock = threading.Lock()
        self.golds: OrderedDict[Any, Ran] = OrderedDict()
        self.gold_bytes = 0

    def __getstate__(self) -> dict[str, Any]:
        kept = ("url", "dialect", "source", "settings", "most_sessions")
        return {name: self.__dict__[name] for name in kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._reset()

    @contextlib.contextmanager
    def session(self, fresh: bool = False) -> Iterator[Session]:
        """A session for one query, from those that wait where there is one."""
        if self.process != os.getpid():  # the parent's connections are not ours to speak over
            self._reset()
        with self.places:
            with self.lock:
                session = self.idle.pop() if self.idle and not fresh else None
            session = session or self._connect()
            try:
                yield session
            finally:
                if session.broken:
                    session.close()
                else:
                    with self.lock:
                        self.idle.append(session)

    def _connect(self) -> Session:
        base = self.url.drivername.partition("+")[0]
        if base not in KINDS:
            return Session(self.url, self.settings)
        import importlib

        module, name, extra, package = KINDS[base]
        try:
            kind = getattr(importlib.import_module(f"sqlrl.executors.servers.{module}"), name)
        except ModuleNotFoundError as error:
            if error.name != package:
                raise
            raise MissingExtraError(package, extra) from None
        session: Session = kind(self.url, self.settings)
        return session

    # -- queries

    def read(self, query: str) -> Statement:
        """See `read_statement`."""
        return read_statement(query, self.dialect)

    def run(self, query: str, most_rows: int | None = None, keep_rows: int | None = None) -> Ran:
        """Run one query, and once more on a fresh session where the first was lost."""
        started = time.monotonic()
        try:
            statement = self.read(query)
            ran = self._run(statement, most_rows, keep_rows, fresh=False)
            if ran.outcome is Outcome.UNAVAILABLE:
                ran = self._run(statement, most_rows, keep_rows, fresh=True)
        except QueryError as ended:
            ran = Ran(ended.outcome, message=ended.message)
        ran.seconds = time.monotonic() - started
        return ran

    def _run(self, statement: Statement, most_rows: int | None, keep_rows: int | None, fresh: bool) -> Ran:
        try:
            with self.session(fresh) as session:
                columns, rows, truncated = session.run(statement, most_rows, keep_rows)
            return Ran(Outcome.OK, columns, rows, truncated=truncated)
        except QueryError as ended:
            return Ran(ended.outcome, message=ended.message)
        except SqlrlError as error:  # no connection to be had
            return Ran(Outcome.UNAVAILABLE, message=str(error))
        except (MemoryError, RecursionError) as error:
            return Ran(Outcome.TOO_LARGE, message=f"the result does not fit: {error}")

    def compare(self, predicted: str, gold: Gold, relation: Relation, closely: bool = False) -> Comparison:
        """See `Group.compare_many`. What a server gives need not be the same again: there is no gold_score."""
        known = self._gold(gold)
        seconds, known_seconds = 0.0, known.seconds
        matcher = None
        if known.outcome is Outcome.OK:
            matcher = known.matchers.get(relation)
            if matcher is None:
                matcher = known.matchers[relation] = matcher_for(relation, known.rows)
        most = None if matcher is None else matcher.most_rows
        ran = self.run(predicted, max(most, excerpts.ROWS) if closely and most is not None else most)
        seconds = ran.seconds
        score = matcher.score(ran.rows) if matcher is not None and ran.outcome is Outcome.OK else 0.0
        known.seconds = 0.0
        shown = {}
        if closely and ran.outcome is Outcome.OK:
            shown["predicted"] = excerpts.excerpt_of(ran.columns, ran.rows, more=ran.truncated)
        if closely and matcher is not None and score < 1.0:
            shown["gold"] = excerpts.excerpt_of(known.columns, known.rows)
        return Comparison(
            ran.outcome, known.outcome, score, score == 1.0, len(ran.rows), len(known.rows), seconds, known_seconds,
            ran.message if ran.outcome is not Outcome.OK else known.message, excerpts=shown,
        )  # fmt: skip

    def _gold(self, gold: Gold) -> Ran:
        """The gold's result; what came of the server and not of the query is asked again next time."""
        key = ("query", gold.query) if gold.query is not None else ("rows", gold.rows)
        with self.lock:
            known = self.golds.get(key)
            if known is not None:
                self.golds.move_to_end(key)
                return known
        known = Ran(rows=list(gold.rows or ())) if gold.query is None else self.run(gold.query)
        if known.outcome is Outcome.UNAVAILABLE:
            return known
        with self.lock:
            if key not in self.golds:
                self.golds[key] = known
                self.gold_bytes += size_of(known.rows)
                while self.gold_bytes > GOLD_CACHE_BYTES and len(self.golds) > 1:
                    self.gold_bytes -= size_of(self.golds.popitem(last=False)[1].rows)
        return known

    def close(self) -> None:
        """End the sessions that wait."""
        if self.process != os.getpid():
            return
        with self.lock:
            sessions, self.idle = self.idle, []
        for session in sessions:
            session.close()
