"""MS MARCO by subject: the paper's questions, MS MARCO's passages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sqlrl.benchmarks import load_benchmark
from sqlrl.executors import open_executors
from sqlrl.executors.errors import DataError, MissingSplitError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SQLRL_DATA", raising=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "msmarco" / "msmarco_health"
    folder.mkdir(parents=True)
    (folder / "dev.jsonl").write_text(json.dumps({"question": "what is heart pain", "docs_id": ["7"]}) + "\n")
    (folder.parent / "collection.tsv").write_text("7\tPain in the heart.\n8\tA pan on the hearth.\n")
    return tmp_path / "data"


def test_a_question_finds_its_passage(root: Path) -> None:
    benchmark = load_benchmark("msmarco-health", root)
    (example,) = benchmark.examples("test")
    assert (example.question, example.gold.relevant) == ("what is heart pain", {"7": 1.0})
    (source,) = benchmark.sources(example)
    with open_executors([source]) as group:
        assert group[source].execute(example.question, limit=1).rows[0][0] == "7"
    with pytest.raises(MissingSplitError, match="train"):
        benchmark.examples("train")


def test_what_is_missing_or_broken_is_named(root: Path) -> None:
    (root / "msmarco" / "collection.tsv").unlink()
    benchmark = load_benchmark("msmarco-health", root)
    assert benchmark.sources(benchmark.examples("test")[0]) == []
    assert "no corpus" in benchmark.notes()[0]
    with pytest.raises(DataError, match="msmarco-tech"):
        load_benchmark("msmarco-tech", root)
    (root / "msmarco" / "msmarco_health" / "dev.jsonl").write_text('{"question": "x"}\n')
    with pytest.raises(DataError, match="line 1"):
        load_benchmark("msmarco-health", root).examples("test")
