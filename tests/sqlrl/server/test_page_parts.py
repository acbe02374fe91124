"""The page's parts by themselves, in the browser that runs them: queries, cells, scales and words."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
import sqlglot

from tests.browser import Browser, Tab

SHREDS = [
    "select", " ", "\n", "(", ")", "'it''s'",
    '"a b"', "`x`", "[y z]", "-- note\n", "/* from */", "1.5e3", ",", "from", "t", "where",
    "#", "$$ from $$", "$a$", "e'\\' from'", "'", '"', "union", "all", "left(", "left", "join", "order", "by",
    ";", "é", "💡", "\\", "&&",
]  # fmt: skip
QUERIES = [
    "SELECT a, COUNT(*) FROM t LEFT JOIN u ON t.id = u.id WHERE a > 1 AND b IN (SELECT x FROM y WHERE z = 'a  from') "
    "GROUP BY a HAVING COUNT(*) > 1 ORDER BY 2 DESC LIMIT 5",
    "with w as (select left(name, 3) as n from t) select * from w union all select n -- from\n "
    "from w except select 1",
    "SELECT EXTRACT(year FROM day) AS y, SUM(x) OVER (PARTITION BY a ORDER BY b) FROM t CROSS JOIN u",
]  # fmt: skip

pytestmark = pytest.mark.slow


@pytest.fixture
def part(serve: Callable[..., Any], browser: Browser) -> Iterator[Callable[[str, str], Any]]:
    """(a module of the page, an expression in which it is `m`) -> its value."""
    with browser.tab() as tab:
        tab.open(serve().url)
        yield lambda module, script: _evaluated(tab, module, script)


def _evaluated(tab: Tab, module: str, script: str) -> Any:
    return tab.evaluate(f"import('/{module}.js').then((m) => ({script}))")


@pytest.mark.parametrize("dialect", ["sqlite", "mysql", "postgresql", "pubmed"])
def test_pieces_of_a_query_are_the_query(part: Callable[[str, str], Any], dialect: str) -> None:
    draw = random.Random(5)
    queries = ["".join(draw.choices(SHREDS, k=draw.randint(0, 25))) for _ in range(1500)]
    script = f"{json.dumps(queries)}.filter(q => m.pieces(q, '{dialect}').map(p => p[1]).join('') !== q)"
    assert part("queries", script) == []
    # Lines may be broken only where there was space, or beside a bracket: all else stays, and in its order.
    script = f"""{json.dumps(queries)}.filter(q => {{
      const kept = (text) => m.pieces(text, '{dialect}').filter(p => p[0] !== 'space');
      const bare = (text) => kept(text).map(p => p[1].trimEnd()).join('\\u0000');
      return bare(m.broken(q, '{dialect}')) !== bare(q.trim());
    }})"""
    assert part("queries", script) == []


def test_breaking_lines_changes_no_meaning(part: Callable[[str, str], Any]) -> None:
    for query in QUERIES:
        broken = part("queries", f"m.broken({json.dumps(query)}, 'postgresql')")
        assert broken.count("\n") >= 2
        assert sqlglot.parse_one(broken, "postgres") == sqlglot.parse_one(query, "postgres")
        assert part("queries", f"m.broken({json.dumps(broken)}, 'postgresql')") == broken, "once is enough"


def test_names_are_quoted_where_they_must_be(part: Callable[[str, str], Any]) -> None:
    for name, dialect, written in (
        ("name", "sqlite", "name"), ("order", "sqlite", '"order"'), ("a b", "mysql", "`a b`"),
        ('a"b', "duckdb", '"a""b"'),
        ("Name", "postgresql", '"Name"'), ("Name", "sqlite", "Name"), ("s.t", "postgresql", "s.t"),
        ("s.T", "postgresql", 's."T"'),
    ):  # fmt: skip
        assert part("queries", f"m.quoted({json.dumps(name)}, '{dialect}')") == written


def test_saved_cells_read_back_as_they_are(part: Callable[[str, str], Any]) -> None:
    draw = random.Random(7)
    shreds = ["a", ",", '"', "\n", "\r\n", " ", "é", "'", ";", "7", "-"]
    rows = [["x" + "".join(draw.choices(shreds, k=draw.randint(0, 6))) for _ in range(3)] for _ in range(300)]
    text = part("cells", f"m.csv(['a', 'b', 'c'], {json.dumps(rows)})")
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["a", "b", "c"], *rows]
    for cell in ("=1+1", "+x", "-x", "@x", "\tx", "=cmd|' /C calc'!A0"):
        (_, read) = csv.reader(io.StringIO(part("cells", f"m.csv(['a'], [[{json.dumps(cell)}]])"), newline=""))
        assert read == [f"'{cell}"]
    assert (
        part("cells", "m.csv(['a', 'b', 'c'], [[-1.5, '-12', null], [true, '', 1e21]])")
        == 'a,b,c\r\n-1.5,-12,\r\ntrue,"",1e+21\r\n'
    )


def test_numbers_of_a_column_are_told_apart_and_not_made_up(part: Callable[[str, str], Any]) -> None:
    draw = random.Random(3)
    columns = [
        [draw.choice([draw.uniform(-1, 1) * 10 ** draw.randint(-9, 12), draw.randint(-99, 99), None]) for _ in range(6)]
        for _ in range(400)
    ]
    shown = part("cells", f"{json.dumps(columns)}.map(c => c.map(v => m.text(v, m.manner(c).places)))")
    for cells, texts in zip(columns, shown, strict=True):
        for cell, text in zip(cells, texts, strict=True):
            if cell is None:
                assert text is None
            else:
                assert abs(float(text) - cell) <= abs(cell) * 6e-4, (cells, texts)


def test_ticks_hold_the_values_and_are_few_and_even(part: Callable[[str, str], Any]) -> None:
    draw = random.Random(9)
    spans = []
    for _ in range(500):
        low = draw.choice([0, draw.uniform(-1, 1) * 10 ** draw.randint(-6, 9)])
        spans.append([low, low + draw.choice([0, 10 ** draw.uniform(-3, 9)]), draw.randint(2, 9)])
    for (low, high, parts), marks in zip(
        spans, part("scale", f"{json.dumps(spans)}.map(s => m.ticks(...s))"), strict=True
    ):
        assert 2 <= len(marks) <= 2 * parts + 3, (low, high, parts, marks)
        assert marks == sorted(set(marks))
        if low < high:
            slack = (marks[1] - marks[0]) * 1e-6
            assert marks[0] <= low + slack
            assert high - slack <= marks[-1]
        steps = [(b - a) / (marks[1] - marks[0]) for a, b in pairwise(marks)]
        assert steps == pytest.approx([1.0] * len(steps), rel=1e-3)


def test_days_are_marked_at_round_times(part: Callable[[str, str], Any]) -> None:
    def marks(low: str, high: str, most: int) -> list[str]:
        return part("scale", f"m.times(m.time('{low}'), m.time('{high}'), {most}).map(t => t.text)")  # type: ignore[no-any-return]

    assert marks("2022-01", "2025-12", 6) == ["2022", "2023", "2024", "2025"]
    assert marks("2024-01-15", "2024-06-20", 6) == ["Feb 2024", "Mar 2024", "Apr 2024", "May 2024", "Jun 2024"]
    assert marks("2024-03-01", "2024-03-05", 5) == ["1 Mar", "2 Mar", "3 Mar", "4 Mar", "5 Mar"]
    assert marks("2024-03-01 10:00", "2024-03-01 13:30", 6) == ["10:00", "11:00", "12:00", "13:00"]
    assert part("scale", "['2024-13-01', 'soon', 7].map(m.time).concat(['x', '', '1e3'].map(m.number))") == [
        None, None, None, None, None, 1000,
    ]  # fmt: skip


def test_every_failure_has_words(part: Callable[[str, str], Any]) -> None:
    found = part(
        "words",
        "[0, 400, 401, 403, 404, 405, 408, 413, 415, 422, 429, 500, 502, 503, 504, 599]"
        ".map(s => m.wording('', 'no {json}', s, 3))",
    )
    assert all(each["title"].endswith(".") and each["again"] in (True, False) for each in found)
    fates = part(
        "words",
        "['ok', 'refused', 'invalid', 'timed_out', 'too_large', 'crashed', 'unavailable', 'new']"
        ".map(o => m.fate(o, true, 'search').title)",
    )
    assert all(title.endswith(".") for title in fates)
