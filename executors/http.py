"""Polite HTTP: requests that wait for their turn, are made again where that may help, and end in time."""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from sqlrl.executors.breaker import Breaker
from sqlrl.executors.errors import MissingExtraError, UnavailableError, UsageError
from sqlrl.executors.pace import Pace

__all__ = ["ATTEMPTS", "LARGEST_REPLY", "GarbledError", "PoliteClient", "Reply", "Request", "form"]

ATTEMPTS = 6
LARGEST_REPLY = 64 << 20  # bytes, unpacked
_LONGEST_WAIT = 60.0  # seconds between two attempts
_AGAIN = {408, 425, 429}  # and all from 500 on
_LOOK = 0.25  # seconds between two looks at whether anybody is to ask at all
_EXCERPT = 200  # characters of a reply in a message

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Request:
    """One request below a client's base. path, content: encoded as they are to be sent."""

    method: str
    path: str
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply. headers: by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def excerpt(self) -> str:
        """How it begins, on one line."""
        return " ".join(self.body[: 4 * _EXCERPT].decode("utf-8", "replace").split())[:_EXCERPT]


class GarbledError(Exception):
    """What came is no answer, though another attempt may bring one: cut off, or an error in the place of an answer."""


def form(parameters: Sequence[tuple[str, str]]) -> str:
    """Names and values as a query string or the body of a form: whatever a value holds, it stays one value."""
    return urlencode(parameters, quote_via=quote, safe="")


