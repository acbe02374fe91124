"""Figures against scipy and against what is known."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlrl.statistics import mcnemar, paired, pooled, wilson

scipy_stats = pytest.importorskip("scipy.stats", reason="scipy stands in for the formulas", exc_type=ImportError)


@given(st.integers(0, 300), st.integers(1, 300))
@settings(max_examples=60, deadline=None)
def test_wilson_is_scipys(right: int, more: int) -> None:
    total = right + more
    theirs = scipy_stats.binomtest(right, total).proportion_ci(method="wilson")
    assert wilson(right, total) == pytest.approx((theirs.low, theirs.high), abs=1e-6)


@given(st.integers(0, 60), st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_mcnemar_is_the_exact_binomial(gained: int, lost: int) -> None:
    expected = scipy_stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert mcnemar(gained, lost) == pytest.approx(expected, rel=1e-6)


def test_paired_counts_and_bounds() -> None:
    before = [False] * 60 + [True] * 40
    after = [True] * 30 + [False] * 30 + [True] * 35 + [False] * 5
    found = paired(before, after)
    assert (found.gained, found.lost, found.difference) == (30, 5, 0.25)
    assert found.interval[0] < 0.25 < found.interval[1]
    assert found.p == mcnemar(30, 5)
    with pytest.raises(ValueError, match="answers"):
        paired([True], [])


def test_pooling_counts_a_question_once() -> None:
    """The same answers three times are no more evidence than once."""
    before = [False] * 8 + [True] * 92
    after = [True] * 8 + [True] * 92
    once = pooled([(before, after)])
    thrice = pooled([(before, after)] * 3)
    assert thrice.difference == pytest.approx(once.difference)
    assert thrice.p == pytest.approx(once.p, abs=0.01)
    assert thrice.gained == 3 * once.gained
    assert paired(before * 3, after * 3).p < thrice.p / 10
