"""Steps: an answer as it comes about: a line of JSON for each step, and a last one with the answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from sqlrl.server.replies import STOPPING, as_json, error_body

if TYPE_CHECKING:
    from sqlrl.server.limits import Gate

__all__ = ["Steps"]

Asking = Callable[[float, Callable[[str], None]], Awaitable[dict[str, Any]]]


class Steps(Response):
    """who: whose turn it takes. ask: seconds and a function that is told of each step -> the last line. text: a step as
    clients may see it.

    What keeps a call from being taken on is raised before the first line, so that it is an error and no stream.
    """

    media_type = "application/x-ndjson"

    def __init__(self, gate: Gate, seconds: float, who: str, ask: Asking, text: Callable[[str], str]) -> None:
        super().__init__(media_type=self.media_type)
        del self.headers["content-length"]
        self._gate = gate
        self._seconds = seconds
        self._who = who
        self._ask = ask
        self._text = text

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        loop = asyncio.get_running_loop()
        steps: asyncio.Queue[str | None] = asyncio.Queue()

        def say(words: str) -> None:  # from the thread of the call
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(steps.put_nowait, words)

        async with self._gate.turn(self._seconds, self._who) as left:
            asking = asyncio.ensure_future(self._ask(left, say))
            asking.add_done_callback(lambda _: steps.put_nowait(None))
            try:
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                while (words := await steps.get()) is not None:
                    await _line(send, {"step": self._text(words)}, more=True)
                last = await asking
            except asyncio.CancelledError:  # the server stops; where the client has left, nobody hears it
                with contextlib.suppress(OSError):
                    await _line(send, error_body(*STOPPING), more=False)
                raise
            finally:
                asking.cancel()
        await _line(send, last, more=False)


async def _line(send: Any, item: dict[str, Any], *, more: bool) -> None:
    await send({"type": "http.response.body", "body": as_json(item) + b"\n", "more_body": more})
