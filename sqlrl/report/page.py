"""The page: report.html of a run, one file that needs nothing beside it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from sqlrl.benchmarks.judges import is_ranking
from sqlrl.report.completions import PAGE, page_of, sampled_in
from sqlrl.report.elements import LIST, THEME, notes, table, tiles
from sqlrl.report.evaluation import cards_of, percent, tiles_of
from sqlrl.report.figures import draw_plots
from sqlrl.report.listing import embed, listing_of
from sqlrl.report.training import stage_cards, stage_scores, stage_tiles, when
from sqlrl.runs import Run, read_settings, write_text

__all__ = ["build_page", "headline", "write_report"]


def write_report(run: Run, *, plots: bool = True) -> Path:
    """Write report.html from what the run's folder holds, and draw its plots as files besides.

    plots: False leaves out the files, which take longer than all else: the page of an evaluation draws its own charts.
    """
    drawn = draw_plots(run) if plots else []
    summary, settings = run.summary(), read_settings(run)
    title = f"{summary.get('benchmark', settings.get('benchmark', run.folder.name))} · {run.folder.name}"
    items, before = _items(run, summary)
    body = "\n".join(_sections(run, summary, settings, drawn, items, before))
    path = run.folder / "report.html"
    was = {str(item["id"]): item for item in before}
    write_text(path, build_page(title, body, listing_of(items, was) if items else None))
    sampled = sampled_in(run)
    if sampled:
        write_text(run.folder / PAGE, build_page(f"{title} · completions", *page_of(title, sampled)))
    return path


def build_page(title: str, body: str, listing: Any) -> str:
    """The whole file. body: HTML; listing: what the script lists, None for no list.

    Only this very script and this very style are let through by the page's own policy: nothing that a model or a
    database wrote can run, and nothing is loaded from anywhere.
    """
    files = {name: Path(__file__).with_name(f"page.{name}") for name in ("html", "css", "js")}
    parts = {name: file.read_text(encoding="utf-8") for name, file in files.items()}
    policy = (
        f"default-src 'none'; img-src data:; style-src {_digest(parts['css'])}; script-src {_digest(parts['js'])}; "
        "base-uri 'none'; form-action 'none'"
    )
    values = {
        "policy": policy, "title": escape(title), "style": parts["css"], "script": parts["js"], "data": embed(listing),
        "body": body,
    }  # fmt: skip
    # Split first, fill then: what a value holds is never looked at for places to fill.
    first, *rest = parts["html"].split("{{")
    return first + "".join(values[name] + after for name, _, after in (part.partition("}}") for part in rest))


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def headline(run: Run) -> list[str]:
    """What the run came to, in a line for each figure."""
    summary = run.summary()
    lines = []
    for name, score in stage_scores(summary):
        lines.append(f"{when(name)}: {percent(score)} of {score['total']:,} validation questions")
    evaluation = summary.get("evaluation")
    if evaluation:
        for kind in ("official",) if is_ranking(evaluation["judge"]) else ("official", "safe"):
            score = evaluation[kind]
            lines.append(f"{kind} ({evaluation['judge']}): {percent(score)} of {score['total']:,} questions")
    return lines or ["nothing measured yet: the run has not come so far"]


def _items(run: Run, summary: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What the page lists: the items of an evaluation, or of a training run's last stage with those of its first."""
    stages = [stage for stage in summary.get("stages", {}) if (run.folder / f"items-{stage}.jsonl").exists()]
    if not stages:
        return run.items(), []
    after = run.items(f"items-{stages[-1]}.jsonl")
    return after, run.items(f"items-{stages[0]}.jsonl") if len(stages) > 1 else []


def _sections(
    run: Run,
    summary: Mapping[str, Any],
    settings: Mapping[str, Any],
    plots: list[Path],
    items: Sequence[Mapping[str, Any]],
    before: Sequence[Mapping[str, Any]],
) -> Iterable[str]:
    name = str(summary.get("benchmark", settings.get("benchmark", "")))
    yield f"<header><div><h1>{escape(name)} <small>{escape(str(summary.get('split', '')))}</small></h1>"
    yield f'<p class="sub">{escape(_subtitle(summary, settings))}</p></div>'
    yield f"{THEME}</header>"
    yield tiles([*stage_tiles(summary), *tiles_of(summary)])
    if summary.get("notes"):
        yield notes(summary["notes"])
    if any((run.folder / "completions").glob("*.parquet")):
        yield f'<p><a href="{PAGE}">What was sampled in training</a>, by step, reward and database.</p>'
    yield from stage_cards(summary, items, before, [plot for plot in plots if not plot.stem.startswith("by-")])
    yield from cards_of(summary, items)
    if items:
        yield LIST
    rows = [(key, "" if value is None else value) for key, value in settings.items()]
    yield f'<details class="card"><summary>Settings</summary>{table(("key", "value"), rows)}</details>'


def _subtitle(summary: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    if "evaluation" in summary:
        asked = str(summary.get("asked", ""))
        asked = asked if "://" in asked else asked.rstrip("/").rpartition("/")[2]
        how = [f"judged by {summary['evaluation']['judge']}"]
        if summary.get("samples"):
            count = f"{summary['samples']['samples']} samples a question"
            how.insert(0, f"{count} and a vote" if summary["samples"]["voted"] else f"the first of {count}")
        if settings.get("shots"):
            how.insert(0, f"{settings['shots']} {settings.get('shots_from', '')} shots")
        return ", ".join((asked, *how))
    size = f"{summary['parameters'] / 1e6:,.2f} M parameters, " if "parameters" in summary else ""
    policy = summary.get("policy", settings.get("policy") or "")
    method = summary.get("method", settings.get("method") or "")
    return f"{policy}, {size}{method}, reward {settings.get('reward', '')}, seed {settings.get('seed', '')}"
