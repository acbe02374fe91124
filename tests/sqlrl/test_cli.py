"""What people type: help, one clear line for each mistake, exit codes, and the files that are written."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sqlrl.cli import COMMANDS, main


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    captured = capsys.readouterr()
    code = stop.value.code
    return (code if isinstance(code, int) else 0), captured.out, captured.err


@pytest.mark.parametrize("command", [*COMMANDS, "data fetch"])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, *command.split(), "--help")
    assert code == 0
    assert out.startswith("Usage: sqlrl")
    assert len(out.splitlines()) > 4


MISTAKES = [
    (["trian", "mini"], "did you mean 'train'"),
    (["eval", "spidr", "--policy", "x"], "did you mean 'spider'"),
    (["eval", "mini"], "either --policy or --predictions"),
    (["eval", "mini", "--policy", "nowhere"], "there is no policy 'nowhere'"),
    (["eval", "mini", "--policy", "http://localhost:1/v1"], "names no model"),
    (["eval", "mini", "--predictions", "nowhere.txt"], "there is no file nowhere.txt"),
    (["eval", "mini", "--policy", "x", "--split", "dev"], "no split 'dev'"),
    (["eval", "mini", "--policy", "x", "--judge", "robist"], "did you mean 'robust'"),
    (["eval", "mini", "--policy", "x", "--limit", "0"], "--limit"),
    (["eval", "mini", "--policy", "x", "--json", "no/where.jsonl"], "there is no folder no"),
    (["eval", "spider", "--data", "nowhere", "--policy", "x"], "there is no folder nowhere"),
    (["check", "mini/x"], "whole number"),
    (["train"], "needs a benchmark"),
    (["train", "mini", "--method", "stf"], "did you mean 'sft'"),
    (["train", "mini", "--reward", "exec"], "no reward 'exec'"),
    (["train", "mini", "--num-generations", "1"], "at least 2"),
    (["train", "mini", "--policy", "nowhere"], "there is no policy 'nowhere'"),
    (["train", "--resume", "nowhere"], "there is no run nowhere"),
    (["train", "mini", "--resume", "nowhere"], "cannot be given with it"),
    (["train", "mini", "--prompt-style", "long"], "no prompt style 'long'"),
    (["train", "mini", "--policy", "http://host/v1#m"], "http://host/v1#m answers but cannot be trained"),
    (["train", "mini", "--device", "foo", "--dry-run"], "no device 'foo' on this machine"),
    (["train", "mini", "--judge", "robist", "--dry-run"], "did you mean 'robust'"),
    (["train", "mini", "--seconds", "0", "--dry-run"], "--seconds must be a number above 0, not 0"),
    (["train", "mini", "--sft-learning-rate", "-1", "--dry-run"], "--sft-learning-rate must be a number above 0"),
    (["train", "mini", "--grpo-steps", "-5", "--dry-run"], "--grpo-steps must be at least 1"),
    (["train", "mini", "--seed", "-1", "--dry-run"], "--seed must be 0 or more"),
    (["eval", "mini", "--policy", "x", "--seconds", "nan"], "--seconds must be a number above 0, not nan"),
    (["eval", "mini", "--policy", "x", "--sample-rows", "-3"], "--sample-rows must be 0 or more"),
    (["eval", "mini", "--policy", "x", "--json", "."], "--json . is a folder"),
    (["eval", "mini", "--policy", "ftp://x/y"], "no policy 'ftp://x/y'"),
    (["eval", "mini", "--policy", "x", "--vote"], "--vote needs --samples 2 or more"),
    (["eval", "mini", "--policy", "x", "--samples", "3", "--temperature", "0"], "would all be the same"),
    (["eval", "mini", "--predictions", "x", "--samples", "3"], "--samples go with --policy"),
    (["eval", "mini", "--policy", "x", "--samples", "0"], "--samples must be at least 1"),
    (["eval", "mini", "--policy", "x", "--price-in", "-1"], "--price-in must be 0 or more"),
    (["eval", "mini", "--policy", "x", "--cache", "d", "--no-cache"], "either --cache or --no-cache"),
    (["eval", "mini", "--policy", "x", "--split", "train", "--shots", "2"], "shots come from the training split"),
    (["eval", "mini", "--policy", "http://127.0.0.1:9/v1#m", "--prefill", "--no-cache"], "--prefill is for local"),
    (["compare", "nowhere", "nowhere"], "there is no run or file nowhere"),
    (["compare", "a", "b", "--json", "no/where.json"], "there is no folder no"),
    (["report", "nowhere"], "there is no run nowhere"),
    (["rewards", "sqlr1"], "did you mean 'sql-r1'"),
    (["rewards", "--judge", "robist"], "did you mean 'robust'"),
    (["data", "fetch", "spidr"], "did you mean 'spider'"),
    (["reproduce", "mini", "--seeds", "a"], "--seeds"),
    (["reproduce", "mini", "--arms", "nothing", "--out", "x"], "no arm 'nothing'"),
    (["reproduce", "mini", "--readme", "nowhere.md"], "there is no document nowhere.md"),
    (["reproduce", "mini", "--reviews", "ADHD"], "--reviews goes with cohen"),
    (["reproduce", "cohen", "--reviews", "ADHD,Opoids"], "did you mean 'Opiods'"),
    (["reproduce", "geoquery", "--ablation", "turns"], "made for mini"),
    (["reproduce", "own", "--ablation", "thinking"], "--ablation goes with"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES, ids=[" ".join(a) for a, _ in MISTAKES])
def test_a_mistake_gets_one_line_and_code_2(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = _run(capsys, *arguments)
    assert code == 2
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert out == ""
    assert "Traceback" not in err
    assert not list(tmp_path.rglob("*.yaml")), "a run was begun"


def test_debug_shows_the_traceback() -> None:
    command = [sys.executable, "-m", "sqlrl", "eval", "spidr", "--policy", "x", "--debug"]
    found = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent.parent.parent)
    assert "Traceback" in found.stderr
    assert found.returncode != 0


def test_eval_prints_both_scores_and_writes_the_items(
    shop: Path, script: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items = tmp_path / "items.jsonl"
    code, out, _ = _run(
        capsys, "eval", "spider", "--data", str(shop), "--policy", f"script:{script}", "--json", str(items),
        "--out", str(tmp_path / "runs"), "--name", "x",
    )  # fmt: skip
    assert code == 0
    words = " ".join(out.split())
    assert "official 50.0 % 0.0 to 100.0 2 of 4 questions" in words
    assert "safe 50.0 % 0.0 to 100.0 2 of 4, without empty databases" in words
    assert "ceiling 100.0 % 4 of 4 golds" in words
    assert "golds 1 return nothing, 0 fail" in words
    assert "time-outs 0 of the predictions, 0 of the golds" in words
    assert "1 database file (8 kB)" in words
    assert "SQLite 3." in words
    assert "refused 1" in out
    lines = [json.loads(line) for line in items.read_text().splitlines()]
    assert [line["correct"] for line in lines] == [True, False, True, False]
    code, out, _ = _run(capsys, "report", str(tmp_path / "runs" / "x"))
    assert code == 0
    assert "official (spider): 50.0 % of 4 questions" in out


def test_compare_shows_what_changed(
    shop: Path, script: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predictions = tmp_path / "predictions.txt"
    predictions.write_text("SELECT count(*) FROM product\nSELECT name FROM product WHERE price < 3\nx\nx\n")
    where = ["spider", "--data", str(shop), "--out", str(tmp_path)]
    assert _run(capsys, "eval", *where, "--policy", f"script:{script}", "--name", "before")[0] == 0
    assert _run(capsys, "eval", *where, "--predictions", str(predictions), "--name", "after")[0] == 0
    figures = tmp_path / "figures.json"
    code, out, _ = _run(
        capsys, "compare", str(tmp_path / "before"), str(tmp_path / "after"), "--json", str(figures),
        "--report", str(tmp_path / "change.html"),
    )  # fmt: skip
    assert code == 0
    assert "spider validation · judge spider · 4 questions in both" in out
    assert "1 gained, 1 lost; McNemar's exact p 1.000" in out
    assert "which products are cheap?" in out
    assert json.loads(figures.read_text())["gained"][0]["before"]["reason"] == "mismatch"
    assert '<a href="#verdict=gained">+1</a>' in (tmp_path / "change.html").read_text()


def test_check_says_what_is_wrong_with_golds(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "check", "spider", "--data", str(shop), "--split", "validation")
    assert code == 0
    assert "4 of 4 golds run and are right" in out
    assert "return nothing: 1" in out
    file = shop / "spider" / "dev.json"
    file.write_text(file.read_text().replace("count(*)", "cuont(*)"))
    code, out, _ = _run(capsys, "check", "spider", "--data", str(shop), "--split", "validation")
    assert code == 1
    assert "no such function" in out


def test_check_goes_on_where_a_split_is_missing(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "check", "spider", "--data", str(shop))
    assert code == 0
    assert "4 of 4 golds run and are right" in out
    assert "note: not checked: spider's test split is not in" in out
    code, _, err = _run(capsys, "check", "spider", "--data", str(shop), "--split", "test")
    assert (code, err.count("\n")) == (2, 1)
    assert "spider's test split is not in" in err


def test_data_says_what_is_where(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "data", "--data", str(shop))
    assert code == 0
    assert "validation: 4 questions" in out
    assert "sqlrl data fetch bird" in out


def test_doctor_names_the_walls(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "doctor")
    assert code == 0
    assert "landlock: held" in out


def test_help_is_quick() -> None:
    """The promise of 0.3 s is measured by benchmarks/speed; here only that nothing heavy has crept in."""
    started = time.monotonic()
    subprocess.run([sys.executable, "-m", "sqlrl", "--help"], check=True, capture_output=True)
    assert time.monotonic() - started < 5


def test_check_shows_a_message_as_it_is(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = shop / "spider" / "dev.json"
    items = json.loads(path.read_text())
    items[0]["query"] = 'SELECT p."[bold]" FROM product p'
    path.write_text(json.dumps(items))
    code, out, _ = _run(capsys, "check", "spider", "--data", str(shop), "--split", "validation")
    assert code == 1
    assert "validation-0 (shop): invalid: no such column: p.[bold]" in out
