"""Text that is not UTF-8, as each relation reads it, in a real database."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from sqlrl.executors import Gold, Outcome, open_executor
from sqlrl.executors.relations import Relation


@pytest.fixture
def cafes(tmp_path: Path) -> str:
    path = tmp_path / "cafes.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("create table cafe(name text)")
        connection.execute("insert into cafe values (cast(x'636166e9' as text))")
    connection.close()
    return str(path)


@pytest.mark.parametrize(
    ("text", "query", "outcome", "equal"),
    [
        ("whole", "SELECT name FROM cafe", Outcome.OK, False),
        ("ignore", "SELECT name FROM cafe", Outcome.OK, True),
        ("strict", "SELECT name FROM cafe", Outcome.INVALID, False),
        ("strict", "SELECT 'caf'", Outcome.OK, True),
    ],
)
def test_text_is_read_as_the_relation_says(cafes: str, text: str, query: str, outcome: Outcome, equal: bool) -> None:
    with open_executor(cafes, workers=1) as executor:
        (found,) = executor.compare_many([(query, Gold(query="SELECT 'caf'"))], Relation(text=text))  # type: ignore[arg-type]
    assert (found.outcome, found.equal) == (outcome, equal)


def test_a_gold_that_cannot_be_read_is_at_fault(cafes: str) -> None:
    with open_executor(cafes, workers=1) as executor:
        gold = Gold(query="SELECT name FROM cafe")
        (found,) = executor.compare_many([("SELECT 'caf'", gold)], Relation(text="strict"))
        assert (found.gold_outcome, found.equal) == (Outcome.INVALID, False)
        assert executor.compare_many([("SELECT name FROM cafe", gold)], Relation())[0].equal
