"""A database alone, with what the grammar asks about it: whole questions held out, the same ones each time."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from sqlrl.benchmarks import load_benchmark, questions, reported_split
from sqlrl.benchmarks.answered import plain
from sqlrl.benchmarks.questions import Questions
from sqlrl.config import TrainConfig, read_config, write_config
from sqlrl.executors.errors import DataError, UsageError


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(questions, "WRITTEN", 300)
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("create table product(id integer primary key, name text, price real, colour text)")
        rows = [(n, f"p{n}", n + 0.5, ("red", "blue")[n % 2]) for n in range(20)]
        connection.executemany("insert into product values (?, ?, ?, ?)", rows)
    connection.close()
    return str(tmp_path / "shop.db")


def test_whole_questions_are_held_out(shop: str) -> None:
    benchmark = load_benchmark(f"questions:{shop}")
    assert isinstance(benchmark, Questions)
    taught = benchmark.examples("train")
    held_out = benchmark.examples("validation")
    asked = {plain(example.question) for example in held_out}
    everything = {plain(example.question) for example in [*taught, *held_out]}
    assert len(asked) == len(everything) // 10
    assert not asked & {plain(example.question) for example in taught}
    assert {each.example.id for each in benchmark.demonstrations()} == {example.id for example in taught}
    assert all(example.labels["database"] == "shop" and example.gold.query for example in taught)
    assert benchmark.sources(taught[0]) == [f"sqlite:///{shop}"]
    again = Questions(f"sqlite:///{shop}").examples("validation")
    assert [example.question for example in again] == [example.question for example in held_out]
    assert "300 questions" in benchmark.notes()[0]
    assert benchmark.dialect == "sqlite"
    with pytest.raises(UsageError, match="no split 'test'"):
        benchmark.examples("test")


def test_it_is_judged_on_what_is_held_out() -> None:
    assert reported_split("questions:shop.db") == "validation"


def test_an_empty_database_is_an_error(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "empty.db") as connection:
        connection.execute("create table product(id integer primary key)")
    connection.close()
    with pytest.raises(DataError):
        load_benchmark(f"questions:{tmp_path / 'empty.db'}").examples("train")


def test_a_password_is_not_written_down(tmp_path: Path) -> None:
    for word, kept in (
        ("questions:postgresql://ann:secret@host/shop", "questions:postgresql://ann:***@host/shop"),
        ("questions:sqlite:///shop.db", "questions:sqlite:///shop.db"),
        ("questions:shop.db", "questions:shop.db"),
        ("mini", "mini"),
    ):
        write_config(TrainConfig(word), tmp_path / "config.yaml")
        assert read_config(tmp_path / "config.yaml")["benchmark"] == kept
