"""When two results are the same."""

from __future__ import annotations

import math
import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlrl.executors.cells import canonical
from sqlrl.executors.relations import Matcher, Relation

CELLS = st.one_of(
    st.none(), st.integers(-3, 3), st.sampled_from(["a", "b", ""]), st.sampled_from([0.5, 1.0, -0.0, math.nan])
)


@st.composite
def results(draw: st.DrawFn) -> list[tuple[object, ...]]:
    width = draw(st.integers(1, 4))
    return draw(st.lists(st.tuples(*[CELLS] * width), max_size=6))


KINDS = [
    Relation(rows, columns, tolerance)
    for rows in ("set", "bag", "list")
    for columns in ("fixed", "any")
    for tolerance in (0.0, 1e-6)
]


@pytest.mark.parametrize("relation", KINDS, ids=str)
@given(rows=results())
@settings(max_examples=40, deadline=None)
def test_every_relation_is_reflexive(relation: Relation, rows: list[tuple[object, ...]]) -> None:
    assert Matcher(relation, rows).score(rows) == 1.0


@given(rows=results(), seed=st.integers(0, 1000))
@settings(max_examples=100, deadline=None)
def test_a_bag_ignores_order_and_any_order_of_columns(rows: list[tuple[object, ...]], seed: int) -> None:
    generator = random.Random(seed)
    shuffled = rows[:]
    generator.shuffle(shuffled)
    assert Matcher(Relation("bag"), rows).score(shuffled) == 1.0
    if rows:
        places = list(range(len(rows[0])))
        generator.shuffle(places)
        turned = [tuple(row[place] for place in places) for row in shuffled]
        assert Matcher(Relation("bag", "any"), rows).score(turned) == 1.0


@given(left=results(), right=results())
@settings(max_examples=150, deadline=None)
def test_relations_are_symmetric_and_ordered_by_strictness(
    left: list[tuple[object, ...]], right: list[tuple[object, ...]]
) -> None:
    for columns in ("fixed", "any"):
        scores = {}
        for rows in ("list", "bag", "set"):
            relation = Relation(rows, columns)  # type: ignore[arg-type]
            scores[rows] = Matcher(relation, left).score(right)
            assert scores[rows] == Matcher(relation, right).score(left)
        assert scores["list"] <= scores["bag"] <= scores["set"]


def test_repetition_tells_a_bag_from_a_set() -> None:
    assert Matcher(Relation("set"), [(1,), (1,)]).score([(1,)]) == 1.0
    assert Matcher(Relation("bag"), [(1,), (1,)]).score([(1,)]) == 0.0


def test_one_permutation_holds_for_all_rows() -> None:
    gold = [(1, 2), (1, 2)]
    assert Matcher(Relation("bag", "any"), gold).score([(2, 1), (2, 1)]) == 1.0
    assert Matcher(Relation("bag", "any"), gold).score([(2, 1), (1, 2)]) == 0.0


def test_tolerance_is_for_floats_and_not_for_two_integers() -> None:
    close = Relation("bag", tolerance=1e-6)
    assert Matcher(close, [(0.1 + 0.2,)]).score([(0.3,)]) == 1.0
    assert Matcher(close, [(10_000_000,)]).score([(10_000_001,)]) == 0.0
    assert Matcher(close, [(3,)]).score([(3.0000000001,)]) == 1.0


def test_text_never_equals_a_number() -> None:
    assert Matcher(Relation("bag", tolerance=1e-6), [("1",)]).score([(1,)]) == 0.0


def test_wide_results_cost_no_factorial() -> None:
    generator = random.Random(0)
    gold = [tuple(generator.randrange(2) for _ in range(25)) for _ in range(30)]
    places = list(range(25))
    generator.shuffle(places)
    turned = [tuple(row[place] for place in places) for row in gold]
    assert Matcher(Relation("bag", "any"), gold).score(turned) == 1.0
    turned[0] = tuple(1 - cell for cell in turned[0])
    assert Matcher(Relation("bag", "any"), gold).score(turned) == 0.0


@pytest.mark.parametrize(
    ("left", "right"),
    [(math.nan, float("nan")), (Decimal("1.5"), 1.5), (1, True), (-0.0, 0), (b"x", bytearray(b"x")), ([1, 2], (1, 2))],
)
def test_values_that_count_as_equal(left: object, right: object) -> None:
    assert canonical(left) == canonical(right)
    assert hash(canonical(left)) == hash(canonical(right))


def test_a_relation_survives_the_wire() -> None:
    for relation in KINDS:
        assert Relation.from_tuple(relation.to_tuple()) == relation
