"""Asynchrony: blocking work awaited from an event loop, each call in a thread that keeps nobody from leaving."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from sqlrl.layer.deadline import Deadline

__all__ = ["CALLER", "abandoned", "in_thread"]

CALLER: ContextVar[str] = ContextVar("caller", default="")  # for whom the calls of a context are made

_T = TypeVar("_T")
_lock = threading.Lock()
_left: dict[int, str] = {}  # calls that were cancelled and whose threads have not ended -> for whom they were


def abandoned() -> Counter[str]:
    """How many cancelled calls of each caller still wait for something that cannot be stopped, such as a policy's
    answer: who takes calls from strangers wants to know before taking more."""
    with _lock:
        return Counter(_left.values())


async def in_thread(work: Callable[[], _T], deadline: Deadline) -> _T:
    """What `work` gives. Not asyncio's own pool of threads: that has few, and a call that waits for a model would keep
    others from beginning. Cancelled, the deadline is over, so that `work` begins nothing more."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()
    ended = False
    number = id(future)

    def tell(result: Any, error: BaseException | None) -> None:
        if future.done():  # cancelled meanwhile
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def labour() -> None:
        nonlocal ended
        result, failed = None, None
        try:
            result = work()
        except BaseException as error:  # raised again by who awaits
            failed = error
        with _lock:
            ended = True
            _left.pop(number, None)
        try:
            loop.call_soon_threadsafe(tell, result, failed)
        except RuntimeError:  # the loop was closed: nobody awaits
            return

    threading.Thread(target=labour, name="sqlrl-layer", daemon=True).start()
    try:
        return await future
    except asyncio.CancelledError:
        with _lock:
            if not ended:
                _left[number] = CALLER.get()
        deadline.cancel()
        raise
