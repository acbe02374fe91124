"""What is kept of results: both for a wrong answer, cut to what a reader can take in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sqlrl.benchmarks import load_benchmark
from sqlrl.evaluation import evaluate
from sqlrl.judging import Judging
from sqlrl.samples import with_results


@pytest.fixture
def results(shop: Path) -> Any:
    """Query -> what is kept beside the first question, how many products there are."""
    benchmark = load_benchmark("spider", shop)
    examples = benchmark.examples("validation")[:1]

    def keep(query: str) -> Any:
        with Judging.of(benchmark, examples) as judging:
            (item,) = with_results(evaluate(examples, judging, predictions=[query]), judging)
        return item.results

    return keep


def test_a_wrong_answer_is_kept_with_the_right_one(results: Any) -> None:
    found = results("SELECT name, price FROM product")
    assert found["predicted"] == {"columns": ["name", "price"], "rows": [["pen", 1.5], ["ink", 2.5], ["desk", 90.0]]}
    assert found["gold"]["rows"] == [[3]]


def test_of_a_right_answer_one_result_is_enough(results: Any) -> None:
    assert list(results("SELECT count(name) FROM product")) == ["predicted"]


def test_a_query_that_does_not_run_has_none(results: Any) -> None:
    assert list(results("SELECT nothing FROM nowhere")) == ["gold"]


def test_long_results_are_cut_and_say_so(results: Any) -> None:
    many = ", ".join(f"{i} AS c{i}" for i in range(20))
    found = results(f"SELECT {many} FROM product a, product b, product c")["predicted"]
    assert (len(found["rows"]), len(found["columns"]), len(found["rows"][0])) == (10, 12, 12)
    assert found["more"]
    assert found["hidden_columns"] == 8


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("NULL", None), ("9007199254740993", "9007199254740993"), ("x'00ff'", "2 bytes: 00 ff"), ("9e999", "inf"),
        ("replace(hex(zeroblob(40)), '00', 'ab')", "ab" * 29 + "a…"),
    ],
)  # fmt: skip
def test_cells_are_what_json_and_a_reader_can_hold(results: Any, value: str, shown: Any) -> None:
    assert results(f"SELECT {value}, 2")["predicted"]["rows"] == [[shown, 2]]
