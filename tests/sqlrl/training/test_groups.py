"""Which completions a group keeps, and which questions come next."""

from __future__ import annotations

from itertools import combinations
from statistics import pvariance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrl.training.groups import REST, Order, spread


@given(st.lists(st.sampled_from([0.0, 0.4, 1.0]), min_size=3, max_size=9), st.integers(2, 5))
def test_no_other_choice_varies_more(rewards: list[float], size: int) -> None:
    size = min(size, len(rewards))
    taken = spread(rewards, [True] * len(rewards), size)
    assert len(set(taken)) == size
    best = max(pvariance(choice) for choice in combinations(rewards, size))
    assert pvariance([rewards[index] for index in taken]) == pytest.approx(best)


def test_one_right_answer_among_many_is_kept() -> None:
    rewards = [0.0] * 31 + [1.0]
    assert 31 in spread(rewards, [True] * 32, 8)


def test_what_was_cut_off_goes_last_among_equals() -> None:
    rewards = [0.0, 0.0, 0.0, 0.0, 1.0]
    assert spread(rewards, [False, True, False, True, True], 3) == [1, 3, 4]


def test_what_could_not_be_judged_fills_up_only() -> None:
    assert spread([None, 1.0, None, 0.0], [True] * 4, 2) == [1, 3]
    assert spread([None, 1.0, None, None], [True] * 4, 2) == [0, 1]


def test_a_small_group_is_kept_whole() -> None:
    assert spread([1.0, None], [True, False], 4) == [0, 1]


def test_a_solved_question_rests_and_comes_back() -> None:
    order = Order(["a", "b", "c"], seed=0)
    assert sorted(order.take(3)) == ["a", "b", "c"]
    order.solved("b")
    rounds = [order.take(2) for _ in range(REST)]
    assert all("b" not in names for names in rounds)
    assert "b" in {name for _ in range(3) for name in order.take(2)}


def test_the_order_goes_on_where_it_was_saved() -> None:
    order, other = Order(list("abcdef"), seed=1), Order(list("abcdef"), seed=1)
    order.take(2)
    order.solved("a")
    other.restore(order.state())
    assert [order.take(4) for _ in range(3)] == [other.take(4) for _ in range(3)]
