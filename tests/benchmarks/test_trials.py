"""Reviews as questions: what each form of file tells, what a search may find, and what is left out of training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sqlrl.benchmarks import Benchmark, load_benchmark
from sqlrl.executors import open_executors
from sqlrl.executors.bm25 import build
from sqlrl.executors.documents import Document
from sqlrl.executors.errors import DataError, MissingSplitError, UsageError
from sqlrl.executors.relations import Relation


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SQLRL_DATA", raising=False)


def _line(name: str, population: str = "Adults", **further: Any) -> dict[str, Any]:
    return {
        "id": name,
        "origin": {"pmid": "900"},
        "pico": {"P": population, "I": "Aspirin", "C": "Placebo", "O": "Pain"},
        "pub_date": "2014/09/09",
        **further,
    }


def _write(path: Path, *lines: Mapping[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


def _parquet(path: Path, *rows: tuple[str, list[str], str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t(input text, label text[], pub_date text)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
        connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")


@pytest.fixture
def engine(tmp_path: Path) -> str:
    """An index of one's own, by its address."""
    documents = [Document("NCT1", "Aspirin", "for pain in adults"), Document("11", "Aspirin", "a study")]
    return f"bm25:///{build(documents, tmp_path / 'index')}"


def _load(name: str, data: Path, engine: str) -> Benchmark:
    return load_benchmark(name, data, engine=engine)


def test_a_trial_counts_up_to_the_day_of_the_review(tmp_path: Path, engine: str) -> None:
    _write(tmp_path / "ctgov" / "test.jsonl", _line("a", trial_nctids=["NCT1", "NCT1", "NCT2"]))
    benchmark = _load("trials", tmp_path, engine)
    (example,) = benchmark.examples("test")
    assert example.question == "P: Adults\nI: Aspirin\nC: Placebo\nO: Pain"
    assert example.gold.relevant == {"NCT1": 1.0, "NCT2": 1.0}
    assert example.context == {"max_date": "2014-09-09"}  # a review is no trial
    assert benchmark.sources(example) == [engine]
    with open_executors([engine]) as group:
        (found,) = group.compare_many([(engine, "aspirin", example.gold)], Relation(measure="recall", depth=10))
        assert found.score == 1 / 2
        with pytest.raises(
            UsageError, match="no document of this index has a date"
        ):  # rather than find what came later
            group.compare_many(
                [(engine, "aspirin", example.gold)], Relation(measure="recall", depth=10), contexts=[example.context]
            )


def test_the_review_itself_is_left_out_where_it_is_known(tmp_path: Path, engine: str) -> None:
    folder = tmp_path / "pubmed"
    _write(folder / "leads_mlsep_sample_1000.jsonl", _line("a", publication_pmids=["11", "900"], pub_date=""))
    _parquet(folder / "test_full.parquet", ("P: Children\nI: Rest\n", ["12"], "2004/01/01"))
    benchmark = _load("pubmed", tmp_path, engine)
    (train,) = benchmark.examples("train")
    assert (train.gold.relevant, train.context) == ({"11": 1.0}, {"exclude_ids": ["900"]})
    (test,) = benchmark.examples("test")
    assert (test.question, test.context) == ("P: Children\nI: Rest", {"max_date": "2004-01-01"})
    notes = " ".join(benchmark.notes())
    assert "pubmed test: the reviews that the questions are from are not named" in notes
    assert "no train.jsonl: leads_mlsep_sample_1000.jsonl stands for it" in notes


def test_training_leaves_out_what_a_held_out_split_asks(tmp_path: Path, engine: str) -> None:
    folder = tmp_path / "ctgov"
    lines = [_line(f"t{n}", f"Group {n}", trial_nctids=["NCT1"]) for n in range(4)]
    _write(folder / "train.jsonl", *lines, _line("none", "Nobody", trial_nctids=[]))
    _write(folder / "dev.jsonl", _line("d", "group 1", trial_nctids=["NCT1"]))
    _write(folder / "test.jsonl", _line("e", "Group 2 ", trial_nctids=["NCT1"]))
    benchmark = _load("trials", tmp_path, engine)
    assert [example.id for example in benchmark.examples("train")] == ["t0", "t3"]
    assert benchmark.notes() == [
        "trials: 1 question without a relevant document left out",
        "trials: 2 questions of the training split that a held-out split asks as well left out",
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"id": "a"}, "line 1: no 'id', 'pico' and list of 'trial_nctids'"),
        (_line("a", trial_nctids=[], pub_date="May 2014"), "'May 2014' is no date"),
        (_line("a", trial_nctids="NCT1"), "line 1: no 'id', 'pico'"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, engine: str, line: Mapping[str, Any], words: str) -> None:
    _write(tmp_path / "test.jsonl", line)
    with pytest.raises(DataError, match=words):
        _load("trials", tmp_path, engine).examples("test")


def test_what_is_not_here_is_named(tmp_path: Path, engine: str) -> None:
    with pytest.raises(DataError, match="no trials data in"):
        _load("trials", tmp_path, engine)
    (tmp_path / "test_full.parquet").write_text("no parquet")
    benchmark = _load("trials", tmp_path, engine)
    with pytest.raises(DataError, match="cannot be read"):
        benchmark.examples("test")
    with pytest.raises(MissingSplitError, match=r"train\.jsonl or train\.parquet"):
        benchmark.examples("train")
    with pytest.raises(MissingSplitError, match="no validation split"):
        benchmark.examples("validation")
