"""A database file: which one lies at a path, and whether somebody wrote to it, to its log or to its journal."""

from __future__ import annotations

import os
from typing import Any

__all__ = ["as_uri", "changed", "identity_of", "key_of", "was_changed_since", "why_closed"]

_BY_EFFECTIVE_USER = os.access in os.supports_effective_ids
_PLAIN = b"/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def key_of(path: str) -> tuple[int, ...] | None:
    """Device and inode of a file, inodes of its log and of the log's index: what a worker's walls are raised about.
    None where there is no file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_dev, status.st_ino, *_log_inodes(path, _size(f"{path}-wal")))


def identity_of(path: str, key: tuple[int, ...] | None) -> tuple[Any, ...] | None:
    """Device, inode, times of change and size of the file and of its log, size of its journal; None where the file is
    not the one of `key` any more. FileNotFoundError where there is none."""
    status = os.stat(path)
    log = _size(f"{path}-wal")
    if (status.st_dev, status.st_ino, *_log_inodes(path, log)) != key:
        return None
    stamps = (status.st_mtime_ns, status.st_ctime_ns, changed(f"{path}-wal") if log else 0)
    return (status.st_dev, status.st_ino, stamps, status.st_size, log, _size(f"{path}-journal"))


def was_changed_since(path: str, identity: tuple[Any, ...]) -> bool:
    """Whether somebody wrote to the file itself since this was its identity; no, where it is gone."""
    now = changed(path)
    return bool(now) and now != identity[2][1]


def changed(path: str) -> int:
    """When a file was last changed, 0 where it is gone: a log that begins again may have its old size."""
    try:
        return os.stat(path).st_ctime_ns
    except OSError:
        return 0


def why_closed(path: str, identity: tuple[Any, ...], error: BaseException) -> str:
    """Why a database of this identity cannot be opened, where no more than reading is allowed."""
    mend = "opening it once for writing, by any other program,"
    if identity[5] and "readonly" in str(error):
        return f"a writer has died amid a transaction; {mend} undoes that"
    if identity[4] and not os.path.exists(f"{path}-shm"):
        return f"its log lacks an index, the file {os.path.basename(path)}-shm; {mend} makes one"
    return str(error)


def as_uri(path: str) -> str:
    """A path as a part of SQLite's URI."""
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02x}" for byte in os.fsencode(path))


def _size(path: str) -> int:
    # Mostly there is none, and to be told so by an exception costs five times as much.
    if not os.access(path, os.F_OK, effective_ids=_BY_EFFECTIVE_USER):
        return 0
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _log_inodes(path: str, log: int) -> tuple[int, ...]:
    """Of the log and its index, 0 for one that is not there; nothing for a log without content."""
    return (_inode(f"{path}-wal"), _inode(f"{path}-shm")) if log else ()


def _inode(path: str) -> int:
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0
