"""A training run's part of a page: what each stage came to, the plots of its steps, what was learnt and lost."""

from __future__ import annotations

import base64
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from sqlrl.evaluation import Score, rank
from sqlrl.report.charts import bars, dial, shift_title, shifts, stack
from sqlrl.report.elements import Card, columns, table, tile
from sqlrl.report.evaluation import percent
from sqlrl.report.listing import labels_of

__all__ = ["stage_cards", "stage_scores", "stage_tiles", "when"]

Item = Mapping[str, Any]
Items = Sequence[Item]


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
    found: dict[str, dict[str, list[tuple[float, bool]]]] = defaultdict(lambda: defaultdict(list))
    for item in items:
        for label, value in labels_of(item).items():
            found[label][value].append((_mark(item), bool(item["correct"])))
    for label in _ordered(found):
        values = {value: Score.of(marks).to_dict() for value, marks in sorted(found[label].items(), key=rank)}
        if len(values) > 1:
            title = f"Validation {'score' if _graded(items) else 'accuracy'} by {label.replace('_', ' ')}"
            yield Card(title, bars(label, values), len(values))


def _verdicts(items: Items) -> Card:
    return Card("What the judge said", stack("reason", Counter(str(item["reason"]) for item in items)), 3)


def _changes(summary: Mapping[str, Any], items: Items, before: Items) -> Iterable[str]:
    """How many questions were learnt or lost between the first stage and the last, and where."""
    was = {str(item["id"]): item for item in before}
    pairs = [(was[str(item["id"])], item) for item in items if str(item["id"]) in was]
    gained, lost = _moved(pairs)
    first, *_, last = summary["stages"]
    yield str(
        Card(
            "Before and after",
            f"<p>From {escape(first)} to {escape(last)}: "
            f'<a href="#verdict=gained">{gained:,} of {len(pairs):,} validation questions were learnt</a> and '
            f'<a href="#verdict=lost">{lost:,} lost</a>.</p>',
        )
    )
    found: dict[str, dict[str, list[tuple[Item, Item]]]] = defaultdict(lambda: defaultdict(list))
    for earlier, later in pairs:
        for label, value in labels_of(later).items():
            found[label][value].append((earlier, later))
    for label in _ordered(found):
        changes = {value: _change(some) for value, some in sorted(found[label].items(), key=rank)}
        if len(changes) > 1:
            title = shift_title(label, graded=_graded([*items, *before]))
            yield str(Card(title, shifts(label, changes)))


def _change(pairs: Sequence[tuple[Item, Item]]) -> tuple[float, float, int, int, int]:
    earlier, later = (sum(_mark(pair[side]) for pair in pairs) / len(pairs) for side in (0, 1))
    return earlier, later, *_moved(pairs), len(pairs)


def _moved(pairs: Sequence[tuple[Item, Item]]) -> tuple[int, int]:
    """(gained, lost): full marks."""
    kinds = [(bool(earlier["correct"]), bool(later["correct"])) for earlier, later in pairs]
    return kinds.count((False, True)), kinds.count((True, False))


def _mark(item: Item) -> float:
    """The score, or whether it is right; nought for what nobody could judge."""
    score = item.get("score")
    return float(item["correct"] if score is None else score)


def _graded(items: Items) -> bool:
    """Whether some question has a mark between wrong and right."""
    return any(_mark(item) not in (0.0, 1.0) for item in items)


def _ordered(labels: Iterable[str]) -> list[str]:
    return sorted(labels, key=lambda label: (label != "difficulty", label != "database"))
