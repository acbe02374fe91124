"""Which labelled questions are shown before one that is asked, and how."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlrl.answers import parse
from sqlrl.benchmarks import load_benchmark
from sqlrl.benchmarks.base import Demonstration, Example
from sqlrl.executors.base import Gold
from sqlrl.executors.errors import DataError, UsageError
from sqlrl.prompts import STYLES, Prompter
from sqlrl.shots import Shots


def _example(question: str, query: str = "SELECT 1", evidence: str = "") -> Example:
    return Example(question, question, Gold(query=query), evidence, labels={"database": "shop"})


POOL = [
    Demonstration(_example(question), query)
    for question, query in [
        ("How many products are cheap?", "SELECT count(*) FROM product WHERE price < 3"),
        ("Which singer is the oldest?", "SELECT name FROM singer ORDER BY age DESC LIMIT 1"),
        ("Who is the oldest singer?", "SELECT name FROM singer ORDER BY age DESC LIMIT 1"),
        ("List the names of all products.", "SELECT name FROM product"),
        ("What is the oldest stadium?", "SELECT name FROM stadium ORDER BY built LIMIT 1"),
    ]
]


def _questions(shots: Shots, question: str) -> list[str]:
    return [demonstration.example.question for demonstration in shots.chosen(_example(question))]


def test_the_most_similar_stands_last_and_no_query_twice() -> None:
    assert _questions(Shots(POOL, 2), "who is the oldest singer here?") == [
        "What is the oldest stadium?", "Who is the oldest singer?",
    ]  # fmt: skip


def test_the_same_question_is_never_shown() -> None:
    for choice in ("similar", "random"):
        assert "Who is the oldest singer?" not in _questions(Shots(POOL, 5, choice), "who is the OLDEST singer")


def test_random_ones_are_the_same_for_everyone_and_drawn_by_the_seed() -> None:
    first, other = Shots(POOL, 2, "random", seed=1), Shots(POOL, 2, "random", seed=4)
    assert _questions(first, "a") == _questions(first, "how many singers?")
    assert {tuple(_questions(Shots(POOL, 2, "random", seed=seed), "a")) for seed in range(20)} > {
        tuple(_questions(first, "a")), tuple(_questions(other, "a")),
    }  # fmt: skip


def test_where_nothing_is_similar_others_fill_up() -> None:
    assert len(_questions(Shots(POOL, 3), "zebra")) == 3
    assert Shots(POOL, 0).chosen(_example("zebra")) == []


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("thinking", [True, False])
def test_shots_are_turns_in_the_form_that_is_asked_for(style: str, thinking: bool) -> None:
    prompter = Prompter(style=style, thinking=thinking)
    turns = Shots(POOL, 2).before(_example("who is the oldest singer of all?"), prompter)
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * 2
    assert "Who is the oldest singer?" in turns[2]["content"]
    assert "CREATE TABLE" not in str(turns)
    answer = parse(turns[3]["content"], prompter)
    assert (answer.query, answer.fault) == (POOL[2].query, "")
    assert answer.thinking == ("singer" if thinking else "")


def test_what_does_not_fit_is_left_out() -> None:
    prompter = Prompter(thinking=False)
    every = Shots(POOL, 3).before(_example("who is the oldest singer of all?"), prompter)
    longest = sum(len(turn["content"]) for turn in every) - 1
    assert Shots(POOL, 3, longest=longest).before(_example("who is the oldest singer of all?"), prompter) == every[2:]


def test_evidence_goes_with_its_question() -> None:
    pool = [Demonstration(_example("how many?", evidence="many means rows"), "SELECT 1")]
    assert "many means rows" in Shots(pool, 1).before(_example("what?"), Prompter())[0]["content"]


def test_shots_come_from_training_alone(shop: Path) -> None:
    benchmark = load_benchmark("spider", shop)
    assert len(Shots.of(benchmark, "validation", 2).pool) == 4
    with pytest.raises(UsageError, match="which is asked here"):
        Shots.of(benchmark, "train", 2)
    with pytest.raises(UsageError, match="did you mean 'similar'"):
        Shots.of(benchmark, "validation", 2, "similr")
    benchmark.demonstrations = list  # type: ignore[method-assign]
    with pytest.raises(DataError, match="no labelled questions"):
        Shots.of(benchmark, "validation", 2)


def test_no_question_of_mini_is_shown_with_itself() -> None:
    benchmark = load_benchmark("mini")
    shots = Shots.of(benchmark, "test", 3)
    for example in benchmark.examples("test")[:40]:
        chosen = shots.chosen(example)
        assert len(chosen) == 3
        assert example.question not in {demonstration.example.question for demonstration in chosen}
