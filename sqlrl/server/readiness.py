"""Readiness: whether the source and its workers answer, asked at most once a second, however many want to know."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

__all__ = ["Readiness"]


class Readiness:
    """probe: asks the source, in a thread. What calls find out counts too: a busy server is asked no more than need be.
    For one event loop."""

    def __init__(
        self, probe: Callable[[], bool], fresh: float = 1.0, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._probe = probe
        self._fresh = fresh
        self._now = now
        self._known: tuple[float, bool] | None = None
        self._asking: asyncio.Task[bool] | None = None

    def seen(self, answers: bool) -> None:
        """What a call found out."""
        self._known = (self._now(), answers)

    async def ready(self) -> bool:
        """Whether it answers."""
        if self._known is not None and self._now() - self._known[0] < self._fresh:
            return self._known[1]
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)  # one who leaves does not keep others from knowing

    async def _ask(self) -> bool:
        try:
            answers = await asyncio.to_thread(self._probe)
        except Exception:  # whatever is wrong with it, it is not ready
            answers = False
        self.seen(answers)
        return answers
