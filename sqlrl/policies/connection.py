"""A connection: one server asked politely: again after a fault, later where it says so, with less where it must.

What asking again can mend: no connection, a reply that is cut off, HTTP 408, 409, 425, 429 and 5xx. Waits double and
are drawn partly at random; a Retry-After of one reply holds back the other requests too.
"""

from __future__ import annotations

import os
import random
import re
import threading
import time
from typing import Any

from sqlrl.executors.errors import MissingExtraError, UnavailableError, UsageError
from sqlrl.policies.cache import Answer
from sqlrl.policies.events import completion_of, is_stream
from sqlrl.policies.usage import Usage

__all__ = ["Connection"]

ATTEMPTS = 6
ATTEMPTS_AT_FIRST = 3  # to reach a server that has never answered: the address may be wrong
LARGEST_REPLY = 64 << 20  # bytes
LONGEST_WAIT = 120.0  # seconds between two tries, whatever the server asks for
_AGAIN = {408, 409, 425, 429}
_TOO_LONG = re.compile(
    r"context[ _](length|window|size)|too many tokens|(prompt|input) is too long|exceed[\w ]*context", re.IGNORECASE
)
_STREAM = re.compile(r"\b(only|must|requires?|set)\b.*\bstream|\bstream\w*\b.*\b(only|must|required?)\b", re.IGNORECASE)
_OF_THE_WAY = {"content-encoding", "content-length", "transfer-encoding"}
_UNKNOWN = re.compile(
    r"(un|not |n't )support|unknown|unrecogni[sz]ed|unexpected|not (permitted|allowed)|extra", re.IGNORECASE
)


