"""An audit: a line of JSON for every call: who asked what, which query came of it, how that ended."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlrl.executors.errors import DataError, UsageError

__all__ = ["Audit"]


class Audit:
    """target: a file that lines are added to, or a function that is given each entry. What was returned is not kept.

    A line is written by one call to a file that is opened to append, so several processes may share it. Where it cannot
    be written, DataError: nobody gets an answer that the log does not know of.
    """

    def __init__(self, target: str | os.PathLike[str] | Callable[[Mapping[str, Any]], None]) -> None:
        self._file: int | None = None
        self._lock = threading.Lock()
        if callable(target):
            self._write = target
            return
        self.path = Path(target).expanduser()
        try:
            # For its owner alone: questions may hold what only some may know.
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UsageError(f"the audit log {self.path} cannot be written: {error.strerror}") from None
        self._write = self._append

    def enter(self, **entry: Any) -> None:
        """One entry, with the time before it."""
        self._write({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **entry})

    def close(self) -> None:
        """Close the file. Closing twice does nothing."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _append(self, entry: Mapping[str, Any]) -> None:
        line = json.dumps(entry, ensure_ascii=True, default=str).encode() + b"\n"
        with self._lock:
            if self._file is None:
                raise DataError(f"the audit log {self.path} is closed")
            try:
                written = os.write(self._file, line)
            except OSError as error:
                raise DataError(f"the audit log {self.path} cannot be written: {error.strerror}") from None
            if written != len(line):
                raise DataError(f"the audit log {self.path} cannot be written: the disk is full")
