"""Reinforcement: learn from what sampled queries return, through TRL's GRPOTrainer or RLOOTrainer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.training.processes import ALONE, Processes
from sqlrl.training.trainers import batching
from sqlrl.training.turns import WordReward

if TYPE_CHECKING:
    from sqlrl.training.trainers import Tracking

__all__ = ["Reinforcement", "reinforce"]


@dataclass(frozen=True, slots=True)
class Reinforcement:
    """How to learn from rewards. method: grpo or rloo. questions: groups of one step; size: completions of each that
    are trained on, out of `samples` that are drawn. sampler: see the recipe's keys.

    loss: TRL's `loss_type`, or gspo: its sequence-level importance ratio. scale: "none", since dividing by a group's
    deviation blows a small bonus for running up to a full advantage and the policy learns short, wrong queries that
    run. extra: further settings by their TRL names.
    """

    method: str = "grpo"
    steps: int = 100
    learning_rate: float = 1e-6
    questions: int = 16
    size: int = 8
    samples: int | None = None
    temperature: float = 1.0
    updates: int = 1
    loss: str = "dapo"
    scale: str = "none"
    beta: float = 0.0
    epsilon_high: float = 0.28
    schedule: str = "constant_with_warmup"
    dynamic: bool = True
    sampler: str = "own"
    vllm_server: str = ""
    vllm_memory: float = 0.3
    micro_batch: int = 0
    gradient_checkpointing: bool = False
    save_steps: int = 0
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def own_loop(self) -> bool:
        """Whether our own loop samples; RLOO's trainer takes none."""
        return self.sampler == "own" and self.method == "grpo"

    def arguments(self, processes: int = 1) -> dict[str, Any]:
        """TRL's names and values, of this method's configuration class."""
        wanted: dict[str, Any] = {
            **batching(self.questions * self.size, processes, self.micro_batch),
            "num_generations": self.size,
            "num_iterations": self.updates,
            "max_steps": self.steps,
            "learning_rate": self.learning_rate,
            "lr_scheduler_type": self.schedule,
            "warmup_steps": min(10, max(1, self.steps // 10)),
            "temperature": self.temperature,
            "beta": self.beta,
            "gradient_checkpointing": self.gradient_checkpointing,
            "epsilon": 0.2,
            "epsilon_high": self.epsilon_high,
            "save_strategy": "steps" if self.save_steps else "no",
            "save_steps": self.save_steps or 500,
        }
        if self.sampler.startswith("vllm"):
            wanted["use_vllm"] = True
            wanted["vllm_mode"] = "server" if self.sampler == "vllm-server" else "colocate"
            if self.sampler == "vllm-server":
                wanted["vllm_server_base_url"] = self.vllm_server
            else:
                wanted["vllm_gpu_memory_utilization"] = self.vllm_memory
        if self.method == "grpo":
            wanted["loss_type"] = "grpo" if self.loss == "gspo" else self.loss
            wanted["importance_sampling_level"] = "sequence" if self.loss in ("gspo", "luspo") else "token"
            wanted["scale_rewards"] = self.scale
        else:
            wanted["normalize_advantages"] = self.scale == "batch"
        return wanted | self.extra


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
    processes: Processes = ALONE,
    tracking: Tracking | None = None,
) -> None:
    """Train `learner.model` in place on the rewards of its own completions. No query of the examples is shown to it."""
    import warnings

    import trl

    from sqlrl.training.groups import Groups
    from sqlrl.training.trainers import run_trainer, training_arguments
    from sqlrl.training.witness import Witness

    groups: Groups | Witness
    further: dict[str, Any] = {"max_completion_length": learner.max_completion_tokens}
    if learner.environments is not None and not settings.own_loop:
        from sqlrl.training.turns import DialogueReward, dialogue_arguments

        groups = Witness(DialogueReward(reward), examples, settings.size)
        sampling: dict[str, Any] = {"environment_factory": learner.environments, "reward_funcs": [groups]}
        further = dialogue_arguments(learner, settings.sampler)
    elif settings.own_loop:
        groups = Groups(
            learner, examples, reward, size=settings.size, samples=settings.samples,
            temperature=settings.temperature, seed=seed, dynamic=settings.dynamic, processes=processes,
        )  # fmt: skip
        if resume_from:
            groups.restore(resume_from, processes.rank)
        paid = WordReward(reward) if learner.environments is not None else reward
        sampling = {"rollout_func": groups, "reward_funcs": [paid]}
    else:
        groups = Witness(reward, examples, settings.size)
        sampling = {"reward_funcs": [groups]}
    word = settings.method.upper()
    arguments = training_arguments(
        f"{word}Config", learner.model, output_dir=str(folder), seed=seed,
        **further, **settings.arguments(processes.count),
        **(tracking.settings if tracking else {}),
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = getattr(trl, f"{word}Trainer")(
            model=learner.model, args=arguments, train_dataset=_questions(learner, examples, settings.own_loop),
            processing_class=learner.tokenizer, **sampling,
        )  # fmt: skip
    for callback in callbacks:
        attach = getattr(callback, "attach", None)
        if attach is not None:
            attach(groups=groups, reward=reward, trainer=trainer)
    run_trainer(trainer, callbacks, resume_from)


def _questions(learner: Any, examples: Sequence[Any], own_loop: bool) -> Any:
    """TRL's dataset. Our loop puts the questions itself; TRL's samplers are given the prompt as it is to be continued,
    without the token that their tokenizer begins a text with."""
    from datasets import Dataset

    if learner.environments is not None and not own_loop:
        prompts: list[Any] = [learner.messages(example) for example in examples]
    elif own_loop:
        prompts = [[{"role": "user", "content": "", "example_id": example.id}] for example in examples]
    else:
        first = learner.tokenizer.bos_token or ""
        adds_it = bool(first) and learner.tokenizer("x")["input_ids"][0] == learner.tokenizer.bos_token_id
        texts = [learner.prompter.render(learner.tokenizer, learner.messages(example)) for example in examples]
        prompts = [text.removeprefix(first) if adds_it else text for text in texts]
    return Dataset.from_dict({"prompt": prompts, "example_id": [example.id for example in examples]})
