"""Instances: every constraint holds, a seed decides every byte, and planted rows are found."""

from __future__ import annotations

import sqlite3

import pytest

from sqlrl.benchmarks.synthesis.checks import rules_of
from sqlrl.benchmarks.synthesis.conditions import Condition
from sqlrl.benchmarks.synthesis.filling import Instance
from sqlrl.benchmarks.synthesis.hints import Hints
from sqlrl.benchmarks.synthesis.plans import Plans
from sqlrl.benchmarks.synthesis.planting import plant
from sqlrl.benchmarks.synthesis.reading import Reading
from sqlrl.benchmarks.synthesis.schema import Schema, read_schema


def _made(plans: Plans, seed: str, readings: list[Reading] = [], missing: bool = False) -> Instance:  # noqa: B006
    instance = Instance(plans, seed)
    instance.fill()
    for reading in readings:
        plant(instance, reading, missing=missing)
    instance.finish()
    return instance


@pytest.mark.parametrize("seed", range(12))
def test_keys_and_checks_hold(plans: Plans, readings: list[Reading], seed: int) -> None:
    for missing in (False, True):
        connection = _made(plans, str(seed), readings, missing).connection
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        for table in plans.schema.tables:
            assert connection.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0] > 0
            for unique in table.uniques:
                names = ", ".join(unique)
                twice = f"SELECT {names} FROM {table.name} GROUP BY {names} HAVING count(*) > 1"
                assert connection.execute(twice).fetchall() == []


def test_a_seed_decides_every_byte(plans: Plans, readings: list[Reading]) -> None:
    contents = [_made(plans, seed, readings).content() for seed in ("a", "a", "b")]
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]


def test_the_schema_is_the_one_that_was_given(plans: Plans) -> None:
    connection = sqlite3.connect(":memory:")
    connection.deserialize(_made(plans, "s").content())
    found = {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
    assert found == set(plans.schema.statements)


@pytest.mark.parametrize("seed", range(3))
def test_every_query_finds_what_was_planted_for_it(plans: Plans, readings: list[Reading], seed: int) -> None:
    for reading in readings:
        instance = _made(plans, f"{seed}", [reading])
        assert instance.connection.execute(reading.query).fetchall(), reading.query


def test_groups_that_are_counted_differ_in_size(plans: Plans) -> None:
    for seed in range(5):
        rows = _made(plans, str(seed)).connection.execute(
            "SELECT count(*) FROM products GROUP BY brand_id ORDER BY count(*)"
        )
        sizes = [size for (size,) in rows]
        assert len(sizes) > 1
        assert len(set(sizes)) >= len(sizes) - 1  # a row that clashed may have been drawn anew


def test_checks_of_single_columns_are_read() -> None:
    rules = rules_of(
        "CREATE TABLE t (a INT CHECK (a > 1 AND 9 >= a), b TEXT PRIMARY KEY CHECK (b IN ('x', 'y')), c INT, "
        "CHECK (c BETWEEN 2 AND 3)) STRICT, WITHOUT ROWID"
    )
    assert rules["a"].conditions == (Condition(">", "1"), Condition("<=", "9"))
    assert rules["b"].values == ("x", "y")
    assert rules["c"].conditions == (Condition(">=", "2"), Condition("<=", "3"))
    assert rules_of("CREATE TABEL t (a CHECK (a > 1))") == {}


def test_names_repeat_unless_told_otherwise(schema: Schema, hints: Hints) -> None:
    repeats = {False: 0, True: 0}
    for unique in repeats:
        plans = Plans(schema, hints, unique_names=unique)
        for seed in range(8):
            (found,) = (
                _made(plans, str(seed))
                .connection.execute("SELECT count(*) - count(DISTINCT name) FROM products")
                .fetchone()
            )
            repeats[unique] += found
    assert repeats[False] > repeats[True] == 0


def test_a_foreign_key_that_sqlite_cannot_check_hinders_no_other() -> None:
    schema = read_schema(
        [
            "CREATE TABLE a (x INT, y TEXT)",
            "CREATE TABLE b (x INT REFERENCES a (x), y INT REFERENCES c (id))",
            "CREATE TABLE c (id INTEGER PRIMARY KEY, up INT REFERENCES c (id), first INT REFERENCES d (id))",
            "CREATE TABLE d (id INTEGER PRIMARY KEY, c INT NOT NULL REFERENCES c (id))",
        ],
        "ring",
    )
    for seed in range(5):
        connection = _made(Plans(schema, Hints(schema)), str(seed)).connection
        for table in ("c", "d"):
            assert connection.execute(f"PRAGMA foreign_key_check({table})").fetchall() == []
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] > 2
