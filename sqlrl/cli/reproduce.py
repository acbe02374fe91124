"""`sqlrl reproduce`: run every arm on several seeds and write the comparison table."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command("reproduce")
@click.argument("benchmark", type=click.Choice(["mini", "geoquery"]))
@click.option("--data", metavar="DIR", help="Folder of the benchmark's files [default: $SQLRL_DATA, then the cache].")
@click.option("--seeds", default="0,1,2", show_default=True, help="Comma-separated.")
@click.option("--arms", default="control,rft,grpo,ceiling", show_default=True, help="Comma-separated.")
@click.option("--out", metavar="DIR", help="[default: runs/reproduce-BENCHMARK]")
@click.option("--threads", type=click.IntRange(1), help="Of torch [default: the processors, at most 4].")
@click.option("--max-steps", type=click.IntRange(1), help="At most so many steps of each stage, for a quick look.")
@click.option("--readme", metavar="FILE", help="Put the table into this document, and the curve beside it.")
@click.pass_context
def command(
    context: click.Context, benchmark: str, data: str | None, seeds: str, arms: str, out: str | None,
    threads: int | None, max_steps: int | None, readme: str | None,
) -> None:  # fmt: skip
    """Run every arm on several seeds and write the comparison table.

    All arms start from one warm start of the same seed and are judged on the test split, which training does not read:
    more SFT on the same pairs (the control), rejection sampling, GRPO, and SFT with the golds (the ceiling). What is
    done is not done again: run it anew after an interruption.
    """
    from sqlrl.cli.terminal import Terminal
    from sqlrl.executors.errors import UsageError
    from sqlrl.training.run import Interrupted, need_extra

    need_extra()
    from sqlrl.report.figures import draw_comparison
    from sqlrl.training.comparison import compare, keep, put_into

    if not all(seed.strip().isdigit() for seed in seeds.split(",")):
        raise UsageError(f"--seeds are whole numbers such as 0,1,2, not {seeds!r}")
    chosen = [int(seed) for seed in seeds.split(",")]
    folder = Path(out or f"runs/reproduce-{benchmark}")
    with Terminal() as terminal:
        try:
            found = compare(
                benchmark, chosen, [arm.strip() for arm in arms.split(",") if arm.strip()], folder, terminal, data=data,
                threads=threads, settings={"max_steps": max_steps} if max_steps else None,
            )  # fmt: skip
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
