"""When a result agrees with what a person knows of the right one."""

from __future__ import annotations

import random
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlrl.executors import Gold, Outcome, open_executor
from sqlrl.executors.base import Partial
from sqlrl.executors.errors import UsageError
from sqlrl.executors.partial import decimals_of, read_cell
from sqlrl.executors.relations import Relation, matcher_for

CELLS = st.one_of(
    st.none(), st.integers(-5, 5), st.sampled_from(["a", "b", "c d"]), st.sampled_from([0.5, 12.25, -3.0])
)


def score(known: str, gold: list[tuple[Any, ...]], predicted: list[tuple[Any, ...]], **how: Any) -> float:
    relation = Relation(how.pop("rows", "bag"), "any", measure=known, **how)  # type: ignore[arg-type]
    return matcher_for(relation, gold).score(predicted)


@pytest.mark.parametrize(
    ("known", "predicted", "right"),
    [
        (42, [(42,)], 1),
        (42, [(42.0,)], 1),
        (42, [("42",)], 1),
        (42, [(42.4,)], 0),
        ("42.4", [(42.35,)], 1),
        ("42.40", [(42.35,)], 0),
        ("42.40", [(42.404,)], 1),
        ("0.3", [(0.25,)], 1),
        ("-0.3", [(-0.25,)], 1),
        (42, [(42, 42)], 0),
        (42, [(42,), (42,)], 0),
        (42, [], 0),
        (42, [(None,)], 0),
        (0, [(None,)], 0),
        (2**60, [(2**60 + 1,)], 0),
        ("0.333333", [(1 / 3,)], 1),
    ],
)
def test_a_number_is_one_cell_at_the_decimals_it_is_written_with(known: Any, predicted: Any, right: int) -> None:
    assert score("number", [(known,)], predicted) == right


@pytest.mark.parametrize(
    ("predicted", "right"),
    [
        ([("b",), ("a",)], 1),
        ([("a",), ("b",), ("a",)], 1),
        ([("a", 1), ("b", 2)], 1),
        ([(1, "a"), (2, "b")], 1),
        ([("a", 1, 2), ("b", 3, 4)], 0),
        ([("a",)], 0),
        ([("a",), ("b",), ("c",)], 0),
        ([("a",), ("b",)] * 3, 0),
        ([], 0),
    ],
)
def test_names_are_all_of_one_column_and_nothing_else(predicted: Any, right: int) -> None:
    assert score("names", [("a",), ("b",)], predicted) == right


def test_ordered_names_come_in_their_order_each_once() -> None:
    gold = [("a",), ("b",)]
    assert score("names", gold, [("a",), ("b",)], rows="list") == 1
    assert score("names", gold, [("b",), ("a",)], rows="list") == 0
    assert score("names", gold, [("a",), ("a",), ("b",)], rows="list") == 0


def test_everything_does_not_contain_the_answer() -> None:
    table = [(f"name {n}", n) for n in range(10)]
    assert score("contains", [("name 3",)], table[3:5]) == 1
    assert score("contains", [("name 3",)], table) == 0
    assert score("contains", [("name 3",)], table, most_rows=10) == 1
    assert score("contains", [("name 3",)], [(*row, 0) for row in table[3:5]]) == 0, "SELECT * is no answer"


def test_one_choice_of_columns_holds_for_all_that_is_known() -> None:
    known = [("a", 1), ("b", 2)]
    assert score("contains", known, [(1, "a"), (2, "b"), (3, "c")]) == 1
    assert score("contains", known, [(1, "a"), ("b", 2)]) == 0
    assert score("contains", known, [(2, "a"), (1, "b")]) == 0


def test_a_whole_table_is_read_as_it_was_written_down() -> None:
    written = [("Oak", "12.50", "2020-01-02"), ("Elm", "7", "")]
    found: list[tuple[Any, ...]] = [(date(2020, 1, 2), "Oak", 12.4999999), (None, "Elm", Decimal("7.0"))]
    assert score("whole", written, found) == 1
    assert score("whole", written, found[:1]) == 0
    assert score("whole", written, found, rows="list") == 1
    assert score("whole", written, found[::-1], rows="list") == 0


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5), st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_a_result_agrees_with_every_part_of_itself(rows: list[tuple[Any, ...]], seed: int) -> None:
    generator = random.Random(seed)
    part = generator.sample(rows, generator.randint(1, len(rows)))
    turned = [row[::-1] for row in rows]
    assert score("whole", rows, turned) == 1
    assert score("contains", part, turned, most_rows=len(rows)) == 1
    assert score("names", [(row[0],) for row in rows], rows) == 1


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=4), st.lists(st.tuples(CELLS, CELLS), max_size=6))
@settings(max_examples=150, deadline=None)
def test_less_known_forgives_more_but_never_more_rows(gold: list[Any], predicted: list[Any]) -> None:
    if score("whole", gold, predicted):
        assert score("contains", gold, predicted, most_rows=len(gold))
    if len(predicted) > 2 * len(gold):
        assert not score("contains", gold, predicted)
        assert not score("names", [row[:1] for row in gold], predicted)


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        (" 7 ", 7),
        ("7.50", 7.5),
        ("1e3", 1000.0),
        ("", None),
        ("7 %", "7 %"),
        ("inf", "inf"),
        ("2020-01-02T00:00:00", "2020-01-02"),
        ("2020-01-02 03:04:05.500", "2020-01-02 03:04:05.5"),
        (datetime(2020, 1, 2, 3, 4, 5), "2020-01-02 03:04:05"),
        (datetime(2020, 1, 2), "2020-01-02"),
        (date(2020, 1, 2), "2020-01-02"),
        (True, 1),
        (Decimal("2.5"), 2.5),
    ],
)
def test_a_cell_is_read_as_people_write_it(cell: Any, read: Any) -> None:
    assert read_cell(cell) == read


@pytest.mark.parametrize(
    ("cells", "decimals"),
    [((1, 2), None), ((1.5, 2), 1), (("1.50", 2), 2), (("a", None), None), ((3.0,), None), ((0.1234567891234,), None)],
)
def test_decimals_are_those_of_the_most_exact_number(cells: Any, decimals: int | None) -> None:
    assert decimals_of([(cell,) for cell in cells]) == decimals


def test_the_worker_compares_with_what_is_known(tmp_path: Any) -> None:
    path = tmp_path / "t.csv"
    path.write_text("name,price\npen,1.25\nink,2.5\n")
    relation = Relation(measure="names")
    with open_executor(str(path), workers=1) as executor:
        pairs = [("SELECT name FROM t", Gold(rows=(("ink",), ("pen",)))), ("SELECT * FROM t", Gold(rows=(("ink",),)))]
        found = executor.compare_many(pairs, relation)
    assert [(each.outcome, each.equal) for each in found] == [(Outcome.OK, True), (Outcome.OK, False)]


def test_nothing_is_no_partial_result() -> None:
    for rows in ((), ((),)):
        with pytest.raises(UsageError, match="at least one"):
            Partial("names", rows)
