"""`sqlrl rewards`: what each reward preset pays for, by running it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sqlrl.cli.terminal import Terminal
    from sqlrl.rewards.execution import Payment
    from sqlrl.rewards.specimens import Specimen

__all__ = ["command"]


@click.command("rewards")
@click.argument("preset", required=False)
@click.option("--judge", help="Judge in place of the presets' own.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON, with the completions and every part.")
def command(preset: str | None, judge: str | None, as_json: bool) -> None:
    """Show what each reward preset pays for, or what PRESET pays, part by part, and whose table it is.

    Nothing is looked up: completions of each kind are made over a database of mini, executed, judged and paid.
    `sqlrl train --reward PRESET` trains on one.
    """
    from sqlrl.benchmarks import load_judge
    from sqlrl.cli.terminal import Terminal
    from sqlrl.rewards.presets import PRESETS, load_preset
    from sqlrl.rewards.specimens import pay_out, specimens

    if preset is not None:
        load_preset(preset)
    if judge is not None:
        load_judge(judge)
    names = [preset] if preset is not None else list(PRESETS)
    some = specimens()
    paid = pay_out(names, judge, some)
    if as_json:
        told = [_told(name, judge, some, paid[name]) for name in names]
        click.echo(json.dumps(told[0] if preset is not None else told, indent=2, ensure_ascii=False))
        return
    with Terminal() as terminal:
        if preset is not None:
            _show_one(terminal, preset, judge, some, paid[preset])
        else:
            _show_all(terminal, judge, some, paid)


def _show_all(
    terminal: Terminal, judge: str | None, some: Sequence[Specimen], paid: Mapping[str, Sequence[Payment]]
) -> None:
    from sqlrl.rewards.presets import load_preset

    rows = [
        [specimen.what, *(_number(payments[place].value) for payments in paid.values())]
        for place, specimen in enumerate(some)
    ]
    terminal.table(["it ends as", *(f">{_tall(name)}" for name in paid)], rows)
    terminal.print(
        "\n-: no reward, since it is nobody's fault. An empty gold: both return no rows; where that is paid,\n"
        "any query that finds nothing earns it (--judge robust pays nobody).\n"
    )
    rows = [[name, judge or load_preset(name).judge, load_preset(name).summary] for name in paid]
    terminal.table(["preset", "judge", ""], rows)


def _show_one(
    terminal: Terminal, name: str, judge: str | None, some: Sequence[Specimen], payments: Sequence[Payment]
) -> None:
    from rich.text import Text

    from sqlrl.rewards.presets import load_preset

    preset = load_preset(name)
    terminal.print(Text.assemble((name, "bold"), f": {preset.summary}\n"))
    rows = [
        [
            specimen.what,
            *(_number(None if payment.parts is None else getattr(payment.parts, part)) for part in preset.paid_for),
            _number(payment.value), payment.reason,
        ]
        for specimen, payment in zip(some, payments, strict=True)
    ]  # fmt: skip
    columns = ["it ends as", *(f">{part}" for part in preset.paid_for), ">reward", "reason"]
    terminal.table(columns, rows)
    terminal.print(f"\nasked     {some[0].example.question}\ngold      {some[0].example.gold.query}")
    terminal.print(f"judge     {judge or preset.judge}\nsource    {preset.source}")
    if preset.differs:
        terminal.print(f"differs   {preset.differs}")


def _told(name: str, judge: str | None, some: Sequence[Specimen], payments: Sequence[Payment]) -> dict[str, Any]:
    """What --json writes of one preset."""
    from sqlrl.rewards.presets import load_preset

    preset = load_preset(name)
    return {
        "preset": name, "judge": judge or preset.judge, "summary": preset.summary, "source": preset.source,
        "differs": preset.differs,
        "pays": {
            specimen.name: {
                "reward": payment.value,
                "parts": None if payment.parts is None
                else {part: getattr(payment.parts, part) for part in preset.paid_for},
                "kind": payment.kind, "reason": payment.reason, "what": specimen.what,
                "gold": specimen.example.gold.query, "completion": specimen.completion,
            }
            for specimen, payment in zip(some, payments, strict=True)
        },
    }  # fmt: skip


def _number(value: float | None) -> Any:
    from rich.text import Text

    if value is None:
        return Text("-", style="dim")
    return Text(f"{round(value, 3):g}", style="green" if value > 0 else "red" if value < 0 else "")


def _tall(name: str) -> str:
    """A preset's name in narrow lines."""
    return name.replace("deepretrieval-", "deep-\nretrieval-\n").replace("-r1", "-\nr1").replace("-f1", "-\nf1")
