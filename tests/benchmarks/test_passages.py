"""Questions over passages: the formats, the splits, and what is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sqlrl.benchmarks import load_benchmark
from sqlrl.executors import open_executors
from sqlrl.executors.errors import DataError, MissingSplitError
from sqlrl.executors.relations import Relation


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SQLRL_DATA", raising=False)


@pytest.fixture
def nq(tmp_path: Path) -> Path:
    folder = tmp_path / "nq"
    folder.mkdir()
    lines = [
        {"question": "who\u2028wrote it", "answers": ["Ann Lee", "Ann Lee", "A. Lee"]},
        {"question": "when", "answers": ["1901"]},
    ]
    (folder / "test.jsonl").write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines))
    (folder / "psgs_w100.tsv").write_text(
        'id\ttext\ttitle\n1\t"He said ""it"" was written\tby nobody."\tBook\n2\twritten by Ann Lee in 1901\tAuthor\n'
    )
    return folder


def test_the_first_passage_with_an_answer(nq: Path) -> None:
    benchmark = load_benchmark("nq", nq)
    first, second = benchmark.examples("test")
    assert (first.id, first.gold.answers, second.question) == ("test-1", ("Ann Lee", "A. Lee"), "when")
    (source,) = benchmark.sources(first)
    with open_executors([source]) as group:
        assert group[source].fetch(["1"])[0].text == 'He said "it" was written\tby nobody.'
        (found,) = group.compare_many(
            [(source, "it written nobody", first.gold)], Relation(measure="answer-rank", depth=20)
        )
    assert found.score == 1 / 2


def test_what_is_not_here_is_named(nq: Path) -> None:
    (nq / "psgs_w100.tsv").unlink()
    benchmark = load_benchmark("nq", nq)
    assert benchmark.sources(benchmark.examples("test")[0]) == []
    assert "has no corpus" in benchmark.notes()[0]
    with pytest.raises(MissingSplitError, match="no validation split"):
        benchmark.examples("validation")
    with pytest.raises(DataError, match="no squad data in"):
        load_benchmark("squad", nq / "..")


@pytest.mark.parametrize("line", ["{", "[]", '{"question": "x"}', '{"question": "x", "answers": []}'])
def test_a_bad_line_is_named(nq: Path, line: str) -> None:
    (nq / "test.jsonl").write_text(f"{line}\n")
    with pytest.raises(DataError, match="line 1"):
        load_benchmark("nq", nq).examples("test")


def test_a_bad_passage_is_named(nq: Path) -> None:
    (nq / "psgs_w100.tsv").write_text("id\ttext\ttitle\n1\tonly text\n")
    benchmark = load_benchmark("nq", nq)
    with pytest.raises(DataError, match="line 2"):
        benchmark.sources(benchmark.examples("test")[0])


def _squad(paragraphs: int) -> dict[str, Any]:
    def asked(article: int, number: int) -> dict[str, Any]:
        question = {"id": f"q{article}-{number}", "question": f"what is t{article}?", "answers": [{"text": "x"}] * 2}
        return {"context": f"t{article} is x", "qas": [question]}

    return {"data": [{"paragraphs": [asked(article, 0), asked(article, 1)]} for article in range(paragraphs)]}


def test_xquads_articles_are_asked_about_in_one_split_only(tmp_path: Path) -> None:
    (tmp_path / "xquad.en.json").write_text(json.dumps(_squad(48)))
    benchmark = load_benchmark("xquad", tmp_path)
    sizes = {split: len(benchmark.examples(split)) for split in benchmark.splits}
    assert sizes == {"train": 60, "validation": 12, "test": 24}
    assert benchmark.examples("test")[0].gold.answers == ("x",)
    (tmp_path / "xquad.en.json").write_text('{"data": [{"paragraphs": [{"context": "x", "qas": [{}]}]}]}')
    with pytest.raises(DataError, match="SQuAD's format"):
        load_benchmark("xquad", tmp_path).examples("train")


def test_the_forms_in_which_questions_go_round(tmp_path: Path) -> None:
    folder = tmp_path / "evidence" / "anserini-tools"
    folder.mkdir(parents=True)
    (folder / "topics.dpr.trivia.test.txt").write_text("who?\t['Ann', \"O'Neill\", 'Ann']\n")
    (folder / "topics.dpr.squad.test.txt").write_text('{"question": "when?", "answer": ["1901", "1901"]}\n')
    (tmp_path / "nq").mkdir()
    (tmp_path / "nq" / "nq-train.qa.csv").write_text('what?\t"[""a \'b\'"", \'c\']"\n')
    trivia, squad, nq = (load_benchmark(name, tmp_path) for name in ("triviaqa", "squad", "nq"))
    assert trivia.examples("test")[0].gold.answers == ("Ann", "O'Neill")
    assert squad.examples("test")[0].gold.answers == ("1901",)
    assert nq.examples("train")[0].gold.answers == ("a 'b'", "c")
    (tmp_path / "squad").mkdir()
    (tmp_path / "squad" / "train-v1.1.json").write_text(json.dumps(_squad(10)))
    again = load_benchmark("squad", tmp_path)
    assert {split: len(again.examples(split)) for split in ("train", "validation")} == {"train": 18, "validation": 2}
    (folder / "topics.dpr.trivia.test.txt").write_text("who?\t__import__('os')\n")
    with pytest.raises(DataError, match="line 1: not a question, a tab and a list"):
        load_benchmark("triviaqa", tmp_path).examples("test")
