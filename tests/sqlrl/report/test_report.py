"""The page of a run: whole, self-contained, and safe to open whatever a model wrote."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrl.config import TrainConfig, write_config
from sqlrl.report import draw_plots, headline, write_report
from sqlrl.report.charts import bars, dial, histogram, stack
from sqlrl.report.listing import embed, listing_of
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
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)


def test_what_a_model_wrote_is_text_and_no_more(run: Run) -> None:
    run.write_items(_items(False), "items-0-sft.jsonl")
    run.write_items(_items(True), "items-1-rft.jsonl")
    run.write_summary(
        {"benchmark": "<b>mini", "stages": {"0-sft": {"validation": SCORE}, "1-rft": {"validation": SCORE}}}
    )
    page = write_report(run).read_text()
    assert page.count("<script") == 2
    assert page.count("</script") == 2
    assert "<b>mini" not in page
    assert "alert(1)" in page
    assert "3 of 3 validation questions were learnt" in page
    assert headline(run) == [
        "after sft: 25.0 % of 4 validation questions",
        "after rft: 25.0 % of 4 validation questions",
    ]


def test_the_page_lets_nothing_run_but_its_own_script(run: Run) -> None:
    page = write_report(run).read_text()
    (policy,) = re.findall(r'Content-Security-Policy" content="(.*?)">', page)
    for element, kind in (("script", "script-src"), ("style", "style-src")):
        (text,) = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy


@given(st.text() | st.sampled_from(["</script>", "<!--<script>", "]]>", "\u2028", "\x00", "&lt;/script&gt;"]))
def test_data_stays_data(text: str) -> None:
    embedded = embed({"query": text})
    assert not set("<>&\u2028\u2029") & set(embedded)
    assert json.loads(embedded) == {"query": text}


def test_a_page_carries_no_more_results_than_it_can() -> None:
    """Those of wrong answers first."""
    sample = {"predicted": {"columns": ["x"], "rows": [["y" * 60] * 10] * 10}}
    items = [{**_items(i % 2 == 0)[0], "id": str(i), "results": sample} for i in range(2_000)]
    listed = listing_of(items)["items"]
    with_results = [line for line in listed if "results" in line]
    assert 0 < len(with_results) < 1_000
    assert not any(line["correct"] for line in with_results)
    assert len(embed(listed)) < 6_000_000


def test_charts_lead_to_the_questions_they_count() -> None:
    page = bars("database", {"a&b <x>": {**SCORE, "mean": 0.25}})
    assert 'href="#database=a%26b+%3Cx%3E"' in page
    assert "<x>" not in page
    assert 'width="25.00%"' in page
    assert "mismatch" in stack("reason", {"match": 3, "mismatch": 1})
    assert histogram({"predicted": [0.0, 0.0]}) == ""
    drawn = histogram({"predicted": [0.001, 0.0011, 0.5], "gold": [1e-6]})
    assert "predicted, half within <b>1.1 ms</b>" in drawn
    assert "nan" not in drawn


def test_marks_above_one_stay_inside_the_drawing() -> None:
    score = {"right": 4, "total": 4, "share": 1.0, "mean": 1.2, "interval": [1.1, 1.25]}
    assert 'width="96.00%"' in bars("difficulty", {"easy": score})
    assert "120.0 %" in bars("difficulty", {"easy": score})
    assert "100.00%" in dial(score) or "96.00%" in dial(score)


def test_plots_of_an_evaluation_are_drawn_when_its_report_is_asked_for(run: Run) -> None:
    """Its page has charts of its own: to judge predictions nobody waits for files."""
    pytest.importorskip("matplotlib")
    score = {**SCORE, "mean": 0.25, "across_databases": None}
    evaluation = {"judge": "spider", "official": score, "safe": score, "outcomes": {"ok": 4}, "reasons": {"match": 1}}
    run.write_summary({"benchmark": "mini", "evaluation": {**evaluation, "by": {"kind": {"a": score, "b": score}}}})
    assert "Accuracy by kind" in write_report(run, plots=False).read_text()
    assert not (run.folder / "plots").exists()
    write_report(run)
    assert [path.name for path in (run.folder / "plots").iterdir()] == ["by-kind.png"]
