"""`sqlrl eval` over real predictions, from the official files to the lines that it writes, beside official verdicts."""

from __future__ import annotations

import json
from math import isclose
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sqlrl.cli import cli

BIRD = {
    "bird_TA-SQL_dev": ("TA-SQL_predict_dev.json", "validation"),
    "bird_predict_mini_dev_gpt-4_sqlite": ("predict_mini_dev_gpt-4_sqlite.json", "minidev"),
    "bird_predict_mini_dev_meta-llama-3-8b-instruct-2_sqlite": (
        "predict_mini_dev_meta-llama-3-8b-instruct-2_sqlite.json",
        "minidev",
    ),
}
SPIDER = {
    "spider_CodeX_few-shot": "CodeX_few-shot.csv",
    "spider_DAIL-SQL+GPT-4": "DAIL-SQL+GPT-4.txt",
    "spider_GPT4_zero_shot": "GPT4_zero_shot.csv",
    "spider_TA-SQL_spider_predict_dev": "TA-SQL_spider_predict_dev.sql",
}


def rows_of(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        pytest.skip(f"no {path}")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def evaluated(tmp_path: Path, *words: str) -> tuple[list[dict[str, Any]], str]:
    """The lines that `sqlrl eval` writes, and what it prints."""
    target = tmp_path / "items.jsonl"
    result = CliRunner().invoke(cli, ["eval", *words, "--json", str(target), "--out", str(tmp_path / "runs")])
    assert result.exit_code == 0, result.output
    return rows_of(target), result.output


@pytest.mark.parametrize("judge", ["bird-ex", "bird-f1"])
@pytest.mark.parametrize("name", BIRD)
def test_birds_verdicts(name: str, judge: str, data_root: Path, tmp_path: Path) -> None:
    file, split = BIRD[name]
    official = rows_of(data_root / "verdicts" / f"{name}.jsonl")
    key = {"bird-ex": "official_ex", "bird-f1": "official_f1"}[judge]
    for predictions in (data_root / "predictions" / "bird" / file, data_root / "verdicts" / f"{name}.jsonl"):
        lines, _ = evaluated(
            tmp_path, "bird", "--data", str(data_root / "bird"), "--split", split, "--databases", "superhero",
            "--predictions", str(predictions), "--judge", judge,
        )  # fmt: skip
        assert [(line["id"], line["index"]) for line in lines] == [
            (str(r["question_id"]), r["index"]) for r in official
        ]
        for line, row in zip(lines, official, strict=True):
            assert isclose(line["score"], row[key]), row
            assert line["correct"] == line["safe"] == (row[key] == 1), row


@pytest.mark.slow
@pytest.mark.parametrize("judge", ["spider", "spider-strict"])
@pytest.mark.parametrize("name", SPIDER)
def test_spiders_verdicts(name: str, judge: str, data_root: Path, tmp_path: Path) -> None:
    official = rows_of(data_root / "verdicts" / f"{name}.jsonl")
    key = {"spider": "official", "spider-strict": "official_keep_distinct_no_value_bug"}[judge]
    lines, printed = evaluated(
        tmp_path, "spider", "--data", str(data_root / "spider"), "--judge", judge,
        "--predictions", str(data_root / "predictions" / "spider_dev" / SPIDER[name]),
    )  # fmt: skip
    refused = 0
    for line, row in zip(lines, official, strict=True):
        if line["outcome"] == "refused" and row[key]:
            refused += 1
        else:
            assert (line["index"], line["score"], line["correct"]) == (row["index"], float(row[key]), bool(row[key])), (
                row
            )
    assert refused == 0
    shown = sum(line["outcome"] == "refused" for line in lines)
    assert ("refused as not a single reading query" in " ".join(printed.split())) == bool(shown)


@pytest.mark.slow
def test_birds_fast_queries_score_more(data_root: Path, tmp_path: Path) -> None:
    name = "bird_predict_mini_dev_gpt-4_sqlite"
    official = rows_of(data_root / "verdicts" / f"{name}.jsonl")
    lines, printed = evaluated(
        tmp_path, "bird", "--data", str(data_root / "bird"), "--split", "minidev", "--databases", "superhero",
        "--predictions", str(data_root / "verdicts" / f"{name}.jsonl"), "--judge", "bird-ves@10",
    )  # fmt: skip
    assert [line["correct"] for line in lines] == [row["official_ex"] == 1 for row in official]
    tiers = {0.0, *(reward**0.5 for reward in (0.25, 0.5, 0.75, 1, 1.25))}
    assert all(any(isclose(line["score"], tier) for tier in tiers) for line in lines)
    assert "of 52 questions in full" in printed
