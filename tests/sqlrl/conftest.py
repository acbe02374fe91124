"""A small benchmark of our own, in Spider's layout, a scripted policy that answers it, and a server of completions."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

QUESTIONS = [
    ("how many products?", "SELECT count(*) FROM product"),
    ("which products are cheap?", "SELECT name FROM product WHERE price < 3"),
    ("what is the dearest product?", "SELECT name FROM product ORDER BY price DESC LIMIT 1"),
    ("which products cost nothing?", "SELECT name FROM product WHERE price = 0"),
]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The data root of a Spider-like benchmark over one database."""
    root = tmp_path / "spider"
    (root / "database" / "shop").mkdir(parents=True)
    with sqlite3.connect(root / "database" / "shop" / "shop.sqlite") as connection:
        connection.execute("create table product(name text, price real)")
        connection.executemany("insert into product values (?, ?)", [("pen", 1.5), ("ink", 2.5), ("desk", 90.0)])
    connection.close()
    items = [{"db_id": "shop", "question": question, "query": query} for question, query in QUESTIONS]
    for file in ("dev.json", "train_spider.json"):
        (root / file).write_text(json.dumps(items))
    return tmp_path


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """Answers to the four questions: right, wrong, in the wrong form, and refused."""

    def form(query: str) -> str:
        return f'<think>products</think><answer>{{"sql": "{query}"}}</answer>'

    answers = [
        form("SELECT count(name) FROM product"),
        form("SELECT name FROM product"),
        "```sql\nSELECT name FROM product ORDER BY price DESC LIMIT 1\n```",
        form("DROP TABLE product"),
    ]
    path = tmp_path / "script.jsonl"
    lines = [json.dumps({"question": q, "completion": a}) for (q, _), a in zip(QUESTIONS, answers, strict=True)]
    path.write_text("\n".join(lines))
    return path


@dataclass
class Fault:
    """What a server does in place of an answer. status 0 cuts the connection. cut: bytes of the body to send, of all
    that the header promises. drip: seconds between two bytes."""

    status: int
    text: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    cut: int | None = None
    drip: float = 0.0


class ChatServer:
    """Speaks OpenAI's chat completions. say: body -> texts, or a Fault. faults: these come first, one a request.
    at_most: choices in one reply. asked, keys: what came, in order."""

    def __init__(self) -> None:
        self.say: Callable[[dict[str, Any]], list[str] | Fault] = _echo
        self.faults: list[Fault] = []
        self.at_most = 100
        self.counts = True
        self.finish = "stop"
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.times: list[float] = []
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def reply(self, body: dict[str, Any]) -> Fault:
        with self._lock:
            self.asked.append(body)
            self.times.append(time.monotonic())
            fault = self.faults.pop(0) if self.faults else None
        said = fault or self.say(body)
        if isinstance(said, Fault):
            return said
        texts = said[: self.at_most]
        content: dict[str, Any] = {
            "choices": [{"message": {"content": text}, "finish_reason": self.finish} for text in texts]
        }
        if self.counts:
            content["usage"] = {"prompt_tokens": 100, "completion_tokens": 10 * len(texts)}
        return Fault(200, json.dumps(content))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with server._lock:
                    server.keys.append(self.headers.get("Authorization"))
                reply = server.reply(body)
                time.sleep(reply.seconds)
                self.close_connection = self.close_connection or not reply.status or reply.cut is not None
                if not reply.status:
                    return
                data = reply.text.encode()
                try:
                    self.send_response(reply.status)
                    for name, value in {"Content-Length": str(len(data)), **reply.headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    step = 1 if reply.drip else max(1, len(data))
                    for start in range(0, len(data[: reply.cut]), step):
                        self.wfile.write(data[: reply.cut][start : start + step])
                        time.sleep(reply.drip)
                except OSError:
                    pass  # who asked has gone

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        return Handler


def _echo(body: dict[str, Any]) -> list[str]:
    """The last message, with the seed of each completion."""
    seed = body.get("seed", 0)
    return [f"{body['messages'][-1]['content']} {seed + index}" for index in range(body.get("n", 1))]


@pytest.fixture
def server() -> Iterator[ChatServer]:
    server = ChatServer()
    yield server
    server.close()


@pytest.fixture
def fault() -> type[Fault]:
    return Fault


@pytest.fixture(autouse=True)
def own_answers(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the answers that another one keeps."""
    folder = tmp_path_factory.mktemp("answers")
    monkeypatch.setattr("sqlrl.asking.default_folder", lambda: folder)
