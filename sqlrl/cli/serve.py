"""`sqlrl serve`: a source and a policy as an HTTP API, with a page to try it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sqlrl.executors.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    import socket

    from sqlrl.server.tokens import Tokens

__all__ = ["command"]


@click.command("serve")
@click.argument("source")
@click.option("--policy", envvar="SQLRL_POLICY", metavar="WORD", help="A run, hf:org/name, http://host/v1#model "
              "[default: $SQLRL_POLICY]; without one, queries can be run and explained.")  # fmt: skip
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to serve at.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8080, show_default=True, help="0 for any that is free.")
@click.option("--token-file", metavar="FILE", help="Tokens that clients must show, one a line, each after a name or "
              "alone [default: $SQLRL_TOKEN, one token].")  # fmt: skip
@click.option("--no-token", is_flag=True, help="Serve other machines without any token.")
@click.option("--allow-host", multiple=True, metavar="NAME", help="A name that the server is called by, where it is "
              "not this machine's: behind a proxy that passes names on.")  # fmt: skip
@click.option("--proxy", multiple=True, metavar="ADDRESS", help="A proxy whose X-Forwarded-For is believed.")
@click.option("--tables", metavar="NAMES", help="The only tables that may be read, with commas between.")
@click.option("--role", help="PostgreSQL: the role to act as, where the user of the URL could do more than read.")
@click.option("--rows", type=click.IntRange(1), default=1_000, show_default=True, help="Of an answer, at most.")
@click.option("--timeout", type=float, default=60.0, show_default=True, help="Seconds for a whole answer.")
@click.option("--samples", type=click.IntRange(1), default=1, show_default=True, help="Queries that vote by results.")
@click.option("--repairs", type=click.IntRange(0), default=2, show_default=True, help="Times an error is given back.")
@click.option("--values/--no-values", default=True, show_default=True, help="Whether cells are looked up for prompts.")
@click.option("--device", help="Of a local policy: cpu, cuda.")
@click.option("--answered", metavar="FILE", help="Keep marks here, for `sqlrl train SOURCE --answered FILE`.")
@click.option("--audit", metavar="FILE", help="Add a line of JSON for each call.")
@click.option("--max-body", type=click.IntRange(1_024), default=1 << 20, show_default=True, help="Bytes of a request.")
@click.option("--concurrency", type=click.IntRange(1), default=16, show_default=True, help="Calls at once.")
@click.option("--queue", type=click.IntRange(0), default=64, show_default=True, help="Further calls that may wait.")
@click.option("--rate", type=click.FloatRange(0), default=20.0, show_default=True, help="Requests of one client a "
              "second, twice as many at once; 0 for any number.")  # fmt: skip
@click.option("--workers", type=click.IntRange(1), help="Processes, or connections, that run queries [default: one for "
              "each processor].")  # fmt: skip
@click.option("--grace", type=click.IntRange(0, 3_600), default=15, show_default=True, help="Seconds for calls in "
              "flight when the server is stopped.")  # fmt: skip
def command(
    source: str, host: str, port: int, token_file: str | None, no_token: bool, allow_host: tuple[str, ...],
    proxy: tuple[str, ...], tables: str | None, timeout: float, answered: str | None, values: bool, **given: Any,
) -> None:  # fmt: skip
    """Serve SOURCE, which is what `sqlrl ask` takes, or a search index: an HTTP API under /api, and a page at /.

    One line says where, once calls are taken. SIGTERM or Ctrl-C lets those in flight end; the second one ends at once.
    Other machines are served with a token alone, unless --no-token is given.
    """
    _need()
    if not 0 < timeout <= 86_400:
        raise UsageError(f"--timeout is a number of seconds above 0 and at most a day, not {timeout:g}")
    chosen = [name.strip() for name in tables.split(",") if name.strip()] if tables is not None else None
    if chosen is not None and not chosen:
        raise UsageError("--tables names no table")
    for address in proxy:
        _check_address(address)
    if answered is not None:
        _check_writable(Path(answered).expanduser())
    tokens = _tokens(token_file)

    from sqlrl.server.serving import bind, is_loopback

    with bind(host, port) as bound:
        local = is_loopback(bound)
        if not local and not tokens and not no_token:
            raise UsageError(
                f"{host} is reached from other machines: give --token-file FILE, or --no-token to serve all"
            )
        hosts = {"localhost", "127.0.0.1", "::1", host.lower(), *map(str.lower, allow_host)} if local else None
        _serve(source, bound, tokens, hosts, set(proxy), chosen, timeout, answered, values, given)


def _serve(
    source: str, bound: socket.socket, tokens: Tokens, hosts: Collection[str] | None, proxies: Collection[str],
    tables: list[str] | None, timeout: float, answered: str | None, values: bool, given: dict[str, Any],
) -> None:  # fmt: skip
    from sqlrl.cli.warmstart import kept_policy
    from sqlrl.executors import Limits
    from sqlrl.layer import Retriever, connect
    from sqlrl.server.app import make_app
    from sqlrl.server.limits import Bounds
    from sqlrl.server.metrics import Metrics
    from sqlrl.server.serving import Server, return_memory

    return_memory()
    bounds = Bounds(
        concurrency=given["concurrency"], queue=given["queue"], rate=given["rate"], burst=2 * given["rate"],
        body_bytes=given["max_body"], grace_seconds=given["grace"],
    )  # fmt: skip
    if not given["policy"]:
        given["policy"] = kept_policy(
            source, lambda words: click.echo(words, err=True), tables=tables, role=given["role"]
        )
    names = ("policy", "role", "rows", "samples", "repairs", "device", "audit", "workers")
    settings = {name: given[name] for name in names} | ({} if values else {"values": 0})
    # Of many answers at once, each stands in this process's memory.
    limits = Limits(seconds=timeout, bytes=8 << 20)
    with connect(source, tables=tables, deadline=timeout, limits=limits, **settings) as connection:
        if answered is not None and isinstance(connection, Retriever):
            raise UsageError("--answered is for databases: of a search engine's answers no marks are kept")
        metrics = Metrics()
        app = make_app(connection, tokens=tokens, answered=answered, bounds=bounds, hosts=hosts, metrics=metrics)

        def ready() -> None:
            click.echo(f"serving {connection.source} at {_address(bound)}")

        try:
            Server(app, bounds, metrics, proxies=proxies, ready=ready).run([bound])
        except OSError as error:
            raise UsageError(f"cannot serve at {_address(bound)}: {(error.strerror or str(error)).lower()}") from None


def _need() -> None:
    try:
        import fastapi
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(error.name or "fastapi", "serve") from None
    del fastapi


def _tokens(file: str | None) -> Tokens:
    """From the file, else from the environment; none where there is neither."""
    import os

    from sqlrl.server.tokens import Tokens

    if file is not None:
        return Tokens.read(Path(file).expanduser())
    given = os.environ.get("SQLRL_TOKEN", "").strip()
    return Tokens.of(given, "$SQLRL_TOKEN") if given else Tokens({})


def _check_address(text: str) -> None:
    import ipaddress

    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise UsageError(f"--proxy is an address such as 10.0.0.2, not {text!r}") from None


def _check_writable(file: Path) -> None:
    """Marks are written beside the file and renamed."""
    import os

    if file.is_dir():
        raise UsageError(f"--answered {file} is a folder")
    if not os.access(file.parent, os.W_OK):
        raise UsageError(f"--answered {file} cannot be written: its folder is not there, or not ours to write in")


def _address(bound: socket.socket) -> str:
    """What to type into a browser."""
    host, port = bound.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"
