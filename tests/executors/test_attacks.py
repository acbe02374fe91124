"""Each hostile query ends as data, in time, and leaves nothing behind."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sqlrl.executors import Limits, Outcome, open_executor
from sqlrl.executors.embedded import EmbeddedExecutor

ATTACKS = [
    json.loads(line)
    for line in (Path(__file__).parent.parent / "attacks" / "sqlite.jsonl").read_text(encoding="utf-8").splitlines()
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
def executor(concerts: Path) -> Iterator[EmbeddedExecutor]:
    with open_executor(f"sqlite:///{concerts}", limits=Limits(seconds=1), workers=1) as executor:
        yield executor


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack["id"] for attack in ATTACKS])
def test_an_attack_ends_as_data_and_leaves_nothing(
    attack: dict[str, Any], executor: EmbeddedExecutor, concerts: Path, tmp_path: Path
) -> None:
    canary, scratch = tmp_path / "canary", tmp_path / "scratch"
    canary.mkdir()
    scratch.mkdir()
    before = hashlib.sha256(concerts.read_bytes()).hexdigest()
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
    assert hashlib.sha256(concerts.read_bytes()).hexdigest() == before
    assert os.listdir(canary) == os.listdir(scratch) == []
    assert sorted(path.name for path in concerts.parent.iterdir()) == [concerts.name]
    assert executor.execute("select count(*) from singer").rows == ((30,),)
