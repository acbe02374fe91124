"""OpenSearch: an index on a server or a cluster of its own, asked in Lucene's query language; for corpora that outgrow
one machine. docs/opensearch.md has sizes and settings."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

from sqlrl.executors.address import parse_address
from sqlrl.executors.base import Limits, Outcome, Result
from sqlrl.executors.breaker import Breaker
from sqlrl.executors.documents import Document
from sqlrl.executors.errors import (
    AccessError,
    QueryError,
    SourceError,
    UnavailableError,
    UsageError,
    nearest,
)  # fmt: skip
from sqlrl.executors.opensearch_link import ComplaintError, OpenSearchLink, credentials_from_environment
from sqlrl.executors.service import day_of, unsearchable

__all__ = ["PAGE", "OpenSearch"]

PAGE = 10_000  # hits of one reply: what index.max_result_window allows unless it is set
_PARALLEL = 8  # queries at once
_IDS_AT_ONCE = 1_000  # of a filter or of a fetch
_COLUMNS = ("id", "score")
_OPTIONS = {
    "tls": "0",
    "fields": "title,text",
    "id": "id",
    "date": "date",
    "operator": "or",
    "global_scores": "0",
    "timeout_seconds": "60",
    "backoff_seconds": "0.5",
    "parallel": str(_PARALLEL),
}
# What the server calls a query that it cannot read or won't run; everything else is the server's trouble, or ours.
_QUERY_ERRORS = {
    "query_shard_exception", "parse_exception", "parsing_exception", "too_many_clauses", "too_many_nested_clauses",
    "too_complex_to_determinize_exception", "number_format_exception", "token_mgr_error",
}  # fmt: skip
_SYNTAX = """\
The search engine takes Lucene's query language over the fields {fields}.
- Words are joined by {operator} unless an operator stands between them; documents with more and rarer words come first.
- AND, OR and NOT are upper case; +word must occur, -word must not. AND and OR have no precedence of their own: use
  parentheses.
