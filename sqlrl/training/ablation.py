"""An ablation: the same training with and without a reasoning part, and what becomes of both lengths.

The paper's figure (DeepRetrieval, arXiv 2503.00223, on reasoning): accuracy, the length of the reasoning and the length
of the query over the steps of reinforcement, once with `<think>` and once without.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.config import TrainConfig
from sqlrl.runs import Run
from sqlrl.training.comparison import finished, judged, machine

if TYPE_CHECKING:
    from sqlrl.training.run import Progress

__all__ = ["WAYS", "Ablation", "ablate", "mean_score", "write_ablation"]

WAYS = {"thinking": True, "no thinking": False}
STAGES = ("sft", "grpo")


@dataclass(frozen=True, slots=True)
class Ablation:
    """points: way -> seed -> lines of metrics with `step` (over both stages), `validation` and the two lengths.
    items: way -> seed -> the judged test questions. spent: way -> seed -> processor seconds."""

    benchmark: str
    points: Mapping[str, Mapping[int, Sequence[Mapping[str, Any]]]]
    items: Mapping[str, Mapping[int, Sequence[Mapping[str, Any]]]]
    spent: Mapping[str, Mapping[int, float]]

    @property
    def seeds(self) -> list[int]:
        return sorted(self.points["thinking"])


def ablate(
    benchmark: str, seeds: Sequence[int], out: Path, progress: Progress, *, data: str | None = None,
    threads: int | None = None, settings: Mapping[str, Any] | None = None,
) -> Ablation:  # fmt: skip
    """Train a warm start and GRPO, each way, from the same seed. What is done is not done again."""
    points: dict[str, dict[int, Any]] = {}
    items: dict[str, dict[int, Any]] = {}
    spent: dict[str, dict[int, float]] = {}
    for seed in seeds:
        name = f"mini/{seed}" if benchmark == "mini" else benchmark
        for way, thinking in WAYS.items():
            progress.say(f"{benchmark}, seed {seed}: {way}")
            config = TrainConfig(
                name, data=data, policy="tiny", method="+".join(STAGES), seed=seed, thinking=thinking,
                out=str(out / f"seed-{seed}"), name=way.replace(" ", "-"), threads=threads, **(settings or {}),
            )  # fmt: skip
            run = finished(config, progress)
            items.setdefault(way, {})[seed] = judged(run, config, progress)
            points.setdefault(way, {})[seed] = _points(run)
            stages = run.summary()["stages"].values()
            spent.setdefault(way, {})[seed] = sum(stage.get("processor_seconds", 0) for stage in stages)
    return Ablation(benchmark, points, items, spent)


def _points(run: Run) -> list[dict[str, Any]]:
    """Every measured point, its step counted over both stages."""
    points = []
    before, stage, last = 0, "", 0
    for line in run.metrics():
        if "validation" not in line or line["stage"] == "start":
            continue
        if line["stage"] != stage:
            before, stage = before + last, line["stage"]
        last = line["step"]
        points.append({**line, "step": before + last})
    return points


def write_ablation(found: Ablation) -> str:
    """As Markdown: after each stage, means over seeds."""
    columns = ["", "after", "validation, %", "reasoning, characters", "query, characters", "test, %", "processor-s"]
    lines = ["| " + " | ".join(columns) + " |", "|---|---|" + "--:|" * (len(columns) - 2)]
    seeds = found.seeds
    for way in WAYS:
        for stage in STAGES:
            ends = [[p for p in found.points[way][seed] if p["stage"] == stage][-1] for seed in seeds]
            last = stage == STAGES[-1]
            tests = [_share(found.items[way][seed]) for seed in seeds]
            each = f" ({', '.join(f'{100 * share:.1f}' for share in tests)})" if len(seeds) > 1 else ""
            cells = [
                way,
                stage,
                f"{100 * _mean([mean_score(end) for end in ends]):.1f}",
                f"{_mean([end['thought_characters'] for end in ends]):.1f}",
                f"{_mean([end['query_characters'] for end in ends]):.1f}",
                f"**{100 * _mean(tests):.1f}**{each}" if last else "",
                f"{_mean([found.spent[way][seed] for seed in seeds]):.0f}" if last else "",
            ]
            lines.append("| " + " | ".join(cells) + " |")
    command = f"sqlrl reproduce {_words(found.benchmark)} --ablation thinking"
    lines += [
        "",
        "Lengths are means over the validation questions' greedy answers that have a query.",
        f"`{command}`, seeds {', '.join(map(str, seeds))}; {machine()}.",
    ]
    return "\n".join(lines) + "\n"


def mean_score(point: Mapping[str, Any]) -> float:
    """Of the validation questions at a point: the share that is right, or what a graded judge gave on average."""
    validation = point["validation"]
    return float(validation["share"] if validation.get("mean") is None else validation["mean"])


def _share(items: Sequence[Mapping[str, Any]]) -> float:
    return sum(float(item["score"] or 0.0) for item in items) / max(1, len(items))


def _words(benchmark: str) -> str:
    """As the command has it: a review of `cohen` is an option there."""
    name, _, review = benchmark.partition("/")
    return f"{name} --reviews {review}" if review else name


def _mean(values: Sequence[float]) -> float:
    return sum(values) / max(1, len(values))
