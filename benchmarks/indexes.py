"""Indexes: a corpus made searchable on first use, kept in the user's cache, found again until the corpus changes."""

from __future__ import annotations

import fcntl
import hashlib
import importlib
import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from sqlrl.benchmarks.location import cache_folder
from sqlrl.executors.address import ENGINES, INDEX
from sqlrl.executors.documents import Document
from sqlrl.executors.errors import UsageError, nearest

__all__ = ["LOCAL", "check_engine", "index_of"]

LOCAL = ("bm25", "dense")  # engines that a corpus of one's own can be put into
_LARGE = 64 << 20  # bytes; what is smaller is read to know it
_OFTEN = 10.0  # seconds between words on how far a build is
_LOG = logging.getLogger("sqlrl")


def check_engine(engine: str, known: Sequence[str] = LOCAL) -> str:
    """The engine's name. UsageError, with the nearest, for one that a benchmark cannot take."""
    if engine not in known:
        raise UsageError(f"no engine {engine!r} here{nearest(engine, known)}")
    return engine


def index_of(
    name: str,
    files: Sequence[Path],
    read: Callable[[], Iterable[Document]],
    engine: str,
    **settings: Any,
) -> str:
    """The source URL of a corpus in an engine; built if it is not there yet, by one process at a time.

    name: for the folder's. files: what the corpus is made of; where one changes, the index is built anew. settings: of
    the engine's `build`. MissingExtraError where the engine's packages are not installed.
    """
    module = importlib.import_module(ENGINES[engine][0])
    state = [getattr(module, "VERSION", 1), *map(_state, files)]
    key = hashlib.sha256(json.dumps([state, engine, settings], sort_keys=True).encode()).hexdigest()[:12]
    folder = cache_folder() / "indexes" / f"{name}-{engine}-{key}"
    if not (folder / INDEX).is_file():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with open(folder.with_name(f".{folder.name}.lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / INDEX).is_file():  # by another process, meanwhile
                _LOG.warning("indexing %s for %s in %s: once", name, engine, folder)
                module.build(read(), folder, advance=_Told(name), **settings)
    return f"{engine}:///{folder}"


class _Told:
    """Says now and then how far a build is: embedding a corpus may take an hour."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.documents = 0
        self._started = self._last = time.monotonic()

    def __call__(self, count: int) -> None:
        self.documents += count
        now = time.monotonic()
        if now - self._last >= _OFTEN:
            self._last = now
            rate = self.documents / (now - self._started)
            _LOG.warning("indexing %s: %s documents, %.0f a second", self.name, f"{self.documents:,}", rate)


def _state(path: Path) -> str:
    """What tells whether a file is still the same: its content, of a large one its place, size and time."""
    about = path.stat()
    if about.st_size > _LARGE:
        return json.dumps([str(path.resolve()), about.st_size, about.st_mtime_ns])
    return hashlib.sha256(path.read_bytes()).hexdigest()
