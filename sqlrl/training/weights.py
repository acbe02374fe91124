"""Weights: the model and tokenizer that a plan's first stage starts from."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Example
    from sqlrl.training.plan import Plan

__all__ = ["create", "load"]


def create(plan: Plan, describe: Callable[[Example], str], shown: Sequence[str] = ()) -> tuple[Any, Any]:
    """(model, tokenizer): made from nothing for `tiny`, else loaded; with a low-rank adapter where one is asked for.

    shown: further texts that a policy from nothing will read.
    """
    config = plan.config
    if plan.is_tiny:
        from sqlrl.policies.tiny import create_model, create_tokenizer

        texts = [*_texts(plan, describe), *shown]
        tokenizer = create_tokenizer(texts, plan.recipe.vocabulary, tools=plan.prompter.turns > 1)
        model = create_model(tokenizer, seed=config.seed)
        return (model.to(config.device) if config.device else model), tokenizer
    from sqlrl.policies.local import checkpoint_in

    word = plan.policy
    return load(plan, word.removeprefix("hf:") if word.startswith("hf:") else str(checkpoint_in(Path(word))))


def load(plan: Plan, name: str) -> tuple[Any, Any]:
    """(model, tokenizer) of a folder or hub id, on this process's device, ready to be trained as the plan says."""
    from sqlrl.policies.local import load_checkpoint, load_tokenizer

    device = plan.config.device or plan.processes.device
    rank = plan.recipe.lora
    # Steps of a millionth vanish in half-width weights: only what is not trained, or what an optimiser keeps at full
    # width besides (DeepSpeed), may be narrow.
    dtype = None if rank or plan.processes.has_master_weights else "float32"
    adapter = Path(name) / "adapter_config.json"
    if adapter.exists():  # its weights are trained on, over the model that they were made for
        from peft import PeftModel

        base = json.loads(adapter.read_text(encoding="utf-8"))["base_model_name_or_path"]
        model, _ = load_checkpoint(base, device=device, dtype=dtype)
        return PeftModel.from_pretrained(model, name, is_trainable=True), load_tokenizer(name)
    model, tokenizer = load_checkpoint(name, device=device, dtype=dtype)
    if rank:
        from peft import LoraConfig, get_peft_model

        settings = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
        model = get_peft_model(model, settings)
    return model, tokenizer


def _texts(plan: Plan, describe: Callable[[Example], str]) -> list[str]:
    """What the tiny policy's tokenizer is made from: the words of what it is shown, and no gold of `train`."""
    texts = [text for d in plan.demonstrations for text in (d.example.question, d.query, d.thought)]
    texts += [example.question for example in plan.train]
    if plan.prompter.needs_description:
        texts += sorted({describe(example) for example in plan.train})
    return texts
