"""Figures against scipy and against what is known."""

from __future__ import annotations

import random
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlrl.statistics import bootstrap, clustered_bootstrap, mcnemar, paired, permutation, pooled, wilson

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


def test_the_interval_of_right_and_wrong_is_that_of_many_resamples() -> None:
    answers = [True] * 60 + [False] * 40
    generator = random.Random(1)
    means = sorted(sum(generator.choices(answers, k=100)) / 100 for _ in range(20_000))
    assert bootstrap(answers) == pytest.approx((means[500], means[19_500]), abs=0.011)
    expected = scipy_stats.binom.ppf([0.025, 0.975], 100, 0.6) / 100
    assert bootstrap(answers) == pytest.approx(tuple(expected))


def test_an_interval_of_marks_is_scipys() -> None:
    generator = random.Random(2)
    scores = [generator.random() for _ in range(200)]
    theirs = scipy_stats.bootstrap((scores,), statistics.fmean, method="percentile", vectorized=False, n_resamples=2000)
    assert bootstrap(scores) == pytest.approx(tuple(theirs.confidence_interval), abs=0.01)
    assert bootstrap(scores) == bootstrap(scores)


@pytest.mark.parametrize("answers", [[], [True] * 9, [False] * 9])
def test_where_nothing_varies_wilson_stands_in(answers: list[bool]) -> None:
    assert bootstrap(answers) == wilson(sum(answers), len(answers))


def test_questions_of_one_database_are_less_evidence() -> None:
    """Ten databases, each wholly right or wholly wrong: what varies is the database."""
    answers = [database % 2 == 0 for database in range(10) for _ in range(50)]
    databases = [database for database in range(10) for _ in range(50)]
    found = clustered_bootstrap(answers, databases)
    assert found is not None
    low, high = bootstrap(answers)
    assert found[1] - found[0] > 4 * (high - low)
    assert clustered_bootstrap(answers[:350], databases[:350]) is None


def test_permutation_is_mcnemars_where_changes_are_whole() -> None:
    changes = [1.0] * 30 + [-1.0] * 12 + [0.0] * 50
    assert permutation(changes) == pytest.approx(mcnemar(30, 12), abs=0.01)
    assert permutation([0.0] * 5) == 1.0
    assert permutation([0.1] * 3, resamples=4_000) == pytest.approx(0.25, abs=0.03)
