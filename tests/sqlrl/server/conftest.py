"""A shop that is served: a real server on loopback, over a real database, with a policy that says what a test says."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from sqlrl.executors import Limits
from sqlrl.layer import connect
from sqlrl.server.app import make_app
from sqlrl.server.limits import Bounds
from sqlrl.server.metrics import Metrics
from sqlrl.server.serving import Server, bind

DDL = """
create table customer(id integer primary key, name text, country text);
create table orders(id integer primary key, customer_id integer references customer(id), total real, day text);
"""
ENDLESS = "with recursive t(x) as (select 1 union all select x + 1 from t) select count(*) from t"
HOSTS = frozenset(["127.0.0.1", "localhost"])


class Said:
    """A policy: what a question contains -> a query, or a function that gives one. It may be asked at once by many."""

    parallel = 8
    prompter = None
    name = "said"

    def __init__(self, script: dict[str, str | Callable[[], str]]) -> None:
        self.script = script
        self.asked = 0

    def generate(
        self, prompts: Sequence[list[dict[str, str]]], n: int = 1, temperature: float = 0.0, max_tokens: int = 512
    ) -> list[list[str]]:
        self.asked += 1
        said = []
        for prompt in prompts:
            words = " ".join(message["content"] for message in prompt)
            query = next((query for key, query in self.script.items() if key in words), "select 1")
            text = query if isinstance(query, str) else query()
            said.append([f"<think></think><answer>{json.dumps({'sql': text})}</answer>"] * n)
        return said


@dataclass
class Served:
    """A server at work. url: ends without a slash."""

    server: Server
    thread: threading.Thread
    connection: Any
    metrics: Metrics
    port: int
    url: str = ""
    clients: list[httpx.Client] = field(default_factory=list)

    def client(self, token: str | None = None, **settings: Any) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=30, **settings)
        self.clients.append(client)
        return client

    def metric(self, name: str) -> float:
        """The sum of a metric's series."""
        lines = [line.rsplit(" ", 1) for line in self.metrics.text().splitlines() if not line.startswith("#")]
        return sum(float(value) for series, value in lines if series.startswith(name))

    def until(self, holds: Callable[[], bool], seconds: float = 10.0) -> None:
        """Wait for what must become true."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, "it did not become true in time"
            time.sleep(0.01)

    def stop(self) -> None:
        for client in self.clients:
            client.close()
        self.server.should_exit = True
        self.thread.join(30)
        assert not self.thread.is_alive()
        self.connection.close()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(DDL)
        connection.executemany(
            "insert into customer values (?, ?, ?)", [(1, "Ann", "Norway"), (2, "Bo", "Peru"), (3, "Cy", "Peru")]
        )
        connection.executemany(
            "insert into orders values (?, ?, ?, ?)",
            [(n, n % 3 + 1, n * 1.5, f"2026-01-{n:02d}") for n in range(1, 13)],
        )
    connection.close()
    return path


@pytest.fixture
def serve(shop: Path) -> Iterator[Callable[..., Served]]:
    """Starts servers of the shop, which end with the test. script: see `Said`; None for no policy. bounds: see
    `Bounds`. settings: of `connect`; the rest: of `make_app`."""
    running: list[Served] = []

    def started(
        script: dict[str, Any] | None = None, *, source: Any = None, policy: Any = None,
        bounds: dict[str, Any] | None = None, settings: dict[str, Any] | None = None, **given: Any,
    ) -> Served:  # fmt: skip
        policy = policy if script is None else Said(script)
        how: dict[str, Any] = {"workers": 1, "deadline": 20.0, "limits": Limits(seconds=20.0), **(settings or {})}
        connection = connect(source if source is not None else shop, policy, **how)
        limits, metrics = Bounds(**{"rate": 0.0, "grace_seconds": 5, **(bounds or {})}), Metrics()
        app = make_app(connection, bounds=limits, metrics=metrics, **{"hosts": HOSTS, **given})
        bound = bind("127.0.0.1", 0)
        ready = threading.Event()
        server = Server(app, limits, metrics, ready=ready.set)
        thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
        thread.start()
        assert ready.wait(30)
        port = bound.getsockname()[1]
        running.append(Served(server, thread, connection, metrics, port, f"http://127.0.0.1:{port}"))
        return running[-1]

    yield started
    for served in running:
        served.stop()
