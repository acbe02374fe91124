"""Location: where a benchmark's files are looked for, and where they were found."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlrl.executors.errors import DataError, UsageError

__all__ = ["Search", "cache_folder", "candidates", "find_file", "looked_for", "roots", "search"]


@dataclass(frozen=True, slots=True)
class Search:
    """Where one benchmark was looked for. found: the folder that holds it, None where none does."""

    benchmark: str
    places: tuple[Path, ...]
    found: Path | None

    def folder(self, how: str = "") -> Path:
        """The folder, or DataError that says where it was looked for and how to get it. how: in the place of `sqlrl
        data fetch`."""
        if self.found is None:
            looked = ", ".join(str(place) for place in self.places)
            raise DataError(
                f"no {self.benchmark} data in {looked}: give --data DIR, set SQLRL_DATA, "
                f"or {how or f'run `sqlrl data fetch {self.benchmark}`'}"
            )
        return self.found


def cache_folder() -> Path:
    """Where downloads and bundled databases are kept: $XDG_CACHE_HOME/sqlrl, by default ~/.cache/sqlrl."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base and os.path.isabs(base) else Path.home() / ".cache") / "sqlrl"


def roots(data: str | Path | None = None) -> list[Path]:
    """The folders to look below: the given one alone, else $SQLRL_DATA and the user's cache."""
    if data is not None:
        root = Path(data).expanduser()
        if not root.is_dir():
            raise UsageError(f"there is no folder {root} (given with --data)")
        return [root]
    named = os.environ.get("SQLRL_DATA")
    return [*([Path(named).expanduser()] if named else []), cache_folder() / "data"]


def search(benchmark: str, folders: Sequence[str], marks: Sequence[str], data: str | Path | None = None) -> Search:
    """Look for a folder that holds one of the files `marks`: each root itself, then its `folders`."""
    places = tuple(root / folder for root in roots(data) for folder in ("", *folders))
    found = next((place for place in places if any((place / mark).exists() for mark in marks)), None)
    return Search(benchmark, places, found)


def candidates(names: Sequence[str], data: str | Path | None = None) -> list[Path]:
    """Where files of these names, which may have folders before them, are looked for: below each root, in order."""
    return [root / name for root in roots(data) for name in names]


def looked_for(names: Sequence[str], data: str | Path | None = None) -> str:
    """For a reader: each name once, and the folders below which it was looked for."""
    below = roots(data)
    shown: dict[str, None] = {}
    for name in names:
        root = next((root for root in below if Path(name).is_relative_to(root)), None)
        shown[str(Path(name).relative_to(root)) if root else name] = None
    return f"{', '.join(shown)} below {' or '.join(map(str, below))}"


def find_file(names: Sequence[str], data: str | Path | None = None) -> Path | None:
    """The first of these files that is there, packed (`.gz`) or not."""
    for path in candidates(names, data):
        for place in (path, path.with_name(f"{path.name}.gz")):
            if place.is_file():
                return place
    return None