- "a phrase" is searched as a phrase; "a phrase"~3 allows three words in between.
- word* and w?rd stand for other endings and letters; not at the start of a word.
- word~ finds similar spellings; word^3 counts three times.
- field:word and field:(one two) look in one field; {date}:[2010-01-01 TO 2020-12-31] is a range, both ends included.
- A backslash before one of + - = && || ! ( ) {{ }} [ ] ^ " ~ * ? : \\ / takes away its meaning.
Example: ("heart failure" OR cardiomyopathy) AND (telemonitor* OR "remote monitoring"~2)\
"""


class OpenSearch:
    """`opensearch://host:port/index`; see `sqlrl.executors.search.Engine`. Options of the source:

    fields: those that are searched, title^2,text with weights; the first one's text is a document's title, the others'
    its text. id: the keyword field that holds a document's id. date: the field that max_date speaks of. operator: "or"
    or "and", between words. global_scores: 1 counts words over all shards, not each shard's own; a round more for each
    query. tls: 1 for https. timeout_seconds: for one query with all its pages. backoff_seconds: see `PoliteClient`.
    parallel: queries at once.

    User and password come from $OPENSEARCH_USER and $OPENSEARCH_PASSWORD. The list is by score, ties by id. Shards that
    failed, or an end before all were searched, are an outage: a part of the answer is worth no reward.
    """

    dialect: ClassVar[str] = "lucene"

    def __init__(self, source: str, limits: Limits | None = None) -> None:
        """UsageError for an option that is none, MissingExtraError without opensearch-py and httpx."""
        address = parse_address(source)
        for option in address.options:
            if option not in _OPTIONS:
                raise UsageError(f"opensearch has no option {option!r}{nearest(option, _OPTIONS)}")
        options = {**_OPTIONS, **address.options}
        self.source = source
        self._limits = limits or Limits()
        self._index = address.path
        self._fields = [field for field in options["fields"].split(",") if field]
        self._names = [field.partition("^")[0] for field in self._fields]
        self._id, self._date = options["id"], options["date"]
        self._operator = options["operator"].lower()
        self._global_scores = options["global_scores"] == "1"
        if not self._fields or self._operator not in ("or", "and"):
            raise UsageError("opensearch: fields names at least one, operator is or or and")
        for option in ("tls", "global_scores"):
            if options[option] not in ("0", "1"):
                raise UsageError(f"opensearch: {option} is 0 or 1, not {options[option]!r}")
        self._timeout_seconds = _number(options, "timeout_seconds")
        self.parallel = max(1, int(_number(options, "parallel")))
        self._known: dict[str, Any] | None = None  # the index's fields, once it was asked for them
        backoff = _number(options, "backoff_seconds")
        breaker = Breaker(address.host, backoff, name="OpenSearch")
        self._link = OpenSearchLink(
            address.host, tls=options["tls"] == "1", credentials=credentials_from_environment(),
            backoff_seconds=backoff, breaker=breaker, largest_reply=self._limits.bytes,
        )  # fmt: skip

    def describe(self) -> str:
        """The search syntax."""
        return _SYNTAX.format(fields=", ".join(self._names), operator=self._operator.upper(), date=self._date)

    def search(self, query: str, depth: int, context: Mapping[str, Any]) -> Result:
        """See `Engine.search`. SourceError where there is no such index, AccessError where it may not be read."""
        ended = unsearchable(query)
        most = min(depth, self._limits.rows)
        asked = self._asked(query, context)
        return ended or self._answered(lambda deadline: self._ranked(asked, most, deadline), context)

    def search_many(self, queries: Sequence[tuple[str, Mapping[str, Any]]], depth: int) -> list[Result]:
        """Side by side: a cluster has more processors than one query uses."""
        pool = ThreadPoolExecutor(self.parallel, thread_name_prefix="sqlrl-opensearch")
        try:
            return list(pool.map(lambda each: self.search(each[0], depth, each[1]), queries))
        finally:
            pool.shutdown(cancel_futures=True)

    def among(self, query: str, ids: Collection[str], depth: int, context: Mapping[str, Any]) -> Result:
        """See `Engine.among`. Of all hits, a filter on these ids finds them without ranking the others."""
        ended = unsearchable(query)
        if ended is not None:
            return ended
        if depth:
            ranked, wanted = self.search(query, depth, context), set(ids)
            rows = tuple(row for row in ranked.rows if row[0] in wanted)
            return Result(ranked.columns, rows, ranked.outcome, ranked.message, ranked.seconds, False, ranked.total)
        names = sorted(set(ids) - set(context.get("exclude_ids", ())))
        asked = self._asked(query, context)
        return self._answered(lambda deadline: self._members(asked, names, deadline), context)

    def fetch(self, ids: Sequence[str]) -> list[Document]:
        """The documents, in this order. QueryError (UNAVAILABLE) where the server does not give them."""
        wanted, found = list(dict.fromkeys(ids)), {}
        try:
            for start in range(0, len(wanted), _IDS_AT_ONCE):
                some = wanted[start : start + _IDS_AT_ONCE]
                body = {"query": {"terms": {self._id: some}}, "size": len(some), "sort": [{self._id: "asc"}],
                        "track_total_hits": False}  # fmt: skip
                hits, _ = self._search(body, time.monotonic() + self._timeout_seconds)
                found.update({document.id: document for document in map(self._document, hits)})
        except (UnavailableError, ComplaintError) as error:
            raise QueryError(Outcome.UNAVAILABLE, str(error)) from None
        return [found[name] for name in ids if name in found]

    def close(self) -> None:
        """Give back the connections; asked again, they open."""
        self._link.close()

    def _asked(self, query: str, context: Mapping[str, Any]) -> dict[str, Any]:
        """The query, and what is no part of it: filters that it can't get out of."""
        words = {
            "query": query, "fields": self._fields, "default_operator": self._operator.upper(),
            "allow_leading_wildcard": False,  # it would read every word of the index
        }  # fmt: skip
        asked: dict[str, Any] = {"must": [{"query_string": words}]}
        until = day_of(context.get("max_date"))
        if until:
            asked["filter"] = [{"range": {self._date: {"lte": until}}}]
        excluded = sorted(context.get("exclude_ids", ()))
        if excluded:
            asked["must_not"] = [{"terms": {self._id: excluded}}]
        return {"bool": asked}

    def _answered(self, ask: Callable[[float], Result], context: Mapping[str, Any]) -> Result:
        started = time.perf_counter()
        deadline = time.monotonic() + self._timeout_seconds
        try:
            self._check(bool(context.get("max_date")), deadline)
            found = ask(deadline)
        except ComplaintError as error:
            if error.kinds & _QUERY_ERRORS:
                return Result(outcome=Outcome.INVALID, message=str(error))
            return Result(outcome=Outcome.UNAVAILABLE, message=str(error))
        except UnavailableError as error:
            return Result(outcome=Outcome.UNAVAILABLE, message=str(error))
        return Result(
            found.columns, found.rows, found.outcome, "", time.perf_counter() - started, found.truncated, found.total
        )

    def _ranked(self, asked: Mapping[str, Any], depth: int, deadline: float) -> Result:
        body = {
            "query": asked, "sort": [{"_score": "desc"}, {self._id: "asc"}], "_source": [self._id],
            "track_total_hits": True,
        }  # fmt: skip
        if depth <= PAGE:
            hits, total = self._search({**body, "size": depth}, deadline)
        else:
            hits, total = self._deep(body, depth, deadline)
        return Result(_COLUMNS, self._rows(hits), Outcome.OK, "", 0.0, total > len(hits), total)

    def _deep(self, body: dict[str, Any], depth: int, deadline: float) -> tuple[list[Any], int]:
        """Page after page of one point in time, each after the last hit of the one before."""
        found: list[Any] = []
        total = 0
        with self._moment(body["query"], deadline) as moment:
            while len(found) < depth:
                size = min(PAGE, depth - len(found))
                hits, counted = self._search({**body, "size": size, "pit": moment}, deadline)
                total = total if found else counted
                found += hits
                if len(hits) < size:
                    break
                body = {**body, "search_after": hits[-1]["sort"], "track_total_hits": False}
        return found, total

    @contextmanager
    def _moment(self, query: Any, deadline: float) -> Iterator[dict[str, str]]:
        kept = {"keep_alive": "2m"}
        asked = {**kept, "preference": _copy(query)}
        reply = self._ask(lambda client: client.create_pit(index=self._index, params=asked), deadline)
        moment = reply.get("pit_id")
        if not isinstance(moment, str):
            raise UnavailableError(f"OpenSearch gives no point in time: {reply!s:.200}")
        try:
            yield {"id": moment, **kept}
        finally:
            with suppress(UnavailableError, ComplaintError):  # it ends by itself
                self._ask(lambda client: client.delete_pit(body={"pit_id": [moment]}), deadline)

    def _members(self, asked: dict[str, Any], names: Sequence[str], deadline: float) -> Result:
        total = self._search({"query": asked, "size": 0, "track_total_hits": True}, deadline)[1]
        rows: list[tuple[str, float]] = []
        for start in range(0, len(names) if total else 0, _IDS_AT_ONCE):
            some = names[start : start + _IDS_AT_ONCE]
            filters = [asked, {"terms": {self._id: some}}]
            body = {"query": {"bool": {"filter": filters}}, "size": len(some), "_source": [self._id],
                    "sort": [{self._id: "asc"}], "track_total_hits": False}  # fmt: skip
            rows += [(name, 1.0) for name, _ in self._rows(self._search(body, deadline)[0])]
        return Result(_COLUMNS, tuple(rows), Outcome.OK, "", 0.0, False, total)

    def _search(self, body: dict[str, Any], deadline: float) -> tuple[list[Any], int]:
        """(hits, how many there are in all where the body asks for that)."""
        index = None if "pit" in body else self._index  # a point in time knows its index
        seconds = max(1, int(deadline - time.monotonic()))
        body = {**body, "timeout": f"{seconds}s"}  # so that the cluster stops as well
        how = {"allow_partial_search_results": "false"}
        if index is not None:
            how["preference"] = _copy(body["query"])
        if self._global_scores:
            how["search_type"] = "dfs_query_then_fetch"
        reply = self._ask(lambda client: client.search(index=index, body=body, params=how), deadline)
        try:
            failed, late = reply["_shards"]["failed"], reply["timed_out"]
            hits = list(reply["hits"]["hits"])
            total = int(reply["hits"]["total"]["value"]) if body.get("track_total_hits") else 0
            whole = all(isinstance(hit["_source"], dict) and isinstance(hit["sort"], list) for hit in hits)
        except (KeyError, TypeError, ValueError, OverflowError):
            whole = False
        if not whole:
            raise UnavailableError(f"OpenSearch gives no list of hits: {reply!s:.200}")
        if late or failed:
            what = "ended before all was searched" if late else f"had {failed} shards that failed"
            raise UnavailableError(f"OpenSearch {what}")
        return hits, total

    def _ask(self, call: Callable[[Any], Any], deadline: float) -> dict[str, Any]:
        return self._link.ask(call, deadline, self._refused)

    def _check(self, dated: bool, deadline: float) -> None:
        """Whether the index has the fields that are to be asked; a server takes a wrong name for one that no document
        has, and finds nothing. SourceError, UsageError."""
        if self._known is None:
            names = ",".join(dict.fromkeys([*self._names, self._id, self._date]))
            reply = self._ask(lambda client: client.field_caps(index=self._index, params={"fields": names}), deadline)
            fields = reply.get("fields")
            if not isinstance(fields, dict) or not all(
                isinstance(kinds, dict) and all(isinstance(kind, dict) for kind in kinds.values())
                for kinds in fields.values()
            ):
                raise UnavailableError(f"OpenSearch gives no list of fields: {reply!s:.200}")
            self._known = fields
        where = f"{self._link.host}/{self._index}"
        for name in self._names:
            if "*" not in name and name not in self._known:
                raise SourceError(f"{where} has no field {name!r} (option fields)")
        if not any(kind.get("aggregatable") for kind in self._known.get(self._id, {}).values()):
            raise SourceError(f"{where} has no keyword field {self._id!r} (option id)")
        if dated and "date" not in self._known.get(self._date, {}):
            raise UsageError(f"{where} has no date field {self._date!r}, which max_date needs (option date)")

    def _refused(self, error: ComplaintError) -> Exception:
        """What a complaint means. Not the query's are an index that is not there, and who may not read it."""
        if error.status in (401, 403):
            return AccessError(
                f"{self._link.host}/{self._index} may not be read so: set OPENSEARCH_USER and OPENSEARCH_PASSWORD"
            )
        if error.status == 404 and "index_not_found_exception" in error.kinds:
            return SourceError(f"{self._link.host} has no index {self._index}")
        return error

    def _rows(self, hits: Sequence[Any]) -> tuple[tuple[str, float], ...]:
        try:
            return tuple((str(hit["_source"][self._id]), _score(hit)) for hit in hits)
        except KeyError:
            raise SourceError(
                f"{self._link.host}/{self._index}: a document has no {self._id!r} of its own (option id)"
            ) from None

    def _document(self, hit: Mapping[str, Any]) -> Document:
        ((name, _),) = self._rows([hit])
        known = dict(hit["_source"])
        del known[self._id]
        parts = [" ".join(_flat(known.pop(field, None))) for field in self._names]
        if len(parts) == 1:
            return Document(name, "", parts[0], known)
        return Document(name, parts[0], " ".join(part for part in parts[1:] if part), known)


def _score(hit: Mapping[str, Any]) -> float:
    """0 where the list is in another order."""
    score = hit.get("_score")
    return float(score) if isinstance(score, (int, float)) else 0.0


def _copy(query: Any) -> str:
    """Which of the copies of a shard is asked: for one query always the same. Copies count the words of documents that
    were deleted differently, and so would not agree on the scores; other queries go to other copies."""
    return hashlib.sha256(json.dumps(query, sort_keys=True).encode()).hexdigest()[:16]


def _flat(value: Any) -> list[str]:
    if value is None:
        return []
    return [text for each in value for text in _flat(each)] if isinstance(value, list) else [str(value)]


def _number(options: Mapping[str, str], name: str) -> float:
    try:
        value = float(options[name])
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise UsageError(f"opensearch: {name} is a number above 0, not {options[name]!r}")
    return value
