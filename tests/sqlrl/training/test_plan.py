"""What is decided before training."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlrl.config import TrainConfig
from sqlrl.executors.errors import DataError, UsageError
from sqlrl.training.plan import draw_plan, stages_of
from sqlrl.training.thoughts import thought_for

pytest.importorskip("torch")


def test_a_chain_is_read_in_order() -> None:
    assert stages_of("sft+rft+grpo") == ("sft", "rft", "grpo")
    with pytest.raises(UsageError, match="did you mean 'grpo'"):
        stages_of("sft+gpro")
    with pytest.raises(UsageError, match="gold"):
        stages_of("gold")  # imitating golds is a yardstick, not a method


def test_flags_win_over_the_recipe() -> None:
    plan = draw_plan(TrainConfig("mini", method="sft+grpo", grpo_steps=7, max_steps=5, limit=20))
    assert [(stage.folder, stage.steps) for stage in plan.stages] == [("0-sft", 5), ("1-grpo", 5)]
    assert (len(plan.train), len(plan.validation), len(plan.demonstrations)) == (20, 20, 20)


def test_training_never_reads_the_test_split(monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlrl.benchmarks.mini import Mini

    asked: list[str] = []
    examples = Mini.examples
    monkeypatch.setattr(Mini, "examples", lambda self, split: asked.append(split) or examples(self, split))
    draw_plan(TrainConfig("mini"))
    assert set(asked) == {"train", "validation"}


def test_questions_without_a_database_are_left_out(shop: Path) -> None:
    import json

    file = shop / "spider" / "train_spider.json"
    items = json.loads(file.read_text())
    file.write_text(json.dumps([*items, items[0] | {"db_id": "gone"}]))
    plan = draw_plan(TrainConfig("spider", data=str(shop)))
    assert (len(plan.train), plan.left_out) == (4, 1)
    file.write_text(json.dumps([items[0] | {"db_id": "gone"}]))
    with pytest.raises(DataError, match="none of the 1 training questions"):
        draw_plan(TrainConfig("spider", data=str(shop)))


def test_a_thought_names_the_tables() -> None:
    assert thought_for("SELECT * FROM a JOIN b ON a.x = b.x WHERE y IN (SELECT z FROM a)") == "a, b"
    assert thought_for("SELECT FROM WHERE") == ""
