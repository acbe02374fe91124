"""How near a wrong result comes, cell by cell."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlrl.executors.cell_f1 import NEARLY
from sqlrl.executors.relations import Matcher, Relation, matcher_for

CELLS = st.one_of(st.none(), st.integers(-2, 2), st.sampled_from(["a", "b", "", b"a"]), st.sampled_from([0.5, 1.0]))
ROWS = st.integers(1, 3).flatmap(lambda width: st.lists(st.tuples(*[CELLS] * width), max_size=5))
EQUAL = Relation("bag", "any", 1e-6)
NEAR = Relation("bag", "any", 1e-6, measure="cell-f1")
GOLD = [("ink", 2.5), ("pen", 1.5), ("desk", 90.0)]


@pytest.mark.parametrize(
    ("rows", "score"),
    [
        (GOLD[::-1], 1.0),
        ([(price, name) for name, price in GOLD], 1.0),
        (GOLD[:2], 2 * 4 / (4 + 6)),  # a row is missing
        ([*GOLD, GOLD[0]], 2 * 6 / (8 + 6)),  # a row comes twice
        ([(name,) for name, _ in GOLD], 2 * 3 / (3 + 6)),  # a column is missing
        ([("ink", 1.5), ("pen", 2.5), ("desk", 90.0)], NEARLY),  # the right cells in wrong rows
        ([("ink", 2.5000000000001), ("pen", 7)], 2 * 3 / (4 + 6)),
        ([("ink", Decimal("2.5"))], 2 * 2 / (2 + 6)),
        ([("INK", "2.5")], 0.0),
        ([(7,)], 0.0),
        ([], 0.0),
    ],
)
def test_what_a_result_is_worth(rows: list[tuple[object, ...]], score: float) -> None:
    assert matcher_for(NEAR, GOLD).score(rows) == pytest.approx(score, abs=1e-12)


def test_where_the_gold_orders_rows_the_right_rows_in_another_order_are_not_right() -> None:
    assert matcher_for(Relation("list", "any", 1e-6, measure="cell-f1"), GOLD).score(GOLD[::-1]) == NEARLY


@given(gold=ROWS, rows=ROWS)
@settings(max_examples=300, deadline=None)
def test_full_marks_are_what_equality_says_and_the_rest_is_f1(
    gold: list[tuple[object, ...]], rows: list[tuple[object, ...]]
) -> None:
    score = matcher_for(NEAR, gold).score(rows)
    assert (score == 1.0) == (Matcher(EQUAL, gold).score(rows) == 1.0)
    if score < 1.0:
        mine, theirs = Counter(chain(*rows)), Counter(chain(*gold))
        common = (mine & theirs).total()
        precision, recall = common / max(1, mine.total()), common / max(1, theirs.total())
        mean = 2 * precision * recall / (precision + recall) if common else 0.0
        assert score == pytest.approx(min(NEARLY, mean))
        assert score == matcher_for(NEAR, rows).score(gold)


def test_nothing_equals_nothing_and_is_nothing_beside_something() -> None:
    assert matcher_for(NEAR, []).score([]) == 1.0
    assert matcher_for(NEAR, []).score([(1,)]) == 0.0
