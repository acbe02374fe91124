"""Asking: the questions of an evaluation put to its policy as configured: shots before, samples, parallel, cached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.benchmarks import load_benchmark
from sqlrl.dialogue import Dialogue, last_word
from sqlrl.environment import Allowance, EnvironmentFactory
from sqlrl.evaluation import ask, put
from sqlrl.executors.errors import UnavailableError, UsageError
from sqlrl.policies import load_policy
from sqlrl.policies.cache import default_folder
from sqlrl.policies.expansion import ExpansionPolicy
from sqlrl.policies.local import LocalPolicy
from sqlrl.prompts import Prompter, manner
from sqlrl.shots import Shots

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Benchmark, Example
    from sqlrl.config import EvalConfig
    from sqlrl.judging import Judging
    from sqlrl.policies import Policy
    from sqlrl.policies.endpoint import EndpointPolicy
    from sqlrl.policies.usage import Usage
    from sqlrl.training.run import Progress

__all__ = ["Asked", "ask_policy"]

_BATCH = {"LocalPolicy": 256, "ScriptedPolicy": 32}  # a local policy sorts long batches by length


@dataclass(frozen=True, slots=True)
class Asked:
    """completions: config.samples for each question. usage: of an endpoint, None of others. dialogues: what went before
    each completion, where a policy looks at the database; empty where not."""

    completions: list[list[str]]
    prompter: Prompter
    usage: Usage | None = None
    notes: list[str] = field(default_factory=list)
    dialogues: list[list[Dialogue]] = field(default_factory=list)


def ask_policy(
    config: EvalConfig,
    benchmark: Benchmark,
    split: str,
    examples: Sequence[Example],
    judging: Judging,
    progress: Progress,
) -> Asked:
    """Load the policy and ask it every question. Where a server fails or somebody presses Ctrl-C, what was answered is
    in the cache, and the error says so."""
    if config.threads:
        import torch

        torch.set_num_threads(config.threads)
    shots, notes = None, []
    if config.shots:
        # From a benchmark of its own: one that has read the training split would report on that as well.
        anew = load_benchmark(config.benchmark, config.data, answered=config.answered, engine=config.engine)
        shots = Shots.of(anew, split, config.shots, config.shots_from, seed=config.seed)
        pool = f"{len(shots.pool):,} labelled questions of the training split"
        notes.append(f"{config.shots} {config.shots_from} shots a question, from {pool}")
    cache = None if config.no_cache else Path(config.cache).expanduser() if config.cache else default_folder()
    policy = load_policy(
        config.policy or "", device=config.device, seed=config.seed, parallel=config.parallel, timeout=config.timeout,
        cache=cache,
    )  # fmt: skip
    prompter = _prompter(config, benchmark, policy)
    if isinstance(policy, ExpansionPolicy):
        policy.look(examples, judging)
    if prompter.turns > 1 or (policy.prompter is not None and policy.prompter.turns > 1):
        return _converse(config, policy, prompter, examples, judging, shots, progress, notes)
    advance = progress.start(f"asking {policy.name}", len(examples))
    how: dict[str, Any] = {
        "n": config.samples, "temperature": config.heat, "max_tokens": config.max_tokens,
        "sample_rows": config.sample_rows, "shots": shots,
    }  # fmt: skip
    if type(policy).__name__ != "EndpointPolicy":
        batch = _BATCH.get(type(policy).__name__, 32)
        said = ask(policy, examples, judging, prompter, batch=batch, advance=lambda count: advance(count, ""), **how)
        return Asked(said, prompter, None, notes)
    endpoint: EndpointPolicy = policy  # type: ignore[assignment]
    endpoint.advance = lambda count: advance(count, "")
    try:
        said = ask(policy, examples, judging, prompter, batch=len(examples), **how)
    except UnavailableError as error:
        raise UnavailableError(f"{error}{_kept(endpoint)}") from None
    except KeyboardInterrupt:
        progress.say(f"interrupted{_kept(endpoint)}")
        raise
    finally:
        endpoint.close()
    return Asked(said, prompter, endpoint.usage, [*notes, *endpoint.notes])


def _converse(
    config: EvalConfig, policy: Policy, prompter: Prompter, examples: Sequence[Example], judging: Judging,
    shots: Shots | None, progress: Progress, notes: list[str],
) -> Asked:  # fmt: skip
    """Dialogues with looks at the database, judged by their last words."""
    if not isinstance(policy, LocalPolicy):
        raise UsageError(f"--turns is for policies on this machine, not for {policy.name}")
    factory = EnvironmentFactory(judging, Allowance.of(prompter, config.seconds))
    prompts = put(examples, judging, prompter, sample_rows=config.sample_rows, shots=shots)
    environments = [factory() for _ in examples for _ in range(config.samples)]
    for index, environment in enumerate(environments):
        environment.reset(example_id=examples[index // config.samples].id)
    advance = progress.start(f"asking {policy.name}", len(environments))
    held = policy.converse(
        [prompt for prompt in prompts for _ in range(config.samples)], environments, turns=prompter.turns,
        temperature=config.heat, max_tokens=config.max_tokens, advance=lambda count: advance(count, ""),
    )  # fmt: skip
    groups = [held[start : start + config.samples] for start in range(0, len(held), config.samples)]
    said = [[last_word(dialogue.messages) for dialogue in group] for group in groups]
    looks = sum(environment.calls for environment in environments)
    notes = [*notes, f"up to {prompter.turns} turns: {looks / max(1, len(environments)):.2f} calls of tools a question"]
    return Asked(said, replace(prompter, thinking=False), None, notes, groups)


def _prompter(config: EvalConfig, benchmark: Benchmark, policy: Any) -> Prompter:
    """A policy that was trained here is asked as it was taught; another one gets the full instructions."""
    prompter: Prompter = policy.prompter or Prompter(**manner(benchmark))
    if config.turns is not None:
        prompter = replace(prompter, turns=config.turns)
    if config.thinking is not None:
        prompter = replace(prompter, thinking=config.thinking, prefill=prompter.prefill and config.thinking)
    if config.prefill:
        if type(policy).__name__ == "EndpointPolicy":
            raise UsageError("--prefill is for local policies: a server ends its prompts by its own template")
        prompter = replace(prompter, prefill=True)
    return prompter


def _kept(policy: EndpointPolicy) -> str:
    """What becomes of the answers that an evaluation had when it ended early."""
    had = policy.usage.asked + policy.usage.cached
    if not had:
        return ""
    if policy.cache is None:
        return f"; {had:,} answers are lost, since --no-cache was given"
    return f"; {had:,} answers are kept: the same command goes on from there"
