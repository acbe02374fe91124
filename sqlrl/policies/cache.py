"""A cache: the answers that a server gave before, kept on disk, so that nothing is paid for twice."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlrl.executors.errors import DataError, SqlrlError, UsageError

__all__ = ["Answer", "AnswerCache", "answer_key", "default_folder"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said once. finish: why it stopped ("stop", "length"). prompt_tokens, completion_tokens: as the
    server counts them, None where it does not say."""

    text: str
    finish: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


def default_folder() -> Path:
    """Where answers are kept unless told otherwise: $XDG_CACHE_HOME/sqlrl/answers, by default below ~/.cache."""
    from sqlrl.benchmarks.location import cache_folder

    return cache_folder() / "answers"


def answer_key(
    base: str, model: str, messages: Any, *, temperature: float, max_tokens: int, seed: int, index: int
) -> str:
    """The name of one answer: a hash of everything that it may depend on. index: which of the samples of a question."""
    asked = [base, model, messages, float(temperature), max_tokens, seed, index]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


class AnswerCache:
    """The answers of one model of one server: a line each in a file that only grows. Threads and processes may share
    it. The file holds hashes and answers: no prompt, no key, and its owner alone may read it."""

    def __init__(self, folder: Path, base: str, model: str) -> None:
        digest = hashlib.sha256(json.dumps([base, model]).encode()).hexdigest()[:12]
        self.path = folder / f"{re.sub(r'[^A-Za-z0-9.]+', '-', model).strip('-.')[:60] or 'model'}-{digest}.jsonl"
        self._lock = threading.Lock()
        self._file: int | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._answers = self._read()
            self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            size = os.fstat(self._file).st_size
            if size and os.pread(self._file, 1, size - 1) != b"\n":
                os.write(self._file, b"\n")  # who wrote last was killed within a line
        except OSError as error:
            raise UsageError(f"no answers can be kept in {folder}: {error.strerror} (see --cache)") from None

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: str) -> Answer | None:
        """What was said before, if anything."""
        return self._answers.get(key)

    def put(self, key: str, answer: Answer) -> None:
        """Keep an answer: it is in the file before this returns, so that a killed run has lost nothing of it."""
        line = json.dumps({"key": key, **asdict(answer)}, ensure_ascii=False)
        data = (line + "\n").encode("utf-8", "backslashreplace")
        with self._lock:
            if self._file is None:
                raise ValueError("the cache is closed")
            self._answers[key] = answer
            try:
                # One write of a whole line at the end of the file: two processes don't mix theirs.
                written = os.write(self._file, data)
                if written != len(data):
                    os.write(self._file, b"\n")
            except OSError as error:
                raise SqlrlError(f"{self.path} cannot be written: {error.strerror}") from None

    def close(self) -> None:
        """Give the file back. Closing twice does nothing."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _read(self) -> dict[str, Answer]:
        found: dict[str, Answer] = {}
        if not self.path.exists():
            return found
        with self.path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    item = json.loads(line)
                    key = item.pop("key")
                    found[key] = Answer(**item)
                except (ValueError, KeyError, TypeError, AttributeError):
                    continue  # torn by a kill: that answer is asked for again
        if not found and self.path.stat().st_size > 1_000_000:
            raise DataError(f"{self.path} holds no answers: give another --cache DIR")
        return found
