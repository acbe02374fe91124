"""The endpoint policy: any server that speaks OpenAI's chat completions: vLLM, llama.cpp, Ollama, gateways, OpenAI."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from sqlrl.executors.errors import MissingExtraError, UnavailableError, UsageError
from sqlrl.policies import Message

if TYPE_CHECKING:
    from sqlrl.prompts import Prompter

__all__ = ["EndpointPolicy"]

ATTEMPTS = 5
_AGAIN = {408, 409, 429, 500, 502, 503, 504}


class EndpointPolicy:
    """base: the URL that ends in /v1. key: by default $SQLRL_API_KEY or $OPENAI_API_KEY. parallel: requests at once."""

    def __init__(
        self, base: str, model: str, *, key: str | None = None, seed: int = 0, parallel: int = 8, wait: float = 1.0
    ) -> None:
        try:
            import httpx
        except ImportError:
            raise MissingExtraError("httpx", "endpoint") from None
        self.name = f"{base}#{model}"
        self.model = model
        self.seed = seed
        self.parallel = parallel
        self.wait = wait
        self.prompter: Prompter | None = None
        self.advance: Callable[[int], None] | None = None
        key = key or os.environ.get("SQLRL_API_KEY") or os.environ.get("OPENAI_API_KEY")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(
            base_url=base.rstrip("/") + "/", headers=headers, timeout=httpx.Timeout(300, connect=10)
        )

    @classmethod
    def at(cls, word: str, *, seed: int = 0) -> EndpointPolicy:
        """From `http://host/v1#model`."""
        base, _, model = word.partition("#")
        if not model:
            raise UsageError(f"{word} names no model: write {base}#MODEL")
        return cls(base, model, seed=seed)

    def generate(
        self, prompts: Sequence[list[Message]], n: int = 1, temperature: float = 0.0, max_tokens: int = 512
    ) -> list[list[str]]:
        """`n` completions for each conversation. UnavailableError where the server gives no answer after some tries."""

        def ask(prompt: list[Message]) -> list[str]:
            said: list[str] = []
            while len(said) < n:  # many servers give one at a time, whatever is asked for
                said.extend(self._ask(prompt, n - len(said), temperature, max_tokens, len(said)))
            if self.advance is not None:
                self.advance(1)
            return said[:n]

        with ThreadPoolExecutor(self.parallel) as pool:
            return list(pool.map(ask, prompts))

    def _ask(self, prompt: list[Message], n: int, temperature: float, max_tokens: int, given: int) -> list[str]:
        import httpx

        body: dict[str, Any] = {
            "model": self.model, "messages": prompt, "temperature": temperature, "max_tokens": max_tokens,
            "seed": self.seed + given,
        }  # fmt: skip
        if n > 1:
            body["n"] = n
        fault = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(self.wait * 2 ** (attempt - 1))
            try:
                reply = self._client.post("chat/completions", json=body)
            except httpx.HTTPError as error:
                fault = str(error) or type(error).__name__
                continue
            if reply.status_code == 200:
                try:
                    choices = [_text(choice["message"].get("content")) for choice in reply.json()["choices"]]
                except (ValueError, KeyError, TypeError, AttributeError):
                    raise UnavailableError(f"{self.name}: the reply is not a chat completion") from None
                if not choices:
                    raise UnavailableError(f"{self.name}: the reply holds no completion")
                return choices
            fault = f"HTTP {reply.status_code}: {' '.join(reply.text.split())[:160]}"
            if reply.status_code not in _AGAIN:
                break
        raise UnavailableError(f"{self.name} does not answer: {fault}")


def _text(content: Any) -> str:
    """A message's text: as it stands, or in parts as some servers give it. TypeError where it is neither."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise TypeError("neither text nor parts")
    return "".join(part["text"] for part in content if part.get("type", "text") == "text")