class PoliteClient:
    """Requests to one service.

    Each waits for its turn in the `pace`, which all processes of the machine share. What fails for a while (429, 5xx,
    a broken connection, a garbled reply) is tried again, at most six times, after a wait drawn between 0 and
    `backoff_seconds` doubled with each attempt ("full jitter"), and not before the service's own Retry-After; a 429
    holds all processes back. A redirect is not followed: what was asked of one host is nobody else's business. The
    deadline holds whatever happens: names that are not resolved, replies that drip. Once the `breaker` says that nobody
    is to ask, all requests end at once, those on their way too.

    base: a URL without user or password. pace, breaker: none for a server that is one's own. secrets: never shown in a
    message. final: whether a reply of 500 and more is an answer all the same. Methods may be called from several
    threads at once; requests run side by side on one thread of this client.
    """

    def __init__(
        self,
        service: str,
        base: str,
        pace: Pace | None,
        *,
        breaker: Breaker | None = None,
        backoff_seconds: float = 1.0,
        largest_reply: int = LARGEST_REPLY,
        headers: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
        final: Callable[[Reply], bool] = lambda reply: False,
    ) -> None:
        """UsageError where the base is no URL, MissingExtraError without httpx."""
        try:
            import httpx  # noqa: F401
        except ImportError:
            raise MissingExtraError("httpx", "live") from None
        self.service = service
        self.base = check_base(base)
        self.pace = pace
        self.breaker = breaker
        self._backoff_seconds = backoff_seconds
        self._largest_reply = largest_reply
        self._headers = {"User-Agent": "sqlrl", **(headers or {})}
        self._secrets = [secret for secret in secrets if secret]
        self._final = final
        self._opening = threading.Lock()
        self._line: _Line | None = None

    def ask(self, request: Request, read: Callable[[Reply], _T], deadline: float) -> _T:
        """What `read` makes of the reply. deadline: on the monotonic clock.

        read: gets any reply but 408, 425, 429, 5xx and redirects; raises GarbledError where another attempt may help,
        what else it raises is final. UnavailableError where the service gives no answer in time.
        """
        with self._opening:
            # A forked process has the line, but not the thread behind it.
            if self._line is None or self._line.process != os.getpid():
                self._line = _Line(self._headers)
            line = self._line
        asked = asyncio.run_coroutine_threadsafe(self._ask(line, request, read, deadline), line.loop)
        try:
            return asked.result()
        except BaseException:
            asked.cancel()
            raise

    def refuse(self, reply: Reply) -> UnavailableError:
        """The error for a reply that says no for good."""
        return self.failed(f"HTTP {reply.status}: {reply.excerpt}")

    def failed(self, why: str) -> UnavailableError:
        """The error for a service that won't answer this, asked again or not."""
        return UnavailableError(self.cleaned(f"{self.service} refuses: {why}"))

    def cleaned(self, text: str) -> str:
        """A text without what nobody may see."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def close(self) -> None:
        """Give back the connections. Asked again, it opens new ones."""
        with self._opening:
            line, self._line = self._line, None
        if line is not None and line.process == os.getpid():
            line.close()

    async def _ask(self, line: _Line, request: Request, read: Callable[[Reply], _T], deadline: float) -> _T:
        import httpx

        fault, started = "", time.monotonic()
        guard = _Guard(self.breaker, self.cleaned)
        await guard.enter(deadline - started)
        try:
            async with asyncio.timeout(max(deadline - started, 0)):
                for attempt in range(ATTEMPTS):
                    if self.pace is not None:
                        turn = await asyncio.to_thread(self.pace.take, deadline - time.monotonic())
                        await guard.waited(asyncio.sleep(turn))
                    least, shared = 0.0, False
                    try:
                        reply = await guard.waited(self._send(line, request), sent=True)
                        if (200 <= reply.status < 500 and reply.status not in _AGAIN) or self._final(reply):
                            return await self._taken(guard, read, reply)
                        fault = f"HTTP {reply.status}: {reply.excerpt}"
                        least = _retry_after(reply.headers.get("retry-after"))
                        shared = reply.status == 429 or least > 0
                    except (httpx.RequestError, GarbledError) as error:
                        fault = str(error) or type(error).__name__
                    await guard.failed(fault)
                    if attempt + 1 < ATTEMPTS:
                        drawn = random.uniform(0, min(_LONGEST_WAIT, self._backoff_seconds * 2**attempt))
                        wait = max(least, drawn)
                        if shared and self.pace is not None:
                            await asyncio.to_thread(self.pace.pause, wait)
                        if time.monotonic() + wait >= deadline:
                            break  # asking until the last moment would help nobody
                        await guard.waited(asyncio.sleep(wait))
        except TimeoutError:
            silent = f"no whole answer within {time.monotonic() - started:.1f} s"
            fault = silent + (f"; {fault}" if fault else "")
            if guard.sent:  # a turn that did not come is not the service's fault
                await guard.failed(silent)
        except UnavailableError as error:
            before = f"; before: {fault}" if fault and fault not in str(error) else ""
            raise UnavailableError(self.cleaned(f"{error}{before}")) from None
        finally:
            guard.end()
        raise UnavailableError(self.cleaned(f"{self.service} does not answer: {fault or 'no time is left'}"))

    async def _taken(self, guard: _Guard, read: Callable[[Reply], _T], reply: Reply) -> _T:
        """What is read from a reply that is final."""
        try:
            if 300 <= reply.status < 400:
                raise UnavailableError(self._elsewhere(reply))
            found = read(reply)
        except UnavailableError as error:
            await guard.failed(str(error))
            raise
        except GarbledError:
            raise
        except Exception:  # a query that is none, and the service says so
            await guard.answered()
            raise
        await guard.answered()
        return found

    async def _send(self, line: _Line, request: Request) -> Reply:
        call = line.client.build_request(
            request.method, f"{self.base}/{request.path}", content=request.content or None, headers=request.headers
        )
        reply = await line.client.send(call, stream=True)
        body = bytearray()
        try:
            async for part in reply.aiter_bytes():
                body += part
                if len(body) > self._largest_reply:
                    raise UnavailableError(f"{self.service} answers with more than {self._largest_reply:,} bytes")
        finally:
            await reply.aclose()
        return Reply(reply.status_code, {name.lower(): value for name, value in reply.headers.items()}, bytes(body))

    def _elsewhere(self, reply: Reply) -> str:
        target = urlsplit(reply.headers.get("location", ""))
        host = target.hostname or "another path"
        return f"{self.service} redirects to {host} (HTTP {reply.status}), which is not followed: give base=URL"


class _Guard:
    """What the breaker is told of one request, and the request of it."""

    def __init__(self, breaker: Breaker | None, cleaned: Callable[[str], str]) -> None:
        self.sent = False  # and not answered yet
        self._breaker = breaker
        self._caller = uuid.uuid4().hex[:16]
        self._cleaned = cleaned
        self._began = 0.0
        self._tries = False  # is the one that finds out whether the service is back

    async def enter(self, within_seconds: float) -> None:
        """UnavailableError where nobody is to ask."""
        if self._breaker is not None:
            self._tries = await asyncio.to_thread(self._breaker.enter, within_seconds)

    async def waited(self, coroutine: Coroutine[Any, Any, _T], *, sent: bool = False) -> _T:
        """What it gives. UnavailableError as soon as nobody is to ask any more. sent: it is the request itself."""
        waiting = asyncio.ensure_future(coroutine)
        self._began = time.time()
        self.sent = sent
        try:
            while True:
                if self._breaker is not None and not self._tries:
                    await asyncio.to_thread(self._breaker.check)
                if (await asyncio.wait({waiting}, timeout=_LOOK))[0]:
                    self.sent = False
                    return waiting.result()
        finally:
            if not waiting.done():
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)

    async def failed(self, why: str) -> None:
        if self._breaker is not None:
            tried, self._tries = self._tries, False
            failed = partial(self._breaker.failed, self._caller, self._cleaned(why), self._began, tried=tried)
            await asyncio.to_thread(failed)

    async def answered(self) -> None:
        if self._breaker is not None:
            self._tries = False
            await asyncio.to_thread(self._breaker.answered)

    def end(self) -> None:
        if self._tries and self._breaker is not None:
            self._breaker.gave_up()


class _Line:
    """An event loop on a thread of its own, and the connections that live there.

    Only a loop can give up on a request wherever it stands; time-outs of sockets count from the last byte.
    """

    def __init__(self, headers: Mapping[str, str]) -> None:
        import httpx

        self.process = os.getpid()
        self.loop = asyncio.new_event_loop()
        self.client: Any = httpx.AsyncClient(
            headers=dict(headers),
            timeout=httpx.Timeout(60, connect=15, pool=None),
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=8),
            follow_redirects=False,
        )
        self._thread = threading.Thread(target=self.loop.run_forever, name="sqlrl-http", daemon=True)
        self._thread.start()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self.client.aclose()
        await asyncio.sleep(0)  # sockets close on the loop's next round
        await self.loop.shutdown_default_executor()


def check_base(base: str) -> str:
    """The URL without a slash at its end. UsageError where it is none, or holds a user or password."""
    try:
        parts = urlsplit(base)
        parts.port  # noqa: B018  # raises where it is no number
    except ValueError as error:
        raise UsageError(f"a service's base is no URL: {error}") from None
    if "@" in parts.netloc:
        raise UsageError("a service's base must not hold a user or password: it is shown and kept")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise UsageError(f"a service's base is http://host or https://host, maybe with a path, not {base!r:.80}")
    return base.rstrip("/")


def _retry_after(value: str | None) -> float:
    """Seconds that a Retry-After asks for, written as a number or as a date; 0 where it says nothing."""
    if not value:
        return 0.0
    try:
        return max(0.0, float(value)) if value.strip().replace(".", "", 1).isdigit() else _until(value)
    except (ValueError, OverflowError):
        return 0.0


def _until(value: str) -> float:
    moment = parsedate_to_datetime(value)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
