"""Clients that misbehave: slow, silent, gone, too many, too much. The others are served, and nothing is left behind."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sqlrl.server.tokens import Tokens
from tests.sqlrl.server.conftest import ENDLESS, Served

QUICK = {
    "head_seconds": 1.0, "body_seconds": 1.0, "linger_seconds": 0.5, "stall_seconds": 2.0, "idle_seconds": 2,
}  # fmt: skip


@contextlib.contextmanager
def _raw(served: Served, sent: bytes = b"", address: str = "127.0.0.1") -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", served.port), timeout=15, source_address=(address, 0)) as raw:
        raw.sendall(sent)
        yield raw


def _read(raw: socket.socket) -> bytes:
    """All that comes until the server ends the connection."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := raw.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def _post(body: bytes, path: str = "/api/run", length: int | None = None, more: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{more}"
    return f"{head}Content-Length: {len(body) if length is None else length}\r\n\r\n".encode() + body


def _fine(served: Served) -> None:
    with served.client() as client:
        assert client.post("/api/run", json={"query": "select 7"}).json()["rows"] == [[7]]


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"POST /api/run HTTP/1.1\r\nHost: localhost\r\nX: "])
def test_a_head_that_does_not_come(serve: Callable[..., Any], sent: bytes) -> None:
    served = serve(bounds=QUICK)
    began = time.monotonic()
    with _raw(served, sent) as raw:
        said = _read(raw)
    assert said.startswith(b"HTTP/1.1 408 ")
    assert json.loads(said.partition(b"\r\n\r\n")[2])["error"]["code"] == "slow"
    assert time.monotonic() - began < 6
    _fine(served)


def test_a_head_that_comes_by_drops(serve: Callable[..., Any]) -> None:
    served = serve(bounds=QUICK)
    began = time.monotonic()
    with _raw(served, b"GET /healthz HTTP/1.1\r\n") as raw, contextlib.suppress(OSError):
        while time.monotonic() - began < 8:
            raw.sendall(b"X: y\r\n")
            time.sleep(0.05)
    assert time.monotonic() - began < 6
    served.until(lambda: not served.server.server_state.connections)


def test_a_body_that_comes_by_drops(serve: Callable[..., Any]) -> None:
    served = serve(bounds=QUICK)
    began = time.monotonic()
    with _raw(served, _post(b"{", length=1000)) as raw:
        with contextlib.suppress(OSError):
            while time.monotonic() - began < 0.8:
                raw.sendall(b" ")
                time.sleep(0.05)
        said = _read(raw)
    assert said.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < 6
    assert served.metric('sqlrl_rejected_total{reason="slow"}') == 1
    _fine(served)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_long(serve: Callable[..., Any], chunked: bool) -> None:
    served = serve(bounds={"body_bytes": 10_000})
    content: Any = b" " * 10_001
    with served.client() as client:
        for _ in range(3):  # the connection can be used again: all of it was read
            response = client.post(
                "/api/run",
                content=iter([content]) if chunked else content,
                headers={"Content-Type": "application/json"},
            )
            assert (response.status_code, response.json()["error"]["code"]) == (413, "body")
        assert client.post("/api/run", json={"query": "select 7"}).json()["rows"] == [[7]]


