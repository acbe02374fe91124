"""`sqlrl eval`: judge a policy, or predictions from a file, on a benchmark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from sqlrl.config import EvalConfig
from sqlrl.executors.errors import UsageError

__all__ = ["command"]


@click.command("eval")
@click.argument("benchmark")
@click.option("--data", metavar="DIR", help="Folder of the benchmark's files [default: $SQLRL_DATA, then the cache].")
@click.option("--policy", help="runs/<run>, a checkpoint folder, hf:org/name, http://host/v1#model, script:FILE.")
@click.option("--predictions", metavar="FILE", help="Queries written elsewhere: a query a line, .json, .jsonl or .csv.")
@click.option("--database-url", metavar="URL", help="bird/mini on a server: postgresql://user@host/{database} ...")
@click.option("--split", help="[default: the one that the literature reports]")
@click.option("--judge", help="[default: the benchmark's own] spider, spider-strict, bird-ex, robust ...")
@click.option("--json", "json_file", metavar="OUT.jsonl", help="Write one line an item.")
@click.option("--limit", type=click.IntRange(1), help="The first questions only.")
@click.option("--seed", default=0, show_default=True)
@click.option("--temperature", type=float, help="[default: 0, or 0.8 for several samples]")
@click.option("--max-tokens", default=512, show_default=True, type=click.IntRange(1), help="Of one completion.")
@click.option("--samples", default=1, show_default=True, metavar="N", help="Completions of each question.")
@click.option("--vote", is_flag=True, help="Of the samples, believe the one on whose result most agree.")
@click.option(
    "--shots", default=0, show_default=True, metavar="K", help="Labelled training questions shown before each."
)
@click.option("--shots-from", default="similar", show_default=True, type=click.Choice(["similar", "random"]))
@click.option("--parallel", default=8, show_default=True, help="Requests to a server at once.")
@click.option("--timeout", default=300.0, show_default=True, help="Seconds to wait for one reply of a server.")
@click.option("--cache", metavar="DIR", help="Where a server's answers are kept [default: the user's cache].")
@click.option("--no-cache", is_flag=True, help="Ask a server for everything anew, and keep nothing.")
@click.option("--price-in", type=float, help="US$ a million tokens of prompts, to tell the cost.")
@click.option("--price-out", type=float, help="US$ a million tokens of completions.")
@click.option("--seconds", default=30.0, show_default=True, help="Processor time of one query.")
@click.option("--sample-rows", default=0, show_default=True, help="Rows of each table that the prompt shows.")
@click.option("--thinking/--no-thinking", default=None, help="Ask for a <think> part.")
@click.option("--prefill", is_flag=True, help="End the prompt with <think>.")
@click.option("--workers", type=click.IntRange(1), help="Processes that run queries [default: one a processor].")
@click.option("--threads", type=click.IntRange(1), help="Of torch.")
@click.option("--device", help="cpu, cuda ...")
@click.option("--out", default="runs", show_default=True, metavar="DIR", help="Where the run folder is made.")
@click.option("--name", help="Name of the run folder.")
def command(benchmark: str, json_file: str | None, **flags: Any) -> None:
    """Judge a policy, or predictions from a file, on a benchmark.

    Prints the official score (the judge's word over every question) and the safe one beside it: read-only, isolated,
    single-statement execution, without databases that have no rows.
    """
    from sqlrl.assessment import assess
    from sqlrl.cli.terminal import Terminal
    from sqlrl.runs import write_text

    if json_file:
        _check_target(Path(json_file).expanduser().resolve(), json_file)
    config = EvalConfig(benchmark, json=json_file, **flags)
    with Terminal() as terminal:
        found = assess(config, terminal)
        if json_file:
            lines = (json.dumps(item.to_dict(), ensure_ascii=False) + "\n" for item in found.items)
            write_text(Path(json_file).expanduser(), "".join(lines))
        show(found, terminal, config)


def _check_target(path: Path, given: str) -> None:
    """Before anything is spent: can a file be written there?"""
    import os

    if path.is_dir():
        raise UsageError(f"--json {given} is a folder: name a file")
    if not path.parent.is_dir():
        raise UsageError(f"--json {given}: there is no folder {Path(given).parent}")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"--json {given}: nothing can be written to {Path(given).parent}")


def show(found: Any, terminal: Any, config: EvalConfig) -> None:
    """The headline, then the tables, then what a reader must know."""
    from sqlrl.assessment import share_line
    from sqlrl.cli.terminal import percent

    summary = found.summary
    asked = config.policy or config.predictions
    terminal.print(f"[bold]{config.benchmark}[/bold] {found.split}, judge {summary.judge}: {asked}")
    terminal.print(f"  official  {share_line(summary.official)}")
    terminal.print(f"  safe      {share_line(summary.safe)}")
    if summary.ceiling is not None:
        terminal.print(f"  golds     {share_line(summary.ceiling)} (judged against themselves: the ceiling)")
    for reason, count in summary.unjudged.items():
        terminal.print(f"  unjudged  {count:,} ({reason})")
    terminal.print("  outcomes  " + ", ".join(f"{name} {count:,}" for name, count in summary.outcomes.most_common()))
    if summary.faults:
        terminal.print("  format    " + ", ".join(f"{name} {n:,}" for name, n in summary.faults.most_common()))
    _show_samples(found, terminal)
    for word, line in found.usage.lines(config.price_in, config.price_out) if found.usage else []:
        terminal.print(f"  {word:<9} {line}")
    _show_agreement(found, terminal)
    for label, values in summary.by.items():
        rows = []
        for value, score in values.items():
            low, high = score.interval
            rows.append((value, score.right, score.total, percent(score.share), f"{low * 100:.1f} to {high * 100:.1f}"))
        terminal.print()
        terminal.table([label, ">right", ">of", ">share", ">95 % interval"], rows)
    _show_published(found, terminal)
    if found.notes:
        terminal.print()
    for note in found.notes:
        terminal.print(f"note: {note}")
    if found.run is not None:
        terminal.print(f"\nrun     {found.run.folder}\nreport  {found.run.folder / 'report.html'}")


def _show_samples(found: Any, terminal: Any) -> None:
    """What the samples are worth one by one and together."""
    samples = found.samples
    if samples is None:
        return
    for name, (share, low, high) in (("pass@1", samples.one), (f"pass@{samples.samples}", samples.any)):
        what = f"the mean of {samples.samples} samples" if name == "pass@1" else "any of them right"
        terminal.print(f"  {name:<9} {share * 100:.1f} % [{low * 100:.1f}, {high * 100:.1f}] ({what})")
    if not samples.voted:
        terminal.print("  samples   the figures above are of the first one; --vote chooses")
        return
    empty = f"; an empty result won {samples.empty:,}" if samples.empty else ""
    silent = f"; nothing ran in {samples.silent:,}" if samples.silent else ""
    terminal.print(f"  vote      the figures above are of the query voted for{empty}{silent}")


def _show_agreement(found: Any, terminal: Any) -> None:
    """How far a vote can be trusted, by how many agreed."""
    from sqlrl.cli.terminal import percent

    samples = found.samples
    if samples is None or not samples.voted:
        return
    terminal.print()
    terminal.table(
        ["agreeing", ">right", ">of", ">share"],
        [
            (f"{votes} of {samples.samples}" if votes else "nothing ran", right, of, percent(right / of))
            for votes, right, of in samples.agreement
        ],
    )


def _show_published(found: Any, terminal: Any) -> None:
    if not found.published:
        return
    terminal.print(f"\npublished {found.published[0].metric}, not measured here:")
    terminal.table(
        ["system", ">%", "how", "source"],
        [(figure.system, f"{figure.number:g}", figure.how, figure.source) for figure in found.published],
    )
