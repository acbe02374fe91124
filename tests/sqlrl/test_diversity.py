"""Which right queries count as the same, and how many different ones there are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sqlrl.diversity import Diversity, shape_of

SAME = [
    ("SELECT a FROM t WHERE x = 1", "select  A from T where X = 22"),
    ("SELECT T1.a FROM t AS T1 JOIN u AS T2 ON T1.id = T2.id", "SELECT q.a FROM t AS q JOIN u AS r ON r.id = q.id"),
    ("SELECT a FROM t WHERE x = 1 AND (y = 2 AND z = 3)", "SELECT a FROM t WHERE z = 3 AND y = 2 AND 1 = x"),
    ("SELECT a AS b FROM t", "SELECT a FROM t"),
    ('SELECT "a" FROM t', "SELECT a FROM t"),
    ("SELECT a + b FROM t", "SELECT b + a FROM t"),
    ("not a query (", "NOT  a query ("),
]
OTHER = [
    ("SELECT count(*) FROM t", "SELECT count(a) FROM t"),
    ("SELECT a FROM t WHERE x > 1", "SELECT a FROM t WHERE x >= 1"),
    ("SELECT a FROM t WHERE x > y", "SELECT a FROM t WHERE y > x"),
    ("SELECT a - b FROM t", "SELECT b - a FROM t"),
    ("SELECT a, b FROM t", "SELECT b, a FROM t"),
    ("SELECT a FROM t ORDER BY b LIMIT 1", "SELECT a FROM t ORDER BY b DESC LIMIT 1"),
    ("SELECT a FROM t", "SELECT DISTINCT a FROM t"),
    ("SELECT a FROM t WHERE x = (SELECT max(x) FROM t)", "SELECT a FROM t ORDER BY x DESC LIMIT 1"),
    ("SELECT a FROM t WHERE x = 1 OR y = 2", "SELECT a FROM t WHERE x = 1 AND y = 2"),
    ("SELECT a FROM t UNION SELECT a FROM u", "SELECT a FROM t UNION ALL SELECT a FROM u"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_shape(one: str, other: str) -> None:
    assert shape_of(one) == shape_of(other)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_another_shape(one: str, other: str) -> None:
    assert shape_of(one) != shape_of(other)


def _item(query: str | None, correct: bool) -> Any:
    return SimpleNamespace(predicted=query, judged=SimpleNamespace(verdict=SimpleNamespace(correct=correct)))


def test_only_right_ones_count_each_shape_once() -> None:
    found = Diversity.of(
        [
            [_item("SELECT a FROM t", True), _item("SELECT A FROM t", True), _item("SELECT b FROM t", True)],
            [_item("SELECT a FROM t", False), _item(None, False), _item("SELECT c FROM t", True)],
            [_item("SELECT a FROM t", False)] * 3,
        ]
    )
    assert (found.samples, found.questions, found.solved) == (3, 3, 2)
    assert found.shapes == pytest.approx(1.0)
    assert found.a_solved == pytest.approx(1.5)
    assert found.several == pytest.approx(0.5)
    assert found.interval[0] <= found.shapes <= found.interval[1]
