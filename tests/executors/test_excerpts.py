"""What a close look at two results gives: their first rows, cut for a reader, and the gold beside itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sqlrl.executors import open_executors
from sqlrl.executors.base import Comparison, Gold
from sqlrl.executors.groups import Group
from sqlrl.executors.relations import Relation


@pytest.fixture
def group(concerts: Path) -> Iterator[Group[Any]]:
    with open_executors([f"sqlite:///{concerts}"], workers=1) as group:
        yield group


def look(group: Group[Any], predicted: str, gold: str, relation: Relation = Relation("bag")) -> Comparison:  # noqa: B008
    (source,) = group.sources
    (found,) = group.compare_many([(source, predicted, Gold(query=gold))], relation, closely=True)
    return found


def test_a_wrong_result_is_shown_with_the_right_one(group: Group[Any]) -> None:
    found = look(group, "SELECT Name, Capacity FROM stadium", "SELECT count(*) FROM stadium")
    rows = [["Stadium 0", 1000], ["Stadium 1", 2000], ["Stadium 2", 3000]]
    assert found.excerpts["predicted"] == {"columns": ["Name", "Capacity"], "rows": rows}
    assert found.excerpts["gold"] == {"columns": ["count(*)"], "rows": [[3]]}


def test_of_a_right_answer_one_result_is_enough(group: Group[Any]) -> None:
    assert list(look(group, "SELECT count(Name) FROM stadium", "SELECT count(*) FROM stadium").excerpts) == [
        "predicted"
    ]


def test_a_query_that_does_not_run_has_none(group: Group[Any]) -> None:
    assert list(look(group, "SELECT nothing FROM nowhere", "SELECT 1").excerpts) == ["gold"]
    assert list(look(group, "SELECT 1", "SELECT nothing FROM nowhere").excerpts) == ["predicted"]


def test_nothing_is_shown_unless_it_is_asked_for(group: Group[Any]) -> None:
    (source,) = group.sources
    (found,) = group.compare_many([(source, "SELECT 2", Gold(query="SELECT 1"))], Relation("bag"))
    assert (found.excerpts, found.gold_score) == ({}, None)


def test_long_results_are_cut_and_say_so(group: Group[Any]) -> None:
    many = ", ".join(f"{i} AS c{i}" for i in range(20))
    found = look(group, f"SELECT {many} FROM concert a, concert b", "SELECT 1")
    shown = found.excerpts["predicted"]
    assert (len(shown["rows"]), len(shown["columns"]), len(shown["rows"][0])) == (10, 12, 12)
    assert shown["more"]
    assert shown["hidden_columns"] == 8
    assert found.score == 0


def test_columns_without_a_name_are_named_as_each_query_wrote_them(group: Group[Any]) -> None:
    (source,) = group.sources
    queries = ["SELECT 1  +  1", "SELECT 1 + 1"]
    found = group.compare_many([(source, q, Gold(query="SELECT 2")) for q in queries], Relation(), closely=True)
    assert [each.excerpts["predicted"]["columns"] for each in found] == [["1  +  1"], ["1 + 1"]]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("NULL", None), ("9007199254740993", "9007199254740993"), ("x'00ff'", "2 bytes: 00 ff"), ("9e999", "inf"),
        ("replace(hex(zeroblob(40)), '00', 'ab')", "ab" * 29 + "a…"),
    ],
)  # fmt: skip
def test_cells_are_what_json_and_a_reader_can_hold(group: Group[Any], value: str, shown: Any) -> None:
    assert look(group, f"SELECT {value}, 2", "SELECT 1").excerpts["predicted"]["rows"] == [[shown, 2]]


def test_a_gold_is_scored_beside_itself_unless_it_may_differ(group: Group[Any]) -> None:
    assert look(group, "SELECT 2", "SELECT Name FROM stadium").gold_score == 1.0
    assert look(group, "broken", "SELECT Name FROM stadium").gold_score == 1.0
    assert look(group, "SELECT 2", "broken").gold_score is None
    assert look(group, "SELECT 2", "SELECT datetime('now')").gold_score is None


def test_a_prediction_that_is_the_gold_is_not_run_again(group: Group[Any]) -> None:
    gold = "SELECT Name FROM stadium"
    found = look(group, gold, gold)
    assert (found.equal, found.predicted_rows, found.gold_rows, found.seconds) == (True, 3, 3, 0.0)
    assert found.gold_seconds > 0
    assert look(group, "SELECT datetime('now')", "SELECT datetime('now')").seconds > 0
