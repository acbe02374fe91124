"""The link to an OpenSearch cluster: opensearch-py's calls, carried by our HTTP client, so that its deadlines, attempts
and caps hold here too."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from sqlrl.executors.breaker import Breaker
from sqlrl.executors.errors import MissingExtraError, UnavailableError
from sqlrl.executors.http import GarbledError, PoliteClient, Reply, Request, check_base

__all__ = ["ComplaintError", "OpenSearchLink", "credentials_from_environment"]

# A server that calls a query's size an error of its own (500) would do so again.
_FINAL = (b"too_many_clauses", b"too_complex_to_determinize", b"too_many_nested_clauses")


class ComplaintError(Exception):
    """The server answered, and did not do it. kinds: the types of the errors that it names."""

    def __init__(self, status: int, kinds: frozenset[str], message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kinds = kinds


class OpenSearchLink:
    """host: with or without a port. credentials: (user, password), which no message shows. Methods may be called from
    several threads. MissingExtraError without opensearch-py."""

    def __init__(
        self,
        host: str,
        *,
        tls: bool = False,
        credentials: tuple[str, str] | None = None,
        backoff_seconds: float = 0.5,
        breaker: Breaker | None = None,
        largest_reply: int,
    ) -> None:
        self.host = host
        headers, secrets = {}, []
        if credentials:
            packed = base64.b64encode(":".join(credentials).encode()).decode()
            headers["Authorization"] = f"Basic {packed}"
            secrets = [packed, credentials[1]]
        base = check_base(f"{'https' if tls else 'http'}://{host}")
        self._http = PoliteClient(
            "OpenSearch", base, None, breaker=breaker, backoff_seconds=backoff_seconds, largest_reply=largest_reply,
            headers=headers, secrets=secrets, final=lambda reply: any(kind in reply.body for kind in _FINAL),
        )  # fmt: skip
        self._client = _client(self._http)

    def ask(
        self, call: Callable[[Any], Any], deadline: float, refused: Callable[[ComplaintError], Exception]
    ) -> dict[str, Any]:
        """What a call of opensearch-py's client gives. refused: what to raise for a complaint. UnavailableError."""
        from opensearchpy.exceptions import OpenSearchException, TransportError

        seconds = deadline - time.monotonic()
        if seconds <= 0:
            raise UnavailableError("OpenSearch did not answer in time")
        try:
            found = call(_Timed(self._client, seconds))
        except TransportError as error:
            status = error.status_code if isinstance(error.status_code, int) else 0
            told = error.info if isinstance(error.info, Mapping) else {}
            raise refused(
                ComplaintError(status, _kinds(told), self._http.cleaned(_reason(told) or str(error)))
            ) from None
        except OpenSearchException as error:
            raise UnavailableError(self._http.cleaned(f"OpenSearch gives no answer: {error}")) from None
        if not isinstance(found, dict):
            raise UnavailableError("OpenSearch gives no answer: not a JSON object")
        return found

    def close(self) -> None:
        """Give back the connections."""
        self._http.close()


class _Timed:
    """opensearch-py's client, or a part of it, each of whose calls ends after so many seconds."""

    def __init__(self, client: Any, seconds: float) -> None:
        self._client = client
        self._seconds = seconds

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if not callable(method):  # client.indices
            return _Timed(method, self._seconds)

        def call(params: Mapping[str, str] | None = None, **given: Any) -> Any:
            return method(params={**(params or {}), "request_timeout": self._seconds}, **given)

        return call


def credentials_from_environment() -> tuple[str, str] | None:
    """$OPENSEARCH_USER and $OPENSEARCH_PASSWORD, where the first is set."""
    user = os.environ.get("OPENSEARCH_USER")
    return (user, os.environ.get("OPENSEARCH_PASSWORD", "")) if user else None


def _client(http: PoliteClient) -> Any:
    try:
        import opensearchpy
        from opensearchpy.connection.base import Connection
    except ImportError:
        raise MissingExtraError("opensearch-py", "opensearch") from None

    class PoliteConnection(Connection):
        """What opensearch-py asks through."""

        def perform_request(
            self,
            method: str,
            url: str,
            params: Mapping[str, Any] | None = None,
            body: Any = None,
            timeout: float | None = None,
            ignore: Any = (),
            headers: Mapping[str, str] | None = None,
        ) -> tuple[int, Mapping[str, str], str]:
            content = body.encode("utf-8") if isinstance(body, str) else body or b""
            path = url.lstrip("/") + (f"?{urlencode(params, quote_via=quote)}" if params else "")
            sent = {"content-type": "application/json"} | {
                name.lower(): value for name, value in (headers or {}).items()
            }
            deadline = time.monotonic() + (timeout or self.timeout)
            reply = http.ask(Request(method, path, content, sent), _whole, deadline)
            text = reply.body.decode("utf-8", "replace")
            if not 200 <= reply.status < 300:
                self._raise_error(reply.status, text, reply.headers.get("content-type"))
            return reply.status, reply.headers, text

    # Attempts and connections are the client's: nothing is left for opensearch-py to try again or to look around for.
    return opensearchpy.OpenSearch(hosts=[http.base], connection_class=PoliteConnection, max_retries=0)


def _whole(reply: Reply) -> Reply:
    if reply.status < 300:
        try:
            json.loads(reply.body)
        except (ValueError, RecursionError):
            raise GarbledError(f"no JSON: {reply.excerpt}") from None
    return reply


def _kinds(told: Any) -> frozenset[str]:
    """Every type of error in a reply, wherever it is: the server wraps the cause of one in another."""
    found: set[str] = set()
    waiting = [told]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            kind = value.get("type")
            if isinstance(kind, str):
                found.add(kind)
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return frozenset(found)


def _reason(told: Mapping[str, Any]) -> str:
    """The reason that is nearest to the cause."""
    error = told.get("error")
    if not isinstance(error, Mapping):
        return str(error or "")
    roots = error.get("root_cause")
    root = roots[0] if isinstance(roots, list) and roots and isinstance(roots[0], Mapping) else error
    return str(root.get("reason") or error.get("reason") or error.get("type") or "")[:500]
