"""Golds that a worker keeps, and the queries that need the memory."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from sqlrl.executors import Gold, Limits, Outcome, open_executor
from sqlrl.executors.relations import Relation
from sqlrl.executors.sandbox.golds import Golds, KnownGold


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of ten columns and 20,000 rows, whose numbers Python keeps one by one."""
    path = tmp_path_factory.mktemp("databases") / "wide.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute(f"create table t({', '.join('abcdefghij')})")
        rows = (tuple(range(i * 1000, i * 1000 + 10)) for i in range(20_000))
        connection.executemany(f"insert into t values ({','.join('?' * 10)})", rows)
    connection.close()
    return path


def test_what_golds_take_is_not_held_against_a_query(wide: Path) -> None:
    """Any of these fits by itself, so it fits whatever was judged before."""
    query = "select a + {}, b, c, d, e, f, g, h, i, j from t"
    tasks = [(query.format(i + 1), Gold(query=query.format(i))) for i in range(9)]
    with open_executor(str(wide), limits=Limits(seconds=30, memory_bytes=80 << 20), workers=1) as executor:
        found = executor.compare_many(tasks, Relation("bag", tolerance=1e-6))
    assert {(each.outcome, each.gold_outcome) for each in found} == {(Outcome.OK, Outcome.OK)}


def test_golds_that_take_nothing_are_kept() -> None:
    golds = Golds()
    golds.keep(1, KnownGold(("a",), [(1,)]))
    assert not golds.make_room()
    assert golds.get(1) is not None
    golds.keep(2, KnownGold(("a",), [("x" * (1 << 20),)]))
    assert golds.make_room()
    assert (golds.get(1), golds.get(2), golds.make_room()) == (None, None, False)
