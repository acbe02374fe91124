"""The guard: what stands before the app: a client's rate and token, kind and size of a body, whether it still waits."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from sqlrl.layer.asynchrony import CALLER
from sqlrl.server.limits import Bounds, Rates, client_of
from sqlrl.server.replies import STOPPING, as_json, error_body

if TYPE_CHECKING:
    from sqlrl.server.metrics import Metrics
    from sqlrl.server.tokens import Tokens

__all__ = ["HEADERS", "Guard"]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
_log = logging.getLogger("sqlrl.server")


class Guard:
    """An ASGI app around another. routes: path -> methods; metrics know no other by its name. public: the paths that no
    token guards; every other one is guarded, whether or not it is there. hosts: the names that the server may be called
    by, in lower case; None for any, where others than this machine may call it.

    A client that leaves before its answer cancels the call, and so does a server that stops.
    """

    def __init__(
        self, app: Any, *, bounds: Bounds, tokens: Tokens, metrics: Metrics, routes: Mapping[str, Collection[str]],
        public: Collection[str],
        hosts: Collection[str] | None,
    ) -> None:  # fmt: skip
        self.app = app
        self.bounds = bounds
        self.tokens = tokens
        self.metrics = metrics
        self.routes = routes
        self.public = public
        self.hosts = hosts
        self.rates = Rates(bounds.rate, bounds.burst)
        self.requests = 0  # in flight

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = _path_of(scope)
        guarded = path not in self.public
        reply = _Reply(send, {**HEADERS, "cache-control": "no-store"} if guarded else HEADERS)
        began = time.perf_counter()
        self.requests += 1
        try:
            await self._take(scope, path, guarded, receive, reply)
        except asyncio.CancelledError:
            if not reply.status:
                await reply.error(503, *STOPPING, {"retry-after": "5"})
        except Exception:  # a bug of ours: whoever runs the server is told, and nobody else
            _log.exception("a bug: %r", path)
            if not reply.status:
                await reply.error(500, "bug", "something went wrong at the server")
        finally:
            self.requests -= 1
            route = path if path in self.routes else "other"
            method = scope["method"] if scope["method"] in ("GET", "POST", "HEAD") else "other"
            self.metrics.answered(route, method, reply.status, time.perf_counter() - began)

    async def _take(self, scope: Any, path: str, guarded: bool, receive: Any, reply: _Reply) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if self.hosts is not None and _name_of(headers.get("host", "")) not in self.hosts:
            self.metrics.rejected("host")
            await reply.error(400, "host", "this server is not called by that name")
            return
        if guarded:
            client = client_of(scope["client"][0]) if scope.get("client") else ""
            name = self.tokens.find(headers.get("authorization")) if self.tokens else ""
            wait = self.rates.take(name or client)
            if wait:
                self.metrics.rejected("rate")
                await reply.error(429, "rate", "that is too many requests at once", {"retry-after": str(int(wait) + 1)})
                return
            if name is None:
                self.metrics.rejected("token")
                await reply.error(401, "token", "this server asks for a token: Authorization: Bearer TOKEN",
                                  {"www-authenticate": "Bearer"})  # fmt: skip
                return
            scope["state"] = {**scope.get("state", {}), "who": name or client}
            CALLER.set(name or client)
        body = await self._body(scope["method"], path, headers, receive, reply)
        if body is not None:
            await self._watched(scope, body, receive, reply)

    async def _body(
        self, method: str, path: str, headers: Mapping[str, str], receive: Any, reply: _Reply
    ) -> bytes | None:
        """The whole body; None where an error was the answer."""
        most = self.bounds.body_bytes
        posted = method == "POST" and "POST" in self.routes.get(path, ())
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if posted and kind != "application/json":
            # A form of another site could send any other kind unasked.
            self.metrics.rejected("kind")
            await reply.error(415, "kind", "a body is JSON here: Content-Type: application/json")
            return None
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > most:
            await self._too_long(reply)
            return None
        if not posted and not length.strip("0") and "transfer-encoding" not in headers:
            return b""
        parts, size = [], 0
        try:
            async with asyncio.timeout(self.bounds.body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > most:
                        await self._too_long(reply)
                        return None
                    if not message.get("more_body"):
                        return b"".join(parts)
        except TimeoutError:
            self.metrics.rejected("slow")
            await reply.error(408, "slow", "the body did not arrive in time", {"connection": "close"})
            return None

    async def _too_long(self, reply: _Reply) -> None:
        self.metrics.rejected("body")
        await reply.error(413, "body", f"a body has {self.bounds.body_bytes:,} bytes at most")

    async def _watched(self, scope: Any, body: bytes, receive: Any, reply: _Reply) -> None:
        """The app's answer, or none where the client leaves before."""
        gone = asyncio.Event()
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Any:
            if messages:
                return messages.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        call = asyncio.ensure_future(self.app(scope, replay, reply.send))
        watching = asyncio.ensure_future(watch())
        try:
            await asyncio.wait({call, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not call.done() and not reply.complete:  # otherwise it is the answer's end that was seen
                gone.set()
                call.cancel()
                await asyncio.wait({call})
                if not call.cancelled():
                    call.exception()  # what it says of being cut off is of no use to anybody
                return
            await call
        finally:
            watching.cancel()
            if not call.done():  # the server stops
                call.cancel()
                await asyncio.wait({call})


class _Reply:
    """An answer on its way, with the headers that every one has. status: 0 until it begins."""

    def __init__(self, send: Any, headers: Mapping[str, str]) -> None:
        self._send = send
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        self.status = 0
        self.complete = False

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            held = {name for name, _ in message.get("headers", ())}
            ours = [pair for pair in self._headers if pair[0] not in held]
            message = {**message, "headers": [*message.get("headers", ()), *ours]}
        elif not message.get("more_body"):
            self.complete = True
        await self._send(message)

    async def error(self, status: int, code: str, words: str, headers: Mapping[str, str] | None = None) -> None:
        body = as_json(error_body(code, words))
        told = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
        pairs = [(name.encode(), value.encode()) for name, value in told.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": pairs})
        await self.send({"type": "http.response.body", "body": body})


def _path_of(scope: Any) -> str:
    """The path as the app's routes know it: without that of an app which this one is mounted in."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    inside = path.removeprefix(root)
    return inside if root and path.startswith(root) and inside[:1] in ("", "/") else path


def _name_of(host: str) -> str:
    """The name in a Host header, without its port."""
    name = host.strip().lower()
    if name.startswith("["):
        return name.partition("]")[0].lstrip("[")
    return name.partition(":")[0].rstrip(".")
