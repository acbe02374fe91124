"""`sqlrl report`: reopen the report of a run."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command("report")
@click.argument("run")
@click.option("--open", "open_it", is_flag=True, help="Show it in a browser.")
def command(run: str, open_it: bool) -> None:
    """Write the report of a run anew from its folder, draw its plots as PNG files beside it, print what it says."""
    from sqlrl.cli.terminal import Terminal
    from sqlrl.report import headline, write_report
    from sqlrl.runs import Run

    folder = Run.open(run)
    path = write_report(folder)
    with Terminal() as terminal:
        for line in headline(folder):
            terminal.print(line)
        terminal.print(f"report  {path}")
    if open_it:
        import webbrowser

        webbrowser.open(path.resolve().as_uri())
