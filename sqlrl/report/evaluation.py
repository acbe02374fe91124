"""An evaluation's part of a page: its figures, by label and sample, what asking took, and what others report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from sqlrl.benchmarks.judges import is_ranking
from sqlrl.leakage import line_on
from sqlrl.policies.usage import usage_lines
from sqlrl.report.charts import bars, dial, histogram, link, mean_of, ranking, stack
from sqlrl.report.elements import Card, columns, facts, tile
from sqlrl.statistics import wilson

__all__ = ["cards_of", "percent", "tiles_of"]

_FULL = {
    "recall": "with all that is relevant", "ndcg": "ranked at best", "ndcg-binary": "ranked at best",
    "answer-rank": "with an answer within the depth",
}  # fmt: skip
_TALLEST = 24  # lines of bars, beyond which they scroll


def tiles_of(summary: Mapping[str, Any]) -> Iterable[str]:
    """The official figure, the safe one (of databases), the golds' own; nothing where nothing was evaluated."""
    evaluation = summary.get("evaluation")
    if not evaluation:
        return
    samples = summary.get("samples")
    kind = "official, by vote" if samples and samples.get("voted") else "official"
    ranked = is_ranking(evaluation["judge"])
    for name, score in ((kind, evaluation["official"]), ("safe", evaluation["safe"])):
        if ranked and name == "safe":
            continue  # nothing of a search query is code
        if not score["total"]:
            yield tile(name, "–", "no question has a database with rows")
            continue
        right = _FULL[evaluation["judge"].partition("@")[0]] if ranked else "right"
        words = f"{score['right']:,} of {score['total']:,} {right}; {_between(score['interval'])}"
        without = score["total"] < evaluation["official"]["total"]
        yield tile(name, percent(score), f"{words}{', without empty databases' if without else ''}", dial(score))
    if evaluation.get("ceiling"):
        score = evaluation["ceiling"]
        words = f"{score['right']:,} of {score['total']:,} golds are right by their own judge"
        yield tile("ceiling", percent(score), words)


