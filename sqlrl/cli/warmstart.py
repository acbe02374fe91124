"""The offer of a warm start: where no policy is named, the one that is kept answers, or a small one is made."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from sqlrl.executors.errors import UsageError

if TYPE_CHECKING:
    from sqlrl.cli.terminal import Terminal
    from sqlrl.incumbent import Seat

__all__ = ["kept_policy", "policy_for"]

# Measured: `python benchmarks/speed/warmstart.py`, whose table is in docs/layer.md.
_MINUTES = "2 to 3"
_OWN, _PEOPLES = "5 to 7", "0 to 2"  # of ten questions: the grammar's own that are held out, and people's


def policy_for(
    source: str, terminal: Terminal, *, warm_start: bool = False, ask: bool = False,
    tables: Sequence[str] | None = None, role: str | None = None,
) -> str | None:  # fmt: skip
    """The policy that is kept for this database as it is now; else a small one, made on the spot where that is wanted.

    None for a search engine, whose query the question itself can be. warm_start: make one without a question. ask:
    whether there is somebody to be asked. UsageError, which names the flag, where there is none and nobody to ask.
    """
    from sqlrl.executors.address import is_search
    from sqlrl.executors.source import is_server
    from sqlrl.incumbent import Seat

    if is_search(source):
        terminal.say("no policy is configured: the question is the query")
        return None
    seat = Seat.of(source, tables=tables, role=role)
    if (kept := _kept(seat, terminal.say)) is not None:
        return kept
    stale = seat.stale() if tables is None and role is None else None  # these hide tables, and no schema has changed
    if stale is not None:
        terminal.say(f"the schema has changed since this database's policy was made: {stale.described()}")
    if tables is not None or role is not None:
        raise UsageError(
            "no policy is configured: give --policy WORD or set $SQLRL_POLICY; a warm start reads the whole database, "
            f"so there is none with {'--tables' if tables is not None else '--role'}"
        )
    if not warm_start and not (ask and _wanted(terminal, seat)):
        shown = seat.source if is_server(source) else source  # without a password
        raise UsageError(
            "no policy is configured: give --policy WORD or set $SQLRL_POLICY; --warm-start makes a small one for "
            f"{shown} in about {_MINUTES} minutes, and `sqlrl train {shown} --answered FILE` a better one"
        )
    return _make(source, seat, terminal)


def kept_policy(
    source: str, say: Callable[[str], None], *, tables: Sequence[str] | None = None, role: str | None = None
) -> str | None:
    """The policy that is kept for this database as it is now, and a line that says which; None where there is none."""
    from sqlrl.executors.address import is_search
    from sqlrl.incumbent import Seat

    return None if is_search(source) else _kept(Seat.of(source, tables=tables, role=role), say)


def _kept(seat: Seat, say: Callable[[str], None]) -> str | None:
    present = seat.present
    if present is None:
        return None
    if seat.incumbent is not None and seat.incumbent is not present:
        say(f"{seat.incumbent.policy} is not there any more: the policy before it answers")
    say(f"policy {present.described()}")
    return present.policy


def _wanted(terminal: Terminal, seat: Seat) -> bool:
    """What there is to gain, and whether that is wanted. MissingExtraError before anybody says yes to nothing."""
    from sqlrl.training.run import need_extra

    need_extra()
    tables = "its one table" if seat.tables == 1 else f"its {seat.tables:,} tables"
    begun = (seat.folder / "warm-start" / "checkpoints").is_dir()
    terminal.say(
        "No policy is configured (--policy, $SQLRL_POLICY). A small one can be trained on questions that a grammar\n"
        f"writes about {tables}. It is no language model: where it was measured it answers {_OWN} of 10 of\n"
        f"that grammar's simple questions, and {_PEOPLES} of 10 that people ask in words of their own. What you mark\n"
        "as right in --chat teaches it more."
    )
    if begun:
        terminal.say("One was begun and interrupted: it goes on from there.")
    return click.confirm(f"Train one now? about {_MINUTES} minutes on a free processor", default=True, err=True)


def _make(source: str, seat: Seat, terminal: Terminal) -> str:
    from sqlrl.training.run import Interrupted, need_extra

    need_extra()
    from sqlrl.training.warmstart import warm_start

    try:
        made = warm_start(source, seat, terminal)
    except Interrupted:
        terminal.say("stopped: no policy is kept of what is half made; the same command goes on from here")
        sys.exit(130)
    terminal.say(f"policy {made.described()}")
    return made.policy
