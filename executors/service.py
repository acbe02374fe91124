"""A service: a search engine that somebody else runs, asked politely, its answers kept; what PubMed and
ClinicalTrials.gov have in common as engines."""

from __future__ import annotations

import math
import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from sqlrl.executors.address import parse_address
from sqlrl.executors.base import Limits, Outcome, Result
from sqlrl.executors.breaker import Breaker
from sqlrl.executors.documents import Document
from sqlrl.executors.errors import QueryError, UnavailableError, UsageError, nearest
from sqlrl.executors.http import PoliteClient, check_base
from sqlrl.executors.pace import Pace, services_folder
from sqlrl.executors.replies import Replies

__all__ = ["Found", "InvalidQueryError", "Service", "day_of", "unsearchable"]

LONGEST_QUERY = 100_000  # characters
_COLUMNS = ("id", "score")
_OPTIONS = {
    "mode": "cache",
    "cache": "",
    "base": "",
    "timeout_seconds": "120",
    "backoff_seconds": "1",
    "per_second": "",
}
_MODES = ("live", "cache", "replay")


class InvalidQueryError(Exception):
    """The service says that it cannot read the query, and why."""


@dataclass(frozen=True, slots=True)
class Found:
    """ids: best first. total: hits in all. warnings: what was read otherwise than written. invalid: why the query could
    not be read; nothing else counts then."""

    ids: Sequence[str] = ()
    total: int = 0
    warnings: Sequence[str] = ()
    invalid: str = ""


