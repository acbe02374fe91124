"""`sqlrl run`: run one read-only query behind the sandbox's walls or a server's, and show what it returns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click

from sqlrl.cli.cells import distinct, plain, show_table
from sqlrl.executors.errors import UsageError

__all__ = ["command"]

TABLE_ROWS = 100  # shown as a table unless --limit says otherwise: its columns are as wide as their widest cell


@click.command("run")
@click.argument("source")
@click.argument("query", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a row, as rows come, however many.")
@click.option("--limit", type=click.IntRange(1), help=f"At most so many rows [default: {TABLE_ROWS} in a table].")
@click.option("--timeout", type=float, default=30.0, show_default=True, help="Processor seconds of the query.")
@click.option("--tables", metavar="NAMES", help="The only tables that may be read, with commas between.")
@click.option("--role", help="PostgreSQL: the role to act as, where the user of the URL could do more than read.")
@click.option("--schema", is_flag=True, help="Show the source's schema instead: keys, types, how many rows.")
@click.option("--notes", metavar="DIR", help="With --schema: a folder of column descriptions, as BIRD has them.")
def command(
    source: str, query: str | None, as_json: bool, limit: int | None, timeout: float, tables: str | None,
    role: str | None, schema: bool, notes: str | None,
) -> None:  # fmt: skip
    """Run one read-only QUERY (- reads it from standard input) against SOURCE and show what it returns.

    SOURCE is a SQLite or DuckDB file, a Parquet or CSV file, or a folder of these: a path, or sqlite:///shop.sqlite,
    duckdb:///shop.duckdb, parquet:///folder, csv:///folder; or a server's database, postgresql://user@host/shop or
    mysql://user@host/shop, whose password is best left to ~/.pgpass and $PGPASSWORD or to a question mark and
    read_default_file=~/.my.cnf; or an index, bm25:///folder, whose hits are shown best first. Whatever the query
    tries, nothing is written; what is refused says why, and leaves
    with 2.
    """
    import io
    import sys

    from sqlrl.cli.terminal import Terminal
    from sqlrl.executors import Limits, open_executor

    if not 0 < timeout <= 1e6:
        raise UsageError(f"--timeout is a number of seconds above 0 and at most a million, not {timeout:g}")
    if schema == (query is not None):
        raise UsageError("sqlrl run takes a QUERY, or --schema")
    if notes and not schema:
        raise UsageError("--notes goes with --schema")
    if schema and (as_json or limit is not None):
        raise UsageError(f"{'--json' if as_json else '--limit'} goes with a QUERY, not with --schema")
    chosen = [name.strip() for name in tables.split(",") if name.strip()] if tables is not None else None
    if chosen is not None and not chosen:
        raise UsageError("--tables names no table")
    if query == "-":
        query = _read_input()
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal may lack letters that a cell has
        sys.stdout.reconfigure(errors="replace")
    with open_executor(source, limits=Limits(seconds=timeout), workers=1, tables=chosen, role=role) as executor:
        if query is None:
            text = executor.describe(notes=notes)
            if not text:
                raise UsageError(f"no such table in {source}: {tables}" if chosen else f"{source} has no tables")
            click.echo("".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text))
            return
        with executor.stream(query) as stream:
            if as_json:
                _write_lines(stream.columns, _first(stream, limit))
            else:
                with Terminal() as terminal:
                    _show(terminal, stream.columns, _first(stream, (limit or TABLE_ROWS) + 1), limit or TABLE_ROWS)


def _read_input() -> str:
    """The query on standard input."""
    import sys

    if sys.stdin is None:
        raise UsageError("standard input is closed: there is no query to read")
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"the query on standard input is not UTF-8, from byte {error.start} on") from None


def _first(rows: Any, count: int | None) -> Iterator[Sequence[Any]]:
    for index, row in enumerate(rows):
        if index == count:
            return
        yield row


def _write_lines(columns: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
    import json
    import sys

    names = distinct([plain(column) for column in columns])
    escaped = "utf" not in (getattr(sys.stdout, "encoding", None) or "").lower()
    for row in rows:
        values = [plain(cell) for cell in row]
        sys.stdout.write(json.dumps(dict(zip(names, values, strict=True)), ensure_ascii=escaped) + "\n")
    sys.stdout.flush()


def _show(terminal: Any, columns: Sequence[str], rows: Iterator[Sequence[Any]], most: int) -> None:
    found = list(rows)
    shown = found[:most]
    show_table(terminal, columns, shown)
    if len(found) > most:
        terminal.say(f"the first {most:,} rows; --limit shows more, --json all of them")
    else:
        terminal.say(f"{len(shown):,} row{'' if len(shown) == 1 else 's'}")
