"""Training with and without a reasoning part, and how varied what was learnt is: real runs, small."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlrl.report.figures import draw_ablation
from sqlrl.training.ablation import WAYS, ablate, write_ablation
from sqlrl.training.comparison import compare
from sqlrl.training.exploration import explore, keep
from sqlrl.training.run import Quiet

pytest.importorskip("trl")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
SMALL = {
    "sft_steps": 60, "grpo_steps": 2, "questions": 4, "num_generations": 4, "grpo_samples": 4, "workers": 1,
    "limit": 24, "max_completion_tokens": 48,
}  # fmt: skip


def test_both_ways_are_trained_once_and_compared(tmp_path: Path) -> None:
    found = ablate("mini", [0], tmp_path, Quiet(), threads=1, settings=SMALL)
    assert set(found.points) == set(WAYS)
    for way in WAYS:
        steps = [line["step"] for line in found.points[way][0]]
        assert steps == sorted(steps)
        assert steps[-1] == 62
        assert len(found.items[way][0]) == 800
    assert found.points["no thinking"][0][-1]["thought_characters"] == 0
    table = write_ablation(found)
    assert "| no thinking | grpo |" in table
    assert "--ablation thinking" in table
    picture = draw_ablation(found.points, tmp_path / "ablation.png")
    assert picture is None or picture.stat().st_size > 10_000
    before = sorted(path.stat().st_mtime_ns for path in tmp_path.rglob("items-test.jsonl"))
    ablate("mini", [0], tmp_path, Quiet(), threads=1, settings=SMALL)
    assert sorted(path.stat().st_mtime_ns for path in tmp_path.rglob("items-test.jsonl")) == before


def test_the_right_shapes_of_each_arm_are_counted(tmp_path: Path) -> None:
    found = compare(
        "mini", [0], ["control"], tmp_path, Quiet(), threads=1, settings={"max_steps": 60, "limit": 24, "workers": 1}
    )
    varied = explore(found, 2, Quiet(), threads=1)
    assert set(varied) == {"warm", "control"}
    assert varied["warm"][0].questions == 400
    text = keep(varied, found).read_text()
    assert "| warm start |" in text
    assert explore(found, 2, Quiet()) == varied  # from what was kept