class Service(ABC):
    """See `sqlrl.executors.search.Engine`. Options of every service's source:

    mode: "cache" asks what was not asked before, "live" asks always (both keep the answers), "replay" asks nobody: what
    was not kept is UNAVAILABLE. cache: the folder of kept answers, by default in the user's cache. base: another server
    that speaks the same. timeout_seconds: for one query, all of its requests, waits and attempts. backoff_seconds: see
    `PoliteClient` and `Breaker`. per_second: requests of this whole machine; never more than the service allows.

    Answers are kept whole, by (service, what was asked, date, depth): the pages of one list are of one day. An outage
    is UNAVAILABLE and never kept. The services give no scores: a document's is 1 / its rank.
    """

    parallel = 8  # queries on their way at once: at ten a second, one may take most of a second
    dialect: ClassVar[str]
    name: ClassVar[str]  # as people call it
    host: ClassVar[str]  # the base that the service's own limit is for
    options: ClassVar[Mapping[str, str]]  # its own, with their defaults
    syntax: ClassVar[str]

    def __init__(self, source: str, limits: Limits | None = None) -> None:
        """UsageError for an option that is not one."""
        given = parse_address(source).options
        known = {**_OPTIONS, **self.options}
        for option in given:
            if option not in known:
                raise UsageError(f"{self.dialect_scheme} has no option {option!r}{nearest(option, known)}")
        self.source = source
        self.asked_with = {**known, **given}
        self._limits = limits or Limits()
        self._mode = self.choice("mode", _MODES)
        self._base = check_base(self.asked_with["base"] or self.host)
        self._timeout_seconds = self._number("timeout_seconds")
        folder = self.asked_with["cache"] or services_folder() / "replies"
        self._replies = Replies(folder, writable=self._mode != "replay")
        self._opening = threading.Lock()
        self._client: PoliteClient | None = None

    @property
    def dialect_scheme(self) -> str:
        """How its sources begin."""
        return type(self).name

    @property
    @abstractmethod
    def allowed_per_second(self) -> float:
        """Requests that the service allows one machine."""

    @property
    def per_second(self) -> float:
        """Requests that this machine sends at most. UsageError where more are wanted than the service allows."""
        allowed = self.allowed_per_second
        if not self.asked_with["per_second"]:
            return allowed
        wanted = self._number("per_second")
        if wanted > allowed and self._base == self.host:
            raise UsageError(f"{self.name} allows {allowed:g} requests a second, not {wanted:g}")
        return wanted

    @abstractmethod
    def find(self, query: str, depth: int, until: str, deadline: float) -> Found:
        """The first `depth` hits. until: the last day as ISO text, or empty. InvalidQueryError, UnavailableError."""

    @abstractmethod
    def find_among(self, query: str, ids: Sequence[str], until: str, deadline: float) -> Found:
        """Which of `ids` are hits at all, and how many hits there are."""

    @abstractmethod
    def read(self, ids: Sequence[str], deadline: float) -> list[Document]:
        """The documents that the service has of these, in any order."""

    @abstractmethod
    def is_id(self, name: str) -> bool:
        """Whether a document of this service could be called so."""

    @property
    def conditions(self) -> dict[str, str]:
        """The options that change answers, for the question under which these are kept."""
        return {name: self.asked_with[name] for name in self.options if name not in ("email", "tool")}

    @property
    def client(self) -> PoliteClient:
        """What asks; made when it is first needed, which in replay it never is."""
        with self._opening:  # several threads ask at once
            if self._client is None:
                host, backoff = urlsplit(self._base).netloc, self._number("backoff_seconds")
                self._client = PoliteClient(
                    self.name, self._base, Pace(host, self.per_second),
                    breaker=Breaker(host, backoff, name=self.name), backoff_seconds=backoff,
                    largest_reply=self._limits.bytes, secrets=self.secrets,
                )  # fmt: skip
            return self._client

    @property
    def secrets(self) -> Sequence[str]:
        """What no message may show."""
        return ()

    def describe(self) -> str:
        """The search syntax."""
        return self.syntax

    def search(self, query: str, depth: int, context: Mapping[str, Any]) -> Result:
        """See `Engine.search`."""
        started = time.perf_counter()
        until, excluded = day_of(context.get("max_date")), set(context.get("exclude_ids", ()))
        ended = unsearchable(query)
        if ended is not None:
            return ended
        most = min(depth, self._limits.rows) + sum(map(self.is_id, excluded))
        question = {"kind": "hits", "query": query, "until": until, "depth": most}
        found = self._answer(question, lambda deadline: self.find(query, most, until, deadline))
        if isinstance(found, Result):
            return found
        left = [name for name in found.ids if name not in excluded]
        total = found.total - (len(found.ids) - len(left))
        rows = tuple((name, 1 / rank) for rank, name in enumerate(left[:depth], 1))
        return Result(
            _COLUMNS, rows, Outcome.OK, "", time.perf_counter() - started, total > len(rows), total,
            tuple(found.warnings),
        )  # fmt: skip

    def search_many(self, queries: Sequence[tuple[str, Mapping[str, Any]]], depth: int) -> list[Result]:
        """Side by side, so that waiting for replies doesn't lower the pace."""
        pool = ThreadPoolExecutor(self.parallel, thread_name_prefix="sqlrl-service")
        try:
            return list(pool.map(lambda each: self.search(each[0], depth, each[1]), queries))
        finally:
            pool.shutdown(cancel_futures=True)

    def among(self, query: str, ids: Collection[str], depth: int, context: Mapping[str, Any]) -> Result:
        """See `Engine.among`. Of all hits, the service itself says which are among them."""
        started = time.perf_counter()
        if depth:
            ranked, wanted = self.search(query, depth, context), set(ids)
            rows = tuple(row for row in ranked.rows if row[0] in wanted)
            return Result(
                ranked.columns, rows, ranked.outcome, ranked.message, ranked.seconds, False, ranked.total,
                ranked.warnings,
            )  # fmt: skip
        until, excluded = day_of(context.get("max_date")), set(context.get("exclude_ids", ()))
        ended = unsearchable(query)
        if ended is not None:
            return ended
        names = sorted(filter(self.is_id, excluded.union(ids)))
        question = {"kind": "among", "query": query, "until": until, "ids": names}
        found = self._answer(question, lambda deadline: self.find_among(query, names, until, deadline))
        if isinstance(found, Result):
            return found
        hits, wanted = set(found.ids), set(ids) - excluded
        rows = tuple((name, 1.0) for name in sorted(hits & wanted))
        return Result(
            _COLUMNS, rows, Outcome.OK, "", time.perf_counter() - started, False,
            found.total - len(hits & excluded), tuple(found.warnings),
        )  # fmt: skip

    def fetch(self, ids: Sequence[str]) -> list[Document]:
        """The documents, in this order; each is kept. QueryError (UNAVAILABLE) where the service does not give them."""
        wanted = [name for name in dict.fromkeys(ids) if self.is_id(name)]
        documents = {} if self._mode == "live" else {
            name: kept for name in wanted if (kept := self._replies.get(self._document(name))) is not None
        }  # fmt: skip
        missing = [name for name in wanted if name not in documents]
        try:
            if missing and self._mode == "replay":
                raise self._unkept(f"document {missing[0]}" + (f" and {len(missing) - 1} more" if missing[1:] else ""))
            read = {
                document.id: document
                for document in (self.read(missing, time.monotonic() + self._timeout_seconds) if missing else ())
            }
        except UnavailableError as error:
            raise QueryError(Outcome.UNAVAILABLE, str(error)) from None
        for name in missing:
            documents[name] = asdict(read[name]) if name in read else {}  # unknown ids are an answer too
            self._replies.put(self._document(name), documents[name])
        return [Document(**documents[name]) for name in ids if documents.get(name)]

    def close(self) -> None:
        """Give back connections and files; asked again, they open."""
        if self._client is not None:
            self._client.close()
        self._replies.close()

    def _answer(self, question: Mapping[str, Any], ask: Callable[[float], Found]) -> Found | Result:
        """What is kept, or what the service answers; a Result where that is none, or that the query is none."""
        asked = {"service": self.name, "conditions": self.conditions, **question}
        kept = None if self._mode == "live" else self._replies.get(asked)
        if kept is not None:
            found = Found(**kept)
        else:
            try:
                if self._mode == "replay":
                    raise self._unkept(f"{question['kind']} of {question['query']!r:.120}")
                found = ask(time.monotonic() + self._timeout_seconds)
            except InvalidQueryError as error:
                found = Found(invalid=str(error))
            except UnavailableError as error:
                return Result(outcome=Outcome.UNAVAILABLE, message=str(error))
            self._replies.put(asked, asdict(found))
        return Result(outcome=Outcome.INVALID, message=found.invalid) if found.invalid else found

    def _unkept(self, what: str) -> UnavailableError:
        return UnavailableError(f"{self.name} is not asked (mode=replay), and {self._replies.folder} holds no {what}")

    def _document(self, name: str) -> dict[str, str]:
        return {"service": self.name, "kind": "document", "id": name}

    def choice(self, option: str, known: Collection[str]) -> str:
        """The value of an option that takes one of these. UsageError."""
        value = self.asked_with[option]
        if value not in known:
            raise UsageError(f"{self.name}: {option} is {' or '.join(known)}, not {value!r}")
        return value

    def _number(self, option: str) -> float:
        value = self.asked_with[option]
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not 0 < number < 1e6:
            raise UsageError(f"{self.name}: {option} is a number above 0, not {value!r}")
        return number


def day_of(value: object) -> str:
    """The last day that counts, as ISO text; empty where none is given. UsageError for what is no date."""
    if value is None or value == "":
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise UsageError(f"max_date is a date, or text like 2020-12-31, not {value!r:.40}") from None


def unsearchable(query: str) -> Result | None:
    """The result of what no engine can be asked."""
    if len(query) > LONGEST_QUERY:
        return Result(outcome=Outcome.REFUSED, message=f"the query is longer than {LONGEST_QUERY:,} characters")
    if not query.strip():
        return Result(outcome=Outcome.INVALID, message="the query is empty")
    if re.search(r"[\ud800-\udfff\0]", query):
        return Result(outcome=Outcome.INVALID, message="the query holds what is no text")
    return None
