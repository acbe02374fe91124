"""A worker: the child process in which queries run, one at a time, and in which their results are compared.

It is started by the pool as its own interpreter, takes its settings from its input, imports all it will ever need,
raises the walls, says hello with a report of them, and then answers tasks in order until its input ends.
"""

from __future__ import annotations

import importlib
import json
import mmap
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlrl.executors import excerpts
from sqlrl.executors.base import Limits, Outcome, Row
from sqlrl.executors.duplicates import is_repeatable
from sqlrl.executors.relations import ScoresRows
from sqlrl.executors.sandbox import walls, wire
from sqlrl.executors.sandbox.golds import Golds, KnownGold
from sqlrl.executors.sandbox.process import CALLED_BACK

__all__ = ["Database", "Engine", "QueryEnded", "StaleSource", "main"]

HARD_FACTOR = 1.5  # times the limit: processor time past which the kernel ends the process, if the engine did not stop
UNREADABLE = "could not decode to UTF-8"
# Processor time is read from the thread's clock: the process's moves in ticks while a timer on it is armed.


class QueryEnded(Exception):
    """A query ended otherwise than OK."""

    def __init__(self, outcome: Outcome, message: str) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.message = message


class StaleSource(Exception):
    """The source is no longer the file that this worker may read: a fresh worker must take the task."""


class Database(Protocol):
    """One source, open to be read. identity: changes whenever its content may have changed."""

    identity: tuple[Any, ...]

    def run(self, query: str, rows: int) -> tuple[tuple[str, ...], list[Row]]:
        """(columns, the first `rows` rows). Raises QueryEnded."""

    def pieces(self, query: str) -> Iterator[tuple[tuple[str, ...], list[Row]]]:
        """(columns, rows) of a result of any length, in `pieces`; at least one. Raises QueryEnded."""

    def describe(self, sample_rows: int, row_counts: bool, notes: Mapping[str, Any]) -> str:
        """The schema as DDL. notes: table -> column -> what it means, by lower-case names. Raises QueryEnded."""


class Engine(Protocol):
    """What runs queries inside a worker. Made with the limits, the files that tasks will name as `path`, and the tables
    that may be read (None for all). readable: what the walls must leave open; memory_bytes: address space needed."""

    readable: Sequence[str]
    memory_bytes: int

    def open(self, path: str) -> Database:
        """The database as it is now: one that was opened before, if nothing has changed since. Raises StaleSource
        where it is another file than at the start, QueryEnded where it cannot be opened."""

    def forget(self, path: str) -> None:
        """Close what is open of `path`, so that nothing of it is in memory when the next query runs."""


