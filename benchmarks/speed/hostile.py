"""Hostile clients, a kind each: what they do to a server over and over, until the time is up."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ["KINDS", "misbehave"]

ENDLESS = "with recursive t(x) as (select 1 union all select x + 1 from t) select count(*) from t"
WIDE = "with recursive t(x) as (select 1 union all select x + 1 from t limit 900) select hex(zeroblob(4000)) from t"
FORBIDDEN = (
    "delete from vault", "drop table vault", "select 1; delete from vault", "attach '/tmp/x' as x",
    "pragma writable_schema=1", "select load_extension('x')", "with t as (select 1) delete from vault",
    "vacuum into '/tmp/x'", "select readfile('/etc/passwd')",
)  # fmt: skip
JUNK = (
    b"{", b"[" * 10_000, b"\xff\xfe\x00", b'{"question": 1}', b'{"question": "\\ud800"}', b'{"query": "\\u0000"}',
    b"null", b'{"query": "select 1", "more": 1}', b'{"query": ' + b"9" * 5_000 + b"}",
)  # fmt: skip
NOISE = (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"\x00" * 300, b"GET / HTTP/1.1\r\nX: " + b"x" * 50_000)
_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_Deed = Callable[[_Streams, random.Random, float, str], Awaitable[None]]


async def misbehave(kind: str, port: int, number: int, token: str, until: float, done: Counter[str]) -> None:
    """One client of a kind, from an address of its own. done: how often each kind did what it does."""
    draw = random.Random(f"{kind} {number}")
    address = f"127.0.3.{number % 250 + 1}"
    while time.monotonic() < until:
        with contextlib.suppress(OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            async with asyncio.timeout(max(0.1, min(30.0, until + 1 - time.monotonic()))):
                streams = await _connected(port, address, small=kind == "never reading")
                try:
                    await _DEEDS[kind](streams, draw, until, token)
                    done[kind] += 1
                finally:
                    streams[1].transport.abort() if draw.random() < 0.5 else streams[1].close()
        await asyncio.sleep(draw.uniform(0.0, 1.0))


async def _connected(port: int, address: str, *, small: bool) -> _Streams:
    raw = socket.socket()
    try:
        raw.setblocking(False)
        if small:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        raw.bind((address, 0))
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", port))
    except BaseException:
        raw.close()
        raise
    return await asyncio.open_connection(sock=raw, limit=4_096 if small else 1 << 20)


def _post(token: str, path: str, body: Any, *, length: int | None = None) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(content) if length is None else length}\r\n\r\n"
    ).encode() + content


async def _read(streams: _Streams) -> None:
    """An answer's first bytes."""
    await streams[0].read(65_536)


async def _slow_head(streams: _Streams, draw: random.Random, until: float, token: str) -> None:
    streams[1].write(b"POST /api/run HTTP/1.1\r\n")
    while time.monotonic() < until and not streams[0].at_eof():
        streams[1].write(b"X: y\r\n")
        await streams[1].drain()
        await asyncio.sleep(0.2)


async def _slow_body(streams: _Streams, draw: random.Random, until: float, token: str) -> None:
    streams[1].write(_post(token, "/api/run", b"{", length=100_000))
    while time.monotonic() < until and not streams[0].at_eof():
        streams[1].write(b" ")
        await streams[1].drain()
        await asyncio.sleep(0.2)


async def _huge_body(streams: _Streams, draw: random.Random, until: float, token: str) -> None:
    if draw.random() < 0.5:
        streams[1].write(_post(token, "/api/run", b"", length=10**12))
    else:
        head = _post(token, "/api/run", b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        streams[1].write(head)
    for _ in range(100):
        streams[1].write(b"10000\r\n" + b" " * 65_536 + b"\r\n")
        await streams[1].drain()
        await asyncio.sleep(0.01)
    await _read(streams)


async def _half_closed(streams: _Streams, draw: random.Random, until: float, token: str) -> None:
    streams[1].write(_post(token, "/api/run", {"query": ENDLESS, "deadline": 1}))
    streams[1].write_eof()
    await _read(streams)


async def _malformed(streams: _Streams, draw: random.Random, until: float, token: str) -> None:
    for _ in range(5):
        streams[1].write(_post(token, draw.choice(["/api/ask", "/api/run", "/api/mark"]), draw.choice(JUNK)))
        await _read(streams)


async def _no_http(streams: _Streams, draw: random.Random, until: float, token: str) -> None:
    streams[1].write(draw.choice(NOISE))
    await _read(streams)


async def _never_reading(streams: _Streams, draw: random.Random, until: float, token: str) -> None:
    streams[1].transport.pause_reading()  # type: ignore[attr-defined]
    streams[1].write(_post(token, "/api/run", {"query": WIDE}))
    await asyncio.sleep(min(20.0, max(0.0, until - time.monotonic())))


async def _leaving(streams: _Streams, draw: random.Random, until: float, token: str) -> None:
    path, body = draw.choice(
        [
            ("/api/ask/stream", {"question": "one without end"}),
            ("/api/run", {"query": ENDLESS}),
            ("/api/run", {"query": WIDE}),
        ]
    )
    sent = _post(token, path, body)
    streams[1].write(sent[: draw.randrange(1, len(sent))] if draw.random() < 0.3 else sent)
    await asyncio.sleep(draw.uniform(0.0, 0.3))


async def _wrong_token(streams: _Streams, draw: random.Random, until: float, token: str) -> None:
    for _ in range(5):
        streams[1].write(_post(f"{draw.random()}", "/api/run", {"query": "select secret from vault"}))
        await _read(streams)


async def _forbidden(streams: _Streams, draw: random.Random, until: float, token: str) -> None:
    for _ in range(5):
        streams[1].write(_post(token, "/api/run", {"query": draw.choice(FORBIDDEN)}))
        await _read(streams)


async def _heavy(streams: _Streams, draw: random.Random, until: float, token: str) -> None:
    streams[1].write(_post(token, "/api/run", {"query": ENDLESS, "deadline": 0.5}))
    await _read(streams)


_DEEDS: dict[str, _Deed] = {
    "slow heads": _slow_head,
    "slow bodies": _slow_body,
    "huge bodies": _huge_body,
    "half closed": _half_closed,
    "malformed bodies": _malformed,
    "no HTTP": _no_http,
    "never reading": _never_reading,
    "leaving": _leaving,
    "wrong tokens": _wrong_token,
    "forbidden queries": _forbidden,
    "heavy queries": _heavy,
}
KINDS = tuple(_DEEDS)
