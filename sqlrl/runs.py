"""A run: the folder that says what was done, with which settings, and what came of it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlrl.executors.errors import DataError, SqlrlError, UsageError

# Of a pair of surrogates that is not whole; those in between stand for bytes that are not UTF-8.
_HALF_A_CHARACTER = re.compile("[\ud800-\udc7f\udd00-\udfff]")

_TAUGHT = "taught.txt"
_LONGEST = 80  # characters of a run's name behind the time

__all__ = ["Run", "keep_taught", "read_lines", "read_settings", "was_taught", "write_lines", "write_text"]


@dataclass(slots=True)
class Run:
    """folder: holds config.yaml, metrics.jsonl, summary.json, items*.jsonl, completions/, checkpoints/, plots/."""

    folder: Path

    @classmethod
    def create(cls, parent: str | Path, name: str | None, stem: str) -> Run:
        """A new folder; by default named by the time and `stem`. UsageError where that name is taken."""
        base = Path(parent).expanduser()
        chosen = name or f"{time.strftime('%Y%m%d-%H%M%S')}-{_plain(stem)}"
        if name and (not name.strip() or Path(name).name != name or name in (".", "..")):
            raise UsageError(f"a run's name is a plain file name, not {name!r}")
        try:
            base.mkdir(parents=True, exist_ok=True)
            for attempt in range(100):
                folder = base / (chosen if not attempt else f"{chosen}-{attempt + 1}")
                try:
                    folder.mkdir()
                except FileExistsError:
                    if name:
                        raise UsageError(
                            f"the run {folder} is already there: take another --name, or --resume it"
                        ) from None
                    continue
                return cls(folder)
        except OSError as error:
            raise UsageError(f"no run can be written below {base}: {error.strerror}") from None
        raise UsageError(f"no free name below {base} for {chosen}")

    @classmethod
    def open(cls, folder: str | Path) -> Run:
        """A folder that a run wrote."""
        path = Path(folder).expanduser()
        if not path.is_dir():
            raise UsageError(f"there is no run {path}")
        if not (path / "config.yaml").exists():
            raise UsageError(f"{path} is not a run: it has no config.yaml")
        return cls(path)

    def append_metrics(self, line: dict[str, Any]) -> None:
        """One line of metrics.jsonl."""
        with (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def metrics(self) -> list[dict[str, Any]]:
        """Every whole line of metrics.jsonl; a torn last line, of a run that was killed, is left out."""
        return list(read_lines(self.folder / "metrics.jsonl"))

    def keep_metrics(self, kept: Iterable[dict[str, Any]]) -> None:
        """Replace metrics.jsonl, beside and renamed."""
        write_text(self.folder / "metrics.jsonl", "".join(json.dumps(line) + "\n" for line in kept))

    def write_items(self, items: Iterable[dict[str, Any]], name: str = "items.jsonl") -> Path:
        """One line an item."""
        path = self.folder / name
        write_lines(path, items)
        return path

    def items(self, name: str = "items.jsonl") -> list[dict[str, Any]]:
        """What `write_items` wrote; nothing where it wrote nothing."""
        return list(read_lines(self.folder / name))

    def write_summary(self, summary: dict[str, Any]) -> None:
        """summary.json: the figures that the report shows."""
        write_text(self.folder / "summary.json", json.dumps(summary, indent=2, ensure_ascii=False) + "\n")

    def summary(self) -> dict[str, Any]:
        """What `write_summary` wrote; empty where the run has not come so far."""
        path = self.folder / "summary.json"
        if not path.exists():
            return {}
        try:
            value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be read: {error}") from None
        return value


def _plain(stem: str) -> str:
    """As part of a folder's name: of a source's URL without user and password, and no longer than a name may be."""
    text = re.sub(r"[^A-Za-z0-9.+_@-]+", "-", re.sub(r"//\S*@", "//", stem)).strip("-.")
    return text if len(text) <= _LONGEST else f"{text[:20]}-{text[-(_LONGEST - 21) :]}"


def keep_taught(run: Run, questions: Iterable[str]) -> None:
    """Which questions a run is taught, as hashes: who judges its policy by a file that has grown leaves them out."""
    write_text(run.folder / _TAUGHT, "".join(f"{mark}\n" for mark in sorted({_mark(text) for text in questions})))


def was_taught(policy: str, question: str) -> bool:
    """Whether the policy of a run on this machine was taught a question; of others nothing is known."""
    return ":" not in policy and _mark(question) in _taught(policy)


@lru_cache(maxsize=4)
def _taught(policy: str) -> frozenset[str]:
    place = Path(policy).expanduser().resolve()
    for folder in (place, *list(place.parents)[:2]):  # of one of its checkpoints, the run's
        file = folder / _TAUGHT
        if file.is_file():
            return frozenset(file.read_text(encoding="utf-8").split())
    return frozenset()


def _mark(question: str) -> str:
    plain = " ".join(question.split()).casefold().rstrip("?. ")
    return hashlib.sha256(plain.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def read_settings(run: Run) -> dict[str, Any]:
    """config.yaml, as it was written when the run began."""
    from sqlrl.config import read_config

    return read_config(run.folder / "config.yaml")


def write_text(path: Path, text: str) -> None:
    """Write beside and rename, so that a reader sees the old file or the new one."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        # What a policy wrote may hold half a character, which no file can: a question mark stands for it.
        beside.write_bytes(_HALF_A_CHARACTER.sub("?", text).encode("utf-8", "surrogateescape"))
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise SqlrlError(f"{path} cannot be written: {error.strerror}") from None


def write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """JSON lines, beside and renamed."""
    encode = json.JSONEncoder(ensure_ascii=False).encode  # one for all lines: json.dumps makes one for each
    write_text(path, "".join([encode(line) + "\n" for line in lines]))


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines; nothing where there is no file. A torn last line is left out."""
    if not path.exists():
        return
    lines = path.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield json.loads(line)
        except ValueError:
            if number >= len(lines) - 1:
                return
            raise DataError(f"{path}, line {number} is not JSON") from None
