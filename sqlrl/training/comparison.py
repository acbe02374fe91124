"""A comparison: every arm from the same warm start on several seeds, judged on the test split, with paired tests."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.assessment import assess
from sqlrl.config import EvalConfig, TrainConfig, read_config
from sqlrl.executors.errors import UsageError
from sqlrl.runs import Run, write_text
from sqlrl.statistics import Paired, paired, pooled, wilson
from sqlrl.training.plan import draw_plan
from sqlrl.training.session import RECIPE, Session

if TYPE_CHECKING:
    from sqlrl.training.run import Progress

__all__ = [
    "ARMS",
    "Comparison",
    "compare",
    "equal_steps",
    "finished",
    "has_place",
    "judged",
    "keep",
    "machine",
    "matters",
    "put_into",
    "write_table",
]

# arm -> (method, what it is)
ARMS = {
    "warm": ("sft", "warm start"),
    "control": ("sft", "more SFT on the same pairs"),
    "rft": ("rft", "RFT: imitate own right samples"),
    "grpo": ("grpo", "GRPO"),
    "rft+grpo": ("rft+grpo", "RFT, then GRPO"),
    "ceiling": ("gold", "SFT with the golds (ceiling)"),
}


# method -> the recipe's keys, by how they begin, that no other method reads
_KEYS_OF = {
    "grpo": ("grpo_", "questions", "num_generations", "updates"),
    "rft": ("rft_rounds", "rft_samples", "rft_keep", "rft_steps"),
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """items: arm -> seed -> the judged test questions. spent: arm -> seed -> processor seconds. curves: arm -> seed ->
    points of (processor seconds, validation accuracy)."""

    benchmark: str
    folder: Path
    items: Mapping[str, Mapping[int, Sequence[Mapping[str, Any]]]]
    spent: Mapping[str, Mapping[int, float]]
    curves: Mapping[str, Mapping[int, Sequence[tuple[float, float]]]]

    @property
    def arms(self) -> list[str]:
        return [arm for arm in ARMS if arm in self.items]

    @property
    def seeds(self) -> list[int]:
        return sorted(self.items["warm"])

    def right(self, arm: str, seed: int, kind: str | None = None) -> list[bool]:
        """Whether each test question (of one held-out kind) was answered right."""
        return [bool(item["correct"]) for item in self.items[arm][seed] if kind in (None, item.get("held_out"))]

    def share(self, arm: str, seed: int, kind: str | None = None) -> float:
        right = self.right(arm, seed, kind)
        return sum(right) / len(right)

    def kinds(self) -> list[str]:
        """Kinds of held-out questions; none where the benchmark knows none."""
        return list(dict.fromkeys(item["held_out"] for item in self.items["warm"][self.seeds[0]] if "held_out" in item))

    def versus(self, before: str, after: str) -> Paired:
        """One arm against another over all seeds. Where seeds share their test questions, these are counted once."""
        runs = [(self.right(before, seed), self.right(after, seed)) for seed in self.seeds]
        if self.shares_questions:
            return pooled(runs)
        return paired([x for run in runs for x in run[0]], [x for run in runs for x in run[1]])

    @property
    def shares_questions(self) -> bool:
        asked = [[item["question"] for item in self.items["warm"][seed]] for seed in self.seeds]
        return len(asked) > 1 and all(questions == asked[0] for questions in asked)


def compare(
    benchmark: str,
    seeds: Sequence[int],
    arms: Sequence[str],
    out: Path,
    progress: Progress,
    *,
    data: str | None = None,
    threads: int | None = None,
    settings: Mapping[str, Any] | None = None,
    of_arm: Mapping[str, Mapping[str, Any]] | None = None,
) -> Comparison:
    """Train and judge. An arm that is done is not done again, so that an interrupted comparison goes on.

    settings: further keys of TrainConfig, for every arm; of_arm: for one arm, before those.
    """
    unknown = [arm for arm in arms if arm not in ARMS]
    if unknown:
        raise UsageError(f"no arm {unknown[0]!r}; known: {', '.join(ARMS)}")
    out.mkdir(parents=True, exist_ok=True)
    items: dict[str, dict[int, Any]] = {}
    spent: dict[str, dict[int, float]] = {}
    curves: dict[str, dict[int, Any]] = {}
    # The control comes last: it is given as much compute as the dearest of the others took.
    chosen = ["warm", *(arm for arm in ARMS if arm in arms and arm not in ("warm", "control"))]
    chosen += ["control"] if "control" in arms else []
    for seed in seeds:
        # Each seed of mini is another set of houses; a benchmark of files has one set of questions.
        name = f"mini/{seed}" if benchmark == "mini" else benchmark
        warm = out / f"seed-{seed}" / "warm" / "checkpoints" / "final"
        for arm in chosen:
            progress.say(f"{benchmark}, seed {seed}: {ARMS[arm][1]}")
            config = TrainConfig(
                name, data=data, policy="tiny" if arm == "warm" else str(warm), method=ARMS[arm][0], seed=seed,
                out=str(out / f"seed-{seed}"), name=arm, threads=threads,
                **{**(settings or {}), **(of_arm or {}).get(arm, {})},
            )  # fmt: skip
            if arm == "control":
                config.sft_steps = equal_steps(Run.open(warm.parent.parent), seed, spent)
            run = finished(config, progress)
            items.setdefault(arm, {})[seed] = judged(run, config, progress)
            summary = run.summary()
            spent.setdefault(arm, {})[seed] = sum(s.get("processor_seconds", 0) for s in summary["stages"].values())
            curves.setdefault(arm, {})[seed] = _curve(run)
    return Comparison(benchmark, out, items, spent, curves)


def equal_steps(warm: Run, seed: int, spent: Mapping[str, Mapping[int, float]]) -> int | None:
    """As many steps of imitation as cost what the dearest method cost, by what the warm start's steps took."""
    dearest = max((spent[arm][seed] for arm in spent if arm not in ("warm", "ceiling", "control")), default=0.0)
    steps = max((line["step"] for line in warm.metrics() if "loss" in line), default=0)
    return max(1, round(steps * dearest / spent["warm"][seed])) if dearest and steps else None


