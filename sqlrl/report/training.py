"""A training run's part of a page: what each stage came to, the plots of its steps, what was learnt and lost."""

from __future__ import annotations

import base64
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from sqlrl.evaluation import rank
from sqlrl.report.charts import bars, dial, shifts, stack
from sqlrl.report.elements import Card, columns, table, tile
from sqlrl.report.evaluation import percent
from sqlrl.report.listing import labels_of
from sqlrl.statistics import wilson

__all__ = ["stage_cards", "stage_scores", "stage_tiles", "when"]

Items = Sequence[Mapping[str, Any]]


def stage_scores(summary: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """(name, validation score) of each stage that has come so far."""
    stages = summary.get("stages", {})
    return [(name.partition("-")[2] or name, s["validation"]) for name, s in stages.items() if "validation" in s]


def when(name: str) -> str:
    """What a reader calls the moment of a stage's score."""
    return "before training" if name == "start" else f"after {name}"


def stage_tiles(summary: Mapping[str, Any]) -> Iterable[str]:
    """One a stage."""
    for name, score in stage_scores(summary):
        low, high = (100 * value for value in score["interval"])
        words = f"{score['right']:,} of {score['total']:,} validation questions; {low:.1f} to {high:.1f}"
        yield tile(when(name), percent(score), words, dial(score))


def stage_cards(summary: Mapping[str, Any], items: Items, before: Items, plots: Sequence[Path]) -> Iterable[str]:
    """The test split, the plots, and the validation questions by label; of an evaluation nothing.

    items: as the last stage answered them; before: as the first did, nothing where there is only one.
    """
    if summary.get("evaluation"):
        return
    if summary.get("test"):
        names = ("questions", "asked", "before", "after", "95 % interval after")
        yield str(Card("On questions never seen: the test split", table(names, list(_test_rows(summary["test"])))))
    if plots:
        yield str(Card("Training", f'<div class="plots">{"".join(_picture(plot) for plot in plots)}</div>'))
    else:
        yield "<p class=\"note\">No plots: matplotlib is not installed (pip install 'sqlrl[report]').</p>"
    if before:
        yield from _changes(summary, items, before)
    elif items:
        yield columns([*_by_label(items), _verdicts(items)])


def _test_rows(rows: Sequence[Mapping[str, Any]]) -> Iterable[tuple[str, ...]]:
    for row in rows:
        share, low, high = (100 * value for value in row["after"])
        before = 100 * row["before"][0]
        yield row["what"], f"{row['total']:,}", f"{before:.1f} %", f"{share:.1f} %", f"{low:.1f} to {high:.1f}"


def _picture(path: Path) -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img alt="{escape(path.stem)}" src="data:image/png;base64,{data}">'


def _by_label(items: Items) -> Iterable[Card]:
    found: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for item in items:
        for label, value in labels_of(item).items():
            found[label][value].append(bool(item["correct"]))
    for label in _ordered(found):
        values = {
            value: {"mean": sum(marks) / len(marks), "total": len(marks), "interval": wilson(sum(marks), len(marks))}
            for value, marks in sorted(found[label].items(), key=rank)
        }
        if len(values) > 1:
            title = f"Validation accuracy by {label.replace('_', ' ')}"
            yield Card(title, bars(label, values), len(values))


def _verdicts(items: Items) -> Card:
    return Card("What the judge said", stack("reason", Counter(str(item["reason"]) for item in items)), 3)


def _changes(summary: Mapping[str, Any], items: Items, before: Items) -> Iterable[str]:
    """How many questions were learnt or lost between the first stage and the last, and where."""
    was = {str(item["id"]): bool(item["correct"]) for item in before}
    pairs = [(was[str(item["id"])], bool(item["correct"]), item) for item in items if str(item["id"]) in was]
    first, *_, last = summary["stages"]
    learnt, lost = (sum(pair[:2] == kind for pair in pairs) for kind in ((False, True), (True, False)))
    yield str(
        Card(
            "Before and after",
            f"<p>From {escape(first)} to {escape(last)}: "
            f'<a href="#verdict=gained">{learnt:,} of {len(pairs):,} validation questions were learnt</a> and '
            f'<a href="#verdict=lost">{lost:,} lost</a>.</p>',
        )
    )
    found: dict[str, dict[str, list[tuple[bool, bool]]]] = defaultdict(lambda: defaultdict(list))
    for earlier, later, item in pairs:
        for label, value in labels_of(item).items():
            found[label][value].append((earlier, later))
    for label in _ordered(found):
        changes = {value: _change(marks) for value, marks in sorted(found[label].items(), key=rank)}
        if len(changes) > 1:
            yield str(Card(f"By {label.replace('_', ' ')}, per cent right before and after", shifts(label, changes)))


def _change(marks: Sequence[tuple[bool, bool]]) -> tuple[float, float, int, int, int]:
    total = len(marks)
    gained, lost = marks.count((False, True)), marks.count((True, False))
    return sum(earlier for earlier, _ in marks) / total, sum(later for _, later in marks) / total, gained, lost, total


def _ordered(labels: Iterable[str]) -> list[str]:
    return sorted(labels, key=lambda label: (label != "difficulty", label != "database"))
