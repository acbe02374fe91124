"""How hard questions are for a policy before it is trained."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrl.config import TrainConfig
from sqlrl.executors.errors import DataError
from sqlrl.training.difficulty import Difficulty, pass_at, read_difficulty
from sqlrl.training.plan import draw_plan


@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_is_the_share_of_draws_with_a_right_one(drawn: tuple[int, int, int]) -> None:
    from itertools import combinations

    samples, right, k = drawn
    marks = [True] * right + [False] * (samples - right)
    draws = [any(draw) for draw in combinations(marks, k)]
    assert pass_at(k, right, samples) == pytest.approx(sum(draws) / len(draws))


def test_pass_at_one_is_the_mean() -> None:
    hard = Difficulty({"a": 0, "b": 2, "c": 4}, 4)
    assert hard.pass_at(1) == pytest.approx(0.5)
    assert hard.pass_at(4) == pytest.approx(2 / 3)
    assert hard.counts() == {"never": 1, "sometimes": 1, "always": 1}
    assert [hard.teaches(name) for name in "abcd"] == [False, True, False, True]
    with pytest.raises(ValueError, match="between 1 and 4"):
        hard.pass_at(5)


def test_what_is_always_or_never_solved_is_left_out_of_training(tmp_path: Path) -> None:
    plan = draw_plan(TrainConfig("mini"))
    names = [example.id for example in plan.train]
    random.Random(0).shuffle(names)
    file = tmp_path / "hard.jsonl"
    Difficulty({name: place % 5 for place, name in enumerate(names)}, 4).write(file)
    kept = draw_plan(TrainConfig("mini", difficulty=str(file)))
    assert len(kept.train) == sum(place % 5 in (1, 2, 3) for place in range(len(names)))
    assert kept.skipped == len(names) - len(kept.train)
    Difficulty(dict.fromkeys(names, 0), 4).write(file)
    with pytest.raises(DataError, match="always or never solved"):
        draw_plan(TrainConfig("mini", difficulty=str(file)))


def test_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        read_difficulty(tmp_path / "none")
    other = tmp_path / "other.jsonl"
    other.write_text('{"question": "?"}\n')
    with pytest.raises(DataError, match="holds no samples"):
        read_difficulty(other)
