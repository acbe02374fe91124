"""What each judge says of outcomes, of empty golds and of several instances."""

from __future__ import annotations

import pytest

from sqlrl.benchmarks.base import Verdict
from sqlrl.benchmarks.judges import JUDGES, OFFICIAL, RANKINGS, load_judge
from sqlrl.executors.base import Comparison, Outcome

MATCH = Comparison(Outcome.OK, score=1.0, equal=True, predicted_rows=2, gold_rows=2, timings=((1.0, 1.0), (1.0, 1.1)))
MISMATCH = Comparison(Outcome.OK, predicted_rows=2, gold_rows=2)
BOTH_EMPTY = Comparison(Outcome.OK, score=1.0, equal=True, timings=((1.0, 1.0), (1.0, 1.1)))
GOLD_FAILED = Comparison(Outcome.OK, gold_outcome=Outcome.INVALID)
OURS = ("robust", "strict", "cell-f1", "answered", *RANKINGS)

PARTIAL = Comparison(Outcome.OK, score=0.5, predicted_rows=2, gold_rows=2)

every_judge = pytest.mark.parametrize("name", sorted(JUDGES))


def full_mark(name: str) -> float:
    """Of bird-ves: for as fast as the gold."""
    return 1.0


def test_each_judge_is_official_or_ours() -> None:
    assert sorted([*OFFICIAL, *OURS]) == sorted(JUDGES)


@every_judge
@pytest.mark.parametrize(
    ("comparisons", "reason"),
    [
        ([MATCH], "match"),
        ([MISMATCH], "mismatch"),
        ([MATCH, MISMATCH], "mismatch"),
        ([MATCH, MATCH], "match"),
        ([MATCH, BOTH_EMPTY], "match"),
        ([GOLD_FAILED], "gold_failed"),
        ([MATCH, GOLD_FAILED], "gold_failed"),
        ([Comparison(Outcome.INVALID, gold_outcome=Outcome.TIMED_OUT)], "gold_failed"),
        ([MATCH, Comparison(Outcome.TIMED_OUT)], "timed_out"),
        ([], "missing_database"),
    ],
)
def test_every_instance_must_match(name: str, comparisons: list[Comparison], reason: str) -> None:
    right = reason == "match"
    assert load_judge(name).verdict(comparisons) == Verdict(full_mark(name) if right else 0.0, right, reason)


@every_judge
@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.OK, Outcome.UNAVAILABLE}))
def test_a_query_that_did_not_run_is_wrong(name: str, outcome: Outcome) -> None:
    assert load_judge(name).verdict([Comparison(outcome)]) == Verdict(0.0, False, outcome.value)


@every_judge
@pytest.mark.parametrize(
    "comparison",
    [
        Comparison(Outcome.UNAVAILABLE),
        Comparison(Outcome.OK, gold_outcome=Outcome.UNAVAILABLE),
        Comparison(Outcome.INVALID, gold_outcome=Outcome.UNAVAILABLE),
    ],
)
def test_nobody_answers_for_a_service_that_did_not(name: str, comparison: Comparison) -> None:
    assert load_judge(name).verdict([MATCH, comparison]) == Verdict(None, False, "unavailable")


@pytest.mark.parametrize("name", sorted(OFFICIAL))
def test_the_official_scripts_count_nothing_equal_to_nothing(name: str) -> None:
    assert load_judge(name).verdict([BOTH_EMPTY]) == Verdict(full_mark(name), True, "match")


# Of answer-rank too, a score between the two is that of an answer, at a rank behind the first.
@pytest.mark.parametrize("name", sorted(set(JUDGES) - {"answer-rank"}))
def test_a_score_between_the_two_is_not_right(name: str) -> None:
    assert load_judge(name).verdict([MATCH, PARTIAL]) == Verdict(0.5, False, "partial")


@pytest.mark.parametrize("name", OURS)
def test_ours_give_nothing_for_matching_an_empty_gold(name: str) -> None:
    assert load_judge(name).verdict([BOTH_EMPTY, BOTH_EMPTY]) == Verdict(0.0, False, "empty_gold")
