"""Exploration: how varied the right queries of each arm of a comparison are, when its policy is sampled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sqlrl.asking import ask_policy
from sqlrl.benchmarks import load_benchmark
from sqlrl.config import EvalConfig
from sqlrl.diversity import Diversity
from sqlrl.evaluation import evaluate
from sqlrl.judging import Judging
from sqlrl.runs import write_text
from sqlrl.training.comparison import ARMS, Comparison, machine

if TYPE_CHECKING:
    from sqlrl.training.run import Progress

__all__ = ["explore", "keep", "write_exploration"]

QUESTIONS = 400  # of the test split, evenly spread


def explore(
    comparison: Comparison, samples: int, progress: Progress, *, data: str | None = None, threads: int | None = None
) -> dict[str, dict[int, Diversity]]:
    """arm -> seed -> what came of `samples` samples at temperature 1 of each test question. Done once and kept."""
    found: dict[str, dict[int, Diversity]] = {}
    for seed in comparison.seeds:
        for arm in comparison.arms:
            run = comparison.folder / f"seed-{seed}" / arm
            kept = run / f"diversity-{samples}.json"
            if not kept.exists():
                progress.say(f"{comparison.benchmark}, seed {seed}: {samples} samples of {ARMS[arm][1]}")
                name = f"mini/{seed}" if comparison.benchmark == "mini" else comparison.benchmark
                config = EvalConfig(
                    name, data=data, policy=str(run / "checkpoints" / "final"), split="test", samples=samples,
                    temperature=1.0, seed=seed, threads=threads, judge="robust",
                    max_tokens=256,
                )  # fmt: skip
                write_text(kept, json.dumps(_sampled(config, progress).to_dict()) + "\n")
            values = json.loads(kept.read_text(encoding="utf-8"))
            found.setdefault(arm, {})[seed] = Diversity(**values | {"interval": tuple(values["interval"])})
    return found


def _sampled(config: EvalConfig, progress: Progress) -> Diversity:
    benchmark = load_benchmark(config.benchmark, config.data)
    every = benchmark.examples("test")
    examples = every[:: -(-len(every) // QUESTIONS)]
    with Judging.of(benchmark, examples, config.judge, workers=config.workers) as judging:
        asked = ask_policy(config, benchmark, "test", examples, judging, progress)
        repeated = [example for example in examples for _ in range(config.samples)]
        said = [text for group in asked.completions for text in group]
        items = evaluate(repeated, judging, completions=said, prompter=asked.prompter)
    step = config.samples
    return Diversity.of([items[start : start + step] for start in range(0, len(items), step)])


def write_exploration(found: Mapping[str, Mapping[int, Diversity]], benchmark: str) -> str:
    """As Markdown: means over seeds, each seed's shapes beside."""
    seeds = sorted(next(iter(found.values())))
    samples = next(iter(found.values()))[seeds[0]].samples
    columns = [
        "arm", f"solved by one of {samples}", "right shapes a question", *(f"seed {seed}" for seed in seeds),
        "a solved question", "more than one",
    ]  # fmt: skip
    lines = ["| " + " | ".join(columns) + " |", "|---|" + "--:|" * (len(columns) - 1)]
    for arm, by_seed in found.items():
        each = [by_seed[seed] for seed in seeds]
        count = len(each)
        cells = [
            ARMS[arm][1],
            f"{100 * sum(d.solved / d.questions for d in each) / count:.1f} %",
            f"**{sum(d.shapes for d in each) / count:.2f}**",
            *(f"{d.shapes:.2f} ({d.interval[0]:.2f} to {d.interval[1]:.2f})" for d in each),
            f"{sum(d.a_solved for d in each) / count:.2f}",
            f"{100 * sum(d.several for d in each) / count:.1f} %",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    questions = each[0].questions
    lines += [
        "",
        f"Distinct shapes of right queries among {samples} samples at temperature 1, {questions:,} test questions a "
        "seed; intervals by bootstrap over questions. A shape leaves aliases, case, literals and the order of "
        "exchangeable sides out of sight.",
        f"`sqlrl reproduce {benchmark} --diversity {samples}`, seeds {', '.join(map(str, seeds))}; {machine()}.",
    ]
    return "\n".join(lines) + "\n"


def keep(found: Mapping[str, Mapping[int, Diversity]], comparison: Comparison) -> Path:
    """exploration.md in the comparison's folder."""
    path = comparison.folder / "exploration.md"
    write_text(path, write_exploration(found, comparison.benchmark))
    return path
