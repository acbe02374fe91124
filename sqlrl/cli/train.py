"""`sqlrl train`: train a policy on what its queries return."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from sqlrl.config import TrainConfig, read_config
from sqlrl.executors.errors import UsageError

__all__ = ["command"]

# What may be said anew when a run goes on: nothing that changes its numbers.
_WITH_RESUME = {"resume", "data", "threads", "device", "workers", "dry_run"}


@click.command("train")
@click.argument("benchmark", required=False)
@click.option("--data", metavar="DIR", help="Folder of the benchmark's files [default: $SQLRL_DATA, then the cache].")
@click.option("--policy", help="tiny, runs/<run>, a checkpoint folder or hf:org/name [default: by the machine].")
@click.option("--method", help="sft, rft, grpo or a chain: sft+grpo, sft+rft+grpo [default: the recipe's].")
@click.option("--reward", default="execution", show_default=True, help="A preset; `sqlrl rewards` shows them.")
@click.option("--judge", help="Judge in place of the reward's own.")
@click.option("--config", "config_file", metavar="FILE", help="YAML file whose keys are these flags; flags win.")
@click.option("--out", default="runs", show_default=True, metavar="DIR", help="Where run folders are made.")
@click.option("--name", help="Name of the run folder [default: time and benchmark].")
@click.option("--seed", default=0, show_default=True, help="Of everything that is drawn at random.")
@click.option("--resume", metavar="RUN", help="Go on with a run that was stopped.")
@click.option("--dry-run", is_flag=True, help="Print the plan (examples, tokens, steps, memory) and stop.")
@click.option("--max-steps", type=int, help="At most so many steps of each stage.")
@click.option("--limit", type=int, help="At most so many questions of each part.")
@click.option("--threads", type=int, help="Of torch [default: the processors, at most 4].")
@click.option("--workers", type=int, help="Processes that run queries [default: one a processor].")
@click.option("--device", help="cpu, cuda ... [default: a GPU where there is one].")
@click.option("--seconds", default=2.0, show_default=True, help="Processor time of one query.")
@click.option("--prompt-style", help="full, compact or terse [default: the recipe's].")
@click.option("--thinking/--no-thinking", default=None, help="Whether a <think> part comes first.")
@click.option("--prefill", is_flag=True, help="End the prompt with <think>.")
@click.option("--lora", default=0, show_default=True, metavar="RANK", help="Train a low-rank adapter; 0 trains all.")
@click.option("--save-steps", default=50, show_default=True, help="Steps between checkpoints.")
@click.option("--evaluate/--no-evaluate", default=True, help="Score the validation split after each stage.")
@click.option("--sft-steps", type=int)
@click.option("--sft-learning-rate", type=float)
@click.option("--sft-dropout", type=float)
@click.option("--rft-rounds", type=int)
@click.option("--rft-steps", type=int)
@click.option("--grpo-steps", type=int)
@click.option("--grpo-learning-rate", type=float)
@click.option("--questions", type=int, help="GRPO: groups a step.")
@click.option("--num-generations", type=int, help="GRPO: completions a group, trained on.")
@click.option(
    "--grpo-samples", type=int, help="GRPO: completions drawn for a group, of which it keeps the most telling."
)
@click.option("--temperature", type=float, help="Of sampling.")
@click.option("--updates", type=int, help="GRPO: updates from one sampled batch.")
@click.option("--max-completion-tokens", type=int)
@click.pass_context
def command(
    context: click.Context,
    benchmark: str | None,
    resume: str | None,
    config_file: str | None,
    dry_run: bool,
    **flags: Any,
) -> None:
    """Train a policy on what its queries return.

    A warm start imitates the benchmark's labelled part where it has one (sft); then the policy samples queries, they
    are executed, and it learns from their results, without being shown a right query: by imitating its own right
    samples (rft) or by GRPO (grpo). Ctrl-C saves; --resume goes on.
    """
    from sqlrl.cli.terminal import Terminal
    from sqlrl.training.run import Interrupted, need_extra, train

    config = _configuration(context, benchmark, resume, config_file, flags)
    with Terminal() as terminal:
        need_extra()
        if dry_run:
            _print_plan(config, terminal)
            return
        try:
            run = train(config, terminal, resume=Path(resume) if resume else None)
        except Interrupted as stop:
            terminal.say(f"stopped and saved; go on with: sqlrl train --resume {stop.folder}")
            context.exit(130)
        terminal.print(f"run     {run.folder}\nreport  {run.folder / 'report.html'}")
        terminal.print(f"judge   sqlrl eval {config.benchmark} --policy {run.folder}")


def _configuration(
    context: click.Context, benchmark: str | None, resume: str | None, config_file: str | None, flags: dict[str, Any]
) -> TrainConfig:
    given = {
        name: value
        for name, value in flags.items()
        if context.get_parameter_source(name) not in (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP)
    }
    if resume:
        stray = sorted(set(given) - _WITH_RESUME) + (["config"] if config_file else [])
        if benchmark or stray:
            what = "a benchmark" if benchmark else f"--{stray[0].replace('_', '-')}"
            raise UsageError(f"--resume goes on as the run began: {what} cannot be given with it")
        return TrainConfig.from_dict(read_config(_config_of(resume)) | given)
    values = read_config(_existing(config_file)) if config_file else {}
    values |= given
    if benchmark:
        values["benchmark"] = benchmark
    if "benchmark" not in values:
        raise UsageError("train needs a benchmark (sqlrl data lists them), or --resume RUN")
    return TrainConfig.from_dict(values)


def _config_of(resume: str) -> Path:
    from sqlrl.runs import Run

    return Run.open(resume).folder / "config.yaml"


def _existing(path: str) -> Path:
    if not Path(path).is_file():
        raise UsageError(f"there is no file {path}")
    return Path(path)


def _print_plan(config: TrainConfig, terminal: Any) -> None:
    from sqlrl.training.estimate import estimate
    from sqlrl.training.plan import draw_plan

    plan = draw_plan(config)
    for what, value in estimate(plan):
        terminal.print(f"{what:<38} {value}")
