"""Scores: what an evaluation says, as a terminal shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from sqlrl.benchmarks.judges import is_ranking
from sqlrl.cli.terminal import percent
from sqlrl.leakage import line_on

if TYPE_CHECKING:
    from sqlrl.assessment import Assessment
    from sqlrl.cli.terminal import Terminal
    from sqlrl.config import EvalConfig
    from sqlrl.evaluation import Score, Summary
    from sqlrl.provenance import Provenance
    from sqlrl.statistics import Interval

__all__ = ["between", "meter", "show"]

_MANY = 30  # values of one label that a reader takes in; of more, those with the lowest scores are shown
_METER = 20  # characters


def show(found: Assessment, terminal: Terminal, config: EvalConfig) -> None:
    """The figures, what they rest on, the tables by label, then what a reader must know."""
    summary = found.summary
    title = Text(found.benchmark, style="bold").append(f" {found.split}", style="not bold")
    terminal.print(
        title.append(
            f" · judge {summary.judge} · {_short(config.policy or config.predictions or '')}", style="not bold"
        )
    )
    terminal.print()
    block = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    for name, figure, interval, words in [*_figures(summary), *_sampled(found)]:
        block.add_row(*(Text(cell, style=style) for cell, style in zip(
            (f"  {name:<9}", f"{figure:>8}", interval, words), ("", "bold", "", ""), strict=True)))  # fmt: skip
    terminal.print(block)
    _show_vote(found, terminal)
    terminal.print()
    facts = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    usage = found.usage.lines(config.price_in, config.price_out) if found.usage else []
    leaks = [("leaks", line_on(found.leakage.to_dict()))] if found.leakage else []
    for name, words in [*_facts(summary), *leaks, *usage, *_origins(found.provenance)]:
        facts.add_row(f"  {name:<9}", Text(words))
    terminal.print(facts)
    _show_agreement(found, terminal)
    for label in sorted(summary.by, key=lambda label: (label == "database", label != "difficulty")):
        if len(summary.by[label]) > 1:
            _show_label(label, summary.by[label], terminal)
    _show_published(found, terminal)
    terminal.notes(found.notes)
    if found.run is not None:
        terminal.print()
        terminal.print(Text(f"run     {found.run.folder}\nreport  {found.run.folder / 'report.html'}"))


def _figures(summary: Summary) -> Iterator[tuple[str, str, str, str]]:
    """(name, figure, interval, how many) of each score."""
    for name, score, what, without in (
        ("official", summary.official, " questions", ""),
        ("safe", summary.safe, "", ", without empty databases"),
    ):
        if name == "safe" and is_ranking(summary.judge):
            continue  # a search query is no code: there is nothing to be safe from
        if not score.total:
            yield name, "-", "", f"no questions{without}"
            continue
        full = " in full" if score.is_graded else ""
        measure, _, depth = summary.judge.partition("@")
        if measure == "answer-rank":  # the score is one over the rank, what is counted is the literature's H@k
            full = f" have an answer in the first {depth}"
        yield (
            name,
            percent(score.mean),
            between(score.interval),
            f"{score.right:,} of {score.total:,}{what}{full}{without}",
        )
    if summary.ceiling is not None:
        score = summary.ceiling.score
        yield "ceiling", percent(score.mean), "", f"{score.right:,} of {score.total:,} golds, by their own judge"


def _sampled(found: Assessment) -> Iterator[tuple[str, str, str, str]]:
    """What the samples are worth one by one and together."""
    samples = found.samples
    if samples is not None:
        yield "pass@1", percent(samples.one[0]), between(samples.one[1:]), f"the mean of {samples.samples} samples"
        yield f"pass@{samples.samples}", percent(samples.any[0]), between(samples.any[1:]), "any of them right"


def _facts(summary: Summary) -> Iterator[tuple[str, str]]:
    across = summary.official.across
    yield "intervals", "95 %, bootstrap over questions" + (f"; over databases {between(across)}" if across else "")
    yield "outcomes", _counted({name: n for name, n in summary.outcomes.items() if name not in summary.unjudged})
    known = summary.outcomes.keys() | summary.unjudged.keys()
    reasons = {name: count for name, count in summary.reasons.items() if name not in known}
    if reasons:
        yield "verdicts", _counted(reasons)
    if summary.faults:
        yield "format", _counted(summary.faults)
    if summary.unjudged:
        yield "unjudged", _counted(summary.unjudged)
    golds = summary.ceiling
    if golds is not None:
        yield "golds", f"{golds.empty:,} return nothing, {golds.failed:,} fail"
        late = summary.outcomes["timed_out"]
        yield "time-outs", f"{late:,} of the predictions, {golds.timed_out:,} of the golds"


def _origins(provenance: Provenance) -> Iterator[tuple[str, str]]:
    revision = provenance.revision
    yield "limit", f"{provenance.seconds:g} s of processor time a query"
    what = "index" if any(name in provenance.versions for name in ("bm25s",)) else "database"
    files = f"{revision.files:,} {what} file{'' if revision.files == 1 else 's'} ({_size(revision.size)})"
    parts = f"questions {revision.questions[:8]}, {files} {revision.databases[:8]}".rstrip()
    if revision.missing:
        parts += f", {revision.missing:,} questions without one"
    yield "revision", f"{revision.short}: {parts}"
    yield "software", ", ".join(f"{name} {version}" for name, version in provenance.versions.items())


def _show_label(label: str, values: Mapping[str, Score], terminal: Terminal) -> None:
    shown = list(values.items())
    if len(shown) > _MANY:
        shown = sorted(shown, key=lambda each: each[1].mean)[:_MANY]
    graded = any(score.is_graded for _, score in shown)
    rows = [
        (
            value, meter(score.mean), percent(score.mean), between(score.interval), f"{score.right:,}",
            f"{score.total:,}",
        )
        for value, score in shown
    ]  # fmt: skip
    terminal.print()
    share = ">score" if graded else ">share"
    terminal.table([label.replace("_", " "), "", share, ">95 % interval", ">right", ">of"], rows)
    if len(values) > len(shown):
        terminal.print(f"the {len(shown)} lowest of {len(values)}; the report has them all")


def _show_vote(found: Assessment, terminal: Terminal) -> None:
    """Which of several samples the figures are about."""
    samples = found.samples
    if samples is None:
        return
    if not samples.voted:
        terminal.print("  samples   the official figure is of the first one; --vote chooses")
        return
    empty = f"; an empty result won {samples.empty:,}" if samples.empty else ""
    silent = f"; nothing ran in {samples.silent:,}" if samples.silent else ""
    terminal.print(f"  vote      the official figure is of the query voted for{empty}{silent}")


def _show_agreement(found: Assessment, terminal: Terminal) -> None:
    """How far a vote can be trusted, by how many agreed."""
    samples = found.samples
    if samples is None or not samples.voted:
        return
    terminal.print()
    terminal.table(
        ["agreeing", ">right", ">of", ">share"],
        [
            (f"{votes} of {samples.samples}" if votes else "nothing ran", right, of, percent(right / of))
            for votes, right, of in samples.agreement
        ],
    )


def _show_published(found: Assessment, terminal: Terminal) -> None:
    if not found.published:
        return
    title = f"published {found.published[0].metric}, not measured here"
    judged = found.summary.official.total
    if judged < len(found.items):
        title += f", over all {len(found.items):,} questions; ours is over {judged:,}"
    terminal.print(f"\n{title}:")
    terminal.table(
        ["system", ">%", "how", "source"],
        [(figure.system, f"{figure.number:g}", figure.how, figure.source) for figure in found.published],
    )


def meter(share: float) -> Text:
    """A bar as long as the share of its line."""
    filled = max(0, min(_METER, round(share * _METER)))
    return Text("━" * filled + " " * (_METER - filled), style="blue")


def between(interval: Interval) -> str:
    """0.563, 0.622 as 56.3 to 62.2."""
    return f"{interval[0] * 100:.1f} to {interval[1] * 100:.1f}"


def _counted(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda each: -each[1])
    return ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in ordered)


def _short(asked: str) -> str:
    """A file by its name; a policy as it was given."""
    return Path(asked).name if Path(asked).is_file() else asked


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:,.1f} GB"
