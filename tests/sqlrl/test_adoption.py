"""Who answers from now on: the better of two by the questions that neither was taught, and nobody else."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrl import runs
from sqlrl.adoption import CHANCE, CHANGED, adopt, is_better
from sqlrl.cli import main
from sqlrl.executors.errors import UsageError
from sqlrl.incumbent import WARM, Incumbent, Seat
from sqlrl.runs import Run, keep_taught, was_taught
from sqlrl.statistics import mcnemar
from sqlrl.training.run import Quiet

QUESTIONS = [f"how many products cost less than {price}?" for price in range(1, 11)]


@given(st.integers(0, 30), st.integers(0, 30))
def test_the_rule_is_the_test_where_the_test_can_speak(gained: int, lost: int) -> None:
    p = mcnemar(gained, lost)
    better = is_better(gained, lost, p)
    assert not better or gained > lost
    if gained + lost >= CHANGED:
        assert better == (gained > lost and p < CHANCE)
    else:
        assert p >= CHANCE
        assert better == (gained > 0 and lost == 0)


def test_six_changed_answers_are_the_fewest_that_can_tell() -> None:
    assert mcnemar(CHANGED, 0) < CHANCE <= mcnemar(CHANGED - 1, 0)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A shop with ten products at 0.5, 1.5 ..., and ten held-out questions with their answers."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    with sqlite3.connect("shop.db") as connection:
        connection.execute("create table product(name text, price real)")
        connection.executemany("insert into product values (?, ?)", [(f"p{n}", n + 0.5) for n in range(10)])
    connection.close()
    lines = [{"question": question, "answer": n, "split": "test"} for n, question in enumerate(QUESTIONS, 1)]
    Path("answered.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return "shop.db"


def _script(name: str, right: set[int]) -> str:
    """A policy that answers these of the ten."""
    lines = []
    for n, question in enumerate(QUESTIONS, 1):
        query = f"SELECT count(*) FROM product WHERE price < {n}" if n in right else "SELECT count(*) + 99 FROM product"
        lines.append({"question": question, "completion": f'<think></think><answer>{{"sql": "{query}"}}</answer>'})
    Path(name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return f"script:{name}"


def _sits(shop: str) -> str | None:
    present = Seat.of(shop).present
    return present.policy if present is not None else None


@pytest.mark.parametrize(
    ("before", "after", "taken", "said"),
    [
        ({1, 2}, {1, 2, 3}, True, "3 of 10 held-out questions right, 2 before (1 gained, 0 lost, p 1)"),
        ({1, 2}, {2, 3, 4}, False, "3 of 10 held-out questions right, 2 before (2 gained, 1 lost, p 1)"),
        ({1, 2}, {1, 2}, False, "(0 gained, 0 lost, p 1)"),
        (set(), {1, 2, 3, 4, 5, 6}, True, "p 0.031"),
        ({9}, {1, 2, 3, 4, 5, 6}, False, "6 gained, 1 lost"),
        (set(), {1, 2, 3, 4, 5}, True, "5 gained, 0 lost"),
        ({1, 2, 3}, {1}, False, "0 gained, 2 lost"),
    ],
)
def test_the_better_one_answers(shop: str, before: set[int], after: set[int], taken: bool, said: str) -> None:
    old, new = _script("old.jsonl", before), _script("new.jsonl", after)
    Seat.of(shop).give(Incumbent(old, WARM, 0.0))
    found = adopt(shop, "answered.jsonl", new, Quiet())
    assert (found.taken, _sits(shop)) == (taken, new if taken else old)
    assert said in found.described()
    assert "\n" not in found.described()
    assert [each.policy for each in Seat.of(shop).before] == ([old] if taken else [])


def test_the_first_one_needs_one_right_answer(shop: str, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*words: str) -> int:
        with pytest.raises(SystemExit) as left:
            main(["adopt", shop, *words])
        return int(left.value.code or 0)

    none, one = _script("none.jsonl", set()), _script("one.jsonl", {4})
    assert run("--answered", "answered.jsonl", "--policy", none) == 3
    assert "is not taken: 0 of 10" in capsys.readouterr().out
    assert run("--answered", "answered.jsonl", "--policy", one) == 0
    assert "answers from now on: 1 of 10 held-out questions right, nobody answered before" in capsys.readouterr().out
    assert run("--answered", "answered.jsonl", "--policy", one) == 2
    assert "already" in capsys.readouterr().err
    assert run("--answered", "answered.jsonl", "--policy", _script("two.jsonl", {4, 5})) == 0
    assert run("--back") == 0
    assert "script:one.jsonl (trained, new, 1 of 10 right when it was made)" in capsys.readouterr().out
    assert run("--back") == 2
    assert run("--back", "--policy", one) == 2
    assert run("--policy", one) == 2
    with pytest.raises(SystemExit) as left:
        main(["ask", shop, QUESTIONS[3], "--json"])
    shown = capsys.readouterr()
    assert (left.value.code, json.loads(shown.out.splitlines()[-1])["rows"]) == (0, [[4]])
    assert "policy script:one.jsonl" in shown.err


def test_what_one_of_the_two_was_taught_does_not_count(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = _script("old.jsonl", {1}), _script("new.jsonl", {1, 2, 3})
    Seat.of(shop).give(Incumbent(old, WARM, 0.0))
    monkeypatch.setattr("sqlrl.adoption.was_taught", lambda side, text: side == old and text == QUESTIONS[1])
    found = adopt(shop, "answered.jsonl", new, Quiet())
    assert (found.left_out, found.total, found.right) == (1, 9, 2)
    monkeypatch.setattr("sqlrl.adoption.was_taught", lambda side, text: True)
    with pytest.raises(UsageError, match="no held-out question"):
        adopt(shop, "answered.jsonl", old, Quiet())


def test_a_run_knows_what_it_was_taught(tmp_path: Path) -> None:
    run = Run.create(tmp_path, "run", "x")
    (tmp_path / "run" / "checkpoints" / "final").mkdir(parents=True)
    keep_taught(run, ["How many  products?", "Which?"])
    runs._taught.cache_clear()
    for place in (run.folder, run.folder / "checkpoints" / "final"):
        assert was_taught(str(place), "how many products")
        assert not was_taught(str(place), "how many shops?")
    assert not was_taught("http://host/v1#model", "how many products")
    assert "products" not in (run.folder / "taught.txt").read_text()
