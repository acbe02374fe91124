"""`sqlrl data`: list the benchmarks and fetch their data, make databases, index documents, write questions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sqlrl.cli.index import command as index
from sqlrl.cli.synthesize import command as synthesize

if TYPE_CHECKING:
    from rich.text import Text

    from sqlrl.cli.terminal import Terminal

__all__ = ["command"]


@click.group("data", invoke_without_command=True)
@click.option("--data", metavar="DIR", help="Folder to look below [default: $SQLRL_DATA, then the cache].")
@click.pass_context
def command(context: click.Context, data: str | None) -> None:
    """List the benchmarks: where each was looked for, what was found, and how to get what is missing."""
    if context.invoked_subcommand is None:
        from sqlrl.cli.terminal import Terminal

        with Terminal() as terminal:
            _list(data, terminal)


command.add_command(index)
command.add_command(synthesize)


@command.command("fetch")
@click.argument("benchmarks", nargs=-1, required=True)
@click.option("--data", metavar="DIR", help="Folder to put it below [default: the user's cache].")
def fetch(benchmarks: tuple[str, ...], data: str | None) -> None:
    """Download benchmarks from their public homes. A download that was cut off goes on where it stopped."""
    from sqlrl.benchmarks.download import fetch as fetch_one
    from sqlrl.cli.terminal import Terminal

    with Terminal() as terminal:
        for name in benchmarks:
            mover = _Mover(terminal, name)
            for folder, digest in fetch_one(name, Path(data).expanduser() if data else None, advance=mover):
                terminal.print(f"{name}: {folder} (sha256 of its archive: {digest})")


class _Mover:
    """Moves a progress bar by megabytes; the size is known only when the server answers."""

    def __init__(self, terminal: Terminal, name: str) -> None:
        self.terminal = terminal
        self.name = name
        self.total = -1
        self.rest = 0

    def __call__(self, count: int, total: int) -> None:
        if total != self.total:
            self.total = total
            self.advance = self.terminal.start(f"{self.name} (MB)", max(1, total // 1_000_000))
        self.rest += count
        whole, self.rest = divmod(self.rest, 1_000_000)
        if whole:
            self.advance(whole, "")


def _list(data: str | None, terminal: Terminal) -> None:
    import importlib

    from rich.text import Text

    from sqlrl.benchmarks import BENCHMARKS, load_benchmark
    from sqlrl.benchmarks.download import ARCHIVES
    from sqlrl.benchmarks.location import search
    from sqlrl.executors.errors import SqlrlError

    for name, (module_name, *_) in BENCHMARKS.items():
        if name == "mini":
            terminal.print(_titled("mini", "bundled: made on the spot, nothing to fetch"))
            continue
        module = importlib.import_module(f"sqlrl.benchmarks.{module_name}")
        folders = module.FOLDERS[name] if isinstance(module.FOLDERS, dict) else module.FOLDERS
        looked = search(name, folders, module.MARKS, data)
        if looked.found is None:
            terminal.print(_titled(name, "not found"))
            for place in looked.places:
                terminal.print(f"    looked in {place}")
            if name in ARCHIVES:
                terminal.print(f"    get it: sqlrl data fetch {name}")
            else:
                terminal.print(Text(f"    get it: {module.ORIGINS[name]}"))
            for archive in ARCHIVES.get(name, ()):
                terminal.print(Text(f"    or by hand: {archive.url}"))
            continue
        terminal.print(_titled(name, str(looked.found)))
        try:
            benchmark = load_benchmark(name, data)
        except SqlrlError as error:
            terminal.print(Text(f"    cannot be read: {error}"))
            continue
        for split in benchmark.splits:
            try:
                examples = benchmark.examples(split)
            except SqlrlError as error:
                terminal.print(Text(f"    {split}: {error}"))
                continue
            if benchmark.answer_key == "query":  # whose source is an index: listing builds none
                terminal.print(f"    {split}: {len(examples):,} questions")
                continue
            here = sum(bool(benchmark.sources(example)) for example in examples)
            rest = "" if here == len(examples) else f", {len(examples) - here:,} without their database"
            terminal.print(f"    {split}: {len(examples):,} questions{rest}")
        if benchmark.answer_key == "query":
            for note in benchmark.notes():
                terminal.print(Text(f"    {note}"))


def _titled(name: str, words: str) -> Text:
    from rich.text import Text

    return Text(name, style="bold").append(f"  {words}", style="not bold")


@command.command("questions")
@click.argument("source")
@click.option("--count", default=20, show_default=True, type=click.IntRange(1), help="Questions to write.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of everything that is drawn.")
@click.option("--tables", metavar="A,B", help="Ask about these tables only.")
@click.option("--json", "json_file", metavar="OUT.jsonl", help="Write one line a question.")
def questions(source: str, count: int, seed: int, tables: str | None, json_file: str | None) -> None:
    """Show the questions that the grammar writes about any database, each with a query that ran there.

    SOURCE: sqlite:///shop.db, duckdb:///shop.duckdb, csv:///folder, postgresql://reader@host/shop, or a path. It is
    what `sqlrl train SOURCE --answered FILE` starts from. A question's words may have several readings: each query is
    one.
    """
    from sqlrl.benchmarks.generation.questionnaire import write_questions
    from sqlrl.cli.terminal import Terminal, check_target
    from sqlrl.executors import Limits, open_executor
    from sqlrl.runs import write_text

    if json_file:
        check_target(json_file)
    chosen = [name.strip() for name in tables.split(",") if name.strip()] if tables else None
    with Terminal() as terminal, open_executor(source, limits=Limits(seconds=2.0), tables=chosen) as executor:
        advance = terminal.start("writing", count)
        found = write_questions(executor, count, seed, advance=lambda number: advance(number, ""))
        if json_file:
            lines = [
                {"question": d.question, "query": d.query, "shape": d.shape, "tables": d.tables} for d in found.drafts
            ]
            write_text(Path(json_file).expanduser(), "".join(json.dumps(x, ensure_ascii=False) + "\n" for x in lines))
        else:
            for draft in found.drafts:
                terminal.verbatim(f"{draft.question}\n    {draft.query}")
        ran = len(found.drafts) + found.empty
        terminal.print(
            f"{len(found.drafts):,} questions kept; of {ran + found.failed.total():,} written, "
            f"{found.failed.total():,} did not run and {len(found.drafts) / max(1, ran):.1%} of the others return "
            f"something; {found.repeated:,} repetitions left out; {found.ambiguous:,} questions have several queries"
        )
        shapes = ", ".join(f"{shape} {number:,}" for shape, number in found.shapes.most_common())
        terminal.print(f"shapes: {shapes}")
