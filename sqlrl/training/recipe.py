"""A recipe: how long, how fast and how wide each stage runs, by the kind of policy; a flag overrides its key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from sqlrl.executors.errors import DataError

__all__ = ["Recipe", "recipe_for"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """The keys are TrainConfig's, where it has them: a value given there wins.

    Steps are optimiser steps. rft_* is rejection sampling: `rft_samples` completions of each question, of which up to
    `rft_keep` distinct right ones are imitated for `rft_steps`, `rft_rounds` times. grpo_*: `questions` groups a step
    of `num_generations` completions each, out of `grpo_samples` that are drawn. rft_replay: mix the demonstrations in,
    where they are right for this house. control_steps: of further sft, and of the ceiling, in comparisons.
    """

    sft_steps: int
    sft_learning_rate: float
    sft_batch: int
    sft_dropout: float
    rft_rounds: int
    rft_samples: int
    rft_keep: int
    rft_steps: int
    rft_learning_rate: float
    rft_replay: bool
    control_steps: int
    grpo_steps: int
    grpo_learning_rate: float
    grpo_schedule: str
    grpo_samples: int
    questions: int
    num_generations: int
    temperature: float
    updates: int
    max_completion_tokens: int
    prompt_style: str
    thinking: bool
    default_method: str

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], where: Path) -> Recipe:
        """What `dataclasses.asdict` gave. DataError where it is another version's."""
        if set(values) != {field.name for field in fields(cls)}:
            raise DataError(f"{where} is another version's recipe: this run cannot be gone on with")
        return cls(**values)


# Chosen by measurement: `sqlrl reproduce mini` and `sqlrl reproduce geoquery` write what came of them.
TINY = Recipe(
    sft_steps=1200,
    sft_learning_rate=3e-3,
    sft_batch=32,
    sft_dropout=0.1,
    rft_rounds=1,
    rft_samples=8,
    rft_keep=2,
    rft_steps=300,
    rft_learning_rate=1.5e-3,
    rft_replay=False,
    control_steps=800,
    grpo_steps=150,
    grpo_learning_rate=6e-4,
    grpo_schedule="linear",
    grpo_samples=16,
    questions=16,
    num_generations=8,
    temperature=1.0,
    updates=1,
    max_completion_tokens=96,
    prompt_style="terse",
    thinking=True,
    default_method="sft+rft",
)
# The paper's values where a 3B checkpoint is trained: learning rate 1e-6, 512 new tokens; G = 8 takes the place of its
# critic (DeepRetrieval, arXiv 2503.00223).
LARGE = Recipe(
    sft_steps=400,
    sft_learning_rate=2e-5,
    sft_batch=16,
    sft_dropout=0.0,
    rft_rounds=1,
    rft_samples=8,
    rft_keep=2,
    rft_steps=400,
    rft_learning_rate=1e-5,
    rft_replay=False,
    control_steps=800,
    grpo_steps=500,
    grpo_learning_rate=1e-6,
    grpo_schedule="constant_with_warmup",
    grpo_samples=8,
    questions=16,
    num_generations=8,
    temperature=1.0,
    updates=1,
    max_completion_tokens=512,
    prompt_style="full",
    thinking=True,
    default_method="grpo",
)
# People's questions with long queries: a warm start trained until its labels teach it no more is sure of itself, so its
# samples are drawn hot, and many of a question, or they hold nothing new. grpo_*: chosen by validation on seed 0.
GEOQUERY = replace(
    TINY, sft_steps=1600, max_completion_tokens=200, thinking=False, temperature=1.4, control_steps=1000,
    rft_replay=True, rft_rounds=2, rft_steps=400, rft_samples=32, rft_keep=4,
    grpo_steps=300, grpo_learning_rate=3e-4, questions=8, num_generations=8, grpo_samples=32,
)  # fmt: skip
# Unseen databases: the schema has to be read, which a policy from scratch hardly learns from a few hundred questions.
SPIDER = replace(
    TINY, sft_steps=400, sft_batch=16, control_steps=400, max_completion_tokens=128, prompt_style="compact",
    thinking=False, rft_replay=True,
)  # fmt: skip


def recipe_for(kind: str, benchmark: str, config: Any = None) -> Recipe:
    """The recipe of a policy kind ("tiny" or "large") on a benchmark, with what `config` sets by the same names."""
    base = benchmark.partition("/")[0]
    recipe = LARGE if kind == "large" else {"geoquery": GEOQUERY, "spider": SPIDER, "bird": SPIDER}.get(base, TINY)
    given = {
        field.name: getattr(config, field.name)
        for field in fields(recipe)
        if getattr(config, field.name, None) is not None
    }
    return replace(recipe, **given)
