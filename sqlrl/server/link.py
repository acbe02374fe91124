"""A link: one client's connection, as uvicorn and h11 serve it, and how long it may take for each of its parts.

uvicorn limits the size of a request's head and closes what is idle after an answer. It waits without end for a first
request, for a head that comes by drops, for a body, and for a client that does not read.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from sqlrl.server.guard import HEADERS
from sqlrl.server.limits import client_of
from sqlrl.server.replies import as_json, error_body

if TYPE_CHECKING:
    from sqlrl.server.limits import Bounds
    from sqlrl.server.metrics import Metrics

__all__ = ["Link", "links"]

_FAULTS = {
    400: ("http", "this is not HTTP as it is written", "Bad Request"),
    408: ("slow", "the request did not arrive in time", "Request Timeout"),
    431: ("head", "the request's head is too long", "Request Header Fields Too Large"),
    503: ("connections", "there are too many connections: try again in a moment", "Service Unavailable"),
}


class Link(H11Protocol):
    """`check` is called about once a second. See `links` for what is set on the class."""

    bounds: Bounds
    metrics: Metrics
    trusted: Collection[str]
    addresses: Counter[str]

    _address = ""
    _part: tuple[str, Any] = ("", None)
    _since = 0.0
    _unsent = 0
    _stalled = 0.0
    _sending = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._since = self._sending = self._stalled = self.loop.time()
        self._address = client_of(self.client[0]) if self.client else ""
        self.addresses[self._address] += 1
        each = self.addresses[self._address] > self.bounds.connections_each and self._address not in self.trusted
        if each or len(self.connections) > self.bounds.connections:
            self.metrics.rejected("connections")
            self._refuse(503)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self.addresses[self._address] -= 1
        if self.addresses[self._address] <= 0:
            del self.addresses[self._address]

    def data_received(self, data: bytes) -> None:
        if not self.transport.is_closing():
            super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP gets an error in the form that all have."""
        self.metrics.rejected("http")
        # h11 has named a better status where it knows one, which uvicorn does not hand on.
        size = len(self.conn.trailing_data[0])
        self._refuse(431 if size >= (self.config.h11_max_incomplete_event_size or 16_384) else 400)

    def check(self, now: float) -> None:
        """Close what has taken longer than it may."""
        part = self._current()
        if part[0] != self._part[0] or part[1] is not self._part[1]:
            self._part, self._since = part, now
        bounds, unsent = self.bounds, self.transport.get_write_buffer_size()
        if not unsent:
            self._sending = now
        if not unsent or unsent < self._unsent - 4_096 or not self._unsent:
            self._unsent, self._stalled = unsent, now
        if unsent and (now - self._stalled > bounds.stall_seconds or now - self._sending > bounds.answer_seconds):
            self.metrics.rejected("unread")
            self.transport.abort()
            return
        name, taken = part[0], now - self._since
        if name == "head" and taken > bounds.head_seconds:
            self.metrics.rejected("slow")
            self._refuse(408)
        elif (name == "body" and taken > bounds.body_seconds + 1) or (name == "rest" and taken > bounds.linger_seconds):
            self.metrics.rejected("slow")
            self.transport.close()
        elif name == "closing" and taken > bounds.stall_seconds:
            self.transport.abort()

    def _current(self) -> tuple[str, Any]:
        """(the part that the connection is at, the request that it belongs to)."""
        if self.transport.is_closing():
            return "closing", None
        answered = self.cycle is None or self.cycle.response_complete
        if self.conn.their_state is h11.SEND_BODY:
            return ("rest" if answered else "body"), self.cycle
        if not answered:
            return "answer", self.cycle
        # Between two requests uvicorn's own timer runs, until the first byte.
        return ("idle" if self.cycle is not None and not self.conn.trailing_data[0] else "head"), self.cycle

    def _refuse(self, status: int) -> None:
        """One error, and the end of the connection."""
        code, words, reason = _FAULTS[status]
        body = as_json(error_body(code, words))
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:  # in the midst of an answer there is no place for another
                self.transport.close()
                return
        told = {"content-type": "application/json", "content-length": str(len(body)), "connection": "close", **HEADERS}
        head = f"HTTP/1.1 {status} {reason}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in told.items())
        # Not by h11, which says nothing more once it has met with what is no HTTP.
        self.transport.write(head.encode() + b"\r\n" + body)
        self.transport.close()


def links(bounds: Bounds, metrics: Metrics, trusted: Collection[str] = ()) -> type[Link]:
    """Links of one server. trusted: addresses of proxies, behind which many clients are."""
    return type("Link", (Link,), {"bounds": bounds, "metrics": metrics, "trusted": frozenset(trusted),
                                  "addresses": Counter()})  # fmt: skip
