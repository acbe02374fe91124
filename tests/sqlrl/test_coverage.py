"""What is right for a search is looked up before anything is trained or judged on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sqlrl.cli import main
from sqlrl.config import TrainConfig
from sqlrl.training.plan import draw_plan


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twenty questions, each with the document of its number; those of the last two are not in the corpus."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SQLRL_DATA", raising=False)
    folder = tmp_path / "scifact"
    (folder / "qrels").mkdir(parents=True)
    documents = [{"_id": f"d{n}", "title": "", "text": f"word{n}"} for n in range(18)]
    (folder / "corpus.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in documents))
    (folder / "queries.jsonl").write_text("".join(f'{{"_id": "{n}", "text": "word{n}"}}\n' for n in range(20)))
    for split, numbers in (("train", range(10, 20)), ("test", range(10))):
        rows = "".join(f"{n}\td{n}\t1\r\n" for n in numbers)
        (folder / "qrels" / f"{split}.tsv").write_text(f"query-id\tcorpus-id\tscore\r\n{rows}")
    return folder


def _ask(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr()
    assert ended.value.code == code, said.err
    return " ".join((said.out + said.err).split())


def test_relevant_documents_that_are_not_in_the_corpus(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = _ask(capsys, "check", "scifact", "--data", str(folder), "--split", "test")
    assert "10 of 10 questions have all that is right for them in the corpus; 0 of 10 relevant documents" in said
    said = _ask(capsys, "check", "scifact", "--data", str(folder), "--split", "train", code=1)
    assert "8 of 9 questions" in said
    assert "18: 1 of 1 are not there: d18" in said
    assert "leave out --judge" in _ask(
        capsys, "check", "scifact", "--data", str(folder), "--judge", "robust", code=2
    )  # fmt: skip


def test_a_corpus_that_is_not_here(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "corpus.jsonl").unlink()
    said = _ask(capsys, "check", "scifact", "--data", str(folder), "--split", "test")
    assert "10 lack a corpus" in said
    assert "scifact has no corpus, so nothing can be searched: looked for" in said


def test_an_answer_that_no_passage_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "psgs_w100.tsv").write_text("id\ttext\ttitle\n1\twritten by Ann Lee in 1901\tBook\n")
    lines = [
        {"question": "who wrote it", "answers": ["A. Lee", "Ann Lee"]},
        {"question": "when written", "answers": ["1902"]},
    ]
    (tmp_path / "test.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    said = _ask(capsys, "check", "nq", "--data", str(tmp_path), "--split", "test", code=1)
    assert "1 of 2 questions" in said
    assert "test-2: no document with an answer among the first 1,000: 1902" in said


def test_a_dry_run_of_training_tells_what_the_questions_find(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("trl")
    said = _ask(capsys, "train", "scifact", "--data", str(folder), "--policy", "tiny", "--dry-run")
    assert "18 documents, searched by bm25" in said
    assert "8 of 9" in said
    assert "ndcg@10 0.889 over 9 questions" in said
    assert "sft learns to give the question itself" in said


def test_a_policy_from_nothing_learns_to_copy_by_the_corpus(folder: Path) -> None:
    pytest.importorskip("trl")
    document = {"_id": "d18", "title": "", "text": "Nobody has asked about this sentence."}
    with (folder / "corpus.jsonl").open("a") as corpus:
        corpus.write(f"{json.dumps(document)}\n")
    tiny = draw_plan(TrainConfig("scifact", data=str(folder), policy="tiny"))
    assert [stage.method for stage in tiny.stages] == ["sft", "grpo"]
    asked = {one.example.question for one in tiny.demonstrations}
    assert {"word10", "Nobody has asked about this sentence."} <= asked
    large = draw_plan(TrainConfig("scifact", data=str(folder), policy="hf:org/name", method="sft"))
    assert [(one.example.question, one.query) for one in large.demonstrations][:1] == [("word10", "word10")]
    assert len(large.demonstrations) == len(large.train)
