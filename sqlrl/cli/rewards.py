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

    Nothing is looked up: completions of each kind are made over a database of mini, or over numbered documents for
    search, executed, judged and paid. `sqlrl train --reward PRESET` trains on one.
    """
    from sqlrl.benchmarks import load_judge
    from sqlrl.benchmarks.judges import is_ranking
    from sqlrl.cli.terminal import Terminal
    from sqlrl.rewards.presets import PRESETS, load_preset, presets_for
    from sqlrl.rewards.specimens import measures, pay_out, search_specimens, specimens

    if preset is not None:
        load_preset(preset)
    names = [preset] if preset is not None else list(PRESETS)
    if judge is not None:
        load_judge(judge)
        names = names if preset is not None else presets_for(search=is_ranking(judge))
    paid = pay_out(names, judge)
    asked = {name: search_specimens(measure) for measure, some in measures(names, judge).items() for name in some}
    if len(asked) < len(names):
        asked |= dict.fromkeys((name for name in names if name not in asked), specimens())
    if as_json:
        told = [_told(name, judge, asked[name], paid[name]) for name in names]
        click.echo(json.dumps(told[0] if preset is not None else told, indent=2, ensure_ascii=False))
        return
    with Terminal() as terminal:
        if preset is not None:
            _show_one(terminal, preset, judge, asked[preset], paid[preset])
        else:
            _show_all(terminal, judge, asked, paid)


def _show_all(
    terminal: Terminal,
    judge: str | None,
    asked: Mapping[str, Sequence[Specimen]],
    paid: Mapping[str, Sequence[Payment]],
) -> None:
    """A table for the presets for rows, and one for those for search by each measure."""
    from sqlrl.rewards.presets import load_preset
    from sqlrl.rewards.specimens import measures

    found = measures(list(paid), judge)
    groups = {"": [name for name in paid if not load_preset(name).searches], **found}
    for measure, names in groups.items():
        if not names:
            continue
        rows: list[list[Any]] = [
            [specimen.what, *(_number(paid[name][place].value) for name in names)]
            for place, specimen in enumerate(asked[names[0]])
        ]
        terminal.table(["it finds" if measure else "it ends as", *(f">{_tall(name)}" for name in names)], rows)
        terminal.print()
    terminal.print("-: no reward, since it is nobody's fault.")
    if groups[""]:
        terminal.print(
            "An empty gold: both return no rows; where that is paid, any query that finds nothing earns it\n"
            "(--judge robust pays nobody)."
        )
    terminal.print()
    rows = [[name, judge or load_preset(name).judge, load_preset(name).summary] for name in paid]
    terminal.table(["preset", "judge", ""], rows)


def _show_one(
    terminal: Terminal, name: str, judge: str | None, some: Sequence[Specimen], payments: Sequence[Payment]
) -> None:
    from rich.text import Text

    from sqlrl.evaluation import gold_line
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
    terminal.print(f"\nasked     {some[0].example.question}\ngold      {gold_line(some[0].example.gold)}")
    terminal.print(f"judge     {judge or preset.judge}\nsource    {preset.source}")
    if preset.differs:
        terminal.print(f"differs   {preset.differs}")


def _told(name: str, judge: str | None, some: Sequence[Specimen], payments: Sequence[Payment]) -> dict[str, Any]:
    """What --json writes of one preset."""
    from sqlrl.evaluation import gold_line
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
                "gold": gold_line(specimen.example.gold), "completion": specimen.completion,
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
