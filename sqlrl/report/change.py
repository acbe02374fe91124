"""The page of a comparison: what changed between two evaluations, question by question."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from sqlrl.report.charts import link
from sqlrl.report.listing import listing_of
from sqlrl.report.page import LIST, THEME, build_page, card, table
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
    yield f'<div class="tiles">{"".join(_tiles(found))}</div>'
    for note in found.notes:
        yield f'<p class="note">{escape(note)}</p>'
    for label in sorted(found.by, key=lambda label: (label == "database", label != "difficulty")):
        if len(found.by[label]) > 1:
            rows = [_row(value, change) for value, change in found.by[label].items()]
            columns = (label, "before", "after", "points", "gained", "lost", "of")
            links = [f"#{link(label, value)}" for value in found.by[label]]
            yield card(f"By {label.replace('_', ' ')}", table(columns, rows, "figures", links))
    yield LIST


def _tiles(found: Comparison) -> Iterable[str]:
    every, (low, high) = found.every, found.interval
    for name, mean in ((found.before.name, every.before), (found.after.name, every.after)):
        yield f'<div class="tile"><span>{escape(name)}</span><b>{mean * 100:.1f} %</b><small>official</small></div>'
    yield (
        f'<div class="tile"><span>difference</span><b>{every.difference * 100:+.1f}</b>'
        f"<small>points; 95 % {low * 100:+.1f} to {high * 100:+.1f}</small></div>"
    )
    p = "below 0.0001" if found.p < 0.0001 else f"{found.p:.3f}"
    yield (
        f'<div class="tile"><span>changed</span><b><a href="#verdict=gained">+{every.gained:,}</a> '
        f'<a href="#verdict=lost">−{every.lost:,}</a></b><small>McNemar\'s exact p {p}</small></div>'
    )


def _row(value: str, change: Change) -> tuple[str, ...]:
    return (
        value, f"{change.before * 100:.1f} %", f"{change.after * 100:.1f} %", f"{change.difference * 100:+.1f}",
        f"{change.gained:,}", f"{change.lost:,}", f"{change.total:,}",
    )  # fmt: skip