class Worker:
    """Answers tasks with one engine.

    It has no stop on wall-clock time: that is the pool's, which knows when all of them were stopped.
    """

    def __init__(self, engine: Engine, limits: Limits, output: int) -> None:
        self.engine = engine
        self.limits = limits
        self.output = output
        self.golds = Golds()

    def answer(self, task: tuple[Any, ...]) -> bytes:
        """The body that answers `task`."""
        kind = task[0]
        if kind == "compare":
            return self._compare(*task[1:])
        if kind == "execute":
            return self._execute(*task[1:])
        if kind == "stream":
            return self._stream(*task[1:])
        if kind == "time":
            return self._time(*task[1:])
        assert kind == "describe"
        path, *how = task[1:]
        try:
            text = self.engine.open(path).describe(*how)
        except QueryEnded as ended:
            return wire.encode_rows(ended.outcome, (), [], ended.message, 0.0, False)
        return wire.encode_rows(Outcome.OK, ("schema",), [(text,)], "", 0.0, False)

    def _execute(self, path: str, query: str, limit: int | None) -> bytes:
        started = time.thread_time()
        try:
            columns, rows, truncated = self._run(self.engine.open(path), query, None, limit)
            seconds = time.thread_time() - started
            body = wire.encode_rows(Outcome.OK, columns, rows, "", seconds, truncated)
            if len(body) > self.limits.bytes:
                raise QueryEnded(Outcome.TOO_LARGE, f"the result is larger than {self.limits.bytes:,} bytes")
            return body
        except QueryEnded as ended:
            seconds = time.thread_time() - started
            return wire.encode_rows(ended.outcome, (), [], ended.message, seconds, False)
        except (MemoryError, ValueError, RecursionError) as error:  # while encoding
            return wire.encode_rows(Outcome.TOO_LARGE, (), [], f"the result does not fit: {error}", 0.0, False)

    def _stream(self, path: str, query: str) -> bytes:
        """Say every piece; the answer tells how it ended."""
        started = time.thread_time()
        outcome, message = Outcome.OK, ""
        try:
            for columns, rows in self.engine.open(path).pieces(query):
                self._say_rows(columns, rows)
        except QueryEnded as ended:
            outcome, message = ended.outcome, ended.message
        except (MemoryError, ValueError, RecursionError) as error:
            outcome, message = Outcome.TOO_LARGE, f"the result does not fit: {error}"
        return wire.encode_rows(outcome, (), [], message, time.thread_time() - started, False)

    def _say_rows(self, columns: tuple[str, ...], rows: list[Row]) -> None:
        """A piece; in halves where it takes more than it seemed to. Raises QueryEnded where a single row does."""
        body = wire.encode_rows(Outcome.OK, columns, rows, "", 0.0, False)
        if len(body) <= self.limits.bytes:
            say(self.output, wire.PIECE, body)
        elif len(rows) > 1:
            middle = len(rows) // 2
            self._say_rows(columns, rows[:middle])
            self._say_rows(columns, rows[middle:])
        else:
            raise QueryEnded(Outcome.TOO_LARGE, f"a row is larger than {self.limits.bytes:,} bytes")

    def _compare(
        self,
        path: str,
        predicted: str,
        gold_query: str | None,
        gold_rows: str | None,
        relation: Any,
        closely: bool,
    ) -> bytes:
        try:
            database = self.engine.open(path)
        except QueryEnded as ended:
            return wire.encode_comparison(ended.outcome, ended.outcome, 0.0, 0, 0, 0.0, 0.0, ended.message)
        gold, gold_seconds = self._gold(path, database, gold_query, gold_rows)
        if gold.outcome is not Outcome.OK:
            ran = self._predicted(database, predicted, None)
            message = ran.message if ran.outcome is not Outcome.OK else gold.message
            look = (None, {"predicted": ran.excerpt()} if ran.outcome is Outcome.OK else {}) if closely else None
            return wire.encode_comparison(
                ran.outcome, gold.outcome, 0.0, len(ran.rows), 0, ran.seconds, gold_seconds, message, look
            )
        try:
            matcher = gold.matcher(relation)
        except UnicodeDecodeError:
            return wire.encode_comparison(
                Outcome.OK, Outcome.INVALID, 0.0, 0, len(gold.rows), 0.0, gold_seconds, UNREADABLE
            )
        most = matcher.most_rows
        if predicted == gold_query and gold.lasting:  # what is known need not be run again
            ran = _Ran(Outcome.OK, gold.columns, gold.rows, 0.0)
        else:
            most = max(most, excerpts.ROWS) if closely and most is not None else most
            ran = self._predicted(database, predicted, most)
        score = 0.0
        if ran.outcome is Outcome.OK:
            try:
                score = self._score(matcher, ran.rows)
            except MemoryError:
                ran.outcome, ran.message = Outcome.TOO_LARGE, "the result is too large to compare"
            except UnicodeDecodeError:
                ran.outcome, ran.message = Outcome.INVALID, UNREADABLE
        return wire.encode_comparison(
            ran.outcome, Outcome.OK, score, len(ran.rows), len(gold.rows), ran.seconds, gold_seconds, ran.message,
            self._look(gold, relation, ran, score) if closely else None,
        )  # fmt: skip

    def _score(self, matcher: ScoresRows, rows: list[Row]) -> float:
        try:
            return matcher.score(rows)
        except MemoryError:
            if self.golds.make_room():
                return matcher.score(rows)
            raise

    @staticmethod
    def _look(gold: KnownGold, relation: Any, ran: _Ran, score: float) -> tuple[float | None, dict[str, Any]]:
        """`gold_score` and `excerpts` of a comparison with a gold that ended OK."""
        shown = {}
        if ran.outcome is Outcome.OK:
            shown["predicted"] = ran.excerpt()
        if score < 1.0:
            shown["gold"] = excerpts.excerpt_of(gold.columns, gold.rows)
        return gold.own_score(relation), shown

    def _time(self, path: str, *queries: str) -> bytes:
        """Processor seconds of each query, as one row. Each has a new connection, with nothing read but the schema."""
        seconds = []
        try:
            for query in queries:
                self.arm()
                self.engine.forget(path)
                database = self.engine.open(path)
                self._run(database, "SELECT 1", None, None)
                started = time.thread_time()
                self._run(database, query, None, None)
                seconds.append(time.thread_time() - started)
        except QueryEnded as ended:
            return wire.encode_rows(ended.outcome, (), [], ended.message, 0.0, False)
        return wire.encode_rows(Outcome.OK, ("seconds",) * len(seconds), [tuple(seconds)], "", sum(seconds), False)

    def _run(
        self, database: Database, query: str, most_rows: int | None, keep_rows: int | None
    ) -> tuple[tuple[str, ...], list[Row], bool]:
        """(columns, rows, whether rows were left out). `keep_rows` truncates. After `most_rows` rows further ones can
        change nothing: one more is read, and stands for all of them. Raises QueryEnded."""
        wanted = self.limits.rows
        for bound in (most_rows, keep_rows):
            wanted = wanted if bound is None else min(wanted, bound)
        try:
            columns, rows = database.run(query, wanted + 1)
        except QueryEnded as ended:
            if ended.outcome is not Outcome.TOO_LARGE or not self.golds.make_room():
                raise
            columns, rows = database.run(query, wanted + 1)
        if len(rows) <= wanted:
            return columns, rows, False
        if wanted == keep_rows:
            return columns, rows[:wanted], True
        if wanted == most_rows:
            return columns, rows, True
        raise QueryEnded(Outcome.TOO_LARGE, f"more than {self.limits.rows:,} rows")

    def _predicted(self, database: Database, query: str, most_rows: int | None) -> _Ran:
        started = time.thread_time()
        try:
            columns, rows, more = self._run(database, query, most_rows, None)
            return _Ran(Outcome.OK, columns, rows, time.thread_time() - started, more=more)
        except QueryEnded as ended:
            return _Ran(ended.outcome, (), [], time.thread_time() - started, ended.message)

    def _gold(self, path: str, database: Database, query: str | None, rows: str | None) -> tuple[KnownGold, float]:
        key = (path, database.identity, query, rows)
        known = self.golds.get(key)
        if known is not None:
            return known, 0.0
        started = time.thread_time()
        if query is None:
            gold = KnownGold((), wire.decode_gold(rows or "[]"))
        else:
            lasting = is_repeatable(query)
            say(self.output, wire.GOLD_STARTS)  # should it end this process, the gold is to blame
            try:
                columns, found, _ = self._run(database, query, None, None)
                gold = KnownGold(columns, found, lasting=lasting)
            except QueryEnded as ended:
                gold = KnownGold((), [], ended.outcome, ended.message, lasting=lasting)
            say(self.output, wire.GOLD_STARTS)
            self.arm()
            if gold.outcome is Outcome.UNAVAILABLE:  # somebody may be writing just now: that is not how the gold ends
                gold.lasting = False
        if gold.lasting:
            self.golds.keep(key, gold)
        return gold, time.thread_time() - started

    def arm(self) -> None:
        """Start the kernel's own stop for one query anew; its default action ends the process."""
        signal.setitimer(signal.ITIMER_PROF, self.limits.seconds * HARD_FACTOR + 0.2)

    @staticmethod
    def disarm() -> None:
        """Nothing runs: an idle process may take whatever little time it takes."""
        signal.setitimer(signal.ITIMER_PROF, 0)


