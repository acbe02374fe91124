"""What several samples of a question are worth."""

from __future__ import annotations

import random

import pytest

from sqlrl.sampling import mean_share
from sqlrl.statistics import wilson


def test_samples_that_always_agree_count_once_a_question() -> None:
    assert mean_share([4, 0, 4, 0, 4, 4, 0, 4], 4) == pytest.approx((0.625, *wilson(5, 8)), abs=0.05)


def test_samples_that_vary_freely_count_one_by_one() -> None:
    share, low, high = mean_share([2] * 50, 4)
    assert share == 0.5
    assert (low, high) == pytest.approx(wilson(25, 50))  # no variance seen: as cautious as one sample a question
    generator = random.Random(0)
    right = [sum(generator.random() < 0.5 for _ in range(4)) for _ in range(2_000)]
    share, low, high = mean_share(right, 4)
    assert high - low == pytest.approx(wilson(4_000, 8_000)[1] - wilson(4_000, 8_000)[0], rel=0.1)


def test_the_interval_holds_what_it_promises() -> None:
    """Of questions whose own chances differ, nineteen intervals in twenty hold the mean chance."""
    generator = random.Random(1)
    held = 0
    for _ in range(400):
        chances = [generator.betavariate(0.5, 0.5) for _ in range(100)]
        _, low, high = mean_share([sum(generator.random() < chance for _ in range(5)) for chance in chances], 5)
        held += low <= 0.5 <= high
    assert 0.92 <= held / 400 <= 0.98


def test_of_nothing_everything_may_be() -> None:
    assert mean_share([], 3) == (0.0, 0.0, 1.0)
