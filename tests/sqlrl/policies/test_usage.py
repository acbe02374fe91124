"""What asking took, in words."""

from __future__ import annotations

import pytest

from sqlrl.policies.cache import Answer
from sqlrl.policies.usage import Usage, quantile


def _usage(*, cached: int = 0, asked: int = 0, counts: bool = True) -> Usage:
    usage = Usage()
    answer = Answer("x", "stop", 1_000, 100) if counts else Answer("x")
    for number in range(cached + asked):
        usage.count(answer, cached=number < cached)
    return usage


def test_money_is_counted_by_the_prices_given() -> None:
    usage = _usage(cached=3, asked=1)
    assert usage.cost(None, None) is None
    now, total = usage.cost(2.0, 10.0) or (0, 0)
    assert now == pytest.approx(0.003)
    assert total == pytest.approx(0.012)
    lines = dict(usage.lines(2.0, 10.0))
    assert lines["answers"] == "3 from the cache, 1 from the server"
    assert lines["tokens"] == "4,000 in, 400 out (1,000 in, 100 out of it now)"
    assert lines["cost"] == "US$ 0.0120 (US$ 0.0030 of it now) at US$ 2 in, 10 out a million tokens"


def test_nothing_is_said_of_what_is_not_known() -> None:
    lines = dict(_usage(asked=2, counts=False).lines(2.0, 10.0))
    assert lines["tokens"] == "the server does not count them"
    assert "cost" not in lines
    assert "seconds" not in lines


def test_a_run_from_the_cache_says_so() -> None:
    assert "nothing was asked" in dict(_usage(cached=2).lines())["answers"]


def test_latency_is_by_nearest_rank() -> None:
    values = [float(number) for number in range(1, 101)]
    assert (quantile(values, 0.5), quantile(values, 0.95), quantile(values, 1.0)) == (50, 95, 100)
    assert quantile([], 0.5) is None
    usage = Usage(seconds=[1.0, 3.0], wall_seconds=2.0, asked=4, uncounted=4)
    assert dict(usage.lines())["seconds"] == "1.00 a request (median), 3.00 (95 %), 2.0 answers a second"
    assert usage.to_dict()["request_seconds"] == {"median": 1.0, "p95": 3.0, "longest": 3.0}
