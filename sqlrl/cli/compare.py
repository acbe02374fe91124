"""`sqlrl compare`: what changed between two evaluations of the same questions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.text import Text

    from sqlrl.cli.terminal import Terminal
    from sqlrl.comparison import Change, Comparison, Pair

__all__ = ["command"]

_MOST = 8  # values of one label: those that changed most


@click.command("compare")
@click.argument("before")
@click.argument("after")
@click.option(
    "--changed", default=5, show_default=True, type=click.IntRange(0), help="Questions gained, and lost, shown."
)
@click.option("--json", "json_file", metavar="OUT.json", help="Write all figures and every question that changed.")
@click.option("--report", "page", metavar="OUT.html", help="Write a page that lists every question, before and after.")
def command(before: str, after: str, changed: int, json_file: str | None, page: str | None) -> None:
    """Compare two evaluations: run folders, or files that `sqlrl eval --json` wrote.

    Questions are matched by id and words. Prints both scores, the difference with its paired 95 % interval and the
    exact p of McNemar's test, where it changed most, and the questions gained and lost.
    """
    from sqlrl.cli.terminal import Terminal, check_target
    from sqlrl.comparison import compare, read_answers
    from sqlrl.runs import write_text

    for option, file in (("--json", json_file), ("--report", page)):
        if file:
            check_target(file, option)
    found = compare(read_answers(before), read_answers(after))
    if json_file:
        text = json.dumps(found.to_dict(), indent=2, ensure_ascii=False) + "\n"
        write_text(Path(json_file).expanduser(), text)
    if page:
        from sqlrl.report.change import write_change

        write_change(found, Path(page).expanduser())
    with Terminal() as terminal:
        _show(found, changed, terminal)


def _show(found: Comparison, changed: int, terminal: Terminal) -> None:
    from rich.table import Table
    from rich.text import Text

    from sqlrl.cli.terminal import percent, points

    what = " ".join(found.after.what[key] for key in ("benchmark", "split") if key in found.after.what)
    judge = f"judge {found.after.what['judge']} · " if "judge" in found.after.what else ""
    terminal.print(Text(what, style="bold").append(f"{' · ' if what else ''}{judge}", style="not bold")
                   .append(f"{found.every.total:,} questions in both", style="not bold"))  # fmt: skip
    terminal.print()
    scores = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold")
    changes = [change for change in (found.every, found.safe) if change is not None]
    for column in ("", *("official", "safe")[: len(changes)], ""):
        scores.add_column(column, justify="right" if column else "left")
    for word, answers, side in (("before", found.before, "before"), ("after", found.after, "after")):
        cells = [percent(getattr(change, side)) for change in changes]
        scores.add_row(f"  {word}", *cells, Text(answers.name))
    differences = [_signed(change.difference) for change in changes]
    scores.add_row("  change", *differences, Text(_intervals(found)))
    terminal.print(scores)
    terminal.print()
    p = f"McNemar's exact p {_p(found.p)}"
    if found.graded_p is not None:
        p += f"; permutation of the scores p {_p(found.graded_p)}"
    line = Text("  ").append(f"{found.every.gained:,} gained", style="green").append(", ")
    terminal.print(line.append(f"{found.every.lost:,} lost", style="red").append(f"; {p}"))
    if any(found.alone):
        terminal.print(f"  not shared: {found.alone[0]:,} only before, {found.alone[1]:,} only after")
    if found.unjudged:
        terminal.print(f"  {found.unjudged:,} shared questions have no mark in one of them")
    for label in sorted(found.by, key=lambda label: (label == "database", label != "difficulty")):
        if len(found.by[label]) > 1:
            _show_label(label, found.by[label], terminal)
    for word, pairs in (("gained", found.gained), ("lost", found.lost)):
        if pairs and changed:
            _show_pairs(word, pairs, changed, terminal)
    terminal.notes(found.notes)
    if points(found.every.difference) in ("+0.0", "-0.0") and not (found.every.gained or found.every.lost):
        terminal.print("\nnothing changed")


def _intervals(found: Comparison) -> str:
    from sqlrl.cli.terminal import points

    low, high = found.interval
    words = f"points, 95 % {points(low)} to {points(high)}"
    if found.across:
        words += f"; over databases {points(found.across[0])} to {points(found.across[1])}"
    return words


def _show_label(label: str, values: Mapping[str, Change], terminal: Terminal) -> None:
    from sqlrl.cli.terminal import percent

    shown = list(values.items())
    if label != "difficulty":
        shown = sorted(shown, key=lambda each: -(each[1].gained + each[1].lost))[:_MOST]
    rows = [
        (
            value, percent(change.before), percent(change.after), _signed(change.difference), f"{change.gained:,}",
            f"{change.lost:,}", f"{change.total:,}",
        )
        for value, change in shown
    ]  # fmt: skip
    terminal.print()
    terminal.table([label.replace("_", " "), ">before", ">after", ">points", ">gained", ">lost", ">of"], rows)
    if len(shown) < len(values):
        terminal.print(f"the {len(shown)} of {len(values)} where most questions changed")


def _show_pairs(word: str, pairs: list[Pair], most: int, terminal: Terminal) -> None:
    from rich.table import Table
    from rich.text import Text

    terminal.print()
    title = Text(word, style="bold green" if word == "gained" else "bold red")
    more = f" ({min(most, len(pairs))} of {len(pairs):,}; --changed {len(pairs)} for all)" if len(pairs) > most else ""
    terminal.print(title.append(more, style="not bold default"))
    for pair in pairs[:most]:
        item = pair.after
        lines = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
        asked = Text(str(item.get("question", item["id"])))
        lines.add_row(" •", "asked", asked.append(f"  {item['id']}, {item.get('db_id', '')}", style="bright_black"))
        lines.add_row("", "before", _answer(pair.before))
        lines.add_row("", "after", _answer(pair.after))
        terminal.print(lines)


def _answer(item: dict[str, Any]) -> Text:
    from rich.text import Text

    query = " ".join(str(item.get("predicted") or "(no query)").split())
    style = "green" if item["correct"] else "red"
    line = Text(query, style=style)
    if not item["correct"]:
        line.append(f"  {str(item.get('reason', 'wrong')).replace('_', ' ')}", style="bright_black")
    return line


def _signed(difference: float) -> Text:
    from rich.text import Text

    from sqlrl.cli.terminal import points

    style = "green" if difference > 0 else "red" if difference < 0 else ""
    return Text(points(difference), style=style)


def _p(p: float) -> str:
    return "below 0.0001" if p < 0.0001 else f"{p:.4f}" if p < 0.01 else f"{p:.3f}"
