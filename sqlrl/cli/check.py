"""`sqlrl check`: run every gold of a benchmark, or look up what is right for a search; say what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sqlrl.config import EvalConfig
from sqlrl.executors.errors import UsageError

if TYPE_CHECKING:
    from sqlrl.coverage import Coverage
    from sqlrl.golds import GoldCheck

__all__ = ["command"]


@click.command("check")
@click.argument("benchmark")
@click.option("--data", metavar="DIR", help="Folder of the benchmark's files [default: $SQLRL_DATA, then the cache].")
@click.option("--engine", metavar="NAME", help="Of a search benchmark: bm25, dense or boolean [default: its first].")
@click.option("--database-url", metavar="URL", help="BIRD's mini-dev on a server: mysql://user@host/{database} ...")
@click.option("--split", help="One split [default: all].")
@click.option("--judge", help="[default: the benchmark's own]")
@click.option("--seconds", default=30.0, show_default=True, help="Processor time of one query.")
@click.option("--slow", default=1.0, show_default=True, metavar="SECONDS", help="Name golds that take longer.")
@click.option("--show", default=10, show_default=True, help="Golds named of each kind; 0 names all.")
@click.option("--workers", type=click.IntRange(1), help="Processes that run queries.")
@click.option("--policy", help="Instead: how hard each training question is for this policy, before it is trained.")
@click.option("--samples", type=click.IntRange(2), default=8, show_default=True, help="Of each question, for --policy.")
@click.option("--temperature", type=float, default=1.0, show_default=True, help="Of these samples.")
@click.option("--limit", type=click.IntRange(1), help="At most so many questions, for --policy.")
@click.option("--json", "json_file", metavar="FILE", help="Write what `sqlrl train --difficulty` takes.")
def command(
    benchmark: str, data: str | None, engine: str | None, database_url: str | None, split: str | None,
    judge: str | None, seconds: float, slow: float, show: int, workers: int | None, policy: str | None, samples: int,
    temperature: float, limit: int | None, json_file: str | None,
) -> None:  # fmt: skip
    """Run every gold of a benchmark; say which fail, return nothing or take long.

    Of a search benchmark: look up every relevant document in the corpus, or a document that holds an answer.

    Splits that are not here are named and left out, unless one is asked for by name.

    Leaves with 1 where a gold fails or is not right by its own judge, or a relevant document is not there. With
    --policy: sample each training question several times and say how many are never, sometimes and always solved, as
    training by their results needs the middle.
    """
    from sqlrl.benchmarks import load_benchmark, searches

    if policy is not None:
        judge = judge or (None if searches(benchmark) else "robust")
        asked = EvalConfig(
            benchmark, data=data, engine=engine, database_url=database_url, policy=policy, split=split or "train",
            judge=judge, samples=samples, temperature=temperature, seconds=seconds, workers=workers, limit=limit,
            results=False,
        )  # fmt: skip
        _say_difficulty(asked, json_file)
        return
    if json_file:
        raise UsageError("--json goes with --policy")
    from rich.text import Text

    from sqlrl.cli.terminal import Terminal
    from sqlrl.coverage import check_coverage
    from sqlrl.executors.base import Limits
    from sqlrl.executors.errors import MissingSplitError
    from sqlrl.golds import check_golds

    loaded = load_benchmark(benchmark, data, database_url, engine=engine)
    if searches(benchmark) and judge:
        raise UsageError(f"{benchmark} has no golds to judge: leave out --judge")
    splits = (split,) if split else loaded.splits
    bad = checked = 0
    absent: list[MissingSplitError] = []
    with Terminal() as terminal:
        for part in splits:
            try:
                examples = loaded.examples(part)
            except MissingSplitError as error:
                absent.append(error)
                continue
            if not examples:
                continue
            advance = terminal.start(f"{benchmark} {part}", len(examples))
            limits = Limits(seconds=seconds)
            found: GoldCheck | Coverage
            if searches(benchmark):
                found = check_coverage(loaded, examples, limits=limits, workers=workers, advance=_counting(advance))
            else:
                found = check_golds(
                    loaded, examples, judge, limits=limits, slow_seconds=slow, workers=workers,
                    advance=_counting(advance),
                )  # fmt: skip
            terminal.print(Text(f"{benchmark} {part}", style="bold").append(f": {found.headline()}", style="not bold"))
            for kind, golds in found.remarkable().items():
                terminal.print(f"  {kind}: {len(golds):,}")
                for gold in golds[: show or None]:
                    terminal.print(Text(f"    {gold}"))
                if show and len(golds) > show:
                    terminal.print(f"    ... and {len(golds) - show:,} more (--show 0)")
            bad += len(found.failing) + len(found.wrong)
            checked += 1
        if absent and not checked:
            raise absent[0]
        terminal.notes([*(f"not checked: {missing}" for missing in absent), *loaded.notes()])
    if bad:
        raise click.exceptions.Exit(1)


def _say_difficulty(config: EvalConfig, json_file: str | None) -> None:
    from sqlrl.assessment import assess
    from sqlrl.cli.terminal import Terminal, check_target
    from sqlrl.training.difficulty import Difficulty

    if json_file:
        check_target(json_file)
    with Terminal() as terminal:
        found = assess(config, terminal, keep=False)
        hard = Difficulty.of(item.to_dict() for item in found.items)
        counts = hard.counts()
        total = max(1, sum(counts.values()))
        terminal.table(
            ["samples that are right", ">questions", ">"],
            [[f"{kind} ({what})", f"{counts[kind]:,}", f"{counts[kind] / total:.1%}"] for kind, what in _KINDS.items()],
            title=f"{found.benchmark} {found.split}, {config.policy}: {hard.samples} samples at {config.temperature:g}",
        )
        passes = [k for k in (1, 2, 4, 8, 16, 32, 64) if k <= hard.samples]
        terminal.print("  ".join(f"pass@{k} {hard.pass_at(k):.1%}" for k in passes))
        if json_file:
            hard.write(Path(json_file))
            terminal.print(f"leave out what teaches nothing: sqlrl train {config.benchmark} --difficulty {json_file}")


_KINDS = {"never": "none", "sometimes": "some: what training learns from", "always": "all"}


def _counting(advance: Callable[[int, str], None]) -> Callable[[int], None]:
    return lambda count: advance(count, "")
