"""The judges of rankings."""

from __future__ import annotations

import pytest

from sqlrl.benchmarks import load_judge
from sqlrl.executors import Comparison, Gold, Outcome
from sqlrl.executors.errors import UsageError
from sqlrl.executors.relations import Relation

GOLD = Gold(relevant={"a": 1}, answers=("a",))


def _compared(score: float, outcome: Outcome = Outcome.OK) -> list[Comparison]:
    return [Comparison(outcome, Outcome.OK, score, score == 1.0, 5, 1)]


@pytest.mark.parametrize(
    ("word", "measure", "depth"),
    [
        ("recall", "recall", 3_000),
        ("recall@100", "recall", 100),
        ("ndcg", "ndcg", 10),
        ("ndcg-binary@5", "ndcg-binary", 5),
        ("answer-rank", "answer-rank", 20),
    ],
)
def test_a_word_and_its_depth(word: str, measure: str, depth: int) -> None:
    judge = load_judge(word)
    assert judge.name == f"{measure}@{depth}"
    assert judge.relation(GOLD) == Relation(measure=measure, depth=depth)  # type: ignore[arg-type]
    assert judge.prepare("q", GOLD) == ("q", GOLD)


@pytest.mark.parametrize("judge", ["recall@10", "ndcg@10"])
def test_a_mark_between_none_and_all_is_partial(judge: str) -> None:
    words = [load_judge(judge).verdict(_compared(score)) for score in (0.0, 0.25, 1.0)]
    assert [(w.score, w.correct, w.reason) for w in words] == [
        (0.0, False, "mismatch"), (0.25, False, "partial"), (1.0, True, "match"),
    ]  # fmt: skip


def test_an_answer_at_any_rank_within_the_depth_is_right() -> None:
    words = [load_judge("answer-rank@20").verdict(_compared(score)) for score in (0.0, 1 / 20, 1.0)]
    assert [(w.score, w.correct, w.reason) for w in words] == [
        (0.0, False, "mismatch"), (1 / 20, True, "match"), (1.0, True, "match"),
    ]  # fmt: skip


@pytest.mark.parametrize("judge", ["recall", "answer-rank"])
def test_an_outage_is_nobodys_fault_and_a_bad_query_the_querys(judge: str) -> None:
    assert load_judge(judge).verdict(_compared(0.0, Outcome.UNAVAILABLE)).score is None
    assert load_judge(judge).verdict(_compared(0.0, Outcome.INVALID)).reason == "invalid"
    assert load_judge(judge).verdict([]).reason == "missing_database"


def test_a_question_without_a_right_document_is_nobodys() -> None:
    nothing = [Comparison(Outcome.OK, Outcome.OK, 0.0, False, 5, 0)]
    assert load_judge("ndcg").verdict(nothing) == load_judge("answer-rank").verdict(nothing)
    assert load_judge("ndcg").verdict(nothing).reason == "empty_gold"


def test_a_depth_is_a_whole_number() -> None:
    with pytest.raises(UsageError, match="whole number above 0"):
        load_judge("recall@0")
