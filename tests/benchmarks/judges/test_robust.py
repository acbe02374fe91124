"""Our own rules: what `robust` forgives and `strict` doesn't, and when the order of rows counts."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlrl.benchmarks.judges import load_judge
from sqlrl.benchmarks.judges.robust import TOLERANCE, orders_rows
from sqlrl.executors.base import Gold, Row
from sqlrl.executors.relations import Matcher, matcher_for

BAG, LIST = Gold(query="SELECT * FROM t"), Gold(query="SELECT * FROM t ORDER BY 1")
# 3 and 3 + 2e-6 are close (relative to the larger), 3 and 3 + 4e-6 are not, each is close to the one between.
CELLS: st.SearchStrategy[Any] = st.sampled_from([None, 1, 1.0, 3, 3.000002, 3.000004, 7.5, 7.500001, "a", "3"])


def tables(most_rows: int = 4) -> st.SearchStrategy[tuple[list[Row], list[Row]]]:
    """Pairs of tables of one width, the second often close to a shuffle of the first."""

    def pair(width: int) -> st.SearchStrategy[tuple[list[Row], list[Row]]]:
        rows = st.lists(st.tuples(*[CELLS] * width), min_size=1, max_size=most_rows)
        return rows.flatmap(
            lambda gold: st.tuples(st.one_of(rows, st.permutations(gold).flatmap(nudged)), st.just(gold))
        )

    return st.integers(1, 3).flatmap(pair)


def nudged(rows: list[Row]) -> st.SearchStrategy[list[Row]]:
    """The rows with their columns in some order and their numbers off by a little."""
    width = len(rows[0])
    factors = st.lists(st.sampled_from([1, 1 + 4e-7, 1 - 4e-7]), min_size=width * len(rows), max_size=width * len(rows))
    return st.tuples(st.permutations(range(width)), factors).map(
        lambda drawn: [
            tuple(
                row[i] * drawn[1][number * width + i] if isinstance(row[i], (int, float)) else row[i] for i in drawn[0]
            )
            for number, row in enumerate(rows)
        ]
    )


def close(a: Any, b: Any) -> bool:
    if isinstance(a, float) or isinstance(b, float):
        return (
            isinstance(a, (int, float))
            and isinstance(b, (int, float))
            and abs(a - b) <= TOLERANCE * max(1, abs(a), abs(b))
        )
    return type(a) is type(b) and a == b


def forgiving(predicted: list[Row], gold: list[Row], ordered: bool) -> bool:
    """An independent reading of `robust`, by trying everything."""
    if len(predicted) != len(gold) or len(predicted[0]) != len(gold[0]):
        return False
    return any(
        all(
            close(row[column], right[place])
            for row, right in zip(rows, gold, strict=True)
            for place, column in enumerate(columns)
        )
        for columns in permutations(range(len(gold[0])))
        for rows in ([predicted] if ordered else permutations(predicted))
    )


def score(name: str, predicted: list[Row], gold: list[Row], how: Gold = BAG) -> float:
    return Matcher(load_judge(name).relation(how), gold).score(predicted)


@settings(derandomize=True, max_examples=600, deadline=None)
@given(tables(), st.booleans())
def test_robust_is_what_trying_everything_finds(pair: tuple[list[Row], list[Row]], ordered: bool) -> None:
    predicted, gold = pair
    assert bool(score("robust", predicted, gold, LIST if ordered else BAG)) == forgiving(predicted, gold, ordered)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(tables(), st.booleans())
def test_what_strict_accepts_robust_accepts(pair: tuple[list[Row], list[Row]], ordered: bool) -> None:
    predicted, gold = pair
    how = LIST if ordered else BAG
    assert score("strict", gold, gold, how) == 1.0
    assert score("strict", predicted, gold, how) <= score("robust", predicted, gold, how)
    same = predicted == gold if ordered else sorted(predicted, key=repr) == sorted(gold, key=repr)
    assert not same or score("strict", predicted, gold, how) == 1.0


@pytest.mark.parametrize(
    ("predicted", "gold", "robust", "strict"),
    [
        ([(1, "a")], [("a", 1)], 1, 0),
        ([(0.1 + 0.2,)], [(0.3,)], 1, 0),
        ([(1.0,)], [(1,)], 1, 1),
        ([(2,), (1,)], [(1,), (2,)], 1, 1),
        ([(1,), (1,)], [(1,)], 0, 0),
        ([(1,)], [("1",)], 0, 0),
        ([(None,)], [(0,)], 0, 0),
        ([(1,)], [(1, 1)], 0, 0),
        ([(10_000_000,)], [(10_000_001,)], 0, 0),  # identifiers and counts are exact
        ([(float("inf"),)], [(1.0,)], 0, 0),
        ([(10**400,)], [(1.5,)], 0, 0),
        ([(2.0, 1.0), (1.0000001, 5.0)], [(1, 5), (2, 1)], 1, 0),
        ([(0.3, 2), (0.30000000000000004, 1)], [(0.30000000000000004, 2), (0.3, 1)], 1, 0),
    ],
)
def test_what_is_forgiven(predicted: list[Row], gold: list[Row], robust: float, strict: float) -> None:
    assert (score("robust", predicted, gold), score("strict", predicted, gold)) == (robust, strict)


def test_rows_keep_the_order_that_the_gold_asks_for() -> None:
    for name in ("robust", "strict"):
        assert score(name, [(2,), (1,)], [(1,), (2,)], LIST) == 0.0
        assert score(name, [(1,), (2,)], [(1,), (2,)], LIST) == 1.0


ORDERED = [
    "SELECT a FROM t ORDER BY a",
    "select a from t order\n  by a desc limit 3;",
    "SELECT a FROM t UNION SELECT b FROM u ORDER BY 1",
    "WITH x AS (SELECT a FROM t) SELECT a FROM x ORDER BY a",
    "SELECT `order` FROM t ORDER /* rising */ BY a",
]
UNORDERED = [
    "SELECT a FROM t",
    "SELECT a FROM t WHERE b = (SELECT b FROM u ORDER BY b LIMIT 1)",
    "SELECT a FROM (SELECT a FROM t ORDER BY a)",
    "SELECT row_number() OVER (ORDER BY a) FROM t",
    "SELECT a FROM t WHERE b = ' ORDER BY '",
    "SELECT a FROM t -- ORDER BY a",
    "WITH x AS (SELECT a FROM t ORDER BY a LIMIT 2) SELECT a FROM x",
    'SELECT "order", "by" FROM t',
]


@pytest.mark.parametrize("ending", ["", " GROUP GROUP )("], ids=["parsed", "scanned"])
@pytest.mark.parametrize(("query", "ordered"), [*((q, True) for q in ORDERED), *((q, False) for q in UNORDERED)])
def test_only_an_order_at_the_top_counts(query: str, ordered: bool, ending: str) -> None:
    assert orders_rows(query + ("\n" + ending if ending else "")) is ordered


def test_cell_f1_calls_right_what_robust_calls_right_and_marks_the_rest() -> None:
    marked, plain = load_judge("cell-f1"), load_judge("robust")
    for gold in (BAG, LIST):
        assert matcher_for(marked.relation(gold), [(1, 2), (3, 4)]).score([(1, 2)]) == pytest.approx(2 * 2 / (2 + 4))
        for rows in ([(1, 2), (3, 4)], [(3, 4), (1, 2)], [(2, 1), (4, 3)]):
            mark = matcher_for(marked.relation(gold), [(1, 2), (3, 4)]).score(rows)
            assert (mark == 1) == (Matcher(plain.relation(gold), [(1, 2), (3, 4)]).score(rows) == 1)
