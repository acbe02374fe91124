"""`sqlrl train`: train a policy on what its queries return."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from sqlrl.config import TrainConfig, read_config
from sqlrl.executors.errors import UsageError

if TYPE_CHECKING:
    from sqlrl.cli.terminal import Terminal
    from sqlrl.training.preflight import Preflight

__all__ = ["command"]

# What may be said anew when a run goes on: nothing that changes its numbers.
_WITH_RESUME = {"resume", "data", "threads", "device", "workers", "dry_run", "processes", "launcher"}


@click.command("train")
@click.argument("benchmark", required=False)
@click.option("--data", metavar="DIR", help="Folder of the benchmark's files [default: $SQLRL_DATA, then the cache].")
@click.option("--answered", metavar="FILE", help="Answered questions: BENCHMARK is then a database of your own.")
@click.option("--engine", metavar="NAME", help="Of a search benchmark: bm25, dense or boolean [default: its first].")
@click.option("--policy", help="tiny, runs/<run>, a checkpoint folder or hf:org/name [default: by the machine].")
@click.option("--recipe", metavar="NAME", help="Settings for a machine: `sqlrl recipes` lists them; or a YAML file.")
@click.option("--method", help="sft, rft, grpo, rloo or a chain: sft+grpo, sft+rft+grpo [default: the recipe's].")
@click.option(
    "--reward", help="A preset; `sqlrl rewards` shows them [default: execution; recall, ndcg ... for search]."
)
@click.option("--judge", help="Judge in place of the reward's own.")
@click.option("--config", "config_file", metavar="FILE", help="YAML file whose keys are these flags; flags win.")
@click.option("--out", default="runs", show_default=True, metavar="DIR", help="Where run folders are made.")
@click.option("--name", help="Name of the run folder [default: time and benchmark].")
@click.option("--seed", default=0, show_default=True, help="Of everything that is drawn at random.")
@click.option("--seeds", type=click.IntRange(2), metavar="N", help="Train from N seeds on; says how far they differ.")
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
@click.option(
    "--turns", type=int, metavar="N", help="Messages about one question; all but the last may look at the database."
)
@click.option(
    "--lora", type=int, metavar="RANK", help="Low-rank adapter; 0 trains all weights [default: the recipe's]."
)
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
@click.option("--loss", help="GRPO: dapo, dr_grpo, grpo, bnpo, gspo, cispo, sapo, luspo, vespo.")
@click.option("--scale-rewards", help="GRPO: none, group or batch.")
@click.option("--beta", type=float, help="GRPO, RLOO: weight of the divergence from the start.")
@click.option("--epsilon-high", type=float, help="GRPO: upper clip of the ratio.")
@click.option("--skip-dead-groups/--no-skip-dead-groups", default=None, help="GRPO: choose questions that teach.")
@click.option("--max-prompt-tokens", type=int, help="Leave out questions with longer prompts.")
@click.option("--max-completion-tokens", type=int)
@click.option("--sampler", help="own, trl, vllm or vllm-server.")
@click.option("--vllm-server", metavar="URL")
@click.option("--vllm-memory", type=float, metavar="SHARE", help="Of the device, for vLLM in the same process.")
@click.option("--processes", type=click.IntRange(1), help="Start so many, one a device [default: the recipe's].")
@click.option("--launcher", help="How weights are spread: none, multi_gpu, zero2, zero3, fsdp2.")
@click.option("--micro-batch", type=int, help="Sequences that one device holds at once.")
@click.option("--gradient-checkpointing/--no-gradient-checkpointing", default=None)
@click.option("--report-to", default="none", show_default=True, help="Besides: tensorboard, wandb, trackio.")
@click.option("--overlap", is_flag=True, help="Train although questions or databases are shared with what is held out.")
@click.option("--demonstrations", metavar="FILE", help="Of `sqlrl distill`: what sft imitates.")
@click.option("--difficulty", metavar="FILE", help="Of `sqlrl check --policy`: leave out the always or never solved.")
@click.pass_context
def command(
    context: click.Context,
    benchmark: str | None,
    resume: str | None,
    config_file: str | None,
    dry_run: bool,
    seeds: int | None,
    **flags: Any,
) -> None:
    """Train a policy on what its queries return.

    A warm start imitates the benchmark's labelled part where it has one (sft); then the policy samples queries, they
    are executed, and it learns from their results, without being shown a right query: by imitating its own right
    samples (rft) or by GRPO (grpo). Ctrl-C saves; --resume goes on.
    """
    from sqlrl.cli.terminal import Terminal
    from sqlrl.training.launch import processes_wanted
    from sqlrl.training.processes import Processes
    from sqlrl.training.run import Interrupted, need_extra, train

    config = _configuration(context, benchmark, resume, config_file, flags)
    with Terminal() as terminal:
        need_extra()
        if dry_run:
            _dry_run(config, terminal)
            return
        processes = Processes.of_launcher()
        wanted = processes_wanted(config, processes)
        if wanted.count > 1 and not processes.is_launched:
            wanted.start(sys.argv[1:])
        if seeds:
            _repeat(context, config, seeds, terminal)
            return
        try:
            run = train(
                config, terminal, resume=Path(resume) if resume else None, show=lambda flight: _show(flight, terminal)
            )
        except Interrupted as stop:
            terminal.say(f"stopped and saved; go on with: sqlrl train --resume {stop.folder}")
            context.exit(130)
        if processes.is_main:
            terminal.print(f"run     {run.folder}\nreport  {run.folder / 'report.html'}")
            asked = f"{config.benchmark} --answered {config.answered}" if config.answered else config.benchmark
            asked += f" --engine {config.engine}" if config.engine else ""
            terminal.print(f"judge   sqlrl eval {asked} --policy {run.folder}")
            if config.answered:
                terminal.print(f"adopt   sqlrl adopt {asked} --policy {run.folder}")


def _configuration(
    context: click.Context, benchmark: str | None, resume: str | None, config_file: str | None, flags: dict[str, Any]
) -> TrainConfig:
    given = {
        name: value
        for name, value in flags.items()
        if context.get_parameter_source(name) not in (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP)
    }
    if resume and context.params.get("seeds"):
        raise UsageError("--seeds goes on by itself: run the same command again")
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


def _dry_run(config: TrainConfig, terminal: Terminal) -> None:
    """Every check, and nothing else. Leaves with 2 where training would not begin."""
    from sqlrl.training.launch import processes_wanted
    from sqlrl.training.plan import draw_plan
    from sqlrl.training.preflight import fly
    from sqlrl.training.processes import Processes

    processes = Processes.of_launcher()
    wanted = processes_wanted(config, processes)
    flight = fly(draw_plan(config, processes=processes if processes.is_launched else wanted.as_processes()))
    _show(flight, terminal)
    if flight.stops():
        raise UsageError("; ".join(f"{check.what}: {check.found}" for check in flight.stops()))


def _repeat(context: click.Context, config: TrainConfig, seeds: int, terminal: Terminal) -> None:
    """Train from several seeds; a table of what they came to."""
    from sqlrl.training.repeats import keep, repeat
    from sqlrl.training.run import Interrupted

    try:
        found = repeat(config, seeds, terminal)
    except Interrupted:
        terminal.say("stopped and saved; run the same command again to go on")
        context.exit(130)
    rows = [
        [
            stage,
            *(f"{100 * share:.1f}" for share in shares),
            f"{100 * mean:.1f}",
            f"{100 * low:.1f} to {100 * high:.1f}",
        ]
        for stage, shares, mean, (low, high) in found.ends()
    ]
    columns = ["after", *(f">seed {seed}" for seed in found.seeds), ">mean", ">95 % interval"]
    terminal.table(columns, rows, title="validation questions right, in per cent")
    terminal.print(f"kept    {keep(found)}\ncurve   {found.folder / 'curve.png'}")


def _show(flight: Preflight, terminal: Terminal) -> None:
    """The table of checks: what a reader should know in yellow, what forbids to go on in red."""
    from rich.text import Text

    colour = {"ok": "", "note": "yellow", "stop": "bold red"}
    mark = {"ok": "", "note": "!", "stop": "x"}
    rows = [
        [Text(mark[c.verdict], colour[c.verdict]), Text(c.what, colour[c.verdict]), Text(c.found)]
        for c in flight.checks
    ]
    terminal.table(["", "pre-flight", ""], rows)
