"""Serving: the app on a socket, until a signal ends it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Callable, Collection, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

import uvicorn

from sqlrl.executors.errors import UsageError
from sqlrl.server.link import Link, links

if TYPE_CHECKING:
    from sqlrl.server.limits import Bounds
    from sqlrl.server.metrics import Metrics

__all__ = ["Server", "bind", "is_loopback", "return_memory"]

_log = logging.getLogger("sqlrl.server")
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Server(uvicorn.Server):
    """app: an ASGI app. proxies: addresses whose X-Forwarded-For is believed. ready: is called once it takes calls.

    The first SIGTERM or SIGINT lets calls in flight end, for `grace_seconds`; the second ends it at once.
    """

    def __init__(
        self, app: Any, bounds: Bounds, metrics: Metrics, *, proxies: Collection[str] = (),
        ready: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._ready = ready
        super().__init__(
            uvicorn.Config(
                app, http=links(bounds, metrics, proxies), ws="none", loop="asyncio", lifespan="off", log_config=None,
                access_log=False, server_header=False, proxy_headers=bool(proxies), forwarded_allow_ips=list(proxies),
                timeout_keep_alive=bounds.idle_seconds, timeout_graceful_shutdown=bounds.grace_seconds,
                h11_max_incomplete_event_size=16_384, backlog=512,
            )
        )  # fmt: skip
        metrics.gauge("sqlrl_connections", "Open connections.", lambda: len(self.server_state.connections))

    async def _serve(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn and asyncio speak of every client that misbehaves; what matters is counted.
        for name in ("uvicorn", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        checking = asyncio.create_task(self._check())
        try:
            await super()._serve(sockets)
        finally:
            checking.cancel()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def _check(self) -> None:
        """Look at every connection once a second."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(1.0)
            for link in list(self.server_state.connections):
                if isinstance(link, Link):
                    try:
                        link.check(loop.time())
                    except Exception:  # of one connection: the others must still be looked at
                        _log.exception("a bug: a connection cannot be checked")
                        link.transport.abort()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn does it, but a signal that was obeyed is not raised again: the process ends as it should."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.signal(each, self.handle_exit) for each in _SIGNALS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def bind(host: str, port: int) -> socket.socket:
    """A socket at an address, not yet listening. UsageError where it cannot be had."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError):
        raise UsageError(f"--host {host!r} is no address of this machine") from None
    # Of a name with addresses of both kinds, such as localhost, the one that is typed.
    family, kind, protocol, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise UsageError(f"cannot serve at {host} port {port}: {(error.strerror or str(error)).lower()}") from None
    return bound


def is_loopback(bound: socket.socket) -> bool:
    """Whether only this machine reaches a socket."""
    import ipaddress

    return ipaddress.ip_address(bound.getsockname()[0].partition("%")[0]).is_loopback


def return_memory() -> None:
    """Have this process give back what large answers took, once they are gone. glibc's allocator learns to keep pieces
    as large as the largest that was ever freed; with bounds that it is told it does not. Elsewhere nothing is done."""
    import ctypes

    mmap_threshold, trim_threshold = -3, -1  # names of malloc.h
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(mmap_threshold, 1 << 20)
        library.mallopt(trim_threshold, 4 << 20)
