"""BIRD's rules, against independent readings of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlrl.benchmarks.judges import load_judge
from sqlrl.benchmarks.judges.bird import reward_of
from sqlrl.executors.base import Gold, Row
from sqlrl.executors.relations import Matcher, matcher_for

CELLS: st.SearchStrategy[Any] = st.sampled_from([None, 0, 1, 1.0, 2, 1.5, "1", "a", "", b"a"])
ROWS = st.integers(1, 3).flatmap(lambda width: st.lists(st.tuples(*[CELLS] * width), max_size=4))
JUDGE = load_judge("bird-ex")
GOLD = Gold(query="SELECT DISTINCT value FROM t ORDER BY value")


def matches(predicted: list[Row], gold: list[Row]) -> bool:
    return Matcher(JUDGE.relation(GOLD), gold).score(predicted) == 1.0


def test_queries_stay_as_they_are() -> None:
    assert JUDGE.prepare("SELECT value > = 1;", GOLD) == ("SELECT value > = 1;", GOLD)


@settings(derandomize=True, max_examples=500, deadline=None)
@given(ROWS, ROWS)
def test_results_match_where_their_sets_of_rows_are_equal(predicted: list[Row], gold: list[Row]) -> None:
    assert matches(predicted, gold) == (set(predicted) == set(gold))


@settings(derandomize=True, max_examples=200, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_order_and_repetition_of_rows_do_not_count(gold: list[Row], chance: Any) -> None:
    predicted = [*gold, *(chance.choice(gold) for _ in gold)]
    chance.shuffle(predicted)
    assert matches(predicted, gold)


@pytest.mark.parametrize(
    ("predicted", "gold", "right"),
    [
        ([(1, 2)], [(2, 1)], False),
        ([(1,)], [(1.0,)], True),
        ([(1,)], [("1",)], False),
        ([(None,)], [(None,)], True),
        ([(1, 1)], [(1,)], False),
        ([], [], True),
        ([], [(None,)], False),
    ],
)
def test_columns_keep_their_order_and_values_their_kind(predicted: list[Row], gold: list[Row], right: bool) -> None:
    assert matches(predicted, gold) is right


@pytest.mark.parametrize(
    ("predicted", "gold", "score"),
    [
        ([], [], 1.0),
        ([], [(1,)], 0.0),
        ([(1,)], [], 0.0),
        ([(1, 1, 1)], [(1,)], 1.0),  # repeated cells cost nothing
        ([(2, 1)], [(1, 2)], 1.0),  # nor does the order of columns
        ([(2,), (1,)], [(1,), (2,)], 0.0),  # the order of rows costs all
        ([(1,), (1,), (2,)], [(1,), (2,)], 1.0),
        ([(1, 9)], [(1,)], 2 / 3),
        ([(1,)], [(1,), (2,)], 2 / 3),
    ],
)
def test_soft_f1(predicted: list[Row], gold: list[Row], score: float) -> None:
    assert matcher_for(load_judge("bird-f1").relation(GOLD), gold).score(predicted) == pytest.approx(score)


@pytest.mark.parametrize(
    ("ratios", "reward"),
    [
        ([3, 3.1], 1.25),
        ([1, 1.1], 1.0),
        ([0.9, 0.99], 0.75),
        ([0.3, 0.31], 0.5),
        ([0.1, 0.2], 0.25),
        ([1.0], 0.0),  # none is nearer to the mean than no deviation: the script divides by nought
        ([1.0, 1.0], 0.0),
        ([], 0.0),
        ([*[1.0, 1.2] * 20, 50.0], 1.0),  # one far off is left out
    ],
)
def test_the_reward_of_a_right_prediction_goes_by_its_speed(ratios: list[float], reward: float) -> None:
    assert reward_of([(1.0, ratio) for ratio in ratios]) == reward


def test_a_prediction_that_took_no_time_cannot_be_rated() -> None:
    assert reward_of([(0.0, 1.0), (1.0, 1.0)]) == 0.0
