"""`sqlrl mcp`: a source for language models, over the Model Context Protocol on standard input and output."""

from __future__ import annotations

from typing import Any

import click

from sqlrl.executors.errors import UsageError

__all__ = ["command"]

_PATIENCE = 3.0  # seconds


@click.command("mcp")
@click.argument("source")
@click.option("--policy", envvar="SQLRL_POLICY", metavar="WORD", help="Who writes the queries of `ask`: a run, "
              "hf:org/name, http://host/v1#model [default: $SQLRL_POLICY]; without one there is no `ask`.")  # fmt: skip
@click.option("--tables", metavar="NAMES", help="The only tables that may be read, with commas between.")
@click.option("--rows", type=click.IntRange(1), default=100, show_default=True, help="At most so many rows.")
@click.option("--timeout", type=float, default=60.0, show_default=True, help="Seconds for a whole call.")
@click.option("--role", help="PostgreSQL: the role to act as, where the user of the URL could do more than read.")
@click.option("--samples", type=click.IntRange(1), default=1, show_default=True, help="Queries that vote by results.")
@click.option("--repairs", type=click.IntRange(0), default=2, show_default=True, help="Times an error is given back.")
@click.option("--values/--no-values", default=True, show_default=True, help="Whether cells are looked up for prompts.")
@click.option("--device", help="Of a local policy: cpu, cuda.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Queries that run at once.")
@click.option("--audit", metavar="FILE", help="Add a line of JSON for each call.")
def command(source: str, timeout: float, tables: str | None, values: bool, **given: Any) -> None:
    """Offer SOURCE to a language model's host, which starts this command and speaks with it by standard input and
    output: tools `ask`, `run_query` and `describe`; of a search engine `ask`, `search` and `fetch`. All is read-only.

    SOURCE is what `sqlrl run` takes. Ends when standard input does. docs/mcp.md says how hosts are told of it.
    """
    import signal
    import sys

    from sqlrl.executors import Limits
    from sqlrl.layer import connect
    from sqlrl.server.mcp import only_protocol, require, serve
    from sqlrl.server.tools import tools_of

    if not 0 < timeout <= 86_400:
        raise UsageError(f"--timeout is a number of seconds above 0 and at most a day, not {timeout:g}")
    chosen = [name.strip() for name in tables.split(",") if name.strip()] if tables is not None else None
    if chosen is not None and not chosen:
        raise UsageError("--tables names no table")
    require()
    given["policy"] = given["policy"] or None
    cells: dict[str, Any] = {} if values else {"values": 0}
    with only_protocol():
        connection = connect(source, tables=chosen, deadline=timeout, limits=Limits(seconds=timeout), **given, **cells)
    try:
        # The thread that reads standard input cannot be woken: a signal ends the workers, and then the process.
        signal.signal(signal.SIGTERM, lambda number, frame: _leave(connection, 0))
        signal.signal(signal.SIGINT, lambda number, frame: _leave(connection, 130))
        offered = ", ".join(tools_of(connection))
        print(
            f"sqlrl: {connection.source} over MCP on standard input and output: {offered}", file=sys.stderr, flush=True
        )
        serve(connection)
    finally:
        connection.close()


def _leave(connection: Any, code: int) -> None:
    """End the workers, and the process, whatever either is in the middle of."""
    import os
    import threading

    closing = threading.Thread(target=connection.close, daemon=True)
    closing.start()
    closing.join(_PATIENCE)  # who was interrupted here may hold what closing waits for
    os._exit(code)
