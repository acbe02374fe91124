"""`sqlrl data`: list the benchmarks and where their data is, fetch it, or make it from schemas."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sqlrl.cli.synthesize import command as synthesize

if TYPE_CHECKING:
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

    from sqlrl.benchmarks import BENCHMARKS, load_benchmark
    from sqlrl.benchmarks.download import ARCHIVES
    from sqlrl.benchmarks.location import search
    from sqlrl.executors.errors import SqlrlError

    for name, (module_name, *_) in BENCHMARKS.items():
        if name == "mini":
            terminal.print("[bold]mini[/bold]  bundled: made on the spot, nothing to fetch")
            continue
        module = importlib.import_module(f"sqlrl.benchmarks.{module_name}")
        looked = search(name, module.FOLDERS, module.MARKS, data)
        if looked.found is None:
            terminal.print(f"[bold]{name}[/bold]  not found")
            for place in looked.places:
                terminal.print(f"    looked in {place}")
            terminal.print(f"    get it: sqlrl data fetch {name}")
            for archive in ARCHIVES.get(name, ()):
                terminal.out.print(f"    or by hand: {archive.url}", markup=False, soft_wrap=True)
            continue
        terminal.print(f"[bold]{name}[/bold]  {looked.found}")
        try:
            benchmark = load_benchmark(name, data)
        except SqlrlError as error:
            terminal.out.print(f"    cannot be read: {error}", markup=False, soft_wrap=True)
            continue
        for split in benchmark.splits:
            try:
                examples = benchmark.examples(split)
            except SqlrlError as error:
                terminal.out.print(f"    {split}: {error}", markup=False, soft_wrap=True)
                continue
            here = sum(bool(benchmark.sources(example)) for example in examples)
            rest = "" if here == len(examples) else f", {len(examples) - here:,} without their database"
            terminal.print(f"    {split}: {len(examples):,} questions{rest}")
