"""The page: report.html of a run, one file that needs nothing beside it."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from sqlrl.report.figures import draw_plots
from sqlrl.runs import Run, read_settings, write_text

__all__ = ["headline", "write_report"]

_SHOWN = 200  # items that the page lists
_CHANGED = 12  # questions shown before and after


def write_report(run: Run) -> Path:
    """Draw the plots and write report.html from what the run's folder holds."""
    plots = draw_plots(run)
    summary, settings = run.summary(), read_settings(run)
    title = f"{summary.get('benchmark', settings.get('benchmark', run.folder.name))} · {run.folder.name}"
    template = resources.files("sqlrl.report").joinpath("page.html").read_text(encoding="utf-8")
    body = "\n".join(_sections(run, summary, settings, plots))
    path = run.folder / "report.html"
    write_text(path, template.replace("{{title}}", escape(title)).replace("{{body}}", body))
    return path


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


def _sections(run: Run, summary: Mapping[str, Any], settings: Mapping[str, Any], plots: list[Path]) -> Iterable[str]:
    yield f"<h1>{escape(str(summary.get('benchmark', settings.get('benchmark', ''))))}</h1>"
    yield f'<p class="sub">{escape(_subtitle(summary, settings))}</p>'
    yield _tiles(summary)
    for note in summary.get("notes", []):
        yield f'<p class="note">{escape(note)}</p>'
    if summary.get("test"):
        yield "<h2>On questions never seen: the test split</h2>"
        yield _table(
            ("questions", "asked", "before", "after", "95 % interval after"), list(_test_rows(summary["test"]))
        )
    if plots:
        yield "<h2>Plots</h2>"
        yield '<div class="plots">' + "".join(_picture(plot) for plot in plots) + "</div>"
    elif not summary.get("evaluation"):
        yield "<p class=\"note\">No plots: matplotlib is not installed (pip install 'sqlrl[report]').</p>"
    evaluation = summary.get("evaluation")
    if evaluation:
        yield from _counts(evaluation)
    yield from _before_after(run, summary)
    yield from _items(run.items())
    yield "<h2>Settings</h2>"
    yield _table(("key", "value"), [(key, "" if value is None else value) for key, value in settings.items()])


def _test_rows(rows: Sequence[Mapping[str, Any]]) -> Iterable[tuple[str, ...]]:
    for row in rows:
        share, low, high = (100 * value for value in row["after"])
        before = 100 * row["before"][0]
        yield row["what"], f"{row['total']:,}", f"{before:.1f} %", f"{share:.1f} %", f"{low:.1f} to {high:.1f}"


def _subtitle(summary: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    if "evaluation" in summary:
        return f"{summary.get('asked', '')} judged by {summary['evaluation']['judge']} on {summary.get('split', '')}"
    size = f"{summary['parameters'] / 1e6:,.2f} M parameters, " if "parameters" in summary else ""
    policy = summary.get("policy", settings.get("policy") or "")
    method = summary.get("method", settings.get("method") or "")
    return f"{policy}, {size}{method}, reward {settings.get('reward', '')}, seed {settings.get('seed', '')}"


def _tiles(summary: Mapping[str, Any]) -> str:
    tiles = [(f"after {name}", score) for name, score in _stage_scores(summary)]
    evaluation = summary.get("evaluation")
    if evaluation:
        tiles += [("official", evaluation["official"]), ("safe", evaluation["safe"])]
        if evaluation.get("ceiling"):
            tiles.append(("golds against themselves", evaluation["ceiling"]))
    cells = [
        f'<div class="tile"><b>{_share(score)}</b><span>{escape(name)}</span>'
        f"<small>{score['right']:,} of {score['total']:,}, 95 % interval "
        f"{score['interval'][0] * 100:.1f} to {score['interval'][1] * 100:.1f}</small></div>"
        for name, score in tiles
    ]
    return f'<div class="tiles">{"".join(cells)}</div>'


def _counts(evaluation: Mapping[str, Any]) -> Iterable[str]:
    yield "<h2>How the queries ended</h2>"
    counts = [(f"{name}", f"{count:,}") for name, count in evaluation["outcomes"].items()]
    counts += [(f"format: {name}", f"{count:,}") for name, count in evaluation["faults"].items()]
    counts += [(f"unjudged: {name}", f"{count:,}") for name, count in evaluation["unjudged"].items()]
    yield _table(("outcome", "questions"), counts)
    for label, values in evaluation["by"].items():
        yield f"<h2>By {escape(label.replace('_', ' '))}</h2>"
        yield _table(
            (label, "right", "of", "share", "95 % interval"),
            [
                (
                    name, f"{score['right']:,}", f"{score['total']:,}", _share(score),
                    f"{score['interval'][0] * 100:.1f} to {score['interval'][1] * 100:.1f}",
                )
                for name, score in values.items()
            ],
        )  # fmt: skip


def _before_after(run: Run, summary: Mapping[str, Any]) -> Iterable[str]:
    """Questions that the last stage learnt or lost, as they were answered before it and after."""
    stages = list(summary.get("stages", {}))
    if len(stages) < 2:
        return
    before, after = run.items(f"items-{stages[0]}.jsonl"), run.items(f"items-{stages[-1]}.jsonl")
    if len(before) != len(after) or not before:
        return
    pairs = list(zip(before, after, strict=True))
    learnt = [pair for pair in pairs if not pair[0]["correct"] and pair[1]["correct"]]
    lost = [pair for pair in pairs if pair[0]["correct"] and not pair[1]["correct"]]
    yield "<h2>Before and after</h2>"
    yield (
        f"<p>From {escape(stages[0])} to {escape(stages[-1])}: {len(learnt):,} of {len(pairs):,} validation questions "
        f"were learnt and {len(lost):,} lost.</p>"
    )
    for name, chosen in (("learnt", learnt), ("lost", lost)):
        for was, now in chosen[:_CHANGED]:
            yield (
                f'<div class="pair"><p><em>{name}</em> {escape(was["question"])} '
                f"<small>{escape(was['db_id'])}</small></p>"
                f'<pre class="{_mark(was)}">{escape(was["predicted"] or "(no query)")}</pre>'
                f'<pre class="{_mark(now)}">{escape(now["predicted"] or "(no query)")}</pre></div>'
            )


def _items(items: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    if not items:
        return
    wrong = [item for item in items if not item["correct"]]
    shown = wrong[:_SHOWN]
    yield "<h2>What is wrong</h2>"
    yield f"<p>{len(wrong):,} of {len(items):,} questions; the first {len(shown):,} are listed.</p>"
    rows = [
        (
            item["id"], item["db_id"], item["question"],
            item["reason"] + (f": {item['message']}" if item.get("message") else ""),
            item["predicted"] or "(no query)", item["gold"] or "",
        )
        for item in shown
    ]  # fmt: skip
    yield _table(("id", "database", "question", "reason", "predicted", "gold"), rows, "wide")


def _stage_scores(summary: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    stages = summary.get("stages", {})
    return [(name.partition("-")[2] or name, s["validation"]) for name, s in stages.items() if "validation" in s]


def _picture(path: Path) -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img alt="{escape(path.stem)}" src="data:image/png;base64,{data}">'


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]], kind: str = "") -> str:
    head = "".join(f"<th>{escape(column.replace('_', ' '))}</th>" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f'<div class="scroll"><table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _mark(item: Mapping[str, Any]) -> str:
    return "right" if item["correct"] else "wrong"


def _share(score: Mapping[str, Any]) -> str:
    return f"{score['share'] * 100:.1f} %"
