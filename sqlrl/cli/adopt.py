"""`sqlrl adopt`: let a newly trained policy answer for a database, where it is better than the one that does."""

from __future__ import annotations

import click

from sqlrl.executors.errors import UsageError

__all__ = ["command"]

STAYS = 3


@click.command("adopt")
@click.argument("source")
@click.option("--answered", metavar="FILE", help="Answered questions: those held out decide.")
@click.option("--policy", metavar="WORD", help="Who may take over: a run, hf:org/name, http://host/v1#model.")
@click.option("--back", is_flag=True, help="Let the policy before this one answer again.")
@click.option("--seconds", type=click.FloatRange(0, min_open=True), default=30.0, show_default=True,
              help="Processor time of one query.")  # fmt: skip
@click.option("--threads", type=click.IntRange(1), help="Of torch.")
@click.option("--device", help="Of a local policy: cpu, cuda.")
@click.pass_context
def command(
    context: click.Context, source: str, answered: str | None, policy: str | None, back: bool, seconds: float,
    threads: int | None, device: str | None,
) -> None:  # fmt: skip
    """Let POLICY answer `sqlrl ask SOURCE` from now on, if it is better than the policy that does.

    Both answer the held-out questions of FILE. The new one takes over where it has more right and McNemar's exact test
    gives p < 0.05; where fewer than six answers changed, where some were gained and none lost. The old one is kept, and
    --back brings it back. Leaves with 0 where the new one took over, with 3 where the old one stays.
    """
    from sqlrl.cli.terminal import Terminal
    from sqlrl.incumbent import Seat

    if back:
        if answered or policy:
            raise UsageError("--back takes no --answered and no --policy")
        with Terminal() as terminal:
            seat = Seat.of(source)
            with seat.held():
                terminal.print(f"answers again: {seat.give_back().described()}")
        return
    if not answered or not policy:
        raise UsageError("sqlrl adopt takes --answered FILE and --policy WORD, or --back")
    from sqlrl.adoption import adopt

    with Terminal() as terminal:
        found = adopt(source, answered, policy, terminal, device=device, threads=threads, seconds=seconds)
        if found.left_out:
            terminal.say(f"{found.left_out:,} held-out questions are left out: one of the two was taught them")
        terminal.print(found.described())
        context.exit(0 if found.taken else STAYS)
