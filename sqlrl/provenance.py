"""Provenance: the data and the software that a figure comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlrl.executors.address import ENGINES

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Example
    from sqlrl.benchmarks.revision import Revision
    from sqlrl.judging import Judging
    from sqlrl.training.run import Progress

__all__ = ["Provenance", "provenance_of", "versions"]

_PACKAGES = {  # of search engines: whose version a figure depends on
    "bm25": "bm25s", "dense": "sentence-transformers", "boolean": "tantivy", "opensearch": "opensearch-py",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Provenance:
    """revision: of the whole split, however few of its questions were asked. versions: name -> version. seconds:
    processor time that one query may take."""

    revision: Revision
    versions: dict[str, str]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        return {"revision": self.revision.to_dict(), "versions": self.versions, "seconds": self.seconds}


def provenance_of(examples: Sequence[Example], judging: Judging, benchmark: Any, progress: Progress) -> Provenance:
    """Of an evaluation on a split of a benchmark."""
    from sqlrl.benchmarks.revision import revision_of
    from sqlrl.executors.source import is_server

    sources = {example.id: benchmark.sources(example) for example in examples}
    engines = {url.partition(":")[0] for urls in sources.values() for url in urls}
    corpora = engines and not engines - set(ENGINES)
    what = "reading the corpus" if corpora else "reading the databases"
    advance = progress.start(what, len({example.labels.get("database", "") for example in examples}))
    revision = revision_of(examples, sources, advance=lambda count: advance(count, ""))
    servers = sorted(url for urls in sources.values() for url in urls if is_server(url))
    found = {**_server_version(servers[0], judging), **versions(engines)} if servers else versions(engines)
    return Provenance(revision, found, judging.limits.seconds)


def _server_version(url: str, judging: Judging) -> dict[str, str]:
    """A server's own name and number; nothing where it does not say."""
    (result,) = judging.group.execute_many([(url, "SELECT version()")])
    words = str(result.rows[0][0]).split() if result.rows else []
    if words[:1] == ["PostgreSQL"]:
        return {"PostgreSQL": words[1]}
    number, _, rest = words[0].partition("-") if words else ("", "", "")
    return {"MariaDB" if "MariaDB" in rest else "MySQL": number} if number else {}


def versions(engines: set[str] | frozenset[str] = frozenset({"sqlite"})) -> dict[str, str]:
    """What executes and what reads: sqlrl, the engines' libraries of these kinds of source, sqlglot, Python."""
    import platform
    import sqlite3
    from importlib.metadata import PackageNotFoundError, version

    from sqlrl import __version__

    found = {"sqlrl": __version__}
    if "sqlite" in engines:
        found["SQLite"] = sqlite3.sqlite_version
    try:
        if engines & {"duckdb", "parquet", "csv"}:
            found["DuckDB"] = version("duckdb")
        for engine, package in _PACKAGES.items():
            if engine in engines:
                found[package] = version(package)
        if not engines & set(ENGINES):
            found["sqlglot"] = version("sqlglot")
    except PackageNotFoundError:
        pass  # run from a tree that was put together by hand
    found["Python"] = platform.python_version()
    return found
