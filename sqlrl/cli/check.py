"""`sqlrl check`: run every gold of a benchmark; say which fail, return nothing or take long."""

from __future__ import annotations

from collections.abc import Callable

import click

__all__ = ["command"]


@click.command("check")
@click.argument("benchmark")
@click.option("--data", metavar="DIR", help="Folder of the benchmark's files [default: $SQLRL_DATA, then the cache].")
@click.option("--database-url", metavar="URL", help="BIRD's mini-dev on a server: mysql://user@host/{database} ...")
@click.option("--split", help="One split [default: all].")
@click.option("--judge", help="[default: the benchmark's own]")
@click.option("--seconds", default=30.0, show_default=True, help="Processor time of one query.")
@click.option("--slow", default=1.0, show_default=True, metavar="SECONDS", help="Name golds that take longer.")
@click.option("--show", default=10, show_default=True, help="Golds named of each kind; 0 names all.")
@click.option("--workers", type=click.IntRange(1), help="Processes that run queries.")
def command(
    benchmark: str, data: str | None, database_url: str | None, split: str | None, judge: str | None, seconds: float,
    slow: float, show: int, workers: int | None,
) -> None:  # fmt: skip
    """Run every gold of a benchmark; say which fail, return nothing or take long.

    Splits that are not here are named and left out, unless one is asked for by name.

    Leaves with 1 where a gold fails or is not right by its own judge.
    """
    from rich.text import Text

    from sqlrl.benchmarks import load_benchmark
    from sqlrl.cli.terminal import Terminal
    from sqlrl.executors.base import Limits
    from sqlrl.executors.errors import MissingSplitError
    from sqlrl.golds import check_golds

    loaded = load_benchmark(benchmark, data, database_url)
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
            found = check_golds(
                loaded, examples, judge, limits=limits, slow_seconds=slow, workers=workers, advance=_counting(advance)
            )
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


def _counting(advance: Callable[[int, str], None]) -> Callable[[int], None]:
    return lambda count: advance(count, "")
