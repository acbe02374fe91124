"""The page: report.html of a run, one file that needs nothing beside it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from sqlrl.report.charts import bars, dial, histogram, mean_of, stack
from sqlrl.report.figures import draw_plots
from sqlrl.report.listing import embed, listing_of
from sqlrl.runs import Run, read_settings, write_text

__all__ = ["LIST", "THEME", "build_page", "card", "headline", "table", "write_report"]


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
    for name, score in _stage_scores(summary):
        lines.append(f"after {name}: {_share(score)} of {score['total']:,} validation questions")
    evaluation = summary.get("evaluation")
    if evaluation:
        for kind in ("official", "safe"):
            score = evaluation[kind]
            lines.append(f"{kind} ({evaluation['judge']}): {_share(score)} of {score['total']:,} questions")
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
    yield _tiles(summary)
    for note in summary.get("notes", []):
        yield f'<p class="note">{escape(note)}</p>'
    evaluation = summary.get("evaluation")
    if summary.get("test"):
        columns = ("questions", "asked", "before", "after", "95 % interval after")
        yield card("On questions never seen: the test split", table(columns, list(_test_rows(summary["test"]))))
    if evaluation:
        columns_of_charts = ("".join(column) for column in _charts(evaluation, items))
        yield f'<div class="charts">{"".join(f"<div>{column}</div>" for column in columns_of_charts if column)}</div>'
        yield card("What the figures rest on", _facts(evaluation, summary.get("provenance", {})))
    pictures = [plot for plot in plots if not plot.stem.startswith("by-")]  # those are drawn into the page
    if pictures:
        yield card("Training", f'<div class="plots">{"".join(_picture(plot) for plot in pictures)}</div>')
    elif not evaluation:
        yield "<p class=\"note\">No plots: matplotlib is not installed (pip install 'sqlrl[report]').</p>"
    if before:
        yield card("Before and after", _change(summary, items, before))
    if items:
        yield LIST
    rows = [(key, "" if value is None else value) for key, value in settings.items()]
    yield f'<details class="card"><summary>Settings</summary>{table(("key", "value"), rows)}</details>'


THEME = '<button id="theme" title="Light or dark" aria-label="Light or dark">◐</button>'
# Filled by the page's script, a part at a time, so that ten thousand questions open at once.
LIST = """<section class="card" id="list"><h2>Questions</h2>
<div id="filters" role="search"></div><p id="count" role="status"></p>
<table id="items"><thead><tr id="heads"></tr></thead><tbody id="rows"></tbody></table>
<button id="more" hidden></button><noscript>The list of questions needs JavaScript.</noscript></section>"""


def _charts(evaluation: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """Two columns: the databases, of which there may be many, from the weakest on; and all else."""
    left, right = [], []
    for label, values in sorted(evaluation["by"].items(), key=lambda each: each[0] != "difficulty"):
        if label == "database" and len(values) > 1:
            weakest = dict(sorted(values.items(), key=lambda each: mean_of(each[1])))
            right.append(card("Accuracy by database", bars(label, weakest)))
        elif len(values) > 1:
            left.append(card(f"Accuracy by {label.replace('_', ' ')}", bars(label, values)))
    parts = ""
    if evaluation.get("reasons"):
        parts += stack("reason", evaluation["reasons"])
    if len(evaluation["outcomes"]) > 1 or not parts:
        parts += f'<p class="soft">How the predicted queries ended</p>{stack("outcome", evaluation["outcomes"])}'
    left.append(card("What the judge said", parts))
    seconds = {
        "predicted": [item.get("seconds") or 0.0 for item in items],
        "gold": [item.get("gold_seconds") or 0.0 for item in items],
    }
    drawn = histogram(seconds)
    if drawn:
        (left if right else right).append(card("Processor time of a query", drawn))
    return left, right


def _facts(evaluation: Mapping[str, Any], provenance: Mapping[str, Any]) -> str:
    rows = [("judge", evaluation["judge"])]
    across = evaluation["official"].get("across_databases")
    words = "95 %: bootstrap over questions; by difficulty and database Wilson's"
    if across:
        words += f"; official with whole databases resampled {across[0] * 100:.1f} to {across[1] * 100:.1f}"
    rows.append(("intervals", words))
    golds = evaluation.get("golds")
    if golds:
        rows.append(("golds", f"{golds['empty']:,} of {golds['total']:,} return nothing, {golds['failed']:,} fail"))
        late = evaluation["outcomes"].get("timed_out", 0)
        limit = f" ({provenance['seconds']:g} s of processor time)" if "seconds" in provenance else ""
        rows.append(("time-outs", f"{late:,} of the predictions, {golds['timed_out']:,} of the golds{limit}"))
    for name in ("faults", "unjudged"):
        if evaluation.get(name):
            counted = (f"{what.replace('_', ' ')} {count:,}" for what, count in evaluation[name].items())
            rows.append(("wrong form" if name == "faults" else name, ", ".join(counted)))
    revision = provenance.get("revision")
    if revision:
        rows.append(("revision", f"{revision['short']}: questions {revision['questions']}, {revision['files']:,} "
                     f"database files of {revision['size']:,} bytes {revision['databases']}"))  # fmt: skip
    if provenance.get("versions"):
        rows.append(("software", ", ".join(f"{name} {version}" for name, version in provenance["versions"].items())))
    return f'<dl class="facts">{"".join(f"<dt>{escape(a)}</dt><dd>{escape(b)}</dd>" for a, b in rows)}</dl>'


def _test_rows(rows: Sequence[Mapping[str, Any]]) -> Iterable[tuple[str, ...]]:
    for row in rows:
        share, low, high = (100 * value for value in row["after"])
        before = 100 * row["before"][0]
        yield row["what"], f"{row['total']:,}", f"{before:.1f} %", f"{share:.1f} %", f"{low:.1f} to {high:.1f}"


def _subtitle(summary: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    if "evaluation" in summary:
        asked = str(summary.get("asked", ""))
        asked = asked if "://" in asked else asked.rstrip("/").rpartition("/")[2]
        return f"{asked}, judged by {summary['evaluation']['judge']} on {summary.get('split', '')}"
    size = f"{summary['parameters'] / 1e6:,.2f} M parameters, " if "parameters" in summary else ""
    policy = summary.get("policy", settings.get("policy") or "")
    method = summary.get("method", settings.get("method") or "")
    return f"{policy}, {size}{method}, reward {settings.get('reward', '')}, seed {settings.get('seed', '')}"


def _tiles(summary: Mapping[str, Any]) -> str:
    tiles = [(f"after {name}", score) for name, score in _stage_scores(summary)]
    evaluation = summary.get("evaluation")
    if evaluation:
        tiles += [("official", evaluation["official"]), ("safe, without empty databases", evaluation["safe"])]
    cells = [
        f'<div class="tile"><span>{escape(name)}</span><b>{_share(score)}</b>{dial(score)}<small>{score["right"]:,} of '
        f"{score['total']:,} right; {score['interval'][0] * 100:.1f} to {score['interval'][1] * 100:.1f}</small></div>"
        for name, score in tiles
    ]
    if evaluation and evaluation.get("ceiling"):
        score = evaluation["ceiling"]
        cells.append(
            f'<div class="tile"><span>ceiling</span><b>{_share(score)}</b><small>{score["right"]:,} of '
            f"{score['total']:,} golds are right by their own judge</small></div>"
        )
    return f'<div class="tiles">{"".join(cells)}</div>' if cells else ""


def _change(summary: Mapping[str, Any], items: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]]) -> str:
    """How many questions the last stage learnt or lost; the list shows which."""
    was = {str(item["id"]): bool(item["correct"]) for item in before}
    pairs = [(was[str(item["id"])], bool(item["correct"])) for item in items if str(item["id"]) in was]
    stages = list(summary.get("stages", {}))
    learnt, lost = pairs.count((False, True)), pairs.count((True, False))
    return (
        f"<p>From {escape(stages[0])} to {escape(stages[-1])}: "
        f'<a href="#verdict=gained">{learnt:,} of {len(pairs):,} validation questions were learnt</a> and '
        f'<a href="#verdict=lost">{lost:,} lost</a>.</p>'
    )


def card(title: str, content: str) -> str:
    """A part of the page under a heading; content is HTML."""
    return f'<section class="card"><h2>{escape(title)}</h2>{content}</section>'


def _stage_scores(summary: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    stages = summary.get("stages", {})
    return [(name.partition("-")[2] or name, s["validation"]) for name, s in stages.items() if "validation" in s]


def _picture(path: Path) -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img alt="{escape(path.stem)}" src="data:image/png;base64,{data}">'


def table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], kind: str = "", links: Sequence[str] | None = None
) -> str:
    """Cells are text; links: where the first cell of each row leads."""
    head = "".join(f"<th>{escape(column.replace('_', ' '))}</th>" for column in columns)
    lines = []
    for number, row in enumerate(rows):
        cells = [escape(str(cell)) for cell in row]
        if links:
            cells[0] = f'<a href="{links[number]}">{cells[0]}</a>'
        lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    body = "".join(lines)
    return (
        f'<div class="scroll"><table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _share(score: Mapping[str, Any]) -> str:
    return f"{mean_of(score) * 100:.1f} %"
