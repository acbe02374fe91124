"""A database of one's own: splits, generated demonstrations, sources of every embedded kind."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from sqlrl.benchmarks import answered as module
from sqlrl.benchmarks import load_benchmark
from sqlrl.benchmarks.answered import Answered
from sqlrl.executors.errors import SourceError, UsageError


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "DEMONSTRATIONS", 60)
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("create table brand(id integer primary key, name text)")
        connection.execute("create table product(name text, price real, brand_id integer references brand(id))")
        connection.executemany("insert into brand values (?, ?)", [(n, f"brand {n}") for n in range(1, 6)])
        connection.executemany(
            "insert into product values (?, ?, ?)", [(f"product {n}", n * 1.5, 1 + n % 4) for n in range(30)]
        )
    connection.close()
    return tmp_path


def _answers(folder: Path, count: int, **keys: Any) -> Path:
    path = folder / "answered.jsonl"
    path.write_text(
        "".join(json.dumps({"question": f"question {n}?", "answer": n % 30, **keys}) + "\n" for n in range(count))
    )
    return path


def test_splits_are_drawn_by_the_questions_alone(shop: Path) -> None:
    first = Answered(f"sqlite:///{shop / 'shop.db'}", _answers(shop, 60))
    sizes = {split: len(first.examples(split)) for split in first.splits}
    assert sizes == {"train": 30, "validation": 9, "test": 21}
    asked = {split: {e.question for e in first.examples(split)} for split in first.splits}
    assert len(set.union(*asked.values())) == 60
    path = shop / "turned.jsonl"
    path.write_text("\n".join(reversed((shop / "answered.jsonl").read_text().split("\n"))))
    turned = Answered(str(shop / "shop.db"), path)
    assert {split: {e.question for e in turned.examples(split)} for split in turned.splits} == asked
    other = Answered(str(shop / "shop.db"), path, seed=1)
    assert {e.question for e in other.examples("test")} != asked["test"]


def test_few_questions_have_no_test(shop: Path) -> None:
    few = Answered(str(shop / "shop.db"), _answers(shop, 20))
    assert few.splits == ("train", "validation")
    assert (len(few.examples("train")), len(few.examples("validation"))) == (13, 7)
    with pytest.raises(UsageError, match="no questions for 'test'"):
        few.examples("test")


def test_a_line_may_say_its_split(shop: Path) -> None:
    told = Answered(str(shop / "shop.db"), _answers(shop, 10, split="test"))
    assert len(told.examples("test")) == 10
    assert told.examples("train") == []


def test_held_out_questions_say_whether_their_answer_was_seen(shop: Path) -> None:
    own = Answered(str(shop / "shop.db"), _answers(shop, 60))
    known = {e.gold.partial for e in own.examples("train")}
    for example in own.examples("test"):
        assert (example.labels["held_out"] == "known answer") == (example.gold.partial in known)
    assert all("held_out" not in example.labels for example in own.examples("train"))


def test_demonstrations_are_generated_and_never_asked(shop: Path) -> None:
    own = Answered(str(shop / "shop.db"), _answers(shop, 40))
    shown = own.demonstrations()
    assert 50 <= len(shown) <= 60
    asked = shown[0].example.question
    path = shop / "asked.jsonl"
    path.write_text(json.dumps({"question": asked.upper(), "answer": 1}))
    again = Answered(str(shop / "shop.db"), path).demonstrations()
    assert asked not in {demonstration.example.question for demonstration in again}
    assert {demonstration.example.labels["database"] for demonstration in shown} == {"shop"}


def test_duckdb_and_csv_files_have_questions_too(shop: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    folder = shop / "files"
    folder.mkdir()
    (folder / "brand.csv").write_text("id,name\n1,Ash\n2,Elm\n3,Fir\n")
    (folder / "product.csv").write_text(
        "name,price,brand_id\n" + "".join(f"p{n},{n / 4},{1 + n % 3}\n" for n in range(20))
    )
    with duckdb.connect(str(shop / "shop.duckdb")) as connection:
        connection.execute(f"create table product as from '{folder / 'product.csv'}'")
    answers = _answers(shop, 5)
    for source, joins in (
        (f"csv:///{folder}", True),
        (str(folder), True),
        (f"duckdb:///{shop / 'shop.duckdb'}", False),
    ):
        own = load_benchmark(source, answered=answers)
        assert isinstance(own, Answered)
        assert own.dialect == "duckdb"
        shown = own.demonstrations()
        assert len(shown) > 40
        assert not own.questionnaire.failed, own.questionnaire.messages[:3]
        assert any(" JOIN " in demonstration.query for demonstration in shown) is joins


def test_what_is_missing_is_said(shop: Path) -> None:
    with pytest.raises(SourceError, match="no file"):
        load_benchmark(f"sqlite:///{shop}/none.db", answered=_answers(shop, 3))
    for source in (f"sqlite:///{shop}/shop.db", str(shop / "shop.db")):
        with pytest.raises(UsageError, match="--answered FILE"):
            load_benchmark(source)
