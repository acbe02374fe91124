"""An estimate: what a plan will cost in tokens, steps and memory, before anything is spent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from sqlrl.judging import Judging
from sqlrl.policies.tiny import TinyShape, create_model, create_tokenizer
from sqlrl.rewards import load_preset

if TYPE_CHECKING:
    from sqlrl.training.plan import Plan

__all__ = ["estimate"]

_SAMPLE = 200  # questions whose prompts are measured
_CHARACTERS_A_TOKEN = 3.5  # of English and SQL, where no tokenizer is at hand


def estimate(plan: Plan) -> list[tuple[str, str]]:
    """Lines of (what, how much). Token counts are measured on a sample where the tokenizer is here."""
    recipe = plan.recipe
    texts = _prompts(plan)
    config, tokenizer = _model_of(plan, texts)
    prompts = [_length(text, tokenizer) for text in texts]
    lines = [
        ("benchmark", plan.benchmark.name),
        ("policy", plan.policy + (f", {_short(_parameters(config))} parameters" if config is not None else "")),
        ("method", "+".join(stage.name for stage in plan.stages)),
        ("reward", f"{plan.config.reward}: {load_preset(plan.config.reward).summary}"),
        ("questions with a result to learn from", f"{len(plan.train):,}"),
        ("left out for want of a database", f"{plan.left_out:,}"),
        ("demonstrations", f"{len(plan.demonstrations):,}"),
        ("validation questions", f"{len(plan.validation):,}"),
        ("prompt tokens", f"{mean(prompts):,.0f} on average, {max(prompts):,} at most" + _unless(tokenizer)),
    ]
    for stage in plan.stages:
        lines.append((f"stage {stage.folder}", _cost(stage, plan, mean(prompts))))
    if config is not None:
        sequences = max(recipe.sft_batch, recipe.questions * recipe.num_generations)
        length = max(prompts) + recipe.max_completion_tokens
        lines.append(("memory, roughly", f"{_memory(config, plan, sequences, length) / 2**30:.1f} GiB"))
    else:
        lines.append(("memory, roughly", "unknown: the weights are not on this machine"))
    return lines


def _cost(stage: Any, plan: Plan, prompt: float) -> str:
    recipe = plan.recipe
    steps = f"{stage.steps:,} steps"
    if stage.method == "grpo":
        drawn = max(recipe.num_generations, recipe.grpo_samples)
        completions = stage.steps * recipe.questions * drawn
        shape = f"{recipe.questions} questions x {drawn} completions"
        if drawn > recipe.num_generations:
            shape += f", {recipe.num_generations} of each trained on"
        tokens = completions * (prompt + recipe.max_completion_tokens)
        return f"{steps} of {shape}, at most {_short(tokens)} tokens"
    extra = ""
    if stage.method == "rft":
        samples = len(plan.train) * recipe.rft_samples
        extra = f", after {samples:,} samples (at most {_short(samples * recipe.max_completion_tokens)} tokens)"
    return f"{steps} of {recipe.sft_batch} pairs{extra}"


def _prompts(plan: Plan) -> list[str]:
    """Of a sample of the training questions."""
    sample = plan.train[:: max(1, len(plan.train) // _SAMPLE)]
    with Judging.of(plan.benchmark, sample, workers=1) as judging:
        describe = plan.prompter.needs_description
        return [
            plan.prompter.messages(example, judging.describe(example) if describe else "")[0]["content"]
            for example in sample
        ]


def _length(text: str, tokenizer: Any) -> int:
    if tokenizer is None:
        return round(len(text) / _CHARACTERS_A_TOKEN)
    return len(tokenizer(text)["input_ids"])


def _model_of(plan: Plan, prompts: Sequence[str]) -> tuple[Any, Any]:
    """(transformers config, tokenizer) of the plan's policy, from this machine alone; None where they are not here."""
    from transformers import AutoConfig, AutoTokenizer

    if plan.is_tiny:
        tokenizer = create_tokenizer([*prompts, *(d.query for d in plan.demonstrations)])
        return create_model(tokenizer, TinyShape()).config, tokenizer
    from sqlrl.policies.local import checkpoint_in

    name = plan.policy.removeprefix("hf:") if plan.policy.startswith("hf:") else str(checkpoint_in(Path(plan.policy)))
    try:
        return (
            AutoConfig.from_pretrained(name, local_files_only=True),
            AutoTokenizer.from_pretrained(name, local_files_only=True),
        )
    except (OSError, ValueError):
        return None, None


def _parameters(config: Any) -> int:
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    return sum(parameter.numel() for parameter in model.parameters())


def _memory(config: Any, plan: Plan, sequences: int, length: int) -> int:
    """Bytes of weights, gradients and Adam's moments, and of one update's activations and logits (a rough bound)."""
    import torch

    bytes_a_number = 2 if torch.cuda.is_available() else 4
    parameters = _parameters(config)
    trained = parameters if not plan.config.lora else parameters // 50
    micro = sequences if plan.is_tiny else 8
    activations = micro * length * (3 * config.vocab_size + 34 * config.hidden_size * config.num_hidden_layers)
    return bytes_a_number * (parameters + trained + activations) + 2 * 4 * trained


def _short(number: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number:.0f}"


def _unless(tokenizer: Any) -> str:
    return "" if tokenizer is not None else f" (guessed: {_CHARACTERS_A_TOKEN} characters a token)"
