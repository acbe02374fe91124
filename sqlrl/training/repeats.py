"""Repeats: the same training from several seeds, and how far its figures may be from those of another seed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.runs import write_text
from sqlrl.statistics import Interval, mean_interval
from sqlrl.training.comparison import finished

if TYPE_CHECKING:
    from sqlrl.config import TrainConfig
    from sqlrl.training.run import Progress

__all__ = ["Repeats", "keep", "repeat"]


@dataclass(frozen=True, slots=True)
class Repeats:
    """folder: holds one run a seed. points: seed -> (stage, step within it, share of validation questions right)."""

    folder: Path
    points: Mapping[int, Sequence[tuple[str, int, float]]]

    @property
    def seeds(self) -> list[int]:
        return sorted(self.points)

    def curve(self) -> list[tuple[str, int, float, Interval]]:
        """(stage, step, mean share, 95 % interval of the mean) wherever all seeds were measured.

        Student's t over seeds: the question is how the training varies, not how many questions there are.
        """
        measured = [{(stage, step): share for stage, step, share in self.points[seed]} for seed in self.seeds]
        common = [place for place in measured[0] if all(place in other for other in measured)]
        lines = []
        for stage, step in common:
            shares = [other[stage, step] for other in measured]
            lines.append((stage, step, sum(shares) / len(shares), mean_interval(shares)))
        return lines

    def ends(self) -> list[tuple[str, list[float], float, Interval]]:
        """(stage, each seed's share, their mean, its interval) after each stage."""
        last: dict[str, int] = {}
        for stage, step, _, _ in self.curve():
            last[stage] = max(last.get(stage, 0), step)
        found = []
        for stage, step, mean, interval in self.curve():
            if last[stage] == step:
                at = [{(s, n): share for s, n, share in self.points[seed]} for seed in self.seeds]
                found.append((stage, [each[stage, step] for each in at], mean, interval))
        return found


def repeat(config: TrainConfig, count: int, progress: Progress) -> Repeats:
    """Train `count` times, from config.seed on, each in a run of its own below config.out / config.name.

    What is done is not done again: the same command goes on after an interruption.
    """
    folder = Path(config.out).expanduser() / (config.name or f"{config.benchmark.replace('/', '-')}-seeds")
    points = {}
    for seed in range(config.seed, config.seed + count):
        progress.say(f"seed {seed}")
        run = finished(replace(config, seed=seed, out=str(folder), name=f"seed-{seed}"), progress)
        points[seed] = [
            (line["stage"], int(line["step"]), float(line["validation"]["share"]))
            for line in run.metrics()
            if "validation" in line
        ]
    return Repeats(folder, points)


def keep(found: Repeats) -> Path:
    """repeats.json and curve.png in the folder; the path of the first."""
    from sqlrl.report.figures import draw_repeats

    path = found.folder / "repeats.json"
    lines: list[dict[str, Any]] = [
        {"stage": stage, "seeds": shares, "mean": mean, "interval": list(interval)}
        for stage, shares, mean, interval in found.ends()
    ]
    write_text(path, json.dumps({"seeds": found.seeds, "after": lines}, indent=1) + "\n")
    draw_repeats(found.curve(), found.points, found.folder / "curve.png")
    return path
