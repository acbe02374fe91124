"""An assessment: one evaluation from its configuration to a run folder, a summary and a report."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.benchmarks import load_benchmark, reported_split
from sqlrl.benchmarks.predictions import read_predictions
from sqlrl.config import EvalConfig, write_config
from sqlrl.evaluation import Item, Score, Summary, ask, ceiling_of, evaluate, summarise
from sqlrl.executors.base import Limits
from sqlrl.executors.errors import DataError, UsageError
from sqlrl.judging import Judging
from sqlrl.policies import load_policy
from sqlrl.prompts import Prompter
from sqlrl.runs import Run

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Benchmark, Example
    from sqlrl.training.run import Progress

__all__ = ["Assessment", "assess"]

_DIALECTS = {"postgresql": "PostgreSQL", "mysql": "MySQL"}
_BATCH = 32  # questions asked or judged between two moves of a progress bar


@dataclass(frozen=True, slots=True)
class Assessment:
    """run: None where nothing was to be kept. notes: what a reader of the figures must know."""

    summary: Summary
    items: list[Item]
    split: str
    run: Run | None
    notes: list[str] = field(default_factory=list)


def assess(config: EvalConfig, progress: Progress, *, keep: bool = True) -> Assessment:
    """Ask the policy, or read the predictions; judge; count; write the run folder, unless `keep` is False.

    UsageError, DataError and UnavailableError say what the caller can mend; nothing is written before the inputs hold.
    """
    if (config.policy is None) == (config.predictions is None):
        raise UsageError("eval takes either --policy or --predictions")
    benchmark = load_benchmark(config.benchmark, config.data, config.database_url)
    split = config.split or reported_split(config.benchmark)
    every = benchmark.examples(split)
    predictions = read_predictions(Path(config.predictions).expanduser(), every) if config.predictions else None
    examples = every[: config.limit] if config.limit else every
    if not examples:
        raise DataError(f"{benchmark.name} has no questions in {split}")
    limits = Limits(seconds=config.seconds)
    with Judging.of(benchmark, examples, config.judge, limits=limits, workers=config.workers) as judging:
        if predictions is None:
            completions, prompter = _ask(config, benchmark, examples, judging, progress)
            items = _judge(examples, judging, progress, completions=completions, prompter=prompter)
        else:
            items = _judge(examples, judging, progress, predictions=predictions[: len(examples)])
        advance = progress.start("judging the golds", len(examples))
        ceiling = ceiling_of(examples, judging)
        advance(len(examples), "")
        summary = summarise(items, judging.judge.name, ceiling)
    notes = benchmark.notes()
    run = _keep(config, benchmark, split, items, summary, notes) if keep else None
    return Assessment(summary, items, split, run, notes)


def _ask(
    config: EvalConfig, benchmark: Benchmark, examples: list[Example], judging: Judging, progress: Progress
) -> tuple[list[str], Prompter]:
    if config.threads:
        import torch

        torch.set_num_threads(config.threads)
    policy = load_policy(config.policy or "", device=config.device, seed=config.seed)
    # A policy that was trained here is asked as it was taught; another one gets the full instructions.
    dialect = _DIALECTS.get(getattr(benchmark, "dialect", ""), "SQLite")
    prompter = policy.prompter or Prompter(answer_key=benchmark.answer_key, dialect=dialect)
    if config.thinking is not None:
        prompter = replace(prompter, thinking=config.thinking, prefill=prompter.prefill and config.thinking)
    if config.prefill:
        prompter = replace(prompter, prefill=True)
    advance = progress.start(f"asking {policy.name}", len(examples))
    completions = ask(
        policy, examples, judging, prompter, temperature=config.temperature, max_tokens=config.max_tokens,
        sample_rows=config.sample_rows, batch=_batch_of(policy), advance=lambda count: advance(count, ""),
    )  # fmt: skip
    return completions, prompter


def _batch_of(policy: Any) -> int:
    """A local policy sorts long batches by length; an endpoint is asked with a few questions in flight."""
    return 256 if type(policy).__name__ == "LocalPolicy" else _BATCH


def _judge(examples: list[Example], judging: Judging, progress: Progress, **said: Any) -> list[Item]:
    advance = progress.start("judging", len(examples))
    items: list[Item] = []
    for start in range(0, len(examples), _BATCH * 8):
        part = slice(start, start + _BATCH * 8)
        chosen: dict[str, Any] = {key: value[part] if isinstance(value, list) else value for key, value in said.items()}
        judged = evaluate(examples[part], judging, **chosen)
        items += [replace(item, index=start + item.index) for item in judged]
        advance(len(judged), "")
    return items


def _keep(
    config: EvalConfig, benchmark: Benchmark, split: str, items: list[Item], summary: Summary, notes: list[str]
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
            "evaluation": summary.to_dict(),
        }
    )
    write_report(run)
    return run


def share_line(score: Score) -> str:
    """`613 of 1,034, 59.3 % [56.3, 62.2]`."""
    low, high = score.interval
    return f"{score.right:,} of {score.total:,}, {score.share * 100:.1f} % [{low * 100:.1f}, {high * 100:.1f}]"
