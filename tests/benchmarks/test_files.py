"""spider, bird and geoquery: official layouts, missing and empty databases by name, and the real data where it is."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from sqlrl.benchmarks import load_benchmark, reported_split
from sqlrl.executors.errors import DataError, UsageError
from sqlrl.golds import check_golds


def _database(path: Path, rows: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(path) as connection:
        connection.execute("create table t(x)")
        connection.executemany("insert into t values (?)", [(i,) for i in range(rows)])
    connection.close()


@pytest.fixture
def spider(tmp_path: Path) -> Path:
    """A folder laid out as the official one, with one database filled, one empty and one missing."""
    root = tmp_path / "spider_data"
    items = [
        {"db_id": name, "question": f"how many in {name}?", "query": "SELECT count(*) FROM t"}
        for name in ("filled", "filled", "empty", "missing")
    ]
    root.mkdir()
    for file in ("dev.json", "train_spider.json"):
        (root / file).write_text(json.dumps(items))
    _database(root / "database" / "filled" / "filled.sqlite", 3)
    _database(root / "database" / "empty" / "empty.sqlite", 0)
    return tmp_path


def test_faults_are_named_with_what_is_lost(spider: Path) -> None:
    benchmark = load_benchmark("spider", spider)
    assert len(benchmark.examples("validation")) == 4
    assert benchmark.faults() == {"missing": "missing", "empty": "empty"}
    notes = " ".join(benchmark.notes())
    assert "missing (1)" in notes
    assert "empty (1)" in notes
    found = check_golds(benchmark, benchmark.examples("validation"))
    assert (found.total, found.right, len(found.missing)) == (4, 3, 1)


@pytest.mark.parametrize("kind", ["noise", "text", "folder"])
def test_a_file_that_is_no_database_costs_its_own_questions_only(spider: Path, kind: str) -> None:
    path = spider / "spider_data" / "database" / "missing" / "missing.sqlite"
    path.parent.mkdir()
    if kind == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"I am text\n" if kind == "text" else bytes(range(256)) * 16)
    benchmark = load_benchmark("spider", spider)
    examples = benchmark.examples("validation")
    assert benchmark.faults() == {"missing": "unreadable", "empty": "empty"}
    assert "1 unreadable database, 1 questions cannot be judged: missing (1)" in " ".join(benchmark.notes())
    assert benchmark.sources(examples[3]) == []
    found = check_golds(benchmark, examples)
    assert (found.total, found.right, len(found.missing)) == (4, 3, 1)


def test_every_split_finds_its_databases_whichever_is_read_first(spider: Path) -> None:
    _database(spider / "spider_data" / "database" / "late" / "late.sqlite")
    late = [{"db_id": "late", "question": "how many?", "query": "SELECT count(*) FROM t"}]
    (spider / "spider_data" / "train_spider.json").write_text(json.dumps(late))
    benchmark = load_benchmark("spider", spider)
    assert benchmark.sources(benchmark.examples("validation")[0])
    assert benchmark.sources(benchmark.examples("train")[0])
    assert set(benchmark.faults()) == {"empty", "missing"}


def test_a_folder_or_one_above_it_will_do(spider: Path) -> None:
    for root in (spider, spider / "spider_data"):
        assert len(load_benchmark("spider", root).examples("validation")) == 4


def test_several_files_are_several_instances(spider: Path) -> None:
    _database(spider / "spider_data" / "database" / "filled" / "filled_v2.sqlite", 5)
    benchmark = load_benchmark("spider", spider)
    assert len(benchmark.sources(benchmark.examples("validation")[0])) == 2


@pytest.mark.parametrize("text", ["{", '[{"db_id": "x"}]', "3"])
def test_a_file_that_is_not_spiders(spider: Path, text: str) -> None:
    (spider / "spider_data" / "dev.json").write_text(text)
    with pytest.raises(DataError, match=r"dev\.json"):
        load_benchmark("spider", spider).examples("validation")


def test_bird_in_its_official_layout(tmp_path: Path) -> None:
    root = tmp_path / "dev_20240627"
    root.mkdir()
    item = {
        "question_id": 7, "db_id": "shop", "question": "how many?", "evidence": "things are t", "difficulty": "simple",
        "SQL": "SELECT count(*) FROM t",
    }  # fmt: skip
    (root / "dev.json").write_text(json.dumps([item]))
    _database(root / "dev_databases" / "shop" / "shop.sqlite")
    example = load_benchmark("bird", tmp_path).examples("validation")[0]
    assert (example.evidence, example.labels["difficulty"]) == ("things are t", "simple")
    (root / "mini_dev_sqlite.json").write_text(json.dumps([item]))
    assert load_benchmark("bird", tmp_path).examples("minidev")[0].id == "7"
    with pytest.raises(UsageError, match="no split 'mini'; known: train, validation, minidev"):
        load_benchmark("bird", tmp_path).examples("mini")


def test_what_is_not_there_is_said_with_the_way_to_get_it(tmp_path: Path) -> None:
    for name in ("spider", "bird", "geoquery"):
        with pytest.raises(DataError, match=f"sqlrl data fetch {name}"):
            load_benchmark(name, tmp_path)
    with pytest.raises(UsageError, match="no folder"):
        load_benchmark("spider", tmp_path / "nowhere")
    with pytest.raises(UsageError, match="did you mean 'spider'"):
        load_benchmark("spidr")
    assert reported_split("spider") == "validation"


def test_the_real_spider(data_root: Path) -> None:
    benchmark = load_benchmark("spider", data_root)
    examples = benchmark.examples("validation")
    assert len(examples) == 1034
    assert benchmark.faults()["wta_1"] == "empty"
    assert sum(e.labels["database"] == "wta_1" for e in examples) == 62
    found = check_golds(benchmark, examples)
    assert (found.right, len(found.failing)) == (1034, 0)


def test_the_real_bird(data_root: Path) -> None:
    benchmark = load_benchmark("bird", data_root)
    examples = benchmark.examples("validation")
    assert len(examples) == 1534
    here = [example for example in examples if benchmark.sources(example)]
    assert len(here) == 129
    assert len(benchmark.faults()) == 10
    assert len(benchmark.examples("minidev")) == 500


def test_the_real_geoquery(data_root: Path) -> None:
    benchmark = load_benchmark("geoquery", data_root)
    sizes = {split: len(benchmark.examples(split)) for split in benchmark.splits}
    assert (sizes["validation"], sizes["test"]) == (48, 277)
    asked = {example.question for split in ("validation", "test") for example in benchmark.examples(split)}
    learnt = {example.question for example in benchmark.examples("train")}
    shown = {demonstration.example.question for demonstration in benchmark.demonstrations()}
    assert not asked & (learnt | shown)
    assert not learnt & shown
    by_query = load_benchmark("geoquery/query", data_root)
    assert by_query.examples("test")
