"""`sqlrl reproduce`: run every arm on several seeds and write the comparison table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sqlrl.cli.terminal import Terminal

__all__ = ["command"]


@click.command("reproduce")
@click.argument("benchmark", type=click.Choice(["mini", "geoquery", "own", "cohen"]))
@click.option("--data", metavar="DIR", help="Folder of the benchmark's files [default: $SQLRL_DATA, then the cache].")
@click.option("--seeds", default="0,1,2", show_default=True, help="Comma-separated.")
@click.option("--arms", default="control,rft,grpo,ceiling", show_default=True, help="Comma-separated.")
@click.option("--out", metavar="DIR", help="[default: runs/reproduce-BENCHMARK]")
@click.option("--threads", type=click.IntRange(1), help="Of torch [default: the processors, at most 4].")
@click.option("--max-steps", type=click.IntRange(1), help="At most so many steps of each stage, for a quick look.")
@click.option("--diversity", type=click.IntRange(2), metavar="K", help="And count the right shapes among K samples.")
@click.option(
    "--ablation",
    type=click.Choice(["thinking", "turns"]),
    help="Instead: GRPO with and without a <think> part, or with and without looks at the database.",
)
@click.option("--databases", metavar="A,B", help="Of own: of Spider, or mini/HOUSE [default: three and one].")
@click.option("--reviews", metavar="A,B", help="Of cohen: those that are left out, one after another [default: all].")
@click.option("--readme", metavar="FILE", help="Put the table into this document, and the curve beside it.")
@click.pass_context
def command(
    context: click.Context, benchmark: str, data: str | None, seeds: str, arms: str, out: str | None,
    threads: int | None, max_steps: int | None, diversity: int | None, ablation: str | None, databases: str | None,
    reviews: str | None, readme: str | None,
) -> None:  # fmt: skip
    """Run every arm on several seeds and write the comparison table.

    All arms start from one warm start of the same seed and are judged on the test split, which training does not read:
    more SFT on the same pairs (the control), rejection sampling, GRPO, and SFT with the golds (the ceiling). What is
    done is not done again: run it anew after an interruption. --ablation thinking trains with and without a reasoning
    part, and draws accuracy and both lengths over the steps. --ablation turns puts a policy that answers in one turn
    beside one that runs queries and sees their results first, at about the same compute.

    own: databases of Spider and a house of mini with what a person would know of each answer; the grammar writes the
    warm start, and the golds are for the ceiling and the figures alone.

    cohen: Boolean search for the studies of eight reviews, each left out in its turn; the questions to train on are
    made from the documents of the others.
    """
    from sqlrl.cli.terminal import Terminal
    from sqlrl.executors.errors import UsageError
    from sqlrl.training.run import Interrupted, need_extra

    need_extra()
    from sqlrl.report.figures import draw_comparison
    from sqlrl.training.comparison import compare, keep, put_into
    from sqlrl.training.exploration import explore
    from sqlrl.training.exploration import keep as keep_exploration

    if not all(seed.strip().isdigit() for seed in seeds.split(",")):
        raise UsageError(f"--seeds are whole numbers such as 0,1,2, not {seeds!r}")
    chosen = [int(seed) for seed in seeds.split(",")]
    kind = {None: "reproduce", "thinking": "ablation", "turns": "turns"}[ablation]
    folder = Path(out or f"runs/{kind}-{benchmark}")
    settings: dict[str, Any] | None = {"max_steps": max_steps} if max_steps else None
    wanted = [arm.strip() for arm in arms.split(",") if arm.strip()]
    if benchmark == "own" and (diversity or ablation):
        raise UsageError("--diversity and --ablation go with mini and geoquery")
    if databases and benchmark != "own":
        raise UsageError("--databases goes with own")
    if reviews and benchmark != "cohen":
        raise UsageError("--reviews goes with cohen")
    if benchmark == "cohen" and (diversity or ablation == "turns"):
        raise UsageError("--diversity and --ablation turns are for databases")
    left_out = _reviews(reviews) if benchmark == "cohen" else []
    with Terminal() as terminal:
        try:
            if ablation == "turns":
                _take_turns(benchmark, chosen, folder, terminal, threads, settings, readme)
                return
            if ablation:
                settings = {"engine": "boolean", **(settings or {})} if left_out else settings
                benchmark = f"{benchmark}/{left_out[0]}" if left_out else benchmark
                _ablate(benchmark, chosen, folder, terminal, data, threads, settings, readme)
                return
            if benchmark == "own":
                _own(databases, chosen, wanted, folder, terminal, data, threads, settings, readme)
                return
            if benchmark == "cohen":
                _leave_out(left_out, chosen, wanted, folder, terminal, data, threads, settings, readme)
                return
            found = compare(benchmark, chosen, wanted, folder, terminal, data=data, threads=threads, settings=settings)
            varied = explore(found, diversity, terminal, data=data, threads=threads) if diversity else None
        except Interrupted:
            terminal.say("stopped and saved; run the same command again to go on")
            context.exit(130)
        table = keep(found)
        terminal.out.print(table.read_text(encoding="utf-8"), markup=False, soft_wrap=True)
        picture = draw_comparison(found.curves, folder / "curve.png", benchmark)
        if readme:
            put_into(Path(readme), f"reproduce {benchmark}", table.read_text(encoding="utf-8"))
            if picture is not None:
                place = Path(readme).parent / "docs"
                place.mkdir(exist_ok=True)
                (place / f"{benchmark}.png").write_bytes(picture.read_bytes())
        terminal.print(f"table  {table}")
        if varied is not None:
            kept = keep_exploration(varied, folder)
            terminal.out.print(kept.read_text(encoding="utf-8"), markup=False, soft_wrap=True)
            if readme:
                put_into(Path(readme), f"exploration {benchmark}", kept.read_text(encoding="utf-8"))
            terminal.print(f"table  {kept}")


def _take_turns(
    benchmark: str, seeds: list[int], folder: Path, terminal: Terminal, threads: int | None,
    settings: dict[str, Any] | None, readme: str | None,
) -> None:  # fmt: skip
    from sqlrl.executors.errors import UsageError
    from sqlrl.training.comparison import put_into
    from sqlrl.training.looks import compare_looks, keep_looks

    if benchmark != "mini":
        raise UsageError("--ablation turns is made for mini, whose demonstrations know several readings of a question")
    kept = keep_looks(compare_looks(seeds, folder, terminal, threads=threads, settings=settings), folder)
    table = kept.read_text(encoding="utf-8")
    terminal.out.print(table, markup=False, soft_wrap=True)
    if readme:
        put_into(Path(readme), "turns mini", table)
    terminal.print(f"table  {kept}")


def _own(
    databases: str | None, seeds: list[int], arms: list[str], folder: Path, terminal: Terminal, data: str | None,
    threads: int | None, settings: dict[str, Any] | None, readme: str | None,
) -> None:  # fmt: skip
    from sqlrl.runs import write_text
    from sqlrl.training.comparison import put_into
    from sqlrl.training.own import DATABASES, compare_own, write_own

    names = [name.strip() for name in databases.split(",") if name.strip()] if databases else list(DATABASES)
    found, agreement = compare_own(names, seeds, arms, folder, terminal, data=data, threads=threads, settings=settings)
    table = write_own(found, agreement, names)
    write_text(folder / "table.md", table)
    terminal.out.print(table, markup=False, soft_wrap=True)
    if readme:
        put_into(Path(readme), "reproduce own", table)
    terminal.print(f"table  {folder / 'table.md'}")


def _reviews(words: str | None) -> list[str]:
    """The reviews named, all of them by default. UsageError for one that there is not."""
    from sqlrl.benchmarks.literature import REVIEWS
    from sqlrl.executors.errors import UsageError, nearest

    names = [name.strip() for name in words.split(",") if name.strip()] if words else list(REVIEWS)
    for name in names:
        if name not in REVIEWS:
            raise UsageError(f"cohen has no review {name!r}{nearest(name, REVIEWS)}")
    return names


def _leave_out(
    reviews: list[str], seeds: list[int], arms: list[str], folder: Path, terminal: Terminal, data: str | None,
    threads: int | None, settings: dict[str, Any] | None, readme: str | None,
) -> None:  # fmt: skip
    from sqlrl.runs import write_text
    from sqlrl.training.comparison import put_into
    from sqlrl.training.left_out import leave_out, write_left_out

    taught = [arm for arm in arms if arm != "ceiling"]  # nobody wrote a right search down
    found = leave_out(reviews, seeds, taught, folder, terminal, data=data, threads=threads, settings=settings)
    table = write_left_out(found, reviews)
    write_text(folder / "table.md", table)
    terminal.out.print(table, markup=False, soft_wrap=True)
    if readme:
        put_into(Path(readme), "reproduce cohen", table)
    terminal.print(f"table  {folder / 'table.md'}")


def _ablate(
    benchmark: str, seeds: list[int], folder: Path, terminal: Terminal, data: str | None, threads: int | None,
    settings: dict[str, Any] | None, readme: str | None,
) -> None:  # fmt: skip
    from sqlrl.report.figures import draw_ablation
    from sqlrl.runs import write_text
    from sqlrl.training.ablation import ablate, write_ablation
    from sqlrl.training.comparison import put_into

    found = ablate(benchmark, seeds, folder, terminal, data=data, threads=threads, settings=settings)
    table = write_ablation(found)
    write_text(folder / "table.md", table)
    terminal.out.print(table, markup=False, soft_wrap=True)
    picture = draw_ablation(found.points, folder / "ablation.png")
    if readme:
        put_into(Path(readme), f"ablation {benchmark.partition('/')[0]}", table)
        if picture is not None:
            (Path(readme).parent / "docs" / f"ablation-{benchmark.partition('/')[0]}.png").write_bytes(
                picture.read_bytes()
            )
    terminal.print(f"table  {folder / 'table.md'}\npicture  {picture}")
