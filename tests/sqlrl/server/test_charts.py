"""Which results a chart shows better than a table."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sqlrl.server.charts import MOST, chart_of

PEOPLE = [("Ann", 3), ("Bo", 1), ("Cy", None)]
DAYS = [(datetime.date(2026, 1, day), day * 2.5) for day in range(1, 9)]
YEARS = [(1990 + n, n * n) for n in range(5)]
CLOUD = [(n * 0.5, (n * 7) % 11) for n in range(40)]


@pytest.mark.parametrize(
    ("columns", "rows", "expected"),
    [
        (("name", "count(*)"), PEOPLE, ("bar", 0, [1])),
        (("count(*)", "name"), [row[::-1] for row in PEOPLE], ("bar", 1, [0])),
        (("day", "total"), DAYS, ("line", 0, [1])),
        (("day", "total"), DAYS[::-1], ("line", 0, [1])),
        (("day", "total"), [*DAYS[3:], *DAYS[:3]], ("bar", 0, [1])),
        (("day", "total"), [(str(day), Decimal("1.5")) for day, _ in DAYS], ("line", 0, [1])),
        (("month", "total"), [("2026-01", 1), ("2026-02", 5)], ("line", 0, [1])),
        (("year", "n"), YEARS, ("line", 0, [1])),
        (("releaseYear", "n"), YEARS, ("line", 0, [1])),
        (("strftime('%Y', day)", "n"), [("1999", 1), ("2000", 2)], ("line", 0, [1])),
        (("id", "name", "total"), [(7, "a", 1.0), (8, "b", 2.0)], ("bar", 1, [2])),
        (("customer_id", "name", "total"), [(7, "a", 1.0), (8, "b", 2.0)], ("bar", 1, [2])),
        (("name", "low", "mid", "high"), [("a", 1, 2, 3), ("b", 4, 5, 6)], ("bar", 0, [1, 2, 3])),
        (("length", "weight"), CLOUD, ("scatter", 0, [1])),
        (("paid", "n"), [(True, 1), (False, 2)], ("bar", 0, [1])),
    ],
)
def test_what_is_drawn(columns: Any, rows: Any, expected: Any) -> None:
    kind, x, y = expected
    assert chart_of(columns, rows) == {"kind": kind, "x": x, "y": y}


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        (("n",), [(1,)]),
        (("name", "n"), [("a", 1)]),
        (("name", "n"), [(str(n), n) for n in range(MOST + 1)]),
        (("name", "city"), [("a", "b"), ("c", "d")]),
        (("name", "city", "n"), [("a", "b", 1), ("c", "d", 2)]),
        (("name", "n"), [("a", 1), ("a", 2)]),
        (("id", "total"), [(n, n) for n in range(20)]),
        (("name", "id"), [("a", 1), ("b", 2)]),
        (("name", "customer_id"), [("a", 1), ("b", 2)]),
        (("name", "a", "b", "c", "d"), [("a", 1, 2, 3, 4), ("b", 1, 2, 3, 4)]),
        (("length", "weight"), CLOUD[:5]),
        (("name", "n"), [("a", None), ("b", None)]),
        (("name", "n"), [("a", 1), ("b", "x")]),
        (("name", "n"), [("a", float("inf")), ("b", 1.0)]),
        (("name", "blob"), [("a", b"x"), ("b", b"y")]),
        ((), [(), ()]),
        (("name", "n"), [("a", 1), ("b",)]),
        (("a", "b"), []),
    ],
)
def test_what_is_not(columns: Any, rows: Any) -> None:
    assert chart_of(columns, rows) is None


CELL = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.binary(max_size=3), st.dates(),
    st.datetimes(timezones=st.none() | st.just(datetime.UTC)), st.decimals(), st.times(), st.lists(st.integers()),
    st.sampled_from(["2026-01-02", "1999", "a", "b"]),
)  # fmt: skip
NAME = st.sampled_from(["id", "name", "year", "total", "", "order_id", "Größe"]) | st.text(max_size=8)


@st.composite
def _results(draw: st.DrawFn) -> tuple[list[str], list[list[Any]]]:
    columns = draw(st.lists(NAME, max_size=5))
    kinds = [draw(st.sampled_from([CELL, st.integers(0, 50), st.floats(0, 9), st.text(max_size=4), st.dates()]))
             for _ in columns]  # fmt: skip
    return columns, draw(st.lists(st.tuples(*kinds).map(list), max_size=15))


@example((["id", "name", "id"], [[0, "a", 0.0], [0, "b", 0.0]]))
@given(_results())
def test_a_chart_fits_its_result(result: tuple[list[str], list[list[Any]]]) -> None:
    columns, rows = result
    chart = chart_of(columns, rows)
    assert chart == chart_of(columns, rows)
    if chart is None:
        return
    assert 2 <= len(rows) <= MOST
    assert chart["x"] in range(len(columns))
    assert 1 <= len(chart["y"]) <= 3
    assert chart["x"] not in chart["y"]
    for index in chart["y"]:
        cells = [row[index] for row in rows if row[index] is not None]
        assert cells
        assert columns[index] not in ("id", "order_id") or not all(float(cell).is_integer() for cell in cells)
        assert all(isinstance(cell, (int, float, Decimal)) and float(cell) - float(cell) == 0 for cell in cells)
    if chart["kind"] != "scatter":
        labels = [str(row[chart["x"]]) for row in rows]
        assert len(set(labels)) == len(labels)
    shuffled = chart_of(columns, rows[1:] + rows[:1])
    assert shuffled is not None
    assert (shuffled["x"], shuffled["y"]) == (chart["x"], chart["y"])