@pytest.mark.parametrize("path", ["/api/run", "/api/about", "/nothing", "/"])
def test_a_body_without_end(serve: Callable[..., Any], path: str) -> None:
    served = serve(bounds=QUICK)
    more = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{more}"
    began, sent = time.monotonic(), 0
    with _raw(served, head.encode()) as raw:
        raw.settimeout(2)
        with contextlib.suppress(OSError):
            while time.monotonic() - began < 10:
                sent += raw.send(b"10000\r\n" + b" " * 65_536 + b"\r\n")
                time.sleep(0.001)
        assert time.monotonic() - began < 8
        said = _read(raw)
    assert not said or said.startswith(b"HTTP/1.1 413 ") or b" 404 " in said[:20]
    served.until(lambda: not served.server.server_state.connections)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"POST /api/run HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST /api/run HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000, 431),
        (_post(b"", more="Transfer-Encoding: chunked\r\n") + b"nonsense\r\n", 400),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 400),
        (b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404),
        (b"GET /%2e%2e/%00/app.py HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n\r\n", 200),
        (b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n", 200),
    ],
)
def test_what_is_hardly_http(serve: Callable[..., Any], sent: bytes, status: int) -> None:
    served = serve(bounds=QUICK)
    with _raw(served, sent) as raw:
        said = _read(raw)
    assert said.startswith(f"HTTP/1.1 {status} ".encode()), said[:200]
    if status != 200:
        assert set(json.loads(said.partition(b"\r\n\r\n")[2])["error"]) == {"code", "message"}
    _fine(served)


def test_who_leaves_ends_its_query(serve: Callable[..., Any]) -> None:
    served = serve({"endless": ENDLESS})
    for path, body in (
        ("/api/run", {"query": ENDLESS}),
        ("/api/ask", {"question": "the endless one"}),
        ("/api/ask/stream", {"question": "the endless one"}),
    ):
        left = served.metric("sqlrl_cancelled_total")
        with _raw(served, _post(json.dumps(body).encode(), path)):
            served.until(lambda: served.metric("sqlrl_calls_in_flight") == 1)
            time.sleep(0.2)
        served.until(lambda: served.metric("sqlrl_calls_in_flight") == 0, 3)
        served.until(lambda: served.metric("sqlrl_calls_abandoned") == 0, 3)
        if path != "/api/ask/stream":  # whose answer had begun
            assert served.metric("sqlrl_cancelled_total") == left + 1
        began = time.monotonic()
        _fine(served)  # the one worker is free
        assert time.monotonic() - began < 3


def test_who_closes_one_half_has_left(serve: Callable[..., Any]) -> None:
    served = serve()
    with _raw(served, _post(json.dumps({"query": ENDLESS}).encode())) as raw:
        served.until(lambda: served.metric("sqlrl_calls_in_flight") == 1)
        raw.shutdown(socket.SHUT_WR)
        assert _read(raw) == b""
    served.until(lambda: served.metric("sqlrl_calls_in_flight") == 0)


def test_who_does_not_read_is_left(serve: Callable[..., Any]) -> None:
    served = serve(bounds=QUICK)
    query = (
        "with recursive t(x) as (select 1 union all select x + 1 from t limit 900) select hex(zeroblob(4000)) from t"
    )
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    with raw:
        raw.connect(("127.0.0.1", served.port))
        raw.sendall(_post(json.dumps({"query": query}).encode()))
        served.until(lambda: served.metric('sqlrl_rejected_total{reason="unread"}') == 1, 15)
        served.until(lambda: not served.server.server_state.connections)
    with served.client() as client:  # the same, by one who reads
        assert len(client.post("/api/run", json={"query": query}).json()["rows"]) == 900


def test_a_long_call_is_no_slow_reader(serve: Callable[..., Any]) -> None:
    served = serve(bounds={**QUICK, "answer_seconds": 1.0})
    query = f"select ({ENDLESS.replace('from t)', 'from t limit 4000000)')}), hex(zeroblob(3000000))"
    with served.client() as client:
        answer = client.post("/api/run", json={"query": query}).json()
    assert answer["seconds"] > 0.3
    assert (answer["outcome"], len(answer["rows"][0][1])) == ("ok", 6_000_000)


