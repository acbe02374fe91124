"""The table of a comparison, from judged items."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from sqlrl.executors.errors import UsageError
from sqlrl.report.figures import draw_comparison
from sqlrl.runs import Run
from sqlrl.training.comparison import Comparison, equal_steps, keep, matters, put_into, write_table

pytest.importorskip("torch")
RIGHT = {"warm": 0.3, "control": 0.3, "grpo": 0.7, "ceiling": 0.9}


def _comparison(folder: Path, shared: bool) -> Comparison:
    items: dict[str, dict[int, list[dict[str, object]]]] = {}
    for arm, share in RIGHT.items():
        for seed in (0, 1):
            generator = random.Random(f"{arm}{seed}")
            items.setdefault(arm, {})[seed] = [
                {
                    "correct": generator.random() < share,
                    "question": f"{i}" if shared else f"{seed}/{i}",
                    **({} if shared else {"held_out": ("question", "combination")[i % 2]}),
                }
                for i in range(200)
            ]
    spent = {arm: {0: 10.0, 1: 20.0} for arm in RIGHT}
    curves = {arm: {seed: [(1.0, 0.2), (5.0, share)] for seed in (0, 1)} for arm, share in RIGHT.items()}
    return Comparison("mini", folder, items, spent, curves)


@pytest.mark.parametrize("shared", [True, False])
def test_the_table_has_every_arm_and_every_test(tmp_path: Path, shared: bool) -> None:
    comparison = _comparison(tmp_path, shared)
    table = write_table(comparison)
    assert comparison.shares_questions == shared
    assert ("permutation" in table) == shared
    assert ("combinations" in table) != shared
    share = sum(comparison.right("grpo", 0)) / 200
    assert f"| GRPO | {100 * share:.1f} |" in table
    assert "| grpo against control | +" in table
    assert "Of the way from warm start to ceiling: control" in table
    assert "| 15 |" in table
    assert keep(comparison).read_text() == table


def test_the_table_goes_into_its_place_and_nowhere_else(tmp_path: Path) -> None:
    document = tmp_path / "README.md"
    document.write_text("before\n<!-- x -->\nold\n<!-- /x -->\nafter\n")
    put_into(document, "x", "new\n")
    put_into(document, "x", "new\n")
    assert document.read_text() == "before\n<!-- x -->\nnew\n<!-- /x -->\nafter\n"
    with pytest.raises(UsageError, match="no place"):
        put_into(document, "y", "new\n")


def test_the_curve_is_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = draw_comparison(_comparison(tmp_path, True).curves, tmp_path / "curve.png", "mini")
    assert path is not None
    assert path.read_bytes().startswith(b"\x89PNG")


def test_the_control_gets_the_compute_of_the_dearest_method(tmp_path: Path) -> None:
    warm = Run.create(tmp_path, "warm", "warm")
    for step in (1, 600, 1200):
        warm.append_metrics({"stage": "sft", "step": step, "loss": 0.1})
    # The control of an earlier seed is there already, that of this one is not.
    spent = {"warm": {0: 300.0}, "rft": {0: 100.0}, "grpo": {0: 450.0}, "ceiling": {0: 900.0}, "control": {1: 9.0}}
    assert equal_steps(warm, 0, spent) == 1800
    assert equal_steps(warm, 0, {"warm": {0: 300.0}}) is None


@pytest.mark.parametrize(
    ("key", "method", "counts"),
    [
        ("grpo_steps", "sft", False),
        ("grpo_steps", "rft+grpo", True),
        ("rft_samples", "grpo", False),
        ("sft_steps", "grpo", True),
        ("temperature", "rft", True),
    ],
)
def test_an_arm_is_made_anew_where_its_own_recipe_changed(key: str, method: str, counts: bool) -> None:
    assert matters(key, method) is counts
