"""A revision: which questions and which databases a figure was measured on, as short hashes of their content."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from sqlrl.benchmarks.base import Example
from sqlrl.benchmarks.location import cache_folder
from sqlrl.executors.address import INDEX, is_search, parse_address

__all__ = ["Revision", "revision_of"]

_BYTES = 8  # of a hash: sixteen letters
_CHUNK = 1 << 20
# Where a SQLite file says which release of the library wrote it last: no part of the data.
_LIBRARY = slice(96, 100)
_AS_JSON = json.JSONEncoder(default=repr).encode


@dataclass(frozen=True, slots=True)
class Revision:
    """questions: of every question of the split, with its gold, evidence and labels. databases: of the content of every
    database file that they ask, files and size (bytes) of them; the hash is empty where there is none. missing:
    questions without a database."""

    questions: str
    databases: str
    files: int
    size: int
    missing: int = 0

    @property
    def short(self) -> str:
        """Both in one, ten letters."""
        return blake2b(f"{self.questions} {self.databases}".encode(), digest_size=5).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        return {
            "short": self.short, "questions": self.questions, "databases": self.databases, "files": self.files,
            "size": self.size, "missing": self.missing,
        }  # fmt: skip


def revision_of(
    examples: Iterable[Example],
    sources: Mapping[str, Sequence[str]],
    *,
    advance: Callable[[int], None] | None = None,
) -> Revision:
    """The revision of a split. sources: example id -> source URLs; advance: told the databases that are done.

    Files are read whole the first time; a file of the same size and time of change is not read again, its hash being
    kept in the user's cache. The names of files and folders don't count, the order of questions does.
    """
    asked = blake2b(digest_size=_BYTES)
    urls: dict[str, set[str]] = {}
    missing = 0
    for example in examples:
        asked.update(_content(example))
        missing += not sources[example.id]
        urls.setdefault(example.labels.get("database", ""), set()).update(sources[example.id])
    known = _read_known()
    found: list[str] = []
    size = files = 0
    fresh = False
    for database in sorted(urls):
        for path in sorted(file for url in urls[database] for file in _files(url)):
            kept = known.get(str(path))
            status = path.stat()
            if kept is None or kept[:2] != [status.st_size, status.st_mtime_ns]:
                kept = known[str(path)] = [status.st_size, status.st_mtime_ns, _hash(path)]
                fresh = True
            found.append(f"{database} {kept[2]}")
            size += status.st_size
            files += 1
        if advance is not None:
            advance(1)
    if fresh:
        _keep_known({path: kept for path, kept in known.items() if os.path.exists(path)})
    # Sorted: several instances of one schema have no order.
    databases = blake2b("\n".join(sorted(found)).encode(), digest_size=_BYTES).hexdigest() if found else ""
    return Revision(asked.hexdigest(), databases, files, size, missing)


def _content(example: Example) -> bytes:
    """Everything that is asked and right, as bytes that are equal for equal examples."""
    gold = example.gold
    said: list[object] = [
        example.id,
        example.question,
        example.evidence,
        gold.query,
        gold.rows,
        sorted(example.labels.items()),
    ]
    if gold.relevant is not None or gold.answers is not None:
        relevant = None if gold.relevant is None else sorted(gold.relevant.items())
        said += [relevant, gold.answers, sorted(example.context.items())]
    return _AS_JSON(said).encode() + b"\n"


def _files(url: str) -> list[Path]:
    """The files of a source: a database with what its log holds besides, or every file below a folder."""
    if is_search(url):  # a service has none, and an engine's own files follow from these two
        index = parse_address(url).path
        return [Path(index) / name for name in (INDEX, "documents.jsonl") if (Path(index) / name).is_file()]
    path = Path(url.partition("://")[2].partition("?")[0])
    if path.is_dir():
        return sorted(each for each in path.rglob("*") if each.is_file())
    log = path.with_name(path.name + "-wal")
    return [file for file in (path, log) if file.is_file() and (file is path or file.stat().st_size)]


def _hash(path: Path) -> str:
    content = blake2b(digest_size=_BYTES)
    with path.open("rb") as file:
        first = bytearray(file.read(_CHUNK))
        if first.startswith(b"SQLite format 3\0"):
            first[_LIBRARY] = bytes(4)
        content.update(first)
        while chunk := file.read(_CHUNK):
            content.update(chunk)
    return content.hexdigest()


def _read_known() -> dict[str, list[Any]]:
    """path -> [size, time of change, hash], from the cache; empty where it is not readable."""
    try:
        known = json.loads((cache_folder() / "revisions.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {path: kept for path, kept in known.items() if isinstance(kept, list) and len(kept) == 3}


def _keep_known(known: Mapping[str, list[Any]]) -> None:
    """Beside and renamed; where the cache cannot be written, files are read again the next time."""
    path = cache_folder() / "revisions.json"
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(known), encoding="utf-8")
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
