"""Replies of services, kept on disk by what was asked: training asks the same again and again, a test asks nobody."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlrl.executors.errors import SourceError

__all__ = ["Replies"]

_FILE = "replies.sqlite"
_SCHEMA = (
    "create table if not exists replies (key text primary key, question text not null, day text not null, "
    "reply blob not null)"
)


class Replies:
    """Good replies by their question, in one SQLite file of a folder; shared by processes.

    A question is a JSON object: service, query, dates, depth and whatever else changes the answer, and never a
    credential. An outage is no reply: whoever keeps replies here keeps only answers.
    """

    def __init__(self, folder: str | Path, *, writable: bool = True) -> None:
        """writable: otherwise nothing is made or changed, and a folder that is not there holds no replies. SourceError
        where the folder cannot be used."""
        self.folder = Path(folder).expanduser()
        self._writable = writable
        self._lock = threading.Lock()
        self._rows: sqlite3.Connection | None = None
        self._process = 0
        if writable:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise self._unusable(error) from None
        with self._lock:
            self._open()

    def get(self, question: Mapping[str, Any]) -> Any | None:
        """What was answered, if anything was."""
        with self._lock:
            rows = self._open()
            if rows is None:
                return None
            try:
                found = rows.execute("select reply from replies where key = ?", (_key(question),)).fetchone()
                return json.loads(zlib.decompress(found[0])) if found else None
            except (sqlite3.Error, zlib.error, ValueError) as error:
                raise self._unusable(error) from None

    def put(self, question: Mapping[str, Any], reply: Any) -> None:
        """Keep an answer (a JSON value) in the place of an older one."""
        packed = zlib.compress(json.dumps(reply, ensure_ascii=True).encode("ascii"))
        day = datetime.now(UTC).date().isoformat()
        with self._lock:
            rows = self._open()
            if rows is None:
                raise SourceError(f"the replies in {self.folder} are only read")
            try:
                rows.execute(
                    "insert or replace into replies values (?, ?, ?, ?)", (_key(question), _text(question), day, packed)
                )
            except sqlite3.Error as error:
                raise self._unusable(error) from None

    def close(self) -> None:
        """Give the file back. Closing twice does nothing; asked again, it opens."""
        with self._lock:
            if self._rows is not None and self._process == os.getpid():
                self._rows.close()
            self._rows = None

    def _open(self) -> sqlite3.Connection | None:
        if self._rows is None or self._process != os.getpid():  # SQLite's connections don't survive a fork
            path = self.folder / _FILE
            if not self._writable and not path.exists():
                return None
            try:
                self._rows = sqlite3.connect(
                    f"{path.absolute().as_uri()}?mode={'rwc' if self._writable else 'ro'}",
                    uri=True, timeout=30, isolation_level=None, check_same_thread=False,
                )  # fmt: skip
                self._process = os.getpid()
                if self._writable:
                    self._rows.execute(_SCHEMA)
            except sqlite3.Error as error:
                raise self._unusable(error) from None
        return self._rows

    def _unusable(self, error: Exception) -> SourceError:
        return SourceError(f"replies cannot be kept in {self.folder}: {error}")


def _text(question: Mapping[str, Any]) -> str:
    return json.dumps(question, ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def _key(question: Mapping[str, Any]) -> str:
    return hashlib.sha256(_text(question).encode("ascii")).hexdigest()
