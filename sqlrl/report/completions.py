"""Completions: a page that lists what was sampled in training, by stage, step, reward and database."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from sqlrl.report.elements import LIST, THEME, notes, tile, tiles
from sqlrl.runs import Run

__all__ = ["PAGE", "page_of", "sampled_in"]

PAGE = "completions.html"  # in a run's folder, beside report.html
MOST = 6_000  # completions that a page carries
_PARTS = ("format", "executability", "result", "length", "thinking")


def sampled_in(run: Run) -> list[dict[str, Any]]:
    """What was kept of the samples, a line each, in order; nothing where none were, or pyarrow is missing."""
    files = sorted((run.folder / "completions").glob("*.parquet"))
    if not files or importlib.util.find_spec("pyarrow") is None:
        return []
    import pyarrow.parquet

    return [line for file in files for line in pyarrow.parquet.read_table(file).to_pylist()]


def page_of(title: str, lines: Sequence[Mapping[str, Any]]) -> tuple[str, dict[str, Any]]:
    """(the body's HTML, what the page's script lists)."""
    stride = -(-len(lines) // MOST)
    shown = lines[::stride]
    paid = [line["reward"] for line in lines if line.get("reward") is not None]
    steps = {(line["stage"], line["step"]) for line in lines}
    found = [
        tile("completions", f"{len(lines):,}", f"of {len(steps):,} steps"),
        tile(
            "mean reward", f"{sum(paid) / max(1, len(paid)):.3f}", f"{len(lines) - len(paid):,} could not be judged", ""
        ),
    ]
    body = [
        f'<header><div><h1>{escape(title)} <small>completions</small></h1><p class="sub">what was sampled in training; '
        f'<a href="report.html">report</a></p></div>{THEME}</header>',
        tiles(found),
        notes([f"one of {stride} completions is listed"]) if stride > 1 else "",
        LIST.replace("Questions", "Completions").replace("questions", "completions"),
    ]
    items = [_item(place * stride, line) for place, line in enumerate(shown)]
    labels = [label for label in ("step", "reward", "database") if any(label in item["labels"] for item in items)]
    return "\n".join(body), {"items": items, "labels": labels, "changes": False, "noun": "completions"}


def _item(place: int, line: Mapping[str, Any]) -> dict[str, Any]:
    reward = line.get("reward")
    parts = {name: line[name] for name in _PARTS if line.get(name) is not None}
    item: dict[str, Any] = {
        "id": str(place + 1),
        "question": line["question"],
        "predicted": line.get("query") or "",
        "reason": line.get("reason") or ("unavailable" if reward is None else "right" if reward > 0 else "wrong"),
        "completion": line["completion"],
        "correct": line.get("reason") == "match",
        "labels": {"step": f"{line['stage']} {line['step']}"},
        "evidence": ", ".join(f"{name} {value:g}" for name, value in parts.items()),
    }
    if line.get("database"):
        item["labels"]["database"] = line["database"]
    if reward is not None:
        item["score"] = reward
        item["labels"]["reward"] = f"{reward:.3g}"
    return item
