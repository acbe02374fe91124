"""Asynchrony: blocking work awaited from an event loop, each call in a thread that keeps nobody from leaving."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from sqlrl.layer.deadline import Deadline

__all__ = ["in_thread"]

_T = TypeVar("_T")


async def in_thread(work: Callable[[], _T], deadline: Deadline) -> _T:
    """What `work` gives. Not asyncio's own pool of threads: that has few, and a call that waits for a model would keep
    others from beginning. Cancelled, the deadline is over, so that `work` begins nothing more."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()

    def tell(result: Any, error: BaseException | None) -> None:
        if future.done():  # cancelled meanwhile
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def labour() -> None:
        result, failed = None, None
        try:
            result = work()
        except BaseException as error:  # raised again by who awaits
            failed = error
        try:
            loop.call_soon_threadsafe(tell, result, failed)
        except RuntimeError:  # the loop was closed: nobody awaits
            return

    threading.Thread(target=labour, name="sqlrl-layer", daemon=True).start()
    try:
        return await future
    except asyncio.CancelledError:
        deadline.cancel()
        raise
