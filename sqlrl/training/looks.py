"""Looks: what it is worth to look at the database before answering, at about the same compute.

Two policies from nothing on `mini`: one answers in one turn, the other may run queries and see their results first.
The second is also judged by the first query that it runs, as if it never saw a result: what it gains beyond that is
what looking gave it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.assessment import assess
from sqlrl.config import EvalConfig
from sqlrl.runs import Run, write_text
from sqlrl.statistics import paired
from sqlrl.training.comparison import Comparison, compare, machine

if TYPE_CHECKING:
    from sqlrl.training.run import Progress

__all__ = ["TURNS", "Looks", "compare_looks", "keep_looks", "write_looks"]

TURNS = 3
# Steps that take about the same processor time, as the table shows: a dialogue is longer than an answer, and TRL's
# loop samples it turn by turn through transformers.
ONE = {"turns": 1, "sft_steps": 1_200, "grpo_steps": 150}
SEVERAL = {"turns": TURNS, "sft_steps": 700, "grpo_steps": 60, "questions": 8}
_ARMS = {"warm": "warm start", "grpo": "GRPO"}


@dataclass(frozen=True, slots=True)
class Looks:
    """one, several: answering in one turn and in several. first: arm -> seed -> the test questions as the latter's
    first queries answer them. steps: arm of `several` -> seed -> mean seconds of a step."""

    one: Comparison
    several: Comparison
    first: Mapping[str, Mapping[int, Sequence[Mapping[str, Any]]]]
    step_seconds: Mapping[str, Mapping[int, float]]


def compare_looks(
    seeds: Sequence[int],
    out: Path,
    progress: Progress,
    *,
    threads: int | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Looks:
    """Train and judge both. What is done is not done again. settings: further keys of TrainConfig."""
    found = {
        name: compare(
            "mini", seeds, ["grpo"], out / name, progress, threads=threads, settings={**how, **(settings or {})}
        )
        for name, how in (("several", SEVERAL), ("one", ONE))
    }
    first: dict[str, dict[int, Any]] = {}
    step_seconds: dict[str, dict[int, float]] = {}
    for seed in seeds:
        for arm in _ARMS:
            run = Run.open(out / "several" / f"seed-{seed}" / arm)
            first.setdefault(arm, {})[seed] = _judged_at_first(run, seed, threads, progress)
            took = [line["seconds"] for line in run.metrics() if "loss" in line]
            step_seconds.setdefault(arm, {})[seed] = sum(took) / max(1, len(took))
    return Looks(found["one"], found["several"], first, step_seconds)


def _judged_at_first(run: Run, seed: int, threads: int | None, progress: Progress) -> list[dict[str, Any]]:
    """The test questions answered by the first query that the policy runs."""
    name = "items-test-first.jsonl"
    if not run.items(name):
        asked = EvalConfig(
            f"mini/{seed}", policy=str(run.folder / "checkpoints" / "final"), split="test", judge="robust", turns=1,
            threads=threads,
        )  # fmt: skip
        run.write_items((item.to_dict() for item in assess(asked, progress, keep=False).items), name)
    return run.items(name)


def write_looks(looks: Looks) -> str:
    """The comparison as Markdown."""
    seeds = looks.one.seeds
    columns = ["test questions right, in per cent", *(f"seed {seed}" for seed in seeds), "mean", "processor-s"]
    lines = ["| " + " | ".join(columns) + " |", "|---|" + "--:|" * (len(columns) - 1)]
    for arm, what in _ARMS.items():
        costs = {
            name: _mean(found.spent[arm].values()) for name, found in (("one", looks.one), ("many", looks.several))
        }
        for words, right, cost in (
            ("one turn", looks.one.items[arm], costs["one"]),
            (f"{TURNS} turns", looks.several.items[arm], costs["many"]),
            (f"{TURNS} turns, by its first query", looks.first[arm], costs["many"]),
        ):
            shares = [_mean(bool(item["correct"]) for item in right[seed]) for seed in seeds]
            cells = [f"{100 * share:.1f}" for share in shares]
            lines.append(f"| {what}, {words} | {' | '.join(cells)} | **{100 * _mean(shares):.1f}** | {cost:.0f} |")
    total = len(looks.one.right("warm", seeds[0]))
    lines += [
        "",
        f"{total:,} test questions a seed. Each GRPO starts from the warm start of its kind; processor-s is what it "
        "costs beyond that.",
        "",
        "| paired, all seeds | difference | 95 % interval | gained / lost | p |",
        "|---|--:|--:|--:|--:|",
    ]
    for arm, what in _ARMS.items():
        for words, before in (("one turn", looks.one.items[arm]), ("its first query", looks.first[arm])):
            test = paired(_right(before, seeds), _right(looks.several.items[arm], seeds))
            low, high = test.interval
            lines.append(
                f"| {what}: {TURNS} turns against {words} | {100 * test.difference:+.1f} | {100 * low:+.1f} to "
                f"{100 * high:+.1f} | {test.gained} / {test.lost} | {test.p:.2g} |"
            )
    steps = _mean(looks.step_seconds["grpo"].values())
    lines += [
        "",
        f"A step of GRPO in {TURNS} turns ({SEVERAL['questions']} questions x 8 dialogues, TRL's own loop) took "
        f"{steps:.1f} seconds. p: McNemar, exact; intervals by bootstrap.",
        f"`sqlrl reproduce mini --ablation turns`, seeds {', '.join(map(str, seeds))}; {machine()}.",
    ]
    return "\n".join(lines) + "\n"


def keep_looks(looks: Looks, folder: Path) -> Path:
    """table.md and figures.json in `folder`; the path of the table."""
    write_text(folder / "table.md", write_looks(looks))
    figures = {
        "right": {
            name: {arm: {seed: sum(_right(found[arm], [seed])) for seed in looks.one.seeds} for arm in _ARMS}
            for name, found in (("one", looks.one.items), ("several", looks.several.items), ("first", looks.first))
        },
        "total": {seed: len(looks.one.right("warm", seed)) for seed in looks.one.seeds},
        "processor_seconds": {"one": looks.one.spent, "several": looks.several.spent},
        "step_seconds": looks.step_seconds,
    }
    write_text(folder / "figures.json", json.dumps(figures, indent=1) + "\n")
    return folder / "table.md"


def _right(items: Mapping[int, Sequence[Mapping[str, Any]]], seeds: Sequence[int]) -> list[bool]:
    return [bool(item["correct"]) for seed in seeds for item in items[seed]]


def _mean(values: Any) -> float:
    values = list(values)
    return sum(values) / len(values) if values else 0.0
