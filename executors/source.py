"""A source: where data lies, as people write it, and what an engine needs to know to open it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlrl.executors.address import ENGINES
from sqlrl.executors.errors import SourceError, UsageError, nearest

__all__ = ["SCHEMES", "Kind", "Located", "is_server", "locate"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of source. engine: "module:class" inside a worker, imported there; packages: what that needs."""

    engine: str
    dialect: str
    packages: tuple[str, ...] = ()


_SQLITE = Kind("sqlrl.executors.sqlite:SQLiteEngine", "sqlite")
_DUCKDB = Kind("sqlrl.executors.duckdb:DuckDBEngine", "duckdb", ("duckdb", "pytz"))
SCHEMES = {"sqlite": _SQLITE, "duckdb": _DUCKDB, "parquet": _DUCKDB, "csv": _DUCKDB}
_ENDINGS = {
    "parquet": (".parquet", ".pq"),
    "csv": (".csv", ".tsv", ".csv.gz", ".tsv.gz"),
}


@dataclass(frozen=True, slots=True)
class Located:
    """A source that was found. path: what the engine opens, a file or a JSON object {table: [file, ...]}."""

    source: str
    path: str
    kind: Kind


def is_server(source: str) -> bool:
    """Whether a source is a server's database: a URL whose scheme is neither an embedded engine's nor a search
    engine's."""
    scheme, separator, _ = source.partition("://")
    return bool(separator) and scheme not in (*SCHEMES, *ENGINES) and scheme.replace("+", "").isalnum()


def locate(source: str | Sequence[str | os.PathLike[str]]) -> Located:
    """A file, a folder or a list of files, with or without a scheme, after a look at what is there. SourceError."""
    if not isinstance(source, str):
        if not isinstance(source, Sequence) or not all(isinstance(path, (str, os.PathLike)) for path in source):
            raise UsageError(f"a source is a path, a URL or a list of files, not {source!r:.80}")
        paths = [os.path.abspath(os.path.expanduser(str(path))) for path in source]
        if not paths:
            raise SourceError("an empty list of files")
        return Located(f"files:{','.join(paths)}", _tables(paths, ("parquet", "csv"), "the list"), _DUCKDB)
    if not source.strip():
        raise UsageError("an empty source: give a path or a URL")
    scheme, path = _split(source)
    if os.path.isdir(path):
        return _locate_folder(source, scheme, path)
    found = _content(path)
    if found in ("parquet", "csv") and scheme in ("", found):
        return Located(source, _tables([path], (found,), path), _DUCKDB)
    if scheme == "sqlite" and found == "empty":  # SQLite's own reading: a database without tables
        found = scheme
    if found not in ("sqlite", "duckdb") or scheme not in ("", found):
        what = f"an {scheme} database" if scheme == "sqlite" else f"a {scheme} source" if scheme else "a source"
        raise SourceError(f"{path} is not {what}" + ("" if scheme else " of a kind known here"))
    return Located(source, path, SCHEMES[found])


def _split(source: str) -> tuple[str, str]:
    """(scheme, absolute path); the scheme is empty where none was given."""
    scheme, separator, rest = source.partition("://")
    if not separator:
        scheme, path = "", source
    elif scheme not in SCHEMES:
        raise UsageError(f"no executor for {scheme}://{nearest(scheme, SCHEMES)}")
    else:
        # Three slashes before a relative path and four before an absolute one, as SQLAlchemy has it; three before what
        # is only there as an absolute path is meant as one too.
        path = rest.removeprefix("/") if rest.startswith("/") else rest
        if rest.startswith("/") and not os.path.exists(os.path.expanduser(path)) and os.path.exists(rest):
            path = rest
    return scheme, os.path.abspath(os.path.expanduser(path or "."))


def _locate_folder(source: str, scheme: str, path: str) -> Located:
    if scheme in ("sqlite", "duckdb"):
        raise SourceError(f"{path} is a folder, not a database")
    kinds = (scheme,) if scheme else ("parquet", "csv")
    try:
        entries = sorted(os.listdir(path))
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from None
    return Located(source, _tables([os.path.join(path, name) for name in entries], kinds, path, all_of=False), _DUCKDB)


def _tables(paths: Sequence[str], kinds: Sequence[str], where: str, all_of: bool = True) -> str:
    """{table: [file, ...]} as JSON. A file is a table of its name; a folder is one of all its files at any depth."""
    tables: dict[str, list[str]] = {}
    for path in paths:
        if all_of and not os.path.exists(path):
            raise SourceError(f"there is no file {path}")
        files = _files_below(path, kinds) if os.path.isdir(path) else [path] if _kind_of(path, kinds) else []
        if not files:
            if all_of:
                raise SourceError(f"{path} is neither Parquet nor CSV")
            continue
        name = _stem(path)
        if name.lower() in {known.lower() for known in tables}:
            raise SourceError(f"{where} has two files for one table {name!r}")
        if len({_kind_of(file, kinds) for file in files}) > 1:
            raise SourceError(f"{path} mixes Parquet and CSV files")
        tables[name] = files
    if not tables:
        raise SourceError(f"the folder {where} has no {' or '.join(kinds)} files")
    return json.dumps(tables, sort_keys=True)


def _files_below(folder: str, kinds: Sequence[str]) -> list[str]:
    return sorted(str(path) for path in Path(folder).rglob("*") if path.is_file() and _kind_of(str(path), kinds))


def _kind_of(path: str, kinds: Sequence[str]) -> str:
    """Which of `kinds` a file is by its ending; empty where it is none."""
    return next((kind for kind in kinds if path.lower().endswith(_ENDINGS[kind])), "")


def _stem(path: str) -> str:
    name = os.path.basename(path)
    for ending in sorted((e for endings in _ENDINGS.values() for e in endings), key=len, reverse=True):
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return name


def _content(path: str) -> str:
    """What a file is by its first bytes: "sqlite", "duckdb", "parquet", "empty"; "csv" by its ending; else nothing."""
    try:
        head = _first_bytes(path)
    except FileNotFoundError:
        raise SourceError(f"there is no file {path}") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from None
    if head == b"SQLite format 3\x00":
        return "sqlite"
    if head[8:12] == b"DUCK":
        return "duckdb"
    if head[:4] == b"PAR1" and _kind_of(path, ["parquet"]):
        return "parquet"
    return _kind_of(path, ["csv"]) or ("" if head else "empty")


def _first_bytes(path: str) -> bytes:
    """The first 16. Where this process has the file open, by that descriptor: POSIX gives up all locks that a process
    holds on a file when it closes any descriptor of it, and somebody else could write amid its transaction."""
    status = os.stat(path)
    for name in os.listdir("/dev/fd") if os.path.isdir("/dev/fd") else []:
        try:
            if os.path.samestat(os.fstat(int(name)), status):
                return os.pread(int(name), 16, 0)
        except OSError:  # closed meanwhile, or not to be read
            continue
    with open(path, "rb") as file:
        return file.read(16)
