"""What is asked, and what is right: benchmarks by name, and the judges that decide."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

if __name__ != "sqlrl.benchmarks":
    raise ImportError("import sqlrl.benchmarks: a top-level 'benchmarks' would be a second copy of every class")

from sqlrl.benchmarks.base import Benchmark, Demonstration, Example, Judge, Verdict
from sqlrl.benchmarks.judges import JUDGES, load_judge
from sqlrl.executors.errors import UsageError, nearest

__all__ = [
    "BENCHMARKS",
    "JUDGES",
    "Benchmark",
    "Demonstration",
    "Example",
    "Judge",
    "Verdict",
    "load_benchmark",
    "load_judge",
    "reported_split",
    "searches",
]

# name -> (module, class, what follows a slash, the split that the literature reports)
BENCHMARKS: dict[str, tuple[str, str, str, str]] = {
    "mini": ("mini", "Mini", "seed", "test"),
    "spider": ("spider", "Spider", "", "validation"),
    "geoquery": ("geoquery", "GeoQuery", "split", "test"),
    "bird": ("bird", "Bird", "", "validation"),
    **dict.fromkeys(("scifact", "nfcorpus", "fever", "hotpotqa", "fiqa"), ("beir", "Beir", "", "test")),
    "msmarco-beir": ("beir", "Beir", "", "validation"),
    **dict.fromkeys(("msmarco-health", "msmarco-science", "msmarco-tech"), ("msmarco", "Subject", "", "test")),
    **dict.fromkeys(("nq", "triviaqa", "squad", "xquad"), ("passages", "Passages", "", "test")),
    "pubmed": ("literature", "PubMed", "", "test"),
    "cohen": ("literature", "Cohen", "review", "test"),
    "trials": ("trials", "Trials", "", "test"),
}
_QUESTIONS = "questions:"
_SEARCH = ("beir", "msmarco", "passages", "literature", "trials")  # modules; each class is told which benchmark it is


def load_benchmark(
    name: str,
    data: str | Path | None = None,
    url: str | None = None,
    answered: str | Path | None = None,
    engine: str | None = None,
) -> Benchmark:
    """A benchmark by its name, or name/variant: `mini/2` (houses of seed 2), `geoquery/query` (split by query),
    `cohen/Triptans` (that review is the test); with `answered`, a file of answers (see `read_answers`), that of the
    database whose source `name` is; `questions:SOURCE`: what the grammar asks about that database.

    data: the folder to look below, by default $SQLRL_DATA and the user's cache. url: of BIRD's databases on a server.
    engine: what a search benchmark's corpus is searched with: bm25, dense, boolean, live, or the address of an index
    that holds it. UsageError for an unknown name, DataError where its files are not found or not what they should be.
    """
    if answered is not None and engine is None:
        from sqlrl.benchmarks.answered import Answered

        own: Benchmark = Answered(name, answered)
        return own
    if name.startswith(_QUESTIONS):
        from sqlrl.benchmarks.questions import Questions

        written: Benchmark = Questions(name.removeprefix(_QUESTIONS))
        return written
    base, _, variant = name.partition("/")
    if base not in BENCHMARKS:
        if "://" in name or Path(name).expanduser().exists():
            raise UsageError(f"{name} is a database: give --answered FILE, its questions and what is known to be right")
        raise UsageError(f"no benchmark {base!r}{nearest(base, BENCHMARKS)}")
    module, factory, keyword, _ = BENCHMARKS[base]
    arguments: dict[str, Any] = {"dataset": base} if module in _SEARCH else {}
    if engine is not None:
        if answered is not None or module not in _SEARCH:
            raise UsageError(f"--engine is for search, and {base} is a benchmark of databases")
        arguments["engine"] = engine
    if variant:
        if not keyword:
            raise UsageError(f"{base} has no variants (given {name!r})")
        arguments[keyword] = variant
    if base == "mini":
        if "seed" in arguments:
            if not variant.isdigit():
                raise UsageError(f"mini/SEED takes a whole number, not {variant!r}")
            arguments["seed"] = int(variant)
    else:
        arguments["data"] = data
    if url is not None:
        if base != "bird":
            raise UsageError(f"{base} has no golds for a server: --database-url goes with bird")
        arguments["url"] = url
    benchmark: Benchmark = getattr(importlib.import_module(f"sqlrl.benchmarks.{module}"), factory)(**arguments)
    return benchmark


def reported_split(name: str, url: str | None = None) -> str:
    """The split that the literature reports for a benchmark, and that `eval` uses; on a server there is one alone."""
    if url is not None:
        return "minidev"
    if name.startswith(_QUESTIONS):
        return "validation"
    return BENCHMARKS[name.partition("/")[0]][3]


def searches(name: str) -> bool:
    """Whether a benchmark of that name is one of search."""
    base = name.partition("/")[0]
    return base in BENCHMARKS and BENCHMARKS[base][0] in _SEARCH
