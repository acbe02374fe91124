"""`sqlrl demo`: train the small policy on the bundled benchmark and show what was gained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sqlrl.cli.terminal import Terminal
    from sqlrl.evaluation import Item
    from sqlrl.runs import Run

__all__ = ["command"]

_EXAMPLES = 3


@click.command("demo")
@click.option("--seed", default=0, show_default=True, help="Of the houses and of everything drawn at random.")
@click.option("--method", help="What follows the warm start: sft+rft or sft+grpo [default: the recipe's].")
@click.option("--out", default="runs", show_default=True, metavar="DIR", help="Where the run folder is made.")
@click.option("--name", help="Name of the run folder.")
@click.option("--threads", type=click.IntRange(1), help="Of torch [default: the processors, at most 4].")
@click.option("--max-steps", type=click.IntRange(1), help="At most so many steps of each stage, for a quick look.")
@click.pass_context
def command(context: click.Context, seed: int, **flags: Any) -> None:
    """Train the small policy on the bundled benchmark, judge it on questions it never saw, and show what was gained.

    The benchmark `mini` is eight small databases whose owners use words and conventions of their own. The warm start
    knows each word as several readings; what the house means is learnt from query results alone.
    """
    import time

    from sqlrl.cli.terminal import Terminal
    from sqlrl.config import TrainConfig
    from sqlrl.report import write_report
    from sqlrl.training.run import Interrupted, need_extra, train

    need_extra()
    config = TrainConfig("mini" if seed == 0 else f"mini/{seed}", policy="tiny", seed=seed, **flags)
    with Terminal() as terminal:
        terminal.say("mini: eight databases whose owners use words of their own; only results are shown, never queries")
        started = time.monotonic()
        try:
            run = train(config, terminal)
        except Interrupted as stop:
            terminal.say(f"stopped and saved; go on with: sqlrl train --resume {stop.folder}")
            context.exit(130)
        minutes = (time.monotonic() - started) / 60
        before, after = _judge_both(run, config, terminal)
        _remember(run, before, after)
        path = write_report(run)
        _show(before, after, terminal)
        terminal.print(f"\ntrained in {minutes:.1f} minutes; the run is {run.folder}")
        terminal.print(f"report  {path}")


def _judge_both(run: Run, config: Any, terminal: Terminal) -> tuple[list[Item], list[Item]]:
    """The test split answered by the warm start and by what came of it. Training has not read it."""
    from sqlrl.assessment import assess
    from sqlrl.config import EvalConfig

    checkpoints = run.folder / "checkpoints"
    warm = next(path for path in sorted(checkpoints.glob("0-*")) if (path / "policy.json").exists())
    found = []
    for policy in (warm, checkpoints / "final"):
        asked = EvalConfig(config.benchmark, policy=str(policy), split="test", threads=config.threads)
        found.append(assess(asked, terminal, keep=False).items)
    return found[0], found[1]


def _remember(run: Run, before: list[Item], after: list[Item]) -> None:
    """In the run folder, for the report."""
    run.write_items((item.to_dict() for item in before), "items-test-before.jsonl")
    run.write_items((item.to_dict() for item in after), "items-test-after.jsonl")
    summary = run.summary()
    summary["test"] = [
        {"what": what, "before": list(was), "after": list(now), "total": total}
        for what, total, was, now in ((w, t, _interval(b, t), _interval(a, t)) for w, t, b, a in _rows(before, after))
    ]
    run.write_summary(summary)


def _interval(right: int, total: int) -> tuple[float, float, float]:
    from sqlrl.statistics import wilson

    return (right / total, *wilson(right, total))


def _rows(before: list[Item], after: list[Item]) -> list[tuple[str, int, int, int]]:
    """(what, total, right before, right after): all, then each kind of held-out question."""
    kinds = ["all", *dict.fromkeys(item.example.labels["held_out"] for item in before)]
    rows = []
    for kind in kinds:
        pairs = [
            (was.judged.verdict.correct, now.judged.verdict.correct)
            for was, now in zip(before, after, strict=True)
            if kind in ("all", was.example.labels["held_out"])
        ]
        rows.append((kind, len(pairs), sum(was for was, _ in pairs), sum(now for _, now in pairs)))
    return rows


def _show(before: list[Item], after: list[Item], terminal: Terminal) -> None:
    from sqlrl.cli.terminal import percent, points
    from sqlrl.statistics import paired, wilson

    names = {
        "all": "all", "question": "new questions", "combination": "new combinations of word and shape",
        "paraphrase": "new wordings",
    }  # fmt: skip
    rows = []
    for kind, total, was, now in _rows(before, after):
        low, high = wilson(now, total)
        rows.append(
            (names[kind], f"{total:,}", percent(was / total), percent(now / total), points((now - was) / total),
             f"{low * 100:.1f} to {high * 100:.1f}")
        )  # fmt: skip
    terminal.print()
    terminal.table(
        ["test questions", ">asked", ">before", ">after", ">points", ">95 % interval"], rows,
        "Questions answered right, on every instance of the database",
    )  # fmt: skip
    correct = [[item.judged.verdict.correct for item in items] for items in (before, after)]
    test = paired(*correct)
    terminal.print(f"\n{test.gained:,} questions gained, {test.lost:,} lost; McNemar's exact p = {test.p:.2g}")
    gained = [pair for pair in zip(before, after, strict=True) if not pair[0].judged.verdict.correct]
    gained = [pair for pair in gained if pair[1].judged.verdict.correct]
    databases: dict[str, tuple[Item, Item]] = {}
    for pair in gained:
        databases.setdefault(pair[0].example.labels["database"], pair)
    for old, new in list(databases.values())[:_EXAMPLES]:
        terminal.print()
        terminal.out.print(f"{old.example.labels['database']}: {old.example.question}", style="bold", markup=False)
        terminal.out.print(f"  before  {old.predicted}", markup=False, soft_wrap=True)
        terminal.out.print(f"  after   {new.predicted}", markup=False, soft_wrap=True)
