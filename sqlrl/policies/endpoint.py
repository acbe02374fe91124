"""The endpoint policy: any server that speaks OpenAI's chat completions: vLLM, llama.cpp, Ollama, gateways, OpenAI."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.executors.errors import UsageError
from sqlrl.policies import Message
from sqlrl.policies.cache import Answer, AnswerCache, answer_key
from sqlrl.policies.connection import Connection
from sqlrl.policies.usage import Usage

if TYPE_CHECKING:
    from sqlrl.prompts import Prompter

__all__ = ["EndpointPolicy"]


class EndpointPolicy:
    """base: the URL that ends in /v1. key: by default $SQLRL_API_KEY or $OPENAI_API_KEY. parallel: requests at once.
    wait: seconds before a second try, doubled for each further one. timeout: seconds to wait for one reply. cache:
    the folder of answers given before, None for none. usage: what was asked so far.
    """

    def __init__(
        self,
        base: str,
        model: str,
        *,
        key: str | None = None,
        seed: int = 0,
        parallel: int = 8,
        wait: float = 1.0,
        timeout: float = 300.0,
        cache: Path | None = None,
    ) -> None:
        self.name = f"{base}#{model}"
        self.base = base.rstrip("/")
        self.model = model
        self.seed = seed
        self.parallel = parallel
        self.prompter: Prompter | None = None
        self.advance: Callable[[int], None] | None = None
        self.usage = Usage()
        self.cache = AnswerCache(cache, self.base, model) if cache is not None else None
        self._connection = Connection(
            self.base, self.name, self.usage, key=key, parallel=parallel, wait=wait, timeout=timeout
        )

    @property
    def notes(self) -> list[str]:
        """What the server does not take, and was left out."""
        return list(self._connection.notes)

    @classmethod
    def at(cls, word: str, **settings: Any) -> EndpointPolicy:
        """From `http://host/v1#model`."""
        base, _, model = word.partition("#")
        if not model:
            raise UsageError(f"{word} names no model: write {base}#MODEL")
        return cls(base, model, **settings)

    def generate(
        self, prompts: Sequence[list[Message]], n: int = 1, temperature: float = 0.0, max_tokens: int = 512
    ) -> list[list[str]]:
        """`n` completions for each conversation, from the cache where they were given before.

        A prompt that is longer than the model reads gets empty ones. UnavailableError where the server gives no answer
        after some tries, or one that asking again cannot mend; what was answered until then stays in the cache.
        """
        started = time.monotonic()
        stop = threading.Event()

        def answer(prompt: list[Message]) -> list[str]:
            return [found.text for found in self._answers(prompt, n, temperature, max_tokens, stop)]

        said: list[list[str]] = [[]] * len(prompts)
        try:
            for index, texts in _in_parallel(answer, prompts, self.parallel, stop):
                said[index] = texts
                if self.advance is not None:
                    self.advance(1)
        finally:
            self.usage.wall_seconds += time.monotonic() - started
        return said

    def close(self) -> None:
        """Give back connections and the cache's file."""
        self._connection.close()
        if self.cache is not None:
            self.cache.close()

    def _answers(
        self, prompt: list[Message], n: int, temperature: float, max_tokens: int, stop: threading.Event
    ) -> list[Answer]:
        """The n answers to one prompt: sample i is asked for with the seed + i, and kept under its number."""
        how: dict[str, Any] = {"temperature": temperature, "max_tokens": max_tokens}
        keys = [answer_key(self.base, self.model, prompt, **how, seed=self.seed, index=index) for index in range(n)]
        found: dict[int, Answer] = {}
        for index, key in enumerate(keys):
            known = self.cache.get(key) if self.cache is not None else None
            if known is not None:
                found[index] = known
                self.usage.count(known, cached=True)
        missing = [index for index in range(n) if index not in found]
        while missing:  # many servers give one at a time, whatever is asked for
            many = {"n": len(missing)} if len(missing) > 1 else {}
            seed = self.seed + missing[0]
            answers = self._connection.ask({"model": self.model, "messages": prompt, **how, "seed": seed, **many}, stop)
            if not answers:
                self.usage.count_too_long()
                return [found.get(index, Answer("")) for index in range(n)]
            for index, answer in zip(missing, answers, strict=False):
                found[index] = answer
                self.usage.count(answer, cached=False)
                if self.cache is not None:
                    self.cache.put(keys[index], answer)
            missing = missing[len(answers) :]
        return [found[index] for index in range(n)]


def _in_parallel(
    work: Callable[[Any], Any], tasks: Sequence[Any], count: int, stop: threading.Event
) -> Iterator[tuple[int, Any]]:
    """(index, result) of each task as it is done. The first error is raised at once, and ends the others: the threads
    are daemons, so that a request in flight keeps nobody who has pressed Ctrl-C."""
    waiting: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, Any, BaseException | None]] = queue.SimpleQueue()
    for item in enumerate(tasks):
        waiting.put(item)

    def labour() -> None:
        while not stop.is_set():
            try:
                index, task = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((index, work(task), None))
            except BaseException as error:  # raised again by who waits for the result
                done.put((index, None, error))
                return

    for _ in range(min(count, len(tasks))):
        threading.Thread(target=labour, daemon=True).start()
    try:
        for _ in tasks:
            index, result, error = done.get()
            if error is not None:
                raise error
            yield index, result
    finally:
        stop.set()
