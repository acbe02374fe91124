"""Queries that may stand for each other, and those that may not."""

from __future__ import annotations

import sqlite3
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrl.executors import Gold, Outcome, open_executor
from sqlrl.executors.duplicates import is_repeatable, likeness
from sqlrl.executors.relations import Relation

VOLATILE = [
    "select now()",
    "select Current_Timestamp",
    "select current_date",
    "select RANDOM()",
    "select randomblob(4)",
    "select localtimestamp",
    "select today()",
    "select gen_random_uuid(), uuid()",
    "select changes()",
    "select last_insert_rowid()",
    "select total_changes()",
    "select get_current_timestamp ()",
    "select * from t using sample 3",
    "select strftime('%s')",
    "select date()",
    "select time ( )",
    "select DateTime()",
    "select julianday()",
    "select unixepoch()",
    "select datetime('now')",
    "select age(born) from t",
    "select txid_current()",
]


@pytest.mark.parametrize("query", VOLATILE)
def test_clock_and_chance_are_seen(query: str) -> None:
    assert not is_repeatable(query)
    assert likeness(1, query, ()) != likeness(2, query, ())


@pytest.mark.parametrize(
    "query",
    [
        "select date, time from t",
        "select date(day) from t",
        "select timestamp, datetime from samples",
        "select average(age), language(x) from t",
    ],
)
def test_names_alone_are_no_clock(query: str) -> None:
    assert is_repeatable(query)


def test_space_counts_inside_literals_names_and_comments_only() -> None:
    assert likeness(1, "select  1\n", ()) == likeness(2, "select 1", ())
    for query, other in (
        ("select 'a  b'", "select 'a b'"),
        ('select "a  b" from t', 'select "a b" from t'),
        ("select 1 -- one\n + 1", "select 1 -- one + 1"),
        ("select 1 /*  */", "select 1 /* */"),
        ("select 1", "select 1, 2"),
    ):
        assert likeness(1, query, ()) != likeness(1, other, ())


@given(st.text(alphabet="ab '\"`[]-/*\\\n\t$1", max_size=20), st.text(alphabet="ab '\"`[]-/*\\\n\t$1", max_size=20))
def test_what_is_alike_reads_alike(query: str, other: str) -> None:
    """SQLite itself says: two texts of one likeness give the same columns, names included, or the same error."""
    if likeness(1, query, ()) == likeness(2, other, ()):
        assert _read(query) == _read(other)


def _read(query: str) -> object:
    connection = sqlite3.connect(":memory:")
    try:
        cursor = connection.execute("select " + query)
        return [column[0].split() for column in cursor.description], cursor.fetchall()
    except (sqlite3.Error, sqlite3.Warning) as error:
        return type(error)
    finally:
        connection.close()


def test_a_gold_that_chance_decides_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "t.duckdb"
    import duckdb

    duckdb.connect(str(path)).close()
    with open_executor(str(path), workers=1) as executor:
        gold = Gold(query="select random() as r")
        pairs = [(f"select {i}", gold) for i in range(3)]
        comparisons = executor.compare_many(pairs, Relation("set"))
    assert all(comparison.outcome is Outcome.OK and comparison.gold_seconds > 0 for comparison in comparisons)


def test_a_sample_of_a_table_is_drawn_anew() -> None:
    assert not is_repeatable("from range(9) tablesample 10 percent (bernoulli)")


def test_a_line_between_literals_is_no_blank() -> None:
    assert likeness(1, "select 'a'\n'b'", ()) != likeness(1, "select 'a' 'b'", ())


def test_golds_whose_numbers_differ_by_type_are_told_apart(concerts: Path) -> None:
    relation = Relation("list", typed=True)
    pairs = [("select 1, 1.5", Gold(rows=rows)) for rows in (((1, 1.5),), ((1.0, 1.5),))]
    with open_executor(str(concerts), workers=1) as executor:
        assert [comparison.equal for comparison in executor.compare_many(pairs, relation)] == [True, False]


PARTS = ["select", "x", "(", "'a  b'", '"c \n d"', "` `", " ", " ", "  ", "\n", "\t", " \r\n "]


@given(st.lists(st.sampled_from(PARTS), max_size=9))
def test_the_short_ways_find_what_the_long_way_does(parts: list[str]) -> None:
    """White space outside quotes is one blank, or one line's end where there is any; the ends have none."""
    expected = ""
    for blank, run in groupby(parts, str.isspace):
        text = "".join(run)
        expected += ("\n" if "\n" in text else " ") if blank else text
    assert likeness(0, "".join(parts), "rest") == (expected.strip(" \n"), "rest")
