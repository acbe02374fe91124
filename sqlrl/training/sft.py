"""Supervised fine-tuning: imitate pairs of prompt and completion, through TRL's SFTTrainer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlrl.training.trainers import Tracking

__all__ = ["Supervision", "supervise"]


@dataclass(frozen=True, slots=True)
class Supervision:
    """How long and how fast to imitate. steps: of `batch` sequences each. dropout: on the residual stream."""

    steps: int
    learning_rate: float
    batch: int = 32
    dropout: float = 0.0
    schedule: str = "linear"
    micro_batch: int = 0
    gradient_checkpointing: bool = False
    processes: int = 1
    save_steps: int = 0


def supervise(
    model: Any,
    tokenizer: Any,
    pairs: Sequence[tuple[list[int], list[int]]],
    settings: Supervision,
    *,
    folder: Path,
    seed: int,
    callbacks: Sequence[Any] = (),
    resume_from: Path | None = None,
    tracking: Tracking | None = None,
    masks: Sequence[list[int]] | None = None,
) -> None:
    """Train `model` in place on (prompt ids, completion ids); only the completions count in the loss, and of them only
    what has a 1 in `masks`, where these are given."""
    from datasets import Dataset
    from trl import SFTTrainer

    from sqlrl.policies.tiny import residual_dropout
    from sqlrl.training.trainers import batching, run_trainer, training_arguments

    dataset = Dataset.from_dict(
        {
            "input_ids": [[*prompt, *completion] for prompt, completion in pairs],
            "completion_mask": [
                [0] * len(prompt) + (masks[index] if masks is not None else [1] * len(completion))
                for index, (prompt, completion) in enumerate(pairs)
            ],
        }
    )
    longest = max(len(prompt) + len(completion) for prompt, completion in pairs)
    arguments = training_arguments(
        "SFTConfig",
        model,
        output_dir=str(folder),
        **batching(settings.batch, settings.processes, settings.micro_batch),
        gradient_checkpointing=settings.gradient_checkpointing,
        max_steps=settings.steps,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.schedule,
        warmup_steps=min(20, max(1, settings.steps // 10)),
        max_length=longest,
        completion_only_loss=True,
        train_sampling_strategy="group_by_length",
        save_strategy="steps" if settings.save_steps else "no",
        save_steps=settings.save_steps or 500,
        seed=seed,
        **(tracking.settings if tracking else {}),
    )
    trainer = SFTTrainer(model=model, args=arguments, train_dataset=dataset, processing_class=tokenizer)
    with residual_dropout(model, settings.dropout):
        run_trainer(trainer, callbacks, resume_from)
