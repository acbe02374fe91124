"""The page of a run: whole, self-contained, and safe to open whatever a model wrote."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sqlrl.config import TrainConfig, write_config
from sqlrl.report import draw_plots, headline, write_report
from sqlrl.runs import Run

SCORE = {"right": 1, "total": 4, "share": 0.25, "interval": [0.05, 0.7]}
HOSTILE = "SELECT '</pre><script>alert(1)</script>' & \"x\""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run.create(tmp_path, "run", "mini")
    write_config(TrainConfig("mini"), run.folder / "config.yaml")
    return run


def _items(correct: bool) -> list[dict[str, object]]:
    return [
        {
            "id": f"q{i}", "db_id": "shop", "question": HOSTILE, "predicted": HOSTILE if i else None, "gold": HOSTILE,
            "correct": correct, "reason": "mismatch", "outcome": "ok",
        }
        for i in range(3)
    ]  # fmt: skip


def test_a_run_that_has_just_begun_has_a_page(run: Run) -> None:
    assert write_report(run).exists()
    assert "not come so far" in headline(run)[0]


@pytest.mark.parametrize("stages", [["sft"], ["grpo"], ["sft", "grpo"]])
def test_every_kind_of_run_has_its_plots(run: Run, stages: list[str]) -> None:
    pytest.importorskip("matplotlib")
    for stage in stages:
        for step in range(1, 6):
            sampled = {"sampled_reward": step / 10} if stage == "grpo" else {}
            run.append_metrics({"stage": stage, "step": step, "loss": 1 / step, **sampled})
        run.append_metrics({"stage": stage, "step": 5, "validation": SCORE})
    names = {path.stem for path in draw_plots(run)}
    assert names == {"accuracy"} | ({"loss"} if "sft" in stages else set()) | (
        {"reward"} if "grpo" in stages else set()
    )
    page = write_report(run).read_text()
    assert page.count("data:image/png;base64,") == len(names)
    assert not re.findall(r'(?:src|href)="(?!data:)', page)


def test_what_a_model_wrote_is_text_and_no_more(run: Run) -> None:
    run.write_items(_items(False), "items-0-sft.jsonl")
    run.write_items(_items(True), "items-1-rft.jsonl")
    run.write_items(_items(False))
    run.write_summary(
        {"benchmark": "<b>mini", "stages": {"0-sft": {"validation": SCORE}, "1-rft": {"validation": SCORE}}}
    )
    page = write_report(run).read_text()
    assert "<script" not in page
    assert "<b>mini" not in page
    assert "3 of 3 validation questions were learnt and 0 lost" in page
    assert headline(run) == [
        "after sft: 25.0 % of 4 validation questions",
        "after rft: 25.0 % of 4 validation questions",
    ]
