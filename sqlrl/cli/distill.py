"""`sqlrl distill`: write a warm start from another policy's answers, kept where their results are right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sqlrl.config import EvalConfig

__all__ = ["command"]


@click.command("distill")
@click.argument("benchmark")
@click.option("--policy", required=True, help="The teacher: http://host/v1#model, runs/<run>, hf:org/name ...")
@click.option("--out", "out", required=True, metavar="FILE.jsonl", help="Where the demonstrations are written.")
@click.option("--data", metavar="DIR", help="Folder of the benchmark's files [default: $SQLRL_DATA, then the cache].")
@click.option("--split", default="train", show_default=True)
@click.option("--samples", default=4, show_default=True, metavar="N", help="Completions of each question.")
@click.option("--keep", default=2, show_default=True, type=click.IntRange(1), help="Distinct queries of a question.")
@click.option("--temperature", type=float, help="[default: 0.8, or 0 for one sample]")
@click.option("--judge", default="robust", show_default=True)
@click.option("--limit", type=click.IntRange(1), help="The first questions only.")
@click.option("--shots", default=0, show_default=True, metavar="K", help="Labelled questions shown before each.")
@click.option("--thinking/--no-thinking", default=None, help="Ask for a <think> part, which the student learns too.")
@click.option("--max-tokens", default=512, show_default=True, type=click.IntRange(1))
@click.option("--parallel", default=8, show_default=True, help="Requests to a server at once.")
@click.option("--cache", metavar="DIR", help="Where a server's answers are kept [default: the user's cache].")
@click.option("--no-cache", is_flag=True)
@click.option("--price-in", type=float, help="US$ a million tokens of prompts, to tell the cost.")
@click.option("--price-out", type=float)
@click.option("--seconds", default=10.0, show_default=True, help="Processor time of one query.")
@click.option("--seed", default=0, show_default=True)
@click.option("--workers", type=click.IntRange(1))
@click.option("--device")
def command(benchmark: str, out: str, keep: int, **flags: Any) -> None:
    """Write a warm start from another policy's answers, kept where their results are right.

    The teacher sees no right query. `sqlrl train BENCHMARK --demonstrations FILE --method sft+grpo` imitates what was
    kept.
    """
    from sqlrl.cli.terminal import Terminal, check_target
    from sqlrl.distillation import distil

    check_target(out, "--out")
    config = EvalConfig(benchmark, **flags)
    with Terminal() as terminal:
        found = distil(config, terminal, keep=keep)
        terminal.print(
            f"{found.right:,} of {found.samples:,} samples return the right result; {found.solved:,} of "
            f"{found.questions:,} questions have one"
        )
        if found.usage is not None:
            for name, words in found.usage.lines(config.price_in, config.price_out):
                terminal.print(f"{name:<8}{words}")
        if not found.demonstrations:
            from sqlrl.executors.errors import DataError

            raise DataError("no sample returns the right result: nothing was written")
        found.write(Path(out).expanduser())
        terminal.print(f"{len(found.demonstrations):,} demonstrations  {out}")
        terminal.print(f"learn   sqlrl train {benchmark} --demonstrations {out} --method sft+grpo")
