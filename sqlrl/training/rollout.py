"""A rollout: completions sampled from a policy by a plain batched loop over a key-value cache.

For models of a few million parameters, `generate()` spends most of its time outside the model. This loop prefills each
prompt once, copies its cache for every completion of the group, and drops the rows that have ended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

__all__ = ["sample"]


def sample(
    model: Any,
    prompt_ids: Sequence[Sequence[int]],
    *,
    n: int = 1,
    temperature: float = 0.0,
    max_tokens: int = 256,
    eos_token_id: int,
    pad_token_id: int,
    generator: torch.Generator | None = None,
    rows: int = 1024,
    advance: Callable[[int], None] | None = None,
) -> list[list[list[int]]]:
    """`n` completions for each prompt, as token ids; one that ended keeps its end token.

    prompt_ids: token ids of each prompt, of any lengths. temperature: 0 takes the likeliest token. rows: sequences in
    one batch; prompts of like length go together. generator: makes sampling repeatable, whatever the global state.
    advance: called with the number of prompts done, for a progress bar.
    """
    import torch

    if not all(len(prompt) for prompt in prompt_ids):
        raise ValueError("every prompt needs at least one token")
    completions: list[list[list[int]]] = [[] for _ in prompt_ids]
    by_length = sorted(range(len(prompt_ids)), key=lambda index: len(prompt_ids[index]))
    stride = max(1, rows // n)
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            for start in range(0, len(by_length), stride):
                batch = by_length[start : start + stride]
                sampled = _sample_batch(
                    model, [prompt_ids[i] for i in batch], n, temperature, max_tokens, eos_token_id, pad_token_id,
                    generator,
                )  # fmt: skip
                for row, tokens in enumerate(sampled):
                    completions[batch[row // n]].append(tokens)
                if advance is not None:
                    advance(len(batch))
    finally:
        model.train(was_training)
    return completions


def _sample_batch(
    model: Any,
    prompts: Sequence[Sequence[int]],
    n: int,
    temperature: float,
    max_tokens: int,
    eos_token_id: int,
    pad_token_id: int,
    generator: torch.Generator | None,
) -> list[list[int]]:
    """Completions of one batch, prompt by prompt, `n` in a row for each."""
    import torch
    from transformers import DynamicCache

    device = next(model.parameters()).device
    width = max(len(prompt) for prompt in prompts)
    ids = torch.full((len(prompts), width), pad_token_id, dtype=torch.long)
    mask = torch.zeros((len(prompts), width), dtype=torch.long)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt) :] = torch.tensor(prompt)
        mask[row, width - len(prompt) :] = 1
    ids, mask = ids.to(device), mask.to(device)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    # Given the configuration, a cache keeps sliding windows and hybrid layers as the model expects them.
    cache = DynamicCache(config=model.config)
    output = model(
        input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True,
        logits_to_keep=1,
    )  # fmt: skip
    logits = output.logits[:, -1]
    if n > 1:
        cache.batch_repeat_interleave(n)
        logits, mask, positions = (value.repeat_interleave(n, dim=0) for value in (logits, mask, positions))
    next_position = positions[:, -1:] + 1

    tokens = torch.full((len(prompts) * n, max_tokens), pad_token_id, dtype=torch.long, device=device)
    alive = torch.arange(len(prompts) * n, device=device)
    padded = bool((mask == 0).any())
    for step in range(max_tokens):
        chosen = _choose(logits, temperature, generator)
        tokens[alive, step] = chosen
        going = chosen != eos_token_id
        count = int(going.sum())
        if count == 0 or step == max_tokens - 1:
            break
        # Copying the cache costs as much as some steps of it: drop the finished rows once they are an eighth.
        if count <= 0.875 * len(alive):
            keep = going.nonzero(as_tuple=True)[0]
            cache.batch_select_indices(keep)
            alive, mask, next_position, chosen = alive[keep], mask[keep], next_position[keep], chosen[keep]
            finished = torch.zeros(len(alive), dtype=torch.bool, device=device)
        else:
            finished = ~going
        if padded:
            mask = torch.cat([mask, mask.new_ones((len(mask), 1))], dim=1)
        output = model(
            input_ids=chosen[:, None], attention_mask=mask if padded else None, position_ids=next_position,
            past_key_values=cache, use_cache=True, logits_to_keep=1,
        )  # fmt: skip
        logits = output.logits[:, -1]
        next_position = next_position + 1
        if bool(finished.any()):  # rows that have ended but still ride along only repeat their end
            logits = logits.masked_fill(finished[:, None], float("-inf"))
            logits[finished, eos_token_id] = 0.0
    return [_until_end(row, eos_token_id) for row in tokens.tolist()]


def _choose(logits: torch.Tensor, temperature: float, generator: torch.Generator | None) -> torch.Tensor:
    """One token for each row of `logits` (rows, vocabulary)."""
    import torch

    if temperature <= 0:
        return logits.argmax(-1)
    # The Gumbel trick: one pass, where multinomial would need a softmax, a sum and a search.
    noise = torch.empty_like(logits, dtype=torch.float32).exponential_(generator=generator)
    return (logits.float() / temperature - noise.log()).argmax(-1)


def _until_end(tokens: list[int], eos_token_id: int) -> list[int]:
    return tokens[: tokens.index(eos_token_id) + 1] if eos_token_id in tokens else tokens
