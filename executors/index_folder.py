"""An index's folder: it stands whole in its place, or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlrl.executors.address import INDEX, index_settings
from sqlrl.executors.errors import DataError, SourceError

__all__ = ["about", "new_folder", "write_about"]

VERSION = 1


@contextmanager
def new_folder(folder: str | Path) -> Iterator[Path]:
    """A folder beside `folder`, which takes its place once the block has ended without an error; what reads the old one
    goes on reading it. DataError where something is there that is no index."""
    target = Path(folder).expanduser()
    if target.exists() and not (target / INDEX).is_file() and not (target.is_dir() and not any(target.iterdir())):
        raise DataError(f"{target} is there, and is no index: it is left as it is")
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    old = beside.with_name(beside.name + ".old")
    try:
        yield beside
        if target.exists():
            os.replace(target, old)
        os.replace(beside, target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def write_about(
    folder: Path, engine: str, settings: Mapping[str, Any], documents: int, corpus: str, **more: Any
) -> None:
    """Say what the index is; the last file that is written."""
    values = {
        "engine": engine, "version": VERSION, "settings": dict(settings), "documents": documents, "corpus": corpus,
        **more,
    }  # fmt: skip
    (folder / INDEX).write_text(json.dumps(values, indent=1), encoding="utf-8")


def about(folder: str | Path) -> dict[str, Any]:
    """What `write_about` wrote. SourceError for an index of another version."""
    values = index_settings(folder)
    if values.get("version") != VERSION:
        raise SourceError(f"{folder} is an index of version {values.get('version')}: build it anew")
    return values
