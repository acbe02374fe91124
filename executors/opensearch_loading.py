"""Loading a corpus into OpenSearch: a new index is filled, and the name that queries use is given to it when whole."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlrl.executors.address import parse_address
from sqlrl.executors.documents import Document
from sqlrl.executors.errors import AccessError, DataError, SqlrlError, UnavailableError, UsageError
from sqlrl.executors.opensearch_link import ComplaintError, OpenSearchLink, credentials_from_environment

__all__ = ["load"]

_BATCH = 5 << 20  # bytes of one request; servers are fastest with a few megabytes at once
_ATTEMPTS = 8  # for documents that the server was too busy to take
_BUSY = (429, 503)
_REPLY = 64 << 20


def load(
    documents: Iterable[Document],
    source: str,
    *,
    shards: int = 1,
    copies: int = 0,
    analyzer: str = "english",
    k1: float = 0.9,
    b: float = 0.4,
    timeout_seconds: float = 300.0,
    backoff_seconds: float = 1.0,
    advance: Callable[[int], None] | None = None,
) -> str:
    """Load documents; the name of the new index. What `source` (opensearch://host:port/name) names becomes an alias of
    it, in one step; an index that the alias pointed to before is left for its owner to delete.

    copies: of each shard, beside the first. timeout_seconds: of one request. advance: told of how many documents were
    taken. A date that is none is left out. DataError for documents that the server does not take, or that share an id;
    UsageError where the name is an index already; the new index is deleted then.
    """
    address = parse_address(source)
    unknown = set(address.options) - {"tls"}
    if unknown:
        raise UsageError(f"loading into opensearch knows no option {sorted(unknown)[0]!r}; the one it has is tls")
    link = OpenSearchLink(
        address.host, tls=address.options.get("tls", "0") == "1", credentials=credentials_from_environment(),
        backoff_seconds=backoff_seconds, largest_reply=_REPLY,
    )  # fmt: skip
    loading = _Loading(link, address.path, timeout_seconds, backoff_seconds)
    try:
        return loading.load(documents, _settings(shards, analyzer, k1, b), copies, advance)
    finally:
        link.close()


class _Loading:
    """One corpus on its way."""

    def __init__(self, link: OpenSearchLink, alias: str, timeout_seconds: float, backoff_seconds: float) -> None:
        self._link = link
        self._alias = alias
        self._index = f"{alias}-{uuid.uuid4().hex[:8]}"
        self._timeout_seconds = timeout_seconds
        self._backoff_seconds = backoff_seconds

    def load(
        self,
        documents: Iterable[Document],
        settings: Mapping[str, Any],
        copies: int,
        advance: Callable[[int], None] | None,
    ) -> str:
        before = self._pointed_to()
        self._ask(lambda client: client.indices.create(index=self._index, body=settings))
        try:
            count = 0
            for batch in _batches(documents):
                self._take(batch)
                count += len(batch)
                if advance is not None:
                    advance(len(batch))
            self._ask(lambda client: client.indices.refresh(index=self._index))
            held = self._ask(lambda client: client.count(index=self._index)).get("count")
            if held != count:
                raise DataError(f"{count:,} documents have {held:,} ids: two documents share one")
            changed = {"index": {"refresh_interval": None, "number_of_replicas": copies}}
            self._ask(lambda client: client.indices.put_settings(index=self._index, body=changed))
            actions = [{"remove": {"index": old, "alias": self._alias}} for old in before]
            actions.append({"add": {"index": self._index, "alias": self._alias}})
            self._ask(lambda client: client.indices.update_aliases(body={"actions": actions}))
        except BaseException:
            with suppress(SqlrlError):
                self._ask(lambda client: client.indices.delete(index=self._index))
            raise
        return self._index

    def _pointed_to(self) -> list[str]:
        """The indices that the alias names so far. UsageError where an index itself has that name."""
        try:
            found = self._ask(lambda client: client.indices.get(index=self._alias))
        except _MissingError:
            return []
        if self._alias in found:
            raise UsageError(f"{self._alias} is an index, not an alias: load under another name")
        return sorted(found)

    def _take(self, batch: Sequence[bytes]) -> None:
        """Send documents, and again those that the server was too busy for."""
        left = list(batch)
        for attempt in range(_ATTEMPTS):
            body = b"".join(left)
            reply = self._ask(lambda client, body=body: client.bulk(body=body, index=self._index))  # type: ignore[misc]
            items = [item.get("index", {}) for item in reply.get("items", [])]
            if len(items) != len(left):
                raise UnavailableError(f"OpenSearch answers for {len(items):,} of {len(left):,} documents")
            for item in items:
                if "error" in item and item.get("status") not in _BUSY:
                    raise DataError(f"OpenSearch does not take document {item.get('_id')}: {_said(item['error'])}")
            left = [line for line, item in zip(left, items, strict=True) if item.get("status") in _BUSY]
            if not left:
                return
            time.sleep(min(60.0, self._backoff_seconds * 2**attempt))
        raise UnavailableError(f"OpenSearch is too busy for {len(left):,} documents")

    def _ask(self, call: Callable[[Any], Any]) -> dict[str, Any]:
        try:
            return self._link.ask(call, time.monotonic() + self._timeout_seconds, self._refused)
        except ComplaintError as error:
            raise UnavailableError(f"OpenSearch refuses: {error}") from None

    def _refused(self, error: ComplaintError) -> Exception:
        if error.status in (401, 403):
            return AccessError(f"{self._link.host}: no index {self._alias}-* may be written by $OPENSEARCH_USER")
        return _MissingError() if error.status == 404 else error


class _MissingError(Exception):
    """There is nothing of that name."""


def _settings(shards: int, analyzer: str, k1: float, b: float) -> dict[str, Any]:
    text = {"type": "text", "analyzer": analyzer}
    return {
        "settings": {
            "index": {
                "number_of_shards": shards,
                "number_of_replicas": 0,  # copies are made of what is whole
                "refresh_interval": "-1",
                "similarity": {"default": {"type": "BM25", "k1": k1, "b": b}},
            }
        },
        "mappings": {
            "dynamic": False,
            "properties": {
                "id": {"type": "keyword"},
                "title": text,
                "text": text,
                "date": {"type": "date", "format": "yyyy-MM-dd||yyyy-MM||yyyy", "ignore_malformed": True},
            },
        },
    }


def _batches(documents: Iterable[Document]) -> Iterator[list[bytes]]:
    """Pairs of lines as `_bulk` takes them, some megabytes at once."""
    batch: list[bytes] = []
    size = 0
    for document in documents:
        if not document.id:
            raise DataError("a document has no id")
        values = {**document.fields, "id": document.id, "title": document.title, "text": document.text}
        # Sent twice, a document takes its own place again: what was cut off can be sent anew.
        pair = f"{json.dumps({'index': {'_id': document.id}})}\n{json.dumps(values)}\n".encode("ascii")
        if batch and size + len(pair) > _BATCH:
            yield batch
            batch, size = [], 0
        batch.append(pair)
        size += len(pair)
    if batch:
        yield batch


def _said(error: Any) -> str:
    cause = error.get("caused_by") if isinstance(error, Mapping) else None
    shown = error.get("reason", error) if isinstance(error, Mapping) else error
    return f"{shown}" + (f": {cause.get('reason')}" if isinstance(cause, Mapping) else "")
