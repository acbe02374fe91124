"""BEIR's format: what is read, what is missing, and an index that is built once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sqlrl.benchmarks import load_benchmark
from sqlrl.executors import open_executors
from sqlrl.executors.errors import DataError, MissingSplitError, UsageError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SQLRL_DATA", raising=False)


def _write(folder: Path, *, corpus: bool = True, splits: tuple[str, ...] = ("train", "test")) -> Path:
    """A data set of 40 questions, each with one relevant document; judgements end their lines as DOS does."""
    (folder / "qrels").mkdir(parents=True)
    words = [f"word{number}" for number in range(40)]
    if corpus:
        lines = [
            {"_id": f"d{n}", "title": word, "text": f"about {word}", "metadata": {}} for n, word in enumerate(words)
        ]
        (folder / "corpus.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    questions = [{"_id": str(n), "text": f"what of {word}?"} for n, word in enumerate(words)]
    (folder / "queries.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in questions))
    for place, split in enumerate(splits):
        ours = range(place, 40, len(splits))
        rows = "".join(f"{n}\td{n}\t1\r\n{n}\td{(n + 1) % 40}\t0\r\n" for n in ours)
        (folder / "qrels" / f"{split}.tsv").write_text(f"query-id\tcorpus-id\tscore\r\n{rows}")
    return folder


def test_questions_grades_and_the_corpus_behind_them(tmp_path: Path) -> None:
    benchmark = load_benchmark("scifact", _write(tmp_path / "scifact"))
    test = benchmark.examples("test")
    assert (test[0].id, test[0].question, test[0].gold.relevant) == ("1", "what of word1?", {"d1": 1, "d2": 0})
    (source,) = benchmark.sources(test[0])
    with open_executors([source]) as group:
        assert group[source].execute(test[0].question, limit=1).rows[0][0] == "d1"
    assert benchmark.notes() == []
    assert not benchmark.faults()


def test_where_there_is_no_validation_split_a_part_of_training_is_it(tmp_path: Path) -> None:
    benchmark = load_benchmark("scifact", _write(tmp_path / "scifact"))
    train, validation, test = ({e.id for e in benchmark.examples(name)} for name in ("train", "validation", "test"))
    assert (len(train), len(validation), len(test)) == (18, 2, 20)
    assert len(train | validation | test) == 40
    assert "no validation split" in benchmark.notes()[0]
    whole = load_benchmark("nfcorpus", _write(tmp_path / "nfcorpus", splits=("train", "dev", "test")))
    assert [len(whole.examples(name)) for name in ("train", "validation", "test")] == [14, 13, 13]


def test_an_index_is_built_once_and_again_for_another_corpus(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = _write(tmp_path / "scifact")
    first = load_benchmark("scifact", folder)
    (source,) = first.sources(first.examples("test")[0])
    again = load_benchmark("scifact", folder)
    assert again.sources(again.examples("test")[0]) == [source]
    assert sum("indexing" in record.message for record in caplog.records) == 1
    with open(folder / "corpus.jsonl", "a") as file:
        file.write('{"_id": "new", "text": "fresh"}\n')
    changed = load_benchmark("scifact", folder)
    assert changed.sources(changed.examples("test")[0]) != [source]


def test_what_is_not_here_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no fever data in"):
        load_benchmark("fever", tmp_path)
    benchmark = load_benchmark("fever", _write(tmp_path / "fever", corpus=False, splits=("test",)))
    assert benchmark.sources(benchmark.examples("test")[0]) == []
    assert "has no corpus" in benchmark.notes()[0]
    with pytest.raises(MissingSplitError, match=r"no qrels/train\.tsv"):
        benchmark.examples("train")
    with pytest.raises(UsageError, match="no split 'dev'"):
        benchmark.examples("dev")


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\n1\td1\n", "line 2: not question, document and grade"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\n99\td1\t1\n", "'99' is not in queries.jsonl"),
        ("queries.jsonl", '{"_id": 1, "text": "x"}\n', "queries.jsonl, line 1"),
        ("queries.jsonl", "[1]\n", "not a JSON object"),
        ("queries.jsonl", "{\n", "cannot be read"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, file: str, text: str, words: str) -> None:
    folder = _write(tmp_path / "scifact")
    (folder / file).write_text(text)
    with pytest.raises(DataError, match=words):
        load_benchmark("scifact", folder).examples("test")


def test_a_bad_document_is_named_and_leaves_no_index(tmp_path: Path) -> None:
    folder = _write(tmp_path / "scifact")
    (folder / "corpus.jsonl").write_text('{"_id": "1", "text": "x"}\n{"text": "no id"}\n')
    benchmark = load_benchmark("scifact", folder)
    with pytest.raises(DataError, match="line 2"):
        benchmark.sources(benchmark.examples("test")[0])
    assert not [path for path in (tmp_path / "cache" / "sqlrl" / "indexes").iterdir() if path.is_dir()]


def test_an_engine_is_for_search_and_one_that_there_is(tmp_path: Path) -> None:
    folder = _write(tmp_path / "scifact")
    with pytest.raises(UsageError, match="no engine 'bm26' here; did you mean 'bm25'"):
        load_benchmark("scifact", folder, engine="bm26")
    with pytest.raises(UsageError, match="is for search"):
        load_benchmark("mini", engine="bm25")
