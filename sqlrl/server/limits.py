"""Limits: how much the server takes on: bytes, seconds, calls at once, calls of one client, connections."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

__all__ = ["Bounds", "BusyError", "Gate", "Rates", "client_of"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """concurrency: calls at once; queue: further ones that wait for their turn, wait_seconds at most. rate: requests of
    one client a second, 0 for any number; burst: how many may come at once after a rest. body_bytes: of a request.

    head_seconds, body_seconds: for a request's head and its body to arrive. idle_seconds: how long a connection is kept
    between requests. linger_seconds: how long what follows an early refusal is read and thrown away, so that the
    refusal arrives. stall_seconds: how long a client may take nothing of an answer; answer_seconds: for all of it.
    connections: at once; connections_each: of one address. grace_seconds: for calls in flight when the server stops.
    """

    concurrency: int = 16
    queue: int = 64
    wait_seconds: float = 10.0
    rate: float = 20.0
    burst: float = 40.0
    body_bytes: int = 1 << 20
    head_seconds: float = 10.0
    body_seconds: float = 20.0
    idle_seconds: int = 10
    linger_seconds: float = 3.0
    stall_seconds: float = 15.0
    answer_seconds: float = 300.0
    connections: int = 1_000
    connections_each: int = 250
    grace_seconds: int = 15


class BusyError(Exception):
    """No call can be taken on now. after: seconds until another try may help. Never leaves this folder."""

    def __init__(self, reason: str, after: float) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


class Gate:
    """Lets so many calls in at once and a few wait, first come, first served; but of places and queue one client gets
    three quarters at most, so that there is room for others. left: how many calls of each client nobody awaits that
    have not ended; a client with as many of these as it may have inside is not let in, nor is anybody once they are
    four times the places, so that who asks and leaves piles up no threads. For one event loop."""

    def __init__(self, bounds: Bounds, left: Callable[[], Counter[str]] = Counter) -> None:
        self.bounds = bounds
        self._left = left
        self._inside: Counter[str] = Counter()
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []

    @property
    def inside(self) -> int:
        """How many have been let in."""
        return self._inside.total()

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._waiting)

    @contextlib.asynccontextmanager
    async def turn(self, seconds: float, client: str = "") -> AsyncIterator[float]:
        """A call's turn: what is left of its seconds when it has come. BusyError where it doesn't come in time."""
        began = time.monotonic()
        await self._enter(seconds, client)
        try:
            yield max(0.001, seconds - (time.monotonic() - began))
        finally:
            self._leave(client)

    async def _enter(self, seconds: float, client: str = "") -> None:
        left, most = self._left(), self.bounds.concurrency
        if left[client] >= _most_of_one(most) or left.total() >= 4 * most:
            raise BusyError("abandoned", 5.0)
        if self._may(client):
            self._inside[client] += 1
            return
        mine = sum(each == client for each, _ in self._waiting)
        if len(self._waiting) >= self.bounds.queue or mine >= _most_of_one(self.bounds.queue):
            raise BusyError("queue", 2.0)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        place = (client, turn)
        self._waiting.append(place)
        try:
            async with asyncio.timeout(min(self.bounds.wait_seconds, seconds)):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():  # it came in the same moment
                self._leave(client)
            else:
                self._waiting.remove(place)
            if isinstance(error, TimeoutError):
                raise BusyError("wait", 2.0) from None
            raise

    def _may(self, client: str) -> bool:
        most = self.bounds.concurrency
        return self.inside < most and self._inside[client] < _most_of_one(most)

    def _leave(self, client: str = "") -> None:
        self._inside[client] -= 1
        if not self._inside[client]:
            del self._inside[client]
        for place in list(self._waiting):
            other, turn = place
            if not turn.done() and self._may(other):
                self._waiting.remove(place)
                self._inside[other] += 1
                turn.set_result(None)


def _most_of_one(places: int) -> int:
    """How many of some places one client may have."""
    return max(1, places - max(1, places // 4))


class Rates:
    """A bucket of tokens for each client, which fills by `rate` a second up to `burst`. most: how many clients are
    remembered; of more, those that came longest ago are forgotten, whose buckets are the fullest."""

    def __init__(
        self, rate: float, burst: float, most: int = 10_000, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.rate = rate
        self.burst = max(1.0, burst)
        self.most = most
        self._now = now
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, client: str) -> float:
        """0 where a request may come in, else the seconds until one may."""
        if self.rate <= 0:
            return 0.0
        now = self._now()
        held, when = self._buckets.pop(client, (self.burst, now))
        held = min(self.burst, held + (now - when) * self.rate)
        wait = 0.0 if held >= 1 else (1 - held) / self.rate
        self._buckets[client] = (held - 1 if held >= 1 else held, now)
        while len(self._buckets) > self.most:
            self._buckets.popitem(last=False)
        return wait


def client_of(host: str) -> str:
    """What an address is counted as: of IPv6 the network, whose addresses one client may use at will."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
