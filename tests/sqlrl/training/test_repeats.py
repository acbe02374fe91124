"""The same training from several seeds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sqlrl.cli import main
from sqlrl.training.repeats import Repeats, keep

pytest.importorskip("trl")


def _repeats(folder: Path) -> Repeats:
    shares = {0: (0.2, 0.5, 0.9), 1: (0.3, 0.6, 0.8), 2: (0.1, 0.7, 0.7)}
    places = [("sft", 10), ("grpo", 5), ("grpo", 20)]
    return Repeats(
        folder, {seed: [(*p, s) for p, s in zip(places, each, strict=True)] for seed, each in shares.items()}
    )


def test_the_interval_is_students(tmp_path: Path) -> None:
    from scipy import stats

    found = _repeats(tmp_path)
    stage, step, mean, interval = found.curve()[-1]
    assert (stage, step) == ("grpo", 20)
    assert mean == pytest.approx(0.8)
    assert interval == pytest.approx(stats.t.interval(0.95, 2, loc=0.8, scale=stats.sem([0.9, 0.8, 0.7])), rel=1e-5)
    assert [(stage, shares) for stage, shares, _, _ in found.ends()] == [
        ("sft", [0.2, 0.3, 0.1]),
        ("grpo", [0.9, 0.8, 0.7]),
    ]


def test_what_came_of_it_is_kept_and_drawn(tmp_path: Path) -> None:
    path = keep(_repeats(tmp_path))
    assert json.loads(path.read_text())["after"][0]["stage"] == "sft"
    assert (tmp_path / "curve.png").stat().st_size > 10_000


def test_a_step_that_one_seed_lacks_is_left_out(tmp_path: Path) -> None:
    found = Repeats(tmp_path, {0: [("sft", 5, 0.1), ("sft", 10, 0.2)], 1: [("sft", 10, 0.4)]})
    assert [(stage, step) for stage, step, _, _ in found.curve()] == [("sft", 10)]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_two_seeds_are_trained_each_in_its_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "mini", "--method", "sft", "--sft-steps", "6", "--limit", "24", "--max-completion-tokens", "16"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--threads", "1", "--workers", "1", "--out", str(tmp_path), "--name", "two", "--seeds", "2"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "95 % interval" in said
    weights = [tmp_path / "two" / f"seed-{seed}" / "checkpoints" / "final" / "model.safetensors" for seed in (0, 1)]
    assert weights[0].read_bytes() != weights[1].read_bytes()
    assert (tmp_path / "two" / "curve.png").exists()
