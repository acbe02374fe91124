"""A folder of suites, laid out as Spider's official one: `database/NAME/NAME.sqlite` and further instances beside it.

The first file is the original database where there is one. `suite.json` says how each was made, how well it does, and
on which instances a query's answer is left to chance; `benchmarks/databases.py` leaves those out for that query.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlrl.benchmarks.databases import SUITE_FILE
from sqlrl.benchmarks.synthesis.hints import read_hints
from sqlrl.benchmarks.synthesis.plans import Plans
from sqlrl.benchmarks.synthesis.reading import read_query
from sqlrl.benchmarks.synthesis.requests import Request
from sqlrl.benchmarks.synthesis.suite import Suite, make_suite
from sqlrl.executors.errors import DataError

__all__ = ["PARTS", "copy_questions", "make_folder", "write_questions"]

PARTS = 8  # pieces of work that `advance` is told of for each database
_VERSION = 3  # of how rows are drawn: files of another are made again
_QUESTIONS = ("train_spider.json", "train_others.json", "dev.json", "test.json", "tables.json")


def make_folder(
    requests: Sequence[Request],
    out: Path,
    *,
    instances: int,
    keep: int,
    seed: int,
    neighbours: int,
    unique_names: bool = False,
    workers: int | None = None,
    advance: Callable[[int, str], None] = lambda count, word: None,
) -> Iterator[dict[str, Any]]:
    """Make each database's suite below `out/database`, and give what its suite.json says. What is there already, made
    from the same schema, queries and settings, is not made again. Each folder is written beside and renamed."""
    for request in requests:
        settings = {
            "instances": instances, "keep": keep, "seed": seed, "neighbours": neighbours, "unique_names": unique_names,
        }  # fmt: skip
        key = request.key(version=_VERSION, **settings)
        folder = out / "database" / request.name
        known = _known(folder / SUITE_FILE, key)
        if known is not None:
            advance(PARTS, request.name)
            yield known
            continue
        if folder.exists() and not (folder / SUITE_FILE).exists():
            raise DataError(f"{folder} is there and was not made by `sqlrl data synthesize`: name another --out")
        readings = {query: read_query(query, request.schema) for query in request.queries}
        hints = read_hints(request.schema, [reading for reading in readings.values() if reading is not None])
        done = 0

        def count(name: str = request.name) -> None:
            nonlocal done
            done += 1
            advance(1, name)

        with tempfile.TemporaryDirectory(prefix="sqlrl-synthesis-") as place:
            plans = Plans(request.schema, hints, unique_names=unique_names)
            suite = make_suite(
                plans, hints, readings, Path(place), instances=instances, keep=keep, seed=seed,
                most_neighbours=neighbours, original=request.original, workers=workers, advance=count,
            )  # fmt: skip
            said = {"key": key, "database": request.name, "settings": settings, **_said(request, suite)}
            _write(folder, request, suite, said)
        advance(PARTS - done, request.name)
        yield said


def copy_questions(source: Path, out: Path) -> None:
    """Put Spider's questions and schemas beside the databases, so that the folder is one to give as --data."""
    out.mkdir(parents=True, exist_ok=True)
    for name in _QUESTIONS:
        if (source / name).exists():
            beside = out / f"{name}.part"
            shutil.copyfile(source / name, beside)
            beside.replace(out / name)


def write_questions(request: Request, out: Path) -> None:
    """One's own questions in Spider's form, so that `sqlrl train spider --data OUT` takes them."""
    out.mkdir(parents=True, exist_ok=True)
    items = [
        {"db_id": request.name, "question": asked.question or asked.query, "query": asked.query}
        for asked in request.asked
    ]
    beside = out / "train_spider.json.part"
    beside.write_text(json.dumps(items, indent=1, ensure_ascii=False), encoding="utf-8")
    beside.replace(out / "train_spider.json")


def _known(file: Path, key: str) -> dict[str, Any] | None:
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return said if isinstance(said, dict) and said.get("key") == key else None


def _names(request: Request, suite: Suite) -> list[str]:
    """File names of the kept instances: they sort as they were chosen, behind the original."""
    start = 1 if request.original is not None else 0
    return [f"{request.name}{f'_{start + place}' if start + place else ''}.sqlite" for place in range(len(suite.kept))]


def _write(folder: Path, request: Request, suite: Suite, said: dict[str, Any]) -> None:
    beside = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    if request.original is not None:
        shutil.copyfile(request.original, beside / f"{request.name}.sqlite")
    for path, name in zip(suite.kept, _names(request, suite), strict=True):
        shutil.copyfile(path, beside / name)
    (beside / SUITE_FILE).write_text(json.dumps(said, indent=1, ensure_ascii=False), encoding="utf-8")
    if folder.exists():
        shutil.rmtree(folder)
    beside.replace(folder)


def _said(request: Request, suite: Suite) -> dict[str, Any]:
    queries = request.queries
    names = _names(request, suite)
    return {
        "original": request.original is not None,
        "files": names,
        "queries": len(queries),
        "questions": queries.total(),
        "questions_found_first": sum(queries[query] for query in suite.found_first),
        "questions_found": sum(queries[query] for query in suite.found),
        "empty": [query for query in queries if query not in suite.found],
        "failing": suite.failing,
        "unread": suite.unread,
        "neighbours": dict(suite.neighbours),
        "told": dict(suite.told),
        "told_by": [dict(counts) for counts in suite.told_by],
        "told_by_original": dict(suite.told_by_original),
        "undecided": {
            name: suite.undecided[path.name] for path, name in zip(suite.kept, names, strict=True)
            if suite.undecided[path.name]
        },
    }  # fmt: skip
