"""The command line: one file a command, each imported when it is called."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence

import click

from sqlrl import __version__
from sqlrl.executors.errors import SqlrlError, nearest

__all__ = ["COMMANDS", "cli", "main"]

# word -> what `sqlrl --help` says of it; `sqlrl.cli.<word>` holds the function `command`
COMMANDS = {
    "train": "Train a policy on what its queries return.",
    "eval": "Judge a policy, or predictions from a file, on a benchmark.",
    "distill": "Write a warm start from another policy's answers, kept where their results are right.",
    "compare": "Compare two evaluations: difference, paired test, what changed.",
    "check": "Run every gold of a benchmark; say which fail, return nothing or take long.",
    "run": "Run one read-only query behind the walls: SQLite, DuckDB, Parquet, CSV, PostgreSQL, MariaDB.",
    "ask": "Put a question to a database and see the query and its rows; --chat goes on.",
    "serve": "Serve a database or a search index as an HTTP API, with a page to try it.",
    "mcp": "Offer a database or search engine to a language model's host, over the Model Context Protocol.",
    "data": "List the benchmarks and where their data is, or fetch it.",
    "report": "Reopen the report of a run.",
    "rewards": "Show what each reward preset pays for, by running it.",
    "demo": "Train the small policy on the bundled benchmark and show what was gained.",
    "reproduce": "Run every arm on several seeds and write the comparison table.",
    "recipes": "List the settings for training, by machine and size, or show one.",
    "doctor": "Say what this machine has: walls, processors, packages, data.",
}
BAD_INPUT, BUG, INTERRUPTED = 2, 1, 130


class LazyGroup(click.Group):
    """Knows its commands by name and imports one only to run it, so that --help stays quick."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        import importlib

        command: click.Command = importlib.import_module(f"sqlrl.cli.{name}").command
        return command

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            context.fail(f"no command {args[0]!r}{nearest(args[0], COMMANDS)}")
        return super().resolve_command(context, args)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="`sqlrl COMMAND --help` says more of each. `sqlrl demo` shows it at work; nothing is downloaded.",
)
@click.version_option(__version__, message="sqlrl %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Train, judge and embed small language models that write queries, rewarded for what their queries return."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command. Leaves with 0, with 2 and one line for bad input, with 1 for a bug of ours."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # --debug is taken anywhere on the line: who sees an error adds it at the end.
    flags = arguments[: arguments.index("--")] if "--" in arguments else arguments
    debug = "--debug" in flags
    arguments = [argument for argument in arguments if argument != "--debug"] if debug else arguments
    try:
        code = cli.main(args=arguments, prog_name="sqlrl", standalone_mode=False)
    except Exception as error:
        if debug:
            raise
        code = _explain(error)
    except KeyboardInterrupt:
        click.echo("\nsqlrl: interrupted", err=True)
        code = INTERRUPTED
    sys.exit(code if isinstance(code, int) else 0)


def _explain(error: Exception) -> int:
    """One line on what went wrong, and the exit code that belongs to it."""
    if isinstance(error, click.Abort):
        click.echo("sqlrl: interrupted", err=True)
        return INTERRUPTED
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return BAD_INPUT
    if isinstance(error, click.ClickException):
        command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "sqlrl"
        click.echo(f"{command}: {' '.join(error.format_message().split())}", err=True)
        return BAD_INPUT
    if isinstance(error, SqlrlError):
        click.echo(f"sqlrl: {' '.join(str(error).split())}", err=True)
        return BAD_INPUT
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BUG
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
        click.echo(f"sqlrl: {error.strerror}: {error.filename or 'while writing'}", err=True)
        return BAD_INPUT
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        click.echo("sqlrl: out of memory: take fewer --questions, a smaller policy or --lora 16", err=True)
        return BAD_INPUT
    line = " ".join(str(error).split())[:300]
    click.echo(f"sqlrl: a bug: {type(error).__name__}: {line} (run it again with --debug for the traceback)", err=True)
    return BUG
