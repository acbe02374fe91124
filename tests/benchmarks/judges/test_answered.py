"""The judge of answers: what is known decides, and what spells the answer out is wrong."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from sqlrl.benchmarks.base import Example
from sqlrl.benchmarks.judges import load_judge
from sqlrl.benchmarks.judges.answered import spells_out
from sqlrl.executors.base import Gold, Partial
from sqlrl.judging import Judging


@pytest.fixture
def judging(tmp_path: Path) -> Any:
    with sqlite3.connect(tmp_path / "shop.sqlite") as connection:
        connection.execute("create table product(name text, price real, kind text)")
        rows = [("pen", 1.5, "desk"), ("ink", 2.5, "desk"), ("lamp", 90.0, "light"), ("bulb", 3.0, "light")]
        connection.executemany("insert into product values (?, ?, ?)", rows)
    connection.close()
    with Judging("answered", {"q": [f"sqlite:///{tmp_path / 'shop.sqlite'}"]}, workers=1) as judging:
        yield judging


@pytest.mark.parametrize(
    ("gold", "right", "wrong"),
    [
        (
            Gold(partial=Partial("number", ((4,),))),
            ["SELECT count(*) FROM product", "SELECT sum(1) FROM product"],
            [
                "SELECT 4",
                "SELECT 4 FROM product LIMIT 1",
                "SELECT 2 + 2 FROM product LIMIT 1",
                "SELECT count(*) + 1 FROM product",
            ],
        ),
        (
            Gold(partial=Partial("names", (("lamp",), ("bulb",)))),
            ["SELECT name FROM product WHERE kind = 'light'", "SELECT name, price FROM product WHERE kind = 'light'"],
            [
                "SELECT * FROM product",
                "SELECT name FROM product",
                "SELECT 'lamp' FROM product UNION SELECT 'bulb' FROM product",
                "VALUES ('lamp'), ('bulb')",
            ],
        ),
        (
            Gold(partial=Partial("names", (("lamp",), ("bulb",))), ordered=True),
            ["SELECT name FROM product WHERE kind = 'light' ORDER BY price DESC"],
            ["SELECT name FROM product WHERE kind = 'light' ORDER BY price"],
        ),
        (
            Gold(partial=Partial("contains", (("ink",),), most_rows=2)),
            ["SELECT name FROM product WHERE kind = 'desk'"],
            ["SELECT name FROM product", "SELECT * FROM product WHERE kind = 'desk'"],
        ),
        (
            Gold(partial=Partial("whole", (("desk", "2"), ("light", "46.5")))),
            ["SELECT avg(price), kind FROM product GROUP BY kind"],
            ["SELECT kind, max(price) FROM product GROUP BY kind", "SELECT kind FROM product GROUP BY kind"],
        ),
        (Gold("SELECT name FROM product WHERE price > 5"), ["SELECT 'lamp'"], ["SELECT name FROM product"]),
    ],
)  # fmt: skip
def test_verdicts(judging: Judging, gold: Gold, right: list[str], wrong: list[str]) -> None:
    example = Example("q", "?", gold)
    judged = judging.judge_all([(example, query) for query in right + wrong])
    assert [word.verdict.correct for word in judged] == [True] * len(right) + [False] * len(wrong)
    assert {word.outcome for word in judged} == {"ok"}


@pytest.mark.parametrize(
    ("query", "known", "cheats"),
    [
        ("SELECT count(*) FROM t", [(42,)], False),
        ("SELECT name, 42 FROM t", [("42",)], True),
        ("WITH a AS (SELECT 42 AS n) SELECT n FROM a", [], True),
        ("WITH a AS (SELECT 42 AS n FROM t) SELECT n FROM a", [(42,)], True),
        ("SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u)", [(1,)], False),
        ("SELECT CASE WHEN a THEN 42 ELSE a END FROM t", [(42,)], True),
        ("SELECT coalesce(a, 'x') FROM t", [("x",)], True),
        ("SELECT max('x') FROM t", [("x",)], True),
        ("SELECT -3 FROM t", [(-3,)], True),
        ("SELECT avg(a) * 100 FROM t", [(100,)], False),
        ("SELECT name FROM t WHERE name = 'x'", [("x",)], False),
        ("SELECT (SELECT max(id) FROM t)", [], False),
        ("SELEC name FRM", [], False),
    ],
)
def test_what_spells_the_answer_out(query: str, known: list[Any], cheats: bool) -> None:
    assert spells_out(query, tuple(known)) is cheats


def test_a_gold_that_is_whole_is_judged_as_robust_does() -> None:
    judge, robust = load_judge("answered"), load_judge("robust")
    for gold in (Gold("SELECT a FROM t ORDER BY a"), Gold(rows=((1,),))):
        assert judge.prepare("SELECT 1", gold) == robust.prepare("SELECT 1", gold)
        assert judge.relation(gold) == robust.relation(gold)
