"""A local HTTP server that says what a test tells it to: the other end of every client of a service."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

__all__ = ["Answer", "Asked", "Loopback", "serving"]


@dataclass(frozen=True)
class Asked:
    """One request as it arrived. values: of the address and of a form, decoded, as pairs."""

    method: str
    path: str
    values: list[tuple[str, str]]
    body: bytes
    headers: dict[str, str]
    at: float

    def __getitem__(self, name: str) -> str:
        found = [value for key, value in self.values if key == name]
        assert len(found) == 1, f"{name} is given {len(found)} times: {self.values}"
        return found[0]

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _ in self.values)


@dataclass(frozen=True)
class Answer:
    """What to say. drip: seconds between two bytes. missing: bytes that are announced and never come. before: seconds
    of silence."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drip: float = 0.0
    missing: int = 0
    before: float = 0.0

    @property
    def bytes(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


class Loopback:
    """Answers every request by a function of it, and remembers them all. `first`: answers that come before."""

    def __init__(self, answer: Callable[[Asked], Answer]) -> None:
        self.answer = answer
        self.first: list[Answer] = []
        self.asked: list[Asked] = []
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.port = self._http.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=lambda: self._http.serve_forever(poll_interval=0.01))
        self._thread.start()

    def say_first(self, answers: Sequence[Answer]) -> None:
        """Answer the next requests so, and then as ever."""
        self.first = list(answers)

    def close(self) -> None:
        self._ending.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # it would cost 40 ms a reply

            def _reply(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                values = parse_qsl(parts.query, keep_blank_values=True)
                if "form" in self.headers.get("Content-Type", ""):
                    values += parse_qsl(body.decode(), keep_blank_values=True)
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, parts.path, values, body, headers, time.monotonic())
                with server._lock:
                    server.asked.append(asked)
                    answer = server.first.pop(0) if server.first else None
                answer = answer or server.answer(asked)
                server._ending.wait(answer.before)
                content = answer.bytes
                with suppress(OSError):  # who asked may have gone
                    self.send_response(answer.status)
                    kind = "application/json" if not isinstance(answer.body, (bytes, str)) else "text/plain"
                    for name, value in {"Content-Type": kind, **answer.headers}.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(content) + answer.missing))
                    self.end_headers()
                    if answer.drip:
                        for place in range(len(content)):
                            self.wfile.write(content[place : place + 1])
                            self.wfile.flush()
                            if server._ending.wait(answer.drip):
                                break
                    else:
                        self.wfile.write(content)
                if answer.missing:
                    self.close_connection = True

            do_GET = do_POST = do_DELETE = do_HEAD = do_PUT = _reply

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler


@contextmanager
def serving(answer: Callable[[Asked], Answer]) -> Iterator[Loopback]:
    """A server while it is needed."""
    server = Loopback(answer)
    try:
        yield server
    finally:
        server.close()
