"""`sqlrl data synthesize`: one's own schema, the summary, and one clear line for what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sqlrl.cli import main


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["data", "synthesize", *arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    (tmp_path / "shop.sql").write_text("CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT, price INT);")
    (tmp_path / "golds.sql").write_text("-- What is dear?\nSELECT name FROM products WHERE price > 100;")
    return str(tmp_path / "shop.sql"), str(tmp_path / "golds.sql")


def test_a_schema_of_ones_own(
    files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    out, summary = tmp_path / "out", tmp_path / "summary.json"
    code = _run(
        files[0], "--queries", files[1], "--out", str(out), "--json", str(summary), "--instances", "6", "--keep", "2",
        "--workers", "1",
    )  # fmt: skip
    assert code == 0
    assert "that find something on the first instance" in capsys.readouterr().out
    said = json.loads(summary.read_text())
    assert said["summary"]["questions"] == said["summary"]["questions_found"] == 1
    assert said["summary"]["told_by"][-1] <= said["summary"]["told_by_any"] <= said["summary"]["neighbours"]
    assert [each["database"] for each in said["databases"]] == ["shop"]
    (question,) = json.loads((out / "train_spider.json").read_text())
    assert question["question"] == "What is dear?"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["SCHEMA"], "needs --queries"),
        (["SCHEMA", "--queries", "nowhere.sql"], "nowhere.sql cannot be read"),
        (["SCHEMA", "--queries", "SCHEMA", "--split", "train"], "go with spider"),
        (["nowhere.sqlite", "--queries", "GOLDS"], "there is no file"),
        (["spider", "--queries", "GOLDS"], "spider brings its own"),
        (["SCHEMA", "--queries", "GOLDS", "--json", "no/such/folder.json"], "there is no folder"),
        (["SCHEMA", "--queries", "GOLDS", "--keep", "0"], "keep"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], line: str, files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [{"SCHEMA": files[0], "GOLDS": files[1]}.get(word, word) for word in arguments]
    assert _run(*given, "--out", str(tmp_path / "out")) == 2
    error = capsys.readouterr().err.strip()
    assert line in error
    assert "\n" not in error
    assert not (tmp_path / "out" / "database").exists()