def test_more_calls_than_may_be_at_once_wait_and_then_are_told_when(serve: Callable[..., Any]) -> None:
    open_now = threading.Event()

    def wait() -> str:
        open_now.wait(20)
        return "select 7"

    served = serve({"held": wait}, bounds={"concurrency": 3, "queue": 3})  # of which one client has two each
    with served.client() as client:
        found: list[Any] = []

        def ask() -> None:
            found.append(client.post("/api/ask", json={"question": "held"}))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for number, thread in enumerate(threads, 1):
            thread.start()
            served.until(lambda n=number: served.metric("sqlrl_requests_in_flight") == n)
        served.until(lambda: served.metric("sqlrl_calls_waiting") == 2)
        for path in ("ask", "ask/stream"):
            response = client.post(f"/api/{path}", json={"question": "held"})
            assert (response.status_code, response.json()["error"]["code"]) == (503, "busy")
            assert int(response.headers["retry-after"]) > 0
        assert client.get("/healthz").status_code == 200
        open_now.set()
        for thread in threads:
            thread.join()
    assert [response.json()["rows"] for response in found] == [[[7]]] * 4
    assert served.metric('sqlrl_rejected_total{reason="queue"}') == 2
    assert served.metric("sqlrl_calls_in_flight") == 0


def test_who_asks_and_leaves_piles_up_nothing(serve: Callable[..., Any]) -> None:
    open_now = threading.Event()

    def wait() -> str:
        open_now.wait(20)
        return "select 7"

    script = {"held": wait, "free": "select 8"}
    served = serve(script, bounds={"concurrency": 4, "queue": 2}, tokens=Tokens({"a": "ann", "b": "bo"}))
    before = threading.active_count()
    for _ in range(9):
        with _raw(served, _post(b'{"question": "held"}', "/api/ask", more="Authorization: Bearer a\r\n")):
            time.sleep(0.1)
        served.until(lambda: served.metric("sqlrl_requests_in_flight") == 0)
    assert served.metric("sqlrl_calls_abandoned") == 3
    assert threading.active_count() - before <= 10
    with served.client("a") as ann, served.client("b") as bo:
        assert ann.post("/api/ask", json={"question": "free"}).status_code == 503
        assert bo.post("/api/ask", json={"question": "free"}).json()["rows"] == [[8]]
        open_now.set()
        served.until(lambda: served.metric("sqlrl_calls_abandoned") == 0)
        assert ann.post("/api/ask", json={"question": "free"}).json()["rows"] == [[8]]


def test_one_client_s_haste_is_its_own(serve: Callable[..., Any]) -> None:
    served = serve(bounds={"rate": 1.0, "burst": 3.0})
    statuses = []
    for address in ("127.0.0.1", "127.0.0.9"):
        for _ in range(5):
            with _raw(
                served, b"GET /api/about HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", address
            ) as raw:
                said = _read(raw)
            statuses.append(int(said.split()[1]))
        assert b"retry-after: 1\r\n" in said
    assert statuses == [200, 200, 200, 429, 429] * 2
    with served.client() as client:
        assert [client.get("/healthz").status_code for _ in range(9)] == [200] * 9


def test_connections_are_counted(serve: Callable[..., Any]) -> None:
    served = serve(bounds={"connections": 5, "connections_each": 3})
    with contextlib.ExitStack() as stack:
        mine = [stack.enter_context(_raw(served)) for _ in range(3)]
        with _raw(served) as fourth:
            assert _read(fourth).startswith(b"HTTP/1.1 503 ")
        for _ in range(2):
            stack.enter_context(_raw(served, address="127.0.0.9"))
        with _raw(served, address="127.0.0.10") as sixth:
            assert _read(sixth).startswith(b"HTTP/1.1 503 ")
        mine[0].close()
        served.until(lambda: len(served.server.server_state.connections) == 4)
        _fine(served)


def test_an_idle_connection_is_closed(serve: Callable[..., Any]) -> None:
    served = serve(bounds=QUICK)
    with _raw(served, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n") as raw:
        began = time.monotonic()
        assert b'{"status":"ok"}' in _read(raw)
        assert 0.5 < time.monotonic() - began < 6
