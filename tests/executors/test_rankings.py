"""Measures of rankings, beside trec_eval's own."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlrl.executors import Gold
from sqlrl.executors.errors import UsageError
from sqlrl.executors.rankings import answer_rank, ndcg, rank_of, recall, score_ranking
from sqlrl.executors.relations import Relation

IDS = [f"d{number}" for number in range(40)]
GRADES = st.dictionaries(st.sampled_from(IDS), st.integers(-1, 3), max_size=20)
RANKING = st.lists(st.sampled_from(IDS), unique=True, max_size=40)


def _nothing(ids: Sequence[str]) -> list[str]:
    raise AssertionError("texts are for answers")


def _rows(ids: Sequence[str]) -> list[tuple[str, float]]:
    return [(name, -float(place)) for place, name in enumerate(ids)]


@given(RANKING, GRADES, st.sampled_from([1, 3, 10, 20, 100]))
@settings(max_examples=300, deadline=None)
def test_equal_to_trec_eval(ids: list[str], grades: dict[str, int], depth: int) -> None:
    pytrec_eval = pytest.importorskip("pytrec_eval")
    measures = {f"recall.{depth}", f"ndcg_cut.{depth}"}
    binary = {name: int(grade > 0) for name, grade in grades.items()}
    # Ranks, not scores: trec_eval sorts anew, by scores that it takes as 32-bit numbers.
    run = {"q": {name: float(len(ids) - place) for place, name in enumerate(ids)}}

    def theirs(graded: dict[str, int]) -> dict[str, float]:
        evaluated = pytrec_eval.RelevanceEvaluator({"q": graded}, measures).evaluate(run) if graded and ids else {}
        found: dict[str, float] = evaluated.get("q", {f"recall_{depth}": 0.0, f"ndcg_cut_{depth}": 0.0})
        return found

    gold = Gold(relevant=grades)
    for measure, word, graded in (
        ("recall", f"recall_{depth}", binary),
        ("ndcg", f"ndcg_cut_{depth}", grades),
        ("ndcg-binary", f"ndcg_cut_{depth}", binary),
    ):
        relation = Relation(measure=measure, depth=depth)  # type: ignore[arg-type]
        assert score_ranking(relation, gold, _rows(ids), _nothing) == pytest.approx(theirs(graded)[word], abs=1e-9)


def test_deep_rankings_equal_trec_eval_too() -> None:
    pytrec_eval = pytest.importorskip("pytrec_eval")
    chance = random.Random(0)
    ids = [f"d{number}" for number in range(3_000)]
    chance.shuffle(ids)
    grades = {name: chance.randrange(3) for name in chance.sample(ids, 1_500)}
    run = {"q": {name: float(len(ids) - place) for place, name in enumerate(ids)}}
    found = pytrec_eval.RelevanceEvaluator({"q": grades}, {"ndcg_cut.2500", "recall.2500"}).evaluate(run)["q"]
    assert ndcg(ids, grades, 2_500) == pytest.approx(found["ndcg_cut_2500"], abs=1e-9)
    assert recall(ids, grades, 2_500) == pytest.approx(found["recall_2500"], abs=1e-9)


def test_the_best_ranking_has_the_full_mark_in_any_order_of_the_labels() -> None:
    grades = {"a": 1, "b": 3, "c": 2}
    assert ndcg(["b", "c", "a", "x"], grades, 10) == 1.0
    assert ndcg(["b", "c"], grades, 2) == 1.0
    assert ndcg(["a", "c", "b"], grades, 10) < 1.0


@given(RANKING, GRADES, st.integers(1, 45))
def test_bounds_depth_and_repetition(ids: list[str], grades: dict[str, int], depth: int) -> None:
    assert 0.0 <= recall(ids, grades, depth) <= recall(ids, grades, depth + 1) <= 1.0
    assert 0.0 <= ndcg(ids, grades, depth) <= 1.0
    best = sorted(grades, key=lambda name: -grades[name])
    assert ndcg(best, grades, depth) == (1.0 if any(grade > 0 for grade in grades.values()) else 0.0)
    twice = [name for name in ids for _ in range(2)]
    assert ndcg(twice, grades, depth) <= ndcg(ids, grades, depth)
    assert ndcg(ids + ids, grades, 90) == ndcg(ids, grades, 90)
    assert recall(ids + ids, grades, 90) == recall(ids, grades, 90)


@given(RANKING.filter(lambda ids: len(ids) > 1), GRADES, st.data())
def test_what_is_more_relevant_never_costs_by_moving_up(ids: list[str], grades: dict[str, int], data: Any) -> None:
    place = data.draw(st.integers(1, len(ids) - 1))
    if max(0, grades.get(ids[place], 0)) >= max(0, grades.get(ids[place - 1], 0)):
        moved = [*ids[: place - 1], ids[place], ids[place - 1], *ids[place + 1 :]]
        assert ndcg(moved, grades, 100) >= ndcg(ids, grades, 100) - 1e-12


def test_every_rank_comes_back_from_its_score() -> None:
    assert [rank_of(1 / rank) for rank in range(1, 20_001)] == list(range(1, 20_001))
    assert rank_of(0.0) is None


def test_nothing_relevant_is_worth_nothing() -> None:
    assert recall(["a"], {}, 10) == ndcg(["a"], {"a": 0}, 10) == 0.0


def test_the_rank_of_the_first_answer_reads_texts_by_pages_and_stops() -> None:
    asked: list[list[str]] = []

    def texts(ids: Sequence[str]) -> list[str]:
        asked.append(list(ids))
        return ["It was Élise." if name == "d22" else "Nobody." for name in ids]

    assert answer_rank(IDS, ["elise", "É l"], texts) is None
    asked.clear()
    assert answer_rank(IDS, ["élise"], texts) == 23
    assert [len(page) for page in asked] == [20, 20]
    relation = Relation(measure="answer-rank", depth=23)
    assert score_ranking(relation, Gold(answers=("élise",)), _rows(IDS), texts) == 1 / 23
    assert score_ranking(Relation(measure="answer-rank", depth=22), Gold(answers=("élise",)), _rows(IDS), texts) == 0


def test_another_measure_is_refused() -> None:
    with pytest.raises(UsageError, match="equality"):
        score_ranking(Relation(), Gold(relevant={}), [], _nothing)