def finished(config: TrainConfig, progress: Progress) -> Run:
    """The run of this configuration, trained to its end: begun, gone on with, or found done."""
    folder = Path(config.out) / (config.name or "")
    if not (folder / "config.yaml").exists():
        return Session.open(config, progress, allow_gold=True).run()
    plan, before = draw_plan(config, allow_gold=True), read_config(folder / "config.yaml")
    asked = _what_counts(plan.config.to_dict())  # with the reward and the judge that are meant
    # A setting that an older run does not know of is one that nobody chose for it.
    if asked != _what_counts({key: before.get(key) for key in asked} | {"reward": before.get("reward") or plan.reward}):
        raise UsageError(f"{folder} was made with other settings: take another --out")
    made_with, now = read_config(folder / RECIPE), asdict(plan.recipe)
    changed = [key for key in now if made_with.get(key) != now[key] and matters(key, config.method or "")]
    if changed:
        raise UsageError(f"{folder} was made with another recipe ({', '.join(changed)}): take another --out")
    if (folder / "checkpoints" / "final" / "policy.json").exists():
        return Run.open(folder)
    return Session.open(config, progress, resume=folder, allow_gold=True).run()


def matters(key: str, method: str) -> bool:
    """Whether a recipe's key has a say in training by `method`."""
    for name, keys in _KEYS_OF.items():
        if key.startswith(keys):
            return name in method
    return True


