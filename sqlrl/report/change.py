"""The page of a comparison: what changed between two evaluations, question by question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from sqlrl.report.charts import shift_title, shifts
from sqlrl.report.elements import LIST, THEME, Card, notes, tile, tiles
from sqlrl.report.listing import listing_of
from sqlrl.report.page import build_page
from sqlrl.runs import write_text

if TYPE_CHECKING:
    from sqlrl.comparison import Change, Comparison

__all__ = ["write_change"]


def write_change(found: Comparison, path: Path) -> None:
    """One file that needs nothing beside it; the questions are listed as they were answered after, and before."""
    items = [pair.after for pair in found.pairs]
    before = {str(pair.before["id"]): pair.before for pair in found.pairs}
    title = f"{found.before.name} → {found.after.name}"
    write_text(path, build_page(title, "\n".join(_sections(found)), listing_of(items, before)))


def _sections(found: Comparison) -> Iterable[str]:
    what = " ".join(found.after.what[key] for key in ("benchmark", "split") if key in found.after.what)
    judge = f", judged by {found.after.what['judge']}" if "judge" in found.after.what else ""
    yield f"<header><div><h1>{escape(found.before.name)} → {escape(found.after.name)}</h1>"
    yield f'<p class="sub">{escape(what + judge)}, {found.every.total:,} questions in both</p></div>{THEME}</header>'
    yield tiles(_tiles(found))
    if found.notes:
        yield notes(found.notes)
    for label in _labels(found):
        yield str(_card(label, found.by[label], found.graded_p is not None))
    yield LIST


def _labels(found: Comparison) -> list[str]:
    return sorted(
        (label for label in found.by if len(found.by[label]) > 1),
        key=lambda label: (label != "difficulty", label != "database"),
    )


def _card(label: str, values: Mapping[str, Change], graded: bool) -> Card:
    """From before to after; the databases where most questions changed first."""
    shown = list(values.items())
    if label != "difficulty":
        shown.sort(key=lambda each: -(each[1].gained + each[1].lost))
    drawn = shifts(label, {value: (c.before, c.after, c.gained, c.lost, c.total) for value, c in shown})
    return Card(shift_title(label, graded), drawn)


def _tiles(found: Comparison) -> Iterable[str]:
    for name, side in ((found.before.name, "before"), (found.after.name, "after")):
        safe = f"; safe {getattr(found.safe, side) * 100:.1f} %" if found.safe else ""
        yield tile(name, f"{getattr(found.every, side) * 100:.1f} %", f"{side}, official{safe}")
    low, high = found.interval
    words = f"points; 95 % {low * 100:+.1f} to {high * 100:+.1f}"
    if found.across:
        words += f", over databases {found.across[0] * 100:+.1f} to {found.across[1] * 100:+.1f}"
    yield tile("difference", f"{found.every.difference * 100:+.1f}", words)
    p = "below 0.0001" if found.p < 0.0001 else f"{found.p:.3f}"
    words = f"McNemar's exact p {p}"
    if found.graded_p is not None:
        words += f"; permutation of the scores p {found.graded_p:.3f}"
    links = f'<a href="#verdict=gained">+{found.every.gained:,}</a> <a href="#verdict=lost">−{found.every.lost:,}</a>'
    yield tile("changed", links, words)