def cards_of(summary: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """Charts in two columns, then what the figures rest on; nothing where nothing was evaluated."""
    evaluation = summary.get("evaluation")
    if not evaluation:
        return
    cards = [*_by_label(evaluation), _verdicts(evaluation), _times(items), _samples(summary), _asking(summary)]
    yield columns([card for card in [*cards, _published(summary)] if card is not None])
    yield str(Card("What the figures rest on", facts(_grounds(summary))))


def percent(score: Mapping[str, Any]) -> str:
    """0.4567 as 45.7 %."""
    return f"{mean_of(score) * 100:.1f} %"


def _by_label(evaluation: Mapping[str, Any]) -> Iterable[Card]:
    """Difficulty first; then the databases, of which there may be many, from the weakest on."""
    for label in sorted(evaluation["by"], key=lambda label: (label != "difficulty", label != "database")):
        values = evaluation["by"][label]
        if label == "database":
            values = dict(sorted(values.items(), key=lambda each: mean_of(each[1])))
        if len(values) > 1:
            title = f"Accuracy by {label.replace('_', ' ')}"
            yield Card(title, bars(label, values), min(_TALLEST, len(values)))


def _verdicts(evaluation: Mapping[str, Any]) -> Card:
    """Of the questions that could be judged; the others are named beneath."""
    unjudged = evaluation.get("unjudged") or {}
    reasons, outcomes = (
        {name: count for name, count in (evaluation.get(kind) or {}).items() if name not in unjudged}
        for kind in ("reasons", "outcomes")
    )
    parts, height = "", 0
    if reasons:
        parts, height = stack("reason", reasons), 3
    if len(outcomes) > 1 or not parts:
        parts += f'<p class="soft">How the predicted queries ended</p>{stack("outcome", outcomes)}'
        height += 4
    for name, count in unjudged.items():
        words = f"{name.replace('_', ' ')}: {count:,} questions could not be judged"
        parts += f'<p class="soft"><a href="#{link("reason", name)}">{escape(words)}</a></p>'
        height += 2
    return Card("What the judge said", parts, height)


def _times(items: Sequence[Mapping[str, Any]]) -> Card | None:
    drawn = histogram(
        {
            "predicted": [item.get("seconds") or 0.0 for item in items],
            "gold": [item.get("gold_seconds") or 0.0 for item in items],
        }
    )
    return Card("Processor time of a query", drawn, 9) if drawn else None


def _samples(summary: Mapping[str, Any]) -> Card | None:
    """What one of several samples is worth, what the vote makes of them, and what the best of them would be."""
    samples = summary.get("samples")
    if not samples:
        return None
    count, official = samples["samples"], summary["evaluation"]["official"]
    one, best = samples["pass@1"], samples[f"pass@{count}"]
    chosen = f"the vote of {count}" if samples["voted"] else "the first sample"
    drawn = bars(
        "",
        {
            "one sample (pass@1)": _as_score(one, samples["questions"]),
            chosen: official,
            f"any of {count} (pass@{count})": _as_score(best, samples["questions"]),
        },
    )
    height = 3
    if samples["agreement"]:
        agreeing = {
            f"{line['votes']} of {count}" if line["votes"] else "nothing ran": {
                "mean": line["right"] / line["of"], "interval": wilson(line["right"], line["of"]), "total": line["of"],
            }
            for line in samples["agreement"]
        }  # fmt: skip
        drawn += f'<p class="soft">Right, by how many of the samples agree</p>{bars("agreement", agreeing)}'
        height += 2 + len(agreeing)
    rest = [
        f"{samples[name]:,} {words}"
        for name, words in (("empty", "times an empty result won"), ("silent", "times no sample ran"))
        if samples.get(name)
    ]
    if rest:
        drawn += f'<p class="soft">{", ".join(rest)}</p>'
        height += 1
    return Card(f"{count} samples of each question", drawn, height)


def _as_score(part: Mapping[str, float], total: int) -> dict[str, Any]:
    return {"mean": part["share"], "interval": (part["low"], part["high"]), "total": total}


def _asking(summary: Mapping[str, Any]) -> Card | None:
    """Answers, tokens, cost and seconds of a server."""
    rows = usage_lines(summary["asking"]) if summary.get("asking") else []
    return Card("Asking the server", facts(rows), len(rows)) if rows else None


def _published(summary: Mapping[str, Any]) -> Card | None:
    """What others report, with this run's own figure among theirs."""
    published = summary.get("published")
    if not published:
        return None
    evaluation = summary["evaluation"]
    official, total = evaluation["official"], evaluation["official"]["total"]
    every = total + sum((evaluation.get("unjudged") or {}).values())
    own = ("this run", mean_of(official), f"{total:,} of the {every:,} questions" if total < every else "", True)
    sources = {figure["source"] for figure in published}
    others = [
        (
            figure["system"], figure["number"] / 100,
            ", ".join(part for part in (figure["how"], figure["source"] if len(sources) > 1 else "") if part), False,
        )
        for figure in published
    ]  # fmt: skip
    words = "Reported by others" + (f" ({sources.pop()})" if len(sources) == 1 else "")
    words += ", not measured here: prompts, revisions and scripts differ."
    if total < every:
        words += f" This run could judge {total:,} of the {every:,} questions that they are about."
    drawn = ranking(sorted([own, *others], key=lambda each: each[1]))
    height = 2 + 1.6 * (len(others) + 1)
    return Card(f"Published {published[0]['metric']}", f'{drawn}<p class="soft">{escape(words)}</p>', height)


def _grounds(summary: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    evaluation, provenance = summary["evaluation"], summary.get("provenance", {})
    yield "judge", evaluation["judge"]
    if summary.get("leakage"):
        yield "leaks", line_on(summary["leakage"])
    across = evaluation["official"].get("across_databases")
    words = "95 %: bootstrap over questions; by difficulty and database Wilson's"
    if across:
        words += f"; official with whole databases resampled {_between(across)}"
    yield "intervals", words
    golds = evaluation.get("golds")
    if golds:
        yield "golds", f"{golds['empty']:,} of {golds['total']:,} return nothing, {golds['failed']:,} fail"
        late = evaluation["outcomes"].get("timed_out", 0)
        limit = f" ({provenance['seconds']:g} s of processor time)" if "seconds" in provenance else ""
        yield "time-outs", f"{late:,} of the predictions, {golds['timed_out']:,} of the golds{limit}"
    for name in ("faults", "unjudged"):
        if evaluation.get(name):
            counted = (f"{what.replace('_', ' ')} {count:,}" for what, count in evaluation[name].items())
            yield "wrong form" if name == "faults" else name, ", ".join(counted)
    revision = provenance.get("revision")
    if revision:
        files = f"{revision['files']:,} database file{'' if revision['files'] == 1 else 's'}"
        yield (
            "revision",
            (
                f"{revision['short']}: questions {revision['questions']}, {files} of {revision['size']:,} bytes "
                f"{revision['databases']}"
            ),
        )
    if provenance.get("versions"):
        yield "software", ", ".join(f"{name} {version}" for name, version in provenance["versions"].items())


def _between(interval: Sequence[float]) -> str:
    return f"{interval[0] * 100:.1f} to {interval[1] * 100:.1f}"
