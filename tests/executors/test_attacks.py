"""Each hostile query ends as data, in time, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sqlrl.executors import Limits, Outcome, open_executor
from sqlrl.executors.groups import Member

FOLDER = Path(__file__).parent.parent / "attacks"
ATTACKS = [
    pytest.param(engine, attack, id=f"{engine}-{attack['id']}")
    for engine in ("sqlite", "duckdb")
    for file in sorted(FOLDER.glob(f"{engine}*.jsonl"))
    for attack in map(json.loads, file.read_text(encoding="utf-8").splitlines())
]
FITTING = {
    "rejected": {Outcome.REFUSED, Outcome.INVALID},
    "error": {Outcome.REFUSED, Outcome.INVALID},
    "timeout": {Outcome.TIMED_OUT, Outcome.TOO_LARGE, Outcome.REFUSED, Outcome.INVALID, Outcome.CRASHED},
    "limit": {Outcome.TOO_LARGE, Outcome.TIMED_OUT, Outcome.REFUSED, Outcome.INVALID, Outcome.CRASHED},
    "ok": {Outcome.OK},
}
ANSWERED_WITHIN = 4.5


@pytest.fixture(scope="module")
def executors(databases: dict[str, Path]) -> Iterator[dict[str, Member]]:
    with contextlib.ExitStack() as stack:
        yield {
            engine: stack.enter_context(open_executor(f"{engine}:///{path}", limits=Limits(seconds=1), workers=1))
            for engine, path in databases.items()
        }


@pytest.mark.parametrize(("engine", "attack"), ATTACKS)
def test_an_attack_ends_as_data_and_leaves_nothing(
    engine: str,
    attack: dict[str, Any],
    executors: dict[str, Member],
    databases: dict[str, Path],
    tmp_path: Path,
) -> None:
    executor, database = executors[engine], databases[engine]
    canary, scratch = tmp_path / "canary", tmp_path / "scratch"
    canary.mkdir()
    scratch.mkdir()
    before = hashlib.sha256(database.read_bytes()).hexdigest()
    threads = threading.active_count()
    query = attack["sql"].replace("{CANARY}", str(canary)).replace("{SCRATCH}", str(scratch))
    started = time.monotonic()
    result = executor.execute(query)
    assert time.monotonic() - started < ANSWERED_WITHIN
    fitting = set(FITTING[attack["expect"]])
    for word, outcomes in FITTING.items():
        if "alt acceptable" in attack["note"] and word in attack["note"].partition("alt acceptable")[2]:
            fitting |= outcomes
    assert result.outcome in fitting, result
    assert result.outcome is Outcome.OK or result.message
    assert hashlib.sha256(database.read_bytes()).hexdigest() == before
    assert os.listdir(canary) == os.listdir(scratch) == []
    assert sorted(path.name for path in database.parent.iterdir()) == [database.name]
    assert executor.execute("select count(*) from singer").rows == ((30,),)
    assert threading.active_count() <= threads + 1  # the pool's own, started by the first query
