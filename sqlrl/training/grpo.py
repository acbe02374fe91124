"""Group-relative policy optimisation: learn from what sampled queries return, through TRL's GRPOTrainer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Reinforcement", "reinforce"]


@dataclass(frozen=True, slots=True)
class Reinforcement:
    """How to learn from rewards. questions: groups of one step; size: completions of each that are trained on, out of
    `samples` that are drawn.

    scale: "none", since dividing by a group's deviation blows a small bonus for running up to a full advantage and the
    policy learns short, wrong queries that run. extra: further GRPOConfig settings by their TRL names.
    """

    steps: int
    learning_rate: float
    questions: int = 16
    size: int = 8
    samples: int | None = None
    temperature: float = 1.0
    updates: int = 1
    loss: str = "dapo"
    scale: str = "none"
    beta: float = 0.0
    schedule: str = "constant_with_warmup"
    dynamic: bool = True
    save_steps: int = 0
    extra: dict[str, Any] = field(default_factory=dict)


def reinforce(
    learner: Any,
    examples: Sequence[Any],
    reward: Any,
    settings: Reinforcement,
    *,
    folder: Path,
    seed: int,
    callbacks: Sequence[Any] = (),
    resume_from: Path | None = None,
) -> None:
    """Train `learner.model` in place on the rewards of its own completions. No query of the examples is shown to it."""
    import warnings

    from datasets import Dataset
    from trl import GRPOTrainer

    from sqlrl.training.groups import Groups
    from sqlrl.training.trainers import run_trainer, training_arguments

    groups = Groups(
        learner, examples, reward, size=settings.size, samples=settings.samples,
        temperature=settings.temperature, seed=seed, dynamic=settings.dynamic,
    )  # fmt: skip
    if resume_from:
        groups.restore(resume_from)
    dataset = Dataset.from_dict(
        {
            "prompt": [[{"role": "user", "content": "", "example_id": example.id}] for example in examples],
            "example_id": [example.id for example in examples],
        }
    )
    arguments = training_arguments(
        "GRPOConfig",
        learner.model,
        output_dir=str(folder),
        per_device_train_batch_size=settings.questions * settings.size,
        num_generations=settings.size,
        num_iterations=settings.updates,
        max_completion_length=learner.max_completion_tokens,
        max_steps=settings.steps,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.schedule,
        warmup_steps=min(10, max(1, settings.steps // 10)),
        temperature=settings.temperature,
        beta=settings.beta,
        loss_type=settings.loss,
        scale_rewards=settings.scale,
        epsilon=0.2,
        epsilon_high=0.28,
        save_strategy="steps" if settings.save_steps else "no",
        save_steps=settings.save_steps or 500,
        seed=seed,
        **settings.extra,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = GRPOTrainer(
            model=learner.model,
            reward_funcs=[reward],
            args=arguments,
            train_dataset=dataset,
            processing_class=learner.tokenizer,
            rollout_func=groups,
        )
    for callback in callbacks:
        attach = getattr(callback, "attach", None)
        if attach is not None:
            attach(groups=groups, reward=reward)
    run_trainer(trainer, callbacks, resume_from)
