"""An assessment: one evaluation from its configuration to a run folder, a summary and a report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.benchmarks import load_benchmark, reported_split
from sqlrl.benchmarks.databases import notes_on
from sqlrl.benchmarks.judges import OFFICIAL
from sqlrl.benchmarks.predictions import read_predictions
from sqlrl.benchmarks.published import Published, published_for
from sqlrl.config import EvalConfig, write_config
from sqlrl.dialogue import transcript
from sqlrl.evaluation import Item, Summary, evaluate, summarise
from sqlrl.executors.base import Limits, Outcome
from sqlrl.executors.errors import DataError, UsageError, nearest
from sqlrl.golds import ceiling_of
from sqlrl.judging import Judging
from sqlrl.leakage import Leakage, leakage_of, leaks
from sqlrl.provenance import Provenance, provenance_of
from sqlrl.runs import Run
from sqlrl.sampling import SampleSummary, choose, summarise_samples

if TYPE_CHECKING:
    from sqlrl.asking import Asked
    from sqlrl.benchmarks.base import Benchmark, Example
    from sqlrl.policies.usage import Usage
    from sqlrl.training.run import Progress

__all__ = ["Assessment", "assess"]

MOST_ROWS = 5_000_000  # of one result: the official scripts have no such limit
MOST_MEMORY = 4 << 30  # bytes
# What Python's driver for SQLite, by which the official scripts run queries, refuses as well.
_REFUSED_THERE = {
    "only a single statement is allowed", "the query has a NUL character", "the query has a lone surrogate",
}  # fmt: skip
_BATCH = 256  # questions judged before the progress bar moves for the first time
_SHORT = 1.0  # seconds: where a batch took less, the next is twice as large


@dataclass(frozen=True, slots=True)
class Assessment:
    """run: None where nothing was to be kept. notes: what a reader of the figures must know. samples: where several
    were asked for. usage: where a server was asked. published: what others report by the same metric on the same
    questions. leakage: where answers are known that a query may give away."""

    benchmark: str
    summary: Summary
    items: list[Item]
    split: str
    provenance: Provenance
    run: Run | None
    notes: list[str] = field(default_factory=list)
    samples: SampleSummary | None = None
    usage: Usage | None = None
    published: list[Published] = field(default_factory=list)
    leakage: Leakage | None = None


def assess(config: EvalConfig, progress: Progress, *, keep: bool = True) -> Assessment:
    """Ask the policy, or read the predictions; judge; count; write the run folder, unless `keep` is False.

    UsageError, DataError and UnavailableError say what the caller can mend; nothing is written before the inputs hold.
    """
    if (config.policy is None) == (config.predictions is None):
        raise UsageError("eval takes either --policy or --predictions")
    benchmark = load_benchmark(config.benchmark, config.data, config.database_url, config.answered, config.engine)
    if config.vote and benchmark.answer_key == "query":
        raise UsageError("--vote is for databases: two queries hardly ever give the same ranking")
    split = config.split or (
        benchmark.splits[-1] if config.answered else reported_split(config.benchmark, config.database_url)
    )
    every = benchmark.examples(split)
    chosen = _chosen(every, config.databases)
    predictions = None
    if config.predictions:
        path = Path(config.predictions).expanduser()
        judge = config.judge or benchmark.judges[0]
        predictions = read_predictions(
            path, every, chosen=chosen, match=config.match, to_first_tab=judge in ("spider", "spider-strict")
        )[: config.limit]
    chosen = chosen[: config.limit]
    examples = [every[place] for place in chosen]
    if not examples:
        raise DataError(f"{benchmark.name} has no questions in {split}")
    limits = Limits(seconds=config.seconds, rows=MOST_ROWS, memory_bytes=MOST_MEMORY)
    asked, samples = None, None
    with Judging.of(benchmark, examples, config.judge, limits=limits, workers=config.workers) as judging:
        if predictions is None:
            from sqlrl.asking import ask_policy

            asked = ask_policy(config, benchmark, split, examples, judging, progress)
            items, samples = _judge_samples(config, examples, asked, judging, progress)
        else:
            items = _judge(examples, judging, progress, predictions=predictions)
        if asked and asked.dialogues and config.samples == 1:
            items = [
                replace(item, completion=transcript(dialogue), details={"turns": dialogue.turns})
                for item, (dialogue,) in zip(items, asked.dialogues, strict=True)
            ]
        items = [replace(item, index=place) for item, place in zip(items, chosen, strict=True)]
        ceiling = None
        if any(example.gold.query for example in examples):
            advance_golds = progress.start("judging the golds", len(examples))
            ceiling = ceiling_of(items, judging, advance=lambda count: advance_golds(count, ""))
        summary = summarise(items, judging.judge.name, ceiling)
        leakage = leakage_of(items)
        if leakage is not None:
            items = [replace(i, details={**i.details, "leaks": leaks(i.example, i.predicted)}) for i in items]
        if not config.results:
            items = [replace(item, results=None) for item in items]
        provenance = provenance_of(every, judging, benchmark, progress)
    notes = (
        notes_on(benchmark.faults(), examples, f"{benchmark.name} {split}") if config.databases else benchmark.notes()
    )
    notes = [*notes, *(asked.notes if asked else []), *differences(items, judging.judge.name)]
    figures = published_for(benchmark.name, split, summary.judge) if len(examples) == len(every) else []
    usage = asked.usage if asked else None
    further = {
        "samples": samples.to_dict() if samples else None,
        "asking": usage.to_dict(config.price_in, config.price_out) if usage else None,
        "published": [asdict(figure) for figure in figures],
        "leakage": leakage.to_dict() if leakage else None,
    }
    run = _keep(config, benchmark, split, items, summary, provenance, notes, further) if keep else None
    return Assessment(benchmark.name, summary, items, split, provenance, run, notes, samples, usage, figures, leakage)


def _chosen(examples: Sequence[Example], databases: str | None) -> list[int]:
    """Positions of the examples on the named databases, all where none is named."""
    if databases is None:
        return list(range(len(examples)))
    names = [name.strip() for name in databases.split(",") if name.strip()]
    known = {example.labels.get("database", "") for example in examples}
    for name in names:
        if name not in known:
            raise UsageError(f"no question is on a database {name!r}{nearest(name, known)}")
    return [place for place, example in enumerate(examples) if example.labels.get("database") in names]


def differences(items: Sequence[Item], judge: str) -> list[str]:
    """Where an official judge's word may not be the script's: what was refused, and what a limit ended."""
    if judge.partition("@")[0] not in OFFICIAL:
        return []
    refused = [item.judged.message for item in items if item.judged.outcome == Outcome.REFUSED]
    functions = sum(message.startswith("the function") for message in refused)
    alike = sum(message in _REFUSED_THERE for message in refused)
    limited = sum(item.judged.outcome in (Outcome.TIMED_OUT, Outcome.TOO_LARGE, Outcome.CRASHED) for item in items)
    notes = []
    for count, same, what, instead in (
        (len(refused) - functions, alike, "refused as not a single reading query", "would have run"),
        (functions, 0, "refused for a function that is not allowed", "would have run"),
        (limited, 0, "ended by a limit on time or memory", "has other limits for"),
    ):
        if count:
            some, them = ("prediction was", "it") if count == 1 else ("predictions were", "them")
            if same:
                what += "" if same == count else f", {same:,} of which the official script's driver refuses as well"
                instead, them = ("would have run", "the others") if same < count else ("cannot run", them)
            notes.append(f"{count:,} {some} {what}: the official script {instead} {them}")
    return notes


def _judge_samples(
    config: EvalConfig, examples: list[Example], asked: Asked, judging: Judging, progress: Progress
) -> tuple[list[Item], SampleSummary | None]:
    """One item a question: of its only completion, of the one that was voted for, or of the first."""
    repeated = [example for example in examples for _ in range(config.samples)]
    said = [completion for group in asked.completions for completion in group]
    items = _judge(repeated, judging, progress, completions=said, prompter=asked.prompter)
    if config.samples == 1:
        return items, None
    samples = [items[start : start + config.samples] for start in range(0, len(items), config.samples)]
    votes = None
    if config.vote:
        from sqlrl.voting import elect

        advance = progress.start("voting", len(examples))
        votes = elect(examples, judging, [[item.predicted for item in group] for group in samples])
        advance(len(examples), "")
    return choose(samples, votes), summarise_samples(samples, votes)


def _judge(examples: list[Example], judging: Judging, progress: Progress, **said: Any) -> list[Item]:
    advance = progress.start("judging", len(examples))
    items: list[Item] = []
    size = _BATCH
    while len(items) < len(examples):
        begun, part = time.monotonic(), slice(len(items), len(items) + size)
        chosen: dict[str, Any] = {key: value[part] if isinstance(value, list) else value for key, value in said.items()}
        judged = evaluate(examples[part], judging, closely=True, **chosen)
        items += judged
        advance(len(judged), "")
        size *= 2 if time.monotonic() - begun < _SHORT else 1
    return items


def _keep(
    config: EvalConfig,
    benchmark: Benchmark,
    split: str,
    items: list[Item],
    summary: Summary,
    provenance: Provenance,
    notes: list[str],
    further: dict[str, Any],
) -> Run:
    from sqlrl.report import write_report

    run = Run.create(config.out, config.name, f"eval-{config.benchmark}")
    write_config(config, run.folder / "config.yaml")
    run.write_items(item.to_dict() for item in items)
    run.write_summary(
        {
            "benchmark": benchmark.name,
            "split": split,
            "asked": config.policy or config.predictions,
            "seed": config.seed,
            "notes": notes,
            "provenance": provenance.to_dict(),
            "evaluation": summary.to_dict(),
            **{key: value for key, value in further.items() if value},
        }
    )
    write_report(run, plots=False)
    return run
