"""`sqlrl eval`: judge a policy, or predictions from a file, on a benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sqlrl.benchmarks.judges import JUDGES
from sqlrl.config import EvalConfig

__all__ = ["command"]


@click.command("eval")
@click.argument("benchmark")
@click.option("--data", metavar="DIR", help="Folder of the benchmark's files [default: $SQLRL_DATA, then the cache].")
@click.option("--answered", metavar="FILE", help="Answered questions: BENCHMARK is then a database of your own.")
@click.option("--engine", metavar="NAME", help="Of a search benchmark: bm25, dense or boolean [default: its first].")
@click.option(
    "--policy",
    help="runs/<run>, a checkpoint folder, hf:org/name, http://host/v1#model, script:FILE, question:, words:, expand:.",
)
@click.option("--predictions", metavar="FILE", help="Queries written elsewhere: a query a line, .json, .jsonl or .csv.")
@click.option("--database-url", metavar="URL", help="BIRD's mini-dev on a server: mysql://user@host/{database} ...")
@click.option("--match", type=click.Choice(["id", "position"]), help="How predictions are matched [default: either].")
@click.option("--split", help="[default: the one that the literature reports]")
@click.option("--databases", metavar="A,B", help="Questions on these databases only.")
@click.option("--judge", metavar="NAME", help=f"[default: the benchmark's own] {', '.join(JUDGES)}.")
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
@click.option(
    "--turns", type=int, metavar="N", help="Messages about one question, all but the last looks [default: as taught]."
)
@click.option("--results/--no-results", default=True, help="Keep the first rows of both results for the report.")
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
    from sqlrl.cli.scores import show
    from sqlrl.cli.terminal import Terminal, check_target
    from sqlrl.runs import write_lines

    if json_file:
        check_target(json_file)
    config = EvalConfig(benchmark, json=json_file, **flags)
    with Terminal() as terminal:
        found = assess(config, terminal)
        if json_file:
            write_lines(Path(json_file).expanduser(), (item.to_dict() for item in found.items))
        show(found, terminal, config)
