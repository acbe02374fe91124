"""The server made of a connection in the same process: what the command line has no words for."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp_types")

from mcp.client import Client

from sqlrl.layer import connect
from sqlrl.server.mcp import AT_ONCE, make_server


@pytest.fixture
def shop(tmp_path: Path) -> str:
    path = tmp_path / "shop.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("create table orders(id integer primary key, customer_id integer, note text)")
        connection.executemany("insert into orders values (?, ?, ?)", [(i, i % 3, "hidden") for i in range(12)])
    connection.close()
    return str(path)


class Slow:
    """A policy that is asked side by side, and takes its time. most: how many were asked at once."""

    name = "slow"
    parallel = 100

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.now = self.most = 0
        self.stop = threading.Event()
        self._lock = threading.Lock()

    def generate(self, prompts: list[Any], n: int = 1, **how: Any) -> list[list[str]]:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.stop.wait(self.seconds)
        with self._lock:
            self.now -= 1
        return [['<think>so</think><answer>{"sql": "select count(*) from orders"}</answer>'] * n for _ in prompts]


def test_filters_and_columns_hold_for_every_tool(shop: str) -> None:
    async def run() -> None:
        with connect(
            shop,
            Slow(0),
            workers=1,
            row_filters={"orders": {"customer_id": 1}},
            columns={"orders": ["id", "customer_id"]},
        ) as connection:
            async with Client(make_server(connection)) as client:
                asked = await client.call_tool("ask", {"question": "how many?"})
                assert asked.structured_content["rows"] == [[4]]
                for query in ("select note from orders", "select * from main.orders where customer_id = 2"):
                    result = await client.call_tool("run_query", {"query": query})
                    assert "hidden" not in str(result.structured_content["rows"])
                    assert not [row for row in result.structured_content["rows"] if row[1:2] == [2]]
                described = await client.call_tool("describe", {})
                assert "note" not in str(described.structured_content)
                (contents,) = (await client.read_resource("schema://source")).contents
                assert "note" not in str(contents)

    asyncio.run(run())


def test_so_many_calls_run_at_once_and_the_rest_wait(shop: str) -> None:
    policy = Slow(0.1)

    async def run() -> None:
        with connect(shop, policy, workers=1) as connection:
            async with Client(make_server(connection)) as client:
                calls = [client.call_tool("ask", {"question": f"how many {i}?"}) for i in range(3 * AT_ONCE)]
                assert {str(each.structured_content["rows"]) for each in await asyncio.gather(*calls)} == {"[[12]]"}

    asyncio.run(run())
    assert policy.most == AT_ONCE


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_a_cancelled_question_waits_for_no_policy(shop: str, mode: str) -> None:
    policy = Slow(30)

    async def run() -> None:
        with connect(shop, policy, workers=1) as connection:
            async with Client(make_server(connection), mode=mode) as client:
                call = asyncio.create_task(client.call_tool("ask", {"question": "how many?"}))
                while not policy.now:
                    await asyncio.sleep(0.01)
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
                result = await client.call_tool("run_query", {"query": "select count(*) from orders"})
                assert result.structured_content["rows"] == [[12]]

    began = time.monotonic()
    try:
        asyncio.run(run())
        assert time.monotonic() - began < 10
    finally:
        policy.stop.set()


def test_a_bug_of_ours_is_told_to_the_log_alone(shop: str, capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(Slow):
        def generate(self, prompts: list[Any], n: int = 1, **how: Any) -> list[list[str]]:
            raise ZeroDivisionError("/secret/place")

    async def run() -> None:
        with connect(shop, Broken(0), workers=1) as connection:
            async with Client(make_server(connection)) as client:
                result = await client.call_tool("ask", {"question": "how many?"})
                assert result.is_error
                assert "/secret/place" not in str(result)

    asyncio.run(run())
    assert "ZeroDivisionError: /secret/place" in capsys.readouterr().err
