"""Votes over results: properties of the pure function, and elections over real databases."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrl.benchmarks import load_benchmark
from sqlrl.executors.base import Outcome, Result
from sqlrl.executors.relations import Matcher, Relation
from sqlrl.judging import Judging
from sqlrl.voting import digest, elect, vote

CELLS = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-2, 2),
    st.booleans(),
    st.floats(),
    st.sampled_from([0.0, -0.0, 1.0, 2.5, math.nan, math.inf]),
    st.text(max_size=4),
    st.sampled_from(["1", "None", "(", ""]),
    st.binary(max_size=3),
)
ROWS = st.integers(1, 3).flatmap(lambda width: st.lists(st.tuples(*[CELLS] * width), max_size=4))
FAILED = [None, *(Result(outcome=outcome) for outcome in Outcome if outcome is not Outcome.OK)]
RESULTS = st.lists(
    st.one_of(
        st.integers(0, 3).map(lambda number: Result(rows=((number,),) * number)), st.sampled_from(FAILED)
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[Any], generator: Any) -> None:
    other = list(rows)
    generator.shuffle(other)
    assert digest(rows) == digest(other)


@given(ROWS, ROWS)
def test_equal_bags_have_equal_digests(rows: list[Any], others: list[Any]) -> None:
    """By the very relation that judges use, numbers within twelve digits apart."""
    same = Matcher(Relation("bag"), rows).score(others) == 1.0
    if same:
        assert digest(rows) == digest(others)
    elif Matcher(Relation("bag", tolerance=1e-11), rows).score(others) != 1.0:
        assert digest(rows) != digest(others)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ([(1,)], [(1.0,)], True),
        ([(True,)], [(1,)], True),
        ([(0.0,)], [(-0.0,)], True),
        ([(0.1 + 0.2,)], [(0.3,)], True),
        ([(Decimal("2.5"),)], [(2.5,)], True),
        ([(Decimal("3.00"),)], [(3,)], True),
        ([(Decimal("0.1234567890123456789"),)], [(Decimal("0.12345678901234567890"),)], True),
        ([(Decimal("0.1234567890123456789"),)], [(Decimal("0.1234567890123456788"),)], False),
        ([({"a": 1, "b": 2},)], [({"b": 2.0, "a": 1},)], True),
        ([({"a": 1, "b": 2},)], [({"a": 2, "b": 1},)], False),
        ([(math.nan,)], [(math.nan,)], True),
        ([([1, {"a": 2}],)], [((1, {"a": 2.0}),)], False),  # a list and a row within a row are written apart
        ([([1, {"a": 2}],)], [([1.0, {"a": 2.0}],)], True),
        ([(1,)], [("1",)], False),
        ([(None,)], [("None",)], False),
        ([("a", "b")], [("b", "a")], False),
        ([("ab", "c")], [("a", "bc")], False),
        ([(1,), (1,)], [(1,)], False),
        ([(1, 2)], [(1,), (2,)], False),
        ([(2**53,)], [(2**53 + 1,)], False),
        ([(b"a",)], [("a",)], False),
        ([], [(None,)], False),
    ],
)
def test_what_agrees(one: list[Any], other: list[Any], same: bool) -> None:
    assert (digest(one) == digest(other)) is same


@given(RESULTS)
def test_the_earliest_of_the_largest_group_is_chosen(results: list[Any]) -> None:
    found = vote(results)
    running = [index for index, result in enumerate(results) if result is not None and result.outcome is Outcome.OK]
    assert (found.voted, found.of) == (len(running), len(results))
    if not running:
        assert (found.chosen, found.votes, found.confidence, found.empty) == (0, 0, 0.0, False)
        return
    sizes = {index: sum(results[other].rows == results[index].rows for other in running) for index in running}
    assert found.votes == max(sizes.values())
    assert found.chosen == min(index for index in running if sizes[index] == found.votes)
    assert found.confidence == found.votes / len(results)
    assert found.empty == (not results[found.chosen].rows)


@given(RESULTS, st.sampled_from(FAILED))
def test_what_fails_changes_no_choice(results: list[Any], failed: Any) -> None:
    assert vote([*results, failed]).chosen == vote(results).chosen
    assert vote([*results, failed]).confidence <= vote(results).confidence


@given(RESULTS)
def test_one_more_for_the_chosen_one_changes_nothing(results: list[Any]) -> None:
    found = vote(results)
    if found.voted:
        again = vote([*results, results[found.chosen]])
        assert (again.chosen, again.votes) == (found.chosen, found.votes + 1)


def test_lists_of_predictions_are_voted_on_by_what_they_return(shop: Path) -> None:
    benchmark = load_benchmark("spider", shop)
    examples = benchmark.examples("validation")[:3]
    lists = [  # three files of predictions, as read_predictions gives them
        ["SELECT 7", "SELECT name FROM product", "SELECT nmae FROM product"],
        ["SELECT count(*) FROM product", "SELECT name FROM product WHERE price > 100", "DROP TABLE product"],
        ["SELECT count(price) FROM product", "SELECT name FROM product WHERE price < 0", ""],
    ]
    with Judging.of(benchmark, examples) as judging:
        votes = elect(examples, judging, list(zip(*lists, strict=True)))
    assert [(found.chosen, found.votes, found.voted, found.empty) for found in votes] == [
        (1, 2, 3, False), (1, 2, 3, True), (0, 0, 0, False),
    ]  # fmt: skip
    assert votes[0].groups == (0, 1, 1)


def test_where_the_database_is_missing_nothing_votes(shop: Path) -> None:
    benchmark = load_benchmark("spider", shop)
    (example,) = benchmark.examples("validation")[:1]
    with Judging("spider", {example.id: []}) as judging:
        assert elect([example], judging, [["SELECT 1", None]])[0].voted == 0
