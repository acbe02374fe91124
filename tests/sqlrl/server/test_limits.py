"""Turns, rates and clients."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrl.server.limits import Bounds, BusyError, Gate, Rates, client_of


def test_turns_come_in_order() -> None:
    async def run() -> list[int]:
        gate, order = Gate(Bounds(concurrency=1, queue=20)), []

        async def call(number: int) -> None:
            async with gate.turn(5) as left:
                assert 0 < left <= 5
                order.append(number)
                await asyncio.sleep(0.001)

        await asyncio.gather(*map(call, range(8)))
        assert (gate.inside, gate.waiting) == (0, 0)
        return order

    assert asyncio.run(run()) == list(range(8))


def test_who_waits_too_long_is_told() -> None:
    async def run() -> None:
        gate = Gate(Bounds(concurrency=1, queue=1, wait_seconds=0.02))
        async with gate.turn(5):
            with pytest.raises(BusyError, match="wait"):
                async with gate.turn(5):
                    raise AssertionError
            with pytest.raises(BusyError, match="wait"):
                async with gate.turn(0.01):
                    raise AssertionError
            waiting = asyncio.ensure_future(gate._enter(5))
            await asyncio.sleep(0)
            with pytest.raises(BusyError, match="queue"):
                await gate._enter(5, "another")
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await waiting
            assert gate.waiting == 0
        assert gate.inside == 0

    asyncio.run(run())


def test_one_gives_up_in_the_moment_in_which_another_ends() -> None:
    async def run() -> None:
        gate = Gate(Bounds(concurrency=1, queue=4))
        await gate._enter(5)
        waiting = [asyncio.ensure_future(gate._enter(5)) for _ in range(2)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        gate._leave()  # before the one that was cancelled knows of it
        await asyncio.wait(waiting)
        assert waiting[0].cancelled()
        assert waiting[1].result() is None
        assert (gate.inside, gate.waiting) == (1, 0)
        last = asyncio.ensure_future(gate._enter(5))
        await asyncio.sleep(0)
        gate._leave()
        last.cancel()  # after its turn came, before it knows of it
        await asyncio.wait([last])
        assert (gate.inside, gate.waiting) == (0, 0)

    asyncio.run(run())


def test_no_place_is_lost() -> None:
    """Whatever calls do: end, fail, are cancelled while they wait, or in the moment in which their turn comes."""

    async def run(seed: int) -> None:
        draw = random.Random(seed)
        gate = Gate(Bounds(concurrency=3, queue=20, wait_seconds=0.004))
        most = 0

        async def call() -> None:
            nonlocal most
            async with gate.turn(draw.choice([0.001, 0.003, 5]), draw.choice("ab")):
                most = max(most, gate.inside)
                assert max(gate._inside.values()) <= 2
                await asyncio.sleep(draw.choice([0, 0, 0.001, 0.002]))
                if draw.random() < 0.2:
                    raise ValueError

        calls = []
        for _ in range(200):
            calls.append(asyncio.ensure_future(call()))
            if draw.random() < 0.3:
                draw.choice(calls).cancel()
            await asyncio.sleep(draw.choice([0, 0, 0.0005]))
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(each, (BusyError, ValueError, asyncio.CancelledError, type(None))) for each in ended)
        assert any(each is None for each in ended)
        assert most <= 3
        assert (gate.inside, gate.waiting) == (0, 0)

    for seed in range(5):
        asyncio.run(run(seed))


def test_one_client_leaves_room_for_others() -> None:
    async def run() -> None:
        gate = Gate(Bounds(concurrency=4, queue=4))
        ann = [asyncio.ensure_future(gate._enter(5, "ann")) for _ in range(8)]
        await asyncio.sleep(0)
        assert (gate.inside, gate.waiting) == (3, 3)
        assert [isinstance(each.exception(), BusyError) for each in ann if each.done()] == [False] * 3 + [True] * 2
        await gate._enter(5, "bo")  # at once, before those of ann's that wait
        bo = asyncio.ensure_future(gate._enter(5, "bo"))
        await asyncio.sleep(0)
        assert (gate.inside, gate.waiting) == (4, 4)
        gate._leave("bo")
        await asyncio.sleep(0)
        assert bo.done()  # ann has as many as she may
        gate._leave("ann")
        await asyncio.sleep(0)
        assert (gate.inside, gate.waiting) == (4, 2)
        for each in ann:
            each.cancel()

    asyncio.run(run())


def test_calls_that_are_left_behind_keep_their_client_out() -> None:
    async def run() -> None:
        left = Counter({"ann": 3})
        gate = Gate(Bounds(concurrency=4), lambda: left)
        with pytest.raises(BusyError, match="abandoned"):
            await gate._enter(5, "ann")
        await gate._enter(5, "bo")
        left["cy"] = 13
        with pytest.raises(BusyError, match="abandoned"):
            await gate._enter(5, "bo")
        left["ann"] = 2
        await gate._enter(5, "ann")

    asyncio.run(run())


@given(st.lists(st.floats(0, 3), max_size=60), st.floats(0.5, 20), st.floats(1, 30))
def test_no_client_gets_more_than_its_rate(gaps: list[float], rate: float, burst: float) -> None:
    now = 0.0
    rates = Rates(rate, burst, now=lambda: now)
    let_in = []
    for gap in gaps:
        now += gap
        wait = rates.take("ann")
        assert (wait == 0) or 0 < wait <= 1 / rate + 1e-6
        if not wait:
            let_in.append(now)
    for first in range(len(let_in)):
        for last in range(first, len(let_in)):
            assert last - first + 1 <= burst + (let_in[last] - let_in[first]) * rate + 1e-6


def test_rates_hold_for_each_and_forget() -> None:
    rates = Rates(1, 2, most=100)
    assert [bool(rates.take("ann")) for _ in range(3)] == [False, False, True]
    assert not rates.take("bo")
    for number in range(1_000):
        rates.take(str(number))
    assert len(rates) == 100
    assert not any(Rates(0, 0).take("ann") for _ in range(1_000))


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("10.0.0.7", "10.0.0.7"),
        ("::ffff:10.0.0.7", "10.0.0.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9%eth0", "2001:db8:1:2::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_clients(host: str, client: str) -> None:
    assert client_of(host) == client