class Connection:
    """base: the URL that ends in /v1. key: by default $SQLRL_API_KEY or $OPENAI_API_KEY. parallel: requests at once.
    wait: seconds before a second try. timeout: seconds to wait for one reply.

    notes: what the server does not take, and was left out.
    """

    def __init__(
        self, base: str, name: str, usage: Usage, *, key: str | None, parallel: int, wait: float, timeout: float
    ) -> None:
        try:
            import httpx
        except ImportError:
            raise MissingExtraError("httpx", "endpoint") from None
        self.name = name
        self.usage = usage
        self.wait = wait
        self._timeout = timeout
        self.notes: list[str] = []
        self._key = key or os.environ.get("SQLRL_API_KEY") or os.environ.get("OPENAI_API_KEY")
        self._without: set[str] = set()  # fields that this server does not take
        self._in_pieces = False  # whether this server answers in streams alone
        self._resume_at = 0.0  # on the monotonic clock: until then the server wants to be left alone
        try:
            self._client = httpx.Client(
                base_url=base + "/",
                headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
                timeout=httpx.Timeout(timeout, connect=min(timeout, 10)),
                limits=httpx.Limits(max_connections=parallel, max_keepalive_connections=parallel),
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise UsageError(f"{base} is no URL: {error}") from None

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()

    def ask(self, fields: dict[str, Any], stop: threading.Event) -> list[Answer]:
        """The answers of one reply to these fields; none where the prompt is longer than the model reads.

        UnavailableError where the server does not answer, or refuses. stop: ends waits, with InterruptedError.
        """
        import httpx

        fault, refused_by_words, attempt, again = "", False, 0, 0.0
        while attempt < ATTEMPTS:
            if attempt:
                if attempt >= ATTEMPTS_AT_FIRST and not self.usage.requests and not refused_by_words:
                    break
                self.usage.count_retry()
                # Half of the wait is drawn at random, so that those who failed together don't come back together.
                wait = min(LONGEST_WAIT, self.wait * 2 ** (attempt - 1)) * random.uniform(0.5, 1)
                _sleep(max(wait, again), stop)
            _sleep(self._resume_at - time.monotonic(), stop)
            attempt, again, started = attempt + 1, 0.0, time.monotonic()
            body = self._fit(fields)
            try:
                reply = self._post(body, started + self._timeout)
            except httpx.HTTPError as error:
                fault = str(error) or type(error).__name__
                continue
            refused_by_words = True
            if reply.status_code == 200:
                try:
                    content = completion_of(reply.text) if is_stream(reply.text) else reply.json()
                except (ValueError, RecursionError):
                    fault = "the reply is not JSON"  # cut off on its way
                    continue
                try:
                    answers = self._read(content)
                except ValueError as error:  # overloaded gateways say so in the place of an answer
                    fault = str(error)
                    continue
                self.usage.count_request(time.monotonic() - started)
                return answers
            words = self._words(reply)
            if reply.is_redirect:
                words = self._plain(f"it is at {reply.headers.get('Location', 'another address')} {words}")
            fault = f"HTTP {reply.status_code}: {words}"
            if reply.status_code in (400, 413, 422):
                if _TOO_LONG.search(words):
                    self.usage.count_request(time.monotonic() - started)
                    return []
                if self._gives_way(body, words):
                    attempt = 0
                    continue
            if reply.status_code not in _AGAIN and reply.status_code < 500:
                raise UnavailableError(f"{self.name} refuses: {fault}")
            again = _retry_after(reply.headers.get("Retry-After"))
            if again > LONGEST_WAIT:
                raise UnavailableError(f"{self.name} wants to be asked again in {again:,.0f} s: {fault}")
            self._resume_at = max(self._resume_at, time.monotonic() + again)
        raise UnavailableError(f"{self.name} does not answer: {fault}")

    def _post(self, body: dict[str, Any], deadline: float) -> Any:
        """The reply with its whole text. httpx.HTTPError where it takes too long, however slowly it drips, or is larger
        than any answer."""
        import httpx

        request = self._client.build_request("POST", "chat/completions", json=body)
        reply = self._client.send(request, stream=True)
        parts, size = [], 0
        try:
            for part in reply.iter_bytes():
                parts.append(part)
                size += len(part)
                if size > LARGEST_REPLY:
                    raise httpx.HTTPError(f"the reply is larger than {LARGEST_REPLY >> 20} MiB")
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout(f"the reply was not complete after {self._timeout:g} s")
        finally:
            reply.close()
        # Its text is whole and unpacked by now, which these headers would deny.
        headers = [(name, value) for name, value in reply.headers.multi_items() if name.lower() not in _OF_THE_WAY]
        return httpx.Response(reply.status_code, headers=headers, content=b"".join(parts), request=request)

    def _fit(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The fields that this server takes."""
        body = {field: value for field, value in fields.items() if field not in self._without}
        if "max_tokens" in self._without:
            body["max_completion_tokens"] = fields["max_tokens"]
        return body | ({"stream": True} if self._in_pieces else {})

    def _gives_way(self, body: dict[str, Any], words: str) -> bool:
        """Whether the request is worth making again without something that this server does not take."""
        if "max_tokens" in body and "max_completion_tokens" in words:
            self._without.add("max_tokens")
            return True
        if "stream" not in body and _STREAM.search(words):
            self._in_pieces = True
            return True
        for field in ("seed", "temperature"):
            if field in body and re.search(rf"\b{field}\b", words) and _UNKNOWN.search(words):
                if field not in self._without:
                    self._without.add(field)
                    self.notes.append(f"the server takes no {field}: it was left out")
                return True
        if "n" in body:  # several answers to one request are more than many servers have
            self._without.add("n")
            return True
        return False

    def _read(self, content: Any) -> list[Answer]:
        """The answers of a reply. ValueError where it holds none."""
        try:
            texts = [
                (_text((choice.get("message") or {}).get("content")), choice.get("finish_reason"))
                for choice in content["choices"]
            ]
            if not all(
                finish or choice.get("message") for (_, finish), choice in zip(texts, content["choices"], strict=True)
            ):
                raise TypeError("neither a message nor why there is none")
        except (KeyError, TypeError, AttributeError):
            error = content.get("error") if isinstance(content, dict) else None
            words = f": {self._plain(_message(error))}" if error else ""
            raise ValueError(f"the reply is not a chat completion{words}") from None
        if not texts:
            raise ValueError("the reply holds no completion")
        usage = content.get("usage")
        counts = (
            [usage.get(f"{kind}_tokens") for kind in ("prompt", "completion")]
            if isinstance(usage, dict)
            else [None] * 2
        )
        prompt_tokens, completion_tokens = (value if type(value) is int else None for value in counts)
        # The counts are of the whole reply: its first answer carries them, so that they are summed once.
        return [
            Answer(text, str(finish or ""), *((0, 0) if index and prompt_tokens is not None else
                   (prompt_tokens, completion_tokens)))
            for index, (text, finish) in enumerate(texts)
        ]  # fmt: skip

    def _words(self, reply: Any) -> str:
        """What the server says went wrong, on one line."""
        try:
            content = reply.json()
        except (ValueError, RecursionError):
            return self._plain(reply.text)
        if isinstance(content, dict):
            return self._plain(_message(content.get("error")) or _message(content) or reply.text)
        return self._plain(reply.text)

    def _plain(self, text: str) -> str:
        line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
        if self._key:
            line = line.replace(self._key, "***")  # some servers repeat it
        return line if len(line) <= 200 else line[:199] + "…"


def _sleep(seconds: float, stop: threading.Event) -> None:
    if (seconds > 0 and stop.wait(seconds)) or stop.is_set():
        raise InterruptedError("another request has failed for good")


def _retry_after(value: str | None) -> float:
    """Seconds to wait, from either form of the header (RFC 9110, 10.2.3): a number of seconds, or a date."""
    from email.utils import parsedate_to_datetime

    if value is None:
        return 0.0
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return 0.0


def _message(error: Any) -> str:
    """The words of an error as servers give it: text, or an object with `message` or `detail`, and perhaps `code`."""
    if isinstance(error, str):
        return error
    if not isinstance(error, dict):
        return ""
    words = error.get("message") or error.get("detail") or ""
    code = error.get("code")
    text = words if isinstance(words, str) else str(words)
    return f"{text} ({code})" if isinstance(code, str) and code and code not in text else text


def _text(content: Any) -> str:
    """A message's text: as it stands, or in parts as some servers give it. TypeError where it is neither."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise TypeError("neither text nor parts")
    return "".join(part["text"] for part in content if part.get("type", "text") == "text")
