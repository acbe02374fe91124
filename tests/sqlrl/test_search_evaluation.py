"""Search benchmarks by the commands that databases have."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sqlrl.assessment import assess
from sqlrl.cli import main
from sqlrl.config import EvalConfig
from sqlrl.evaluation import gold_line
from sqlrl.executors.base import Gold
from sqlrl.training.run import Quiet


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ten documents, of which each question's word is in two and the longer is the one that counts."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "scifact"
    (folder / "qrels").mkdir(parents=True)
    documents = [
        {"_id": f"{size}{n}", "title": "", "text": f"word{n} {'filler ' * length}"}
        for n in range(5)
        for size, length in (("short", 1), ("long", 9))
    ]
    (folder / "corpus.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in documents))
    (folder / "queries.jsonl").write_text("".join(f'{{"_id": "{n}", "text": "word{n}"}}\n' for n in range(5)))
    rows = "".join(f"{n}\tlong{n}\t1\n" for n in range(5))
    (folder / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{rows}")
    return folder


def _ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr()
    assert ended.value.code == 0, said.err
    return said.out


def test_the_question_as_the_query_and_a_better_one(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = tmp_path / "items.jsonl"
    said = _ask(
        capsys,
        "eval",
        "scifact",
        "--data",
        str(folder),
        "--policy",
        "question:",
        "--json",
        str(lines),
        "--out",
        str(tmp_path),
    )
    assert "judge ndcg@10" in said
    assert "63.1 %" in said  # the second of two, five times: 1 / log2(3)
    assert "safe" not in said
    items = [json.loads(line) for line in lines.read_text().splitlines()]
    assert {item["reason"] for item in items} == {"partial"}
    assert items[0]["results"]["predicted"]["rows"][0][0] == "short0"
    better = tmp_path / "better.txt"
    better.write_text("".join(f"word{n} filler filler filler\n" for n in range(5)))
    said = _ask(
        capsys, "eval", "scifact", "--data", str(folder), "--predictions", str(better), "--judge", "recall@1", "--out",
        str(tmp_path),
    )  # fmt: skip
    assert "judge recall@1" in said


def test_an_empty_query_is_worth_nothing(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "predictions.json"
    empty.write_text(json.dumps(["word0", "", " ", "the", "nobody"]))
    lines = tmp_path / "items.jsonl"
    _ask(
        capsys, "eval", "scifact", "--data", str(folder), "--predictions", str(empty), "--json", str(lines), "--out",
        str(tmp_path),
    )  # fmt: skip
    items = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [item["outcome"] for item in items] == ["ok", "invalid", "invalid", "ok", "ok"]
    assert [item["score"] > 0 for item in items] == [True, False, False, False, False]


def test_a_line_tells_what_is_right() -> None:
    assert gold_line(Gold(query="SELECT 1", relevant={"a": 1})) == "SELECT 1"
    assert gold_line(Gold(rows=((1,),))) is None
    assert gold_line(Gold(answers=("Manet", "Édouard Manet"))) == "Manet | Édouard Manet"
    assert gold_line(Gold(relevant={"a": 1, "b": 0, "c": 1})) == "a c"
    assert gold_line(Gold(relevant={"a": 1, "b": 2.5})) == "b (grade 2.5) a (grade 1)"
    assert (gold_line(Gold(relevant={str(n): 1 for n in range(25)})) or "").endswith(" 18 19 and 5 more")


def test_two_evaluations_compare_by_their_mean_score(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["eval", "scifact", "--data", str(folder), "--out", str(tmp_path)]
    better = tmp_path / "better.txt"
    better.write_text("".join(f"word{n} filler filler filler\n" for n in range(5)))
    _ask(capsys, *asked, "--policy", "question:", "--name", "before")
    _ask(capsys, *asked, "--predictions", str(better), "--name", "after")
    said = _ask(capsys, "compare", str(tmp_path / "before"), str(tmp_path / "after"))
    assert "63.1 %" in said
    assert "safe" not in said
    assert "permutation of the scores" in said
    items = [json.loads(line) for line in (tmp_path / "before" / "items.jsonl").read_text().splitlines()]
    assert [(item["gold"], item["safe"]) for item in items] == [(f"long{n}", None) for n in range(5)]
    page = (tmp_path / "before" / "report.html").read_text()
    assert "0 of 5 ranked at best" in page
    assert "no question has a database with rows" not in page


def test_every_task_that_is_begun_is_done(folder: Path) -> None:
    tasks: dict[str, list[int]] = {}

    class Watched(Quiet):
        def start(self, task: str, steps: int) -> Callable[[int, str], None]:
            tasks[task] = [steps, 0]

            def advance(count: int, word: str = "") -> None:
                tasks[task][1] += count

            return advance

    assess(EvalConfig("scifact", data=str(folder), policy="question:"), Watched(), keep=False)
    assert tasks == {"asking the question": [5, 5], "judging": [5, 5], "reading the corpus": [1, 1]}
