"""Calls of asyncio that are cancelled: how many are left behind, and whether a source answers at all."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from sqlrl.layer import Connection
from sqlrl.layer.asynchrony import CALLER, abandoned, in_thread
from sqlrl.layer.deadline import Deadline
from sqlrl.layer.schema import Schema


def test_what_is_left_behind_is_counted() -> None:
    before, open_now = abandoned(), threading.Event()

    async def run() -> None:
        CALLER.set("ann")
        calls = [asyncio.ensure_future(in_thread(lambda: open_now.wait(10), Deadline(10))) for _ in range(5)]
        ended = asyncio.ensure_future(in_thread(lambda: 7, Deadline(10)))
        assert await ended == 7
        assert abandoned() == before
        for call in calls[:3]:
            call.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await call
        assert abandoned() - before == Counter({"ann": 3})
        open_now.set()
        assert await asyncio.gather(*calls[3:]) == [True, True]

    asyncio.run(run())
    end = time.monotonic() + 5
    while abandoned() != before and time.monotonic() < end:
        time.sleep(0.01)
    assert abandoned() == before


def test_a_source_answers_until_it_is_closed(source: str, opened: Callable[..., Connection]) -> None:
    log: list[object] = []
    connection = opened(source, audit=log.append)
    assert connection.answers()
    connection.close()
    assert not connection.answers()
    assert log == []


def test_primary_keys_are_known(shop: Path, opened: Callable[..., Connection]) -> None:
    schema = opened(shop).schema
    assert {
        (table.name, column.name) for table in schema.tables for column in table.columns if column.key
    } == {("customer", "id"), ("orders", "id")}  # fmt: skip
    both = Schema.read(
        'CREATE TABLE t("A" int, b int, c int, CONSTRAINT k PRIMARY KEY ("A", b), UNIQUE (c));', "sqlite"
    )
    assert [column.key for column in both.tables[0].columns] == [True, True, False]