def _what_counts(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings without those of the machine, which may differ from one sitting to the next."""
    return {key: value for key, value in settings.items() if key not in ("data", "out", "policy", "threads", "workers")}


def judged(run: Run, config: TrainConfig, progress: Progress) -> list[dict[str, Any]]:
    """The test questions as this run's final policy answers them; asked once and kept."""
    items = run.items("items-test.jsonl")
    if not items:
        judge = draw_plan(config, allow_gold=True).judge
        asked = EvalConfig(
            config.benchmark, data=config.data, answered=config.answered, engine=config.engine, judge=judge,
            policy=str(run.folder / "checkpoints" / "final"), split="test", threads=config.threads,
        )  # fmt: skip
        found = assess(asked, progress, keep=False)
        run.write_items((item.to_dict() for item in found.items), "items-test.jsonl")
        items = run.items("items-test.jsonl")
    return items


def _curve(run: Run) -> list[tuple[float, float]]:
    points = []
    before = last = 0.0
    stage = ""
    for line in run.metrics():
        if "validation" not in line:
            continue
        if line["stage"] != stage:
            before, stage = before + last, line["stage"]
        last = line["processor_seconds"]
        points.append((before + last, line["validation"]["share"]))
    return points


def write_table(comparison: Comparison) -> str:
    """The comparison as Markdown, with the tests beneath."""
    seeds, kinds = comparison.seeds, [kind for kind in comparison.kinds() if kind != "question"]
    columns = ["arm", *(f"seed {seed}" for seed in seeds), "mean", *(f"{kind}s" for kind in kinds), "processor-s"]
    lines = ["| " + " | ".join(columns) + " |", "|---|" + "--:|" * (len(columns) - 1)]
    for arm in comparison.arms:
        shares = [comparison.share(arm, seed) for seed in seeds]
        cells = [
            ARMS[arm][1],
            *(f"{100 * share:.1f}" for share in shares),
            f"**{100 * sum(shares) / len(shares):.1f}**",
        ]
        for kind in kinds:
            cells.append(f"{100 * sum(comparison.share(arm, seed, kind) for seed in seeds) / len(seeds):.1f}")
        cells.append(f"{sum(comparison.spent[arm][seed] for seed in seeds) / len(seeds):.0f}")
        lines.append("| " + " | ".join(cells) + " |")
    total = len(comparison.right("warm", seeds[0]))
    low, high = wilson(round(total * 0.5), total)
    lines += [
        "",
        f"Test questions answered right, in per cent ({total:,} a seed; one figure is good to about "
        f"±{50 * (high - low):.0f} points). Each later arm starts from the same warm start; processor-s is what it "
        "costs beyond that.",
        "",
        "| paired, all seeds | difference | 95 % interval | gained / lost | p |",
        "|---|--:|--:|--:|--:|",
    ]
    for before, after in _tests(comparison.arms):
        test = comparison.versus(before, after)
        low, high = test.interval
        p = f"{test.p:.3f}" if test.p >= 0.001 else f"{test.p:.0e}" if test.p > 1e-99 else "< 1e-99"
        lines.append(
            f"| {after} against {before} | {100 * test.difference:+.1f} | {100 * low:+.1f} to {100 * high:+.1f} | "
            f"{test.gained} / {test.lost} | {p} |"
        )
    how = (
        "permutation over questions, each counted once however many seeds answered it"
        if comparison.shares_questions
        else "McNemar, exact; intervals by bootstrap"
    )
    lines += ["", f"p: {how}."]
    if "ceiling" in comparison.arms:
        lines.append(_gap(comparison))
    lines.append(f"`sqlrl reproduce {comparison.benchmark}`, seeds {', '.join(map(str, seeds))}; {machine()}.")
    return "\n".join(lines) + "\n"


def _tests(arms: Sequence[str]) -> list[tuple[str, str]]:
    pairs = [("warm", arm) for arm in arms if arm != "warm"]
    pairs += [("control", arm) for arm in arms if arm not in ("warm", "control", "ceiling") and "control" in arms]
    return pairs + ([("rft", "grpo")] if {"rft", "grpo"} <= set(arms) else [])


def _gap(comparison: Comparison) -> str:
    """How much of the way from the warm start to the ceiling each arm went."""

    def mean_of(arm: str) -> float:
        return sum(comparison.share(arm, seed) for seed in comparison.seeds) / len(comparison.seeds)

    way = mean_of("ceiling") - mean_of("warm")
    if way <= 0:
        return "The ceiling lies no higher than the warm start."
    parts = [
        f"{arm} {round(100 * (mean_of(arm) - mean_of('warm')) / way)} %"
        for arm in comparison.arms
        if arm not in ("warm", "ceiling")
    ]
    return "Of the way from warm start to ceiling: " + ", ".join(parts) + "."


def machine() -> str:
    """Date, processors and torch, for beneath a table."""
    import os

    import torch

    model = platform.processor() or platform.machine()
    try:
        cpu = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        model = next(line.partition(":")[2].strip() for line in cpu.splitlines() if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    count = len(os.sched_getaffinity(0))
    return f"{time.strftime('%Y-%m-%d')}, {count} processors ({model}), torch {torch.__version__}"


def keep(comparison: Comparison) -> Path:
    """table.md, figures.json and curve.png in the comparison's folder; the path of the table."""
    table = comparison.folder / "table.md"
    write_text(table, write_table(comparison))
    figures = {
        "right": {a: {s: sum(comparison.right(a, s)) for s in comparison.seeds} for a in comparison.arms},
        "total": {s: len(comparison.right("warm", s)) for s in comparison.seeds},
        "processor_seconds": comparison.spent,
        "curves": comparison.curves,
    }
    write_text(comparison.folder / "figures.json", json.dumps(figures, indent=1) + "\n")
    return table


def has_place(document: Path, name: str) -> bool:
    """Whether `<!-- NAME -->` and `<!-- /NAME -->` stand in a document."""
    text = document.read_text(encoding="utf-8")
    return f"<!-- {name} -->\n" in text and f"<!-- /{name} -->" in text


def put_into(document: Path, name: str, table: str) -> None:
    """Replace what stands between `<!-- NAME -->` and `<!-- /NAME -->` in a document. UsageError without these."""
    if not has_place(document, name):
        raise UsageError(f"{document} has no place for the table: <!-- {name} --> ... <!-- /{name} -->")
    start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    head, _, rest = document.read_text(encoding="utf-8").partition(start)
    _, _, tail = rest.partition(end)
    write_text(document, head + start + table + end + tail)