@dataclass(slots=True)
class _Ran:
    """How a predicted query ended. more: there are rows beside those that were read."""

    outcome: Outcome
    columns: tuple[str, ...]
    rows: list[Row]
    seconds: float
    message: str = ""
    more: bool = False

    def excerpt(self) -> dict[str, Any]:
        return excerpts.excerpt_of(self.columns, self.rows, more=self.more)


def say(output: int, kind: bytes, body: bytes = b"") -> None:
    """Write one frame in whole."""
    view = memoryview(wire.pack(kind + body))
    while view:
        view = view[os.write(output, view) :]


def _set_signals() -> None:
    """As a worker needs them, whatever its parent ignores or blocks and hands down."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle


def main() -> None:
    """Standard input: the settings that `sqlrl.executors.sandbox.process.launch` writes, as JSON."""
    settings = json.load(sys.stdin)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    _set_signals()
    limits = Limits(**settings["limits"])
    module_name, class_name = settings["engine"].split(":")
    engine = getattr(importlib.import_module(module_name), class_name)(limits, settings["files"], settings["tables"])
    page = mmap.mmap(settings["page"], mmap.PAGESIZE, prot=mmap.PROT_READ)
    os.close(settings["page"])
    report = walls.raise_walls(engine.readable, engine.memory_bytes, settings["parent"])
    output = settings["output"]
    worker = Worker(engine, limits, output)
    say(output, wire.HELLO, json.dumps(report).encode())
    frames, begun = wire.Frames(), 0
    while piece := os.read(settings["input"], 1 << 16):
        for body in frames.feed(piece):
            begun += 1
            if begun <= CALLED_BACK.unpack_from(page)[0]:
                say(output, wire.GIVEN_BACK)
                continue
            worker.arm()
            try:
                answer = worker.answer(wire.unpack_task(body))
            except StaleSource:
                say(output, wire.STALE)
                os._exit(1)
            say(output, wire.ANSWER, answer)
        worker.disarm()
