"""Readiness: asked once, however many want to know."""

from __future__ import annotations

import asyncio
import time

from sqlrl.server.readiness import Readiness


def test_many_who_ask_at_once_ask_once() -> None:
    now, asked = 0.0, 0

    def probe() -> bool:
        nonlocal asked
        asked += 1
        time.sleep(0.02)
        return asked != 2

    async def run() -> None:
        nonlocal now
        readiness = Readiness(probe, now=lambda: now)
        assert await asyncio.gather(*(readiness.ready() for _ in range(20))) == [True] * 20
        assert asked == 1
        now = 0.9
        assert await readiness.ready()
        assert asked == 1
        now = 2.0
        assert not await readiness.ready()
        readiness.seen(True)  # a call got an answer
        assert await readiness.ready()
        assert asked == 2

    asyncio.run(run())


def test_one_who_leaves_keeps_nobody_from_knowing() -> None:
    async def run() -> None:
        readiness = Readiness(lambda: time.sleep(0.05) is None)
        first, second = (asyncio.ensure_future(readiness.ready()) for _ in range(2))
        await asyncio.sleep(0.01)
        first.cancel()
        assert await second

    asyncio.run(run())


def test_a_probe_that_breaks_is_no_answer() -> None:
    def probe() -> bool:
        raise OSError

    assert not asyncio.run(Readiness(probe).ready())
