"""Texts without a statement, beside what SQLite makes of them."""

from __future__ import annotations

import sqlite3

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sqlrl.benchmarks.judges.statements import is_nothing, or_nothing

PIECES = [" ", "\n", ";", "--x\n", "/*", "*/", "a", "--", "\t", "\v", "\f", "\ufeff", "/", "-", "\r", "*"]


def returns_nothing(text: str) -> bool:
    """Whether a script that runs it gets no rows, no columns and no error."""
    connection = sqlite3.connect(":memory:")
    try:
        cursor = connection.execute(text)
        return cursor.description is None and cursor.fetchall() == []
    except (sqlite3.Error, sqlite3.Warning):
        return False
    finally:
        connection.close()


@settings(derandomize=True, max_examples=2_000, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
@example("/*")
@example("/* unfinished")
@example(";;")
@example("--x\n\v")
def test_nothing_is_what_sqlite_runs_without_a_word(text: str) -> None:
    assert is_nothing(text) == returns_nothing(text)


def test_nothing_becomes_a_query_that_returns_nothing() -> None:
    assert or_nothing(" -- later") == "SELECT NULL WHERE 0"
    assert or_nothing("SELECT 1") == "SELECT 1"
