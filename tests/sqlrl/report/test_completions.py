"""The page of what was sampled in training."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sqlrl.config import TrainConfig, write_config
from sqlrl.report import write_report
from sqlrl.report.completions import PAGE, page_of, sampled_in
from sqlrl.runs import Run

HOSTILE = "</script><script>alert(1)</script>"


def _lines(count: int) -> list[dict[str, Any]]:
    return [
        {
            "stage": "grpo", "step": 1 + 10 * (place % 3), "example_id": f"train-{place}", "database": f"db{place % 2}",
            "question": f"question {place}", "completion": HOSTILE, "query": f"SELECT {place}",
            "reward": (1.0, 0.1, None)[place % 3], "reason": ("match", "mismatch", "unavailable")[place % 3],
            "format": 0.1,
        }
        for place in range(count)
    ]  # fmt: skip


def test_completions_are_told_apart_by_step_reward_and_database() -> None:
    body, listing = page_of("mini", _lines(9))
    assert listing["noun"] == "completions"
    assert listing["labels"] == ["step", "reward", "database"]
    assert listing["items"][0]["labels"] == {"step": "grpo 1", "database": "db0", "reward": "1"}
    assert listing["items"][0]["correct"]
    assert listing["items"][0]["evidence"] == "format 0.1"
    assert "reward" not in listing["items"][2]["labels"]
    assert "3 could not be judged" in body
    assert "0.550" in body


def test_many_are_thinned_and_that_is_said() -> None:
    body, listing = page_of("mini", _lines(13_000))
    assert len(listing["items"]) == -(-13_000 // 3)
    assert "every 3th" not in body
    assert "one of 3 completions is listed" in body


def test_the_page_stands_beside_the_report(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")

    run = Run.create(tmp_path, "run", "train")
    write_config(TrainConfig("mini"), run.folder / "config.yaml")
    assert sampled_in(run) == []
    (run.folder / "completions").mkdir()
    table = pyarrow.Table.from_pylist(_lines(30))
    parquet.write_table(table, run.folder / "completions" / "0-grpo-000001.parquet")
    report = write_report(run, plots=False).read_text()
    assert f'href="{PAGE}"' in report
    page = (run.folder / PAGE).read_text()
    assert HOSTILE not in page
    data = json.loads(re.findall(r'id="data">(.*?)</script>', page, re.DOTALL)[0])
    assert len(data["items"]) == 30
