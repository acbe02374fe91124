"""The tiny policy: a from-scratch transformer of Qwen2's architecture with a tokenizer made on the spot.

The default where there is no GPU and there are no weights. Nothing is downloaded: it knows only what it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

__all__ = ["TinyShape", "create_model", "create_tokenizer", "residual_dropout"]

PAD, END, USER, ASSISTANT = "<|pad|>", "<|end|>", "<|user|>", "<|assistant|>"
# The answer's frame as single tokens. They are ordinary added tokens, not special ones: decoding keeps them, so that
# the reward sees the tags.
FRAME = ("<think>", "</think>", "<answer>", "</answer>", '{"sql": "', '{"query": "', '"}')
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}" + ASSISTANT + "{% generation %}{{ message['content'] }}" + END
    + "{% endgeneration %}"
    "{% else %}" + USER + "{{ message['content'] }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}" + ASSISTANT + "{% endif %}"
)  # fmt: skip
# The same for policies that call tools. The calls have Qwen's form; observations stand behind a mark of their own.
TOOL = "<|tool|>"
TOOL_FRAME = (
    "<tool_call>", "</tool_call>", '{"name": "run_sql", "arguments": {"query": "',
    '{"name": "describe", "arguments": {"table": "', '"}}',
)  # fmt: skip
TOOL_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}" + ASSISTANT + "{% generation %}{{ message['content'] }}"
    "{% for call in message['tool_calls'] or [] %}"
    '<tool_call>{"name": "{{ call[\'function\'][\'name\'] }}", '
    '"arguments": {{ call[\'function\'][\'arguments\'] | tojson }}}</tool_call>'
    "{% endfor %}" + END + "{% endgeneration %}"
    "{% elif message['role'] == 'tool' %}" + TOOL + "{{ message['content'] }}"
    "{% else %}" + USER + "{{ message['content'] }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}" + ASSISTANT + "{% endif %}"
)  # fmt: skip
# How transformers reads what such a policy wrote: the calls apart from the text.
RESPONSE_TEMPLATE = {
    "defaults": {"role": "assistant"},
    "start_anchor": ASSISTANT,
    "fields": {
        "tool_calls": {
            "open": "<tool_call>",
            "close": "</tool_call>",
            "repeats": True,
            "content": "json",
            "transform": {"type": "function", "function": "{content}"},
        },
        "content": {"close_pattern": r"<\|end\|>", "content": "text"},
    },
}


@dataclass(frozen=True, slots=True)
class TinyShape:
    """The size of a tiny policy. The default has about 0.5 M parameters with a vocabulary of 1,000."""

    hidden: int = 128
    layers: int = 2
    heads: int = 4
    feed_forward: int = 320
    vocabulary: int = 2048
    context: int = 4096


def create_tokenizer(texts: Iterable[str], vocabulary: int = 2048, context: int = 4096, *, tools: bool = False) -> Any:
    """A byte-level BPE tokenizer trained on `texts`, with a chat template; splits digits one by one.

    Any text can be written with it, since every byte is a token; `vocabulary` is an upper bound. tools: for a policy
    that calls tools.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            # Underscores part words, so that `order_total` shares its pieces with `order` and `total`.
            pre_tokenizers.Split(Regex(r" ?[A-Za-z]+|\d| ?[^\sA-Za-z\d]+|\s+"), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, END, USER, ASSISTANT, *([TOOL] if tools else [])],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    frame = (*FRAME, *TOOL_FRAME) if tools else FRAME
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in frame])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[USER, ASSISTANT, *([TOOL] if tools else [])],
        padding_side="left",
        chat_template=TOOL_TEMPLATE if tools else CHAT_TEMPLATE,
        model_max_length=context,
        clean_up_tokenization_spaces=False,
        model_input_names=["input_ids", "attention_mask"],
        **({"response_template": RESPONSE_TEMPLATE} if tools else {}),
    )


def create_model(tokenizer: Any, shape: TinyShape | None = None, seed: int = 0) -> Any:
    """A model with random weights of `shape`, repeatable by `seed`; float32, tied embeddings."""
    import torch
    from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM

    shape = shape or TinyShape()
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        intermediate_size=shape.feed_forward,
        max_position_embeddings=shape.context,
        attention_dropout=0.0,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=shape.hidden**-0.5 * 0.5,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Qwen2ForCausalLM(config)
    model.generation_config = GenerationConfig(
        bos_token_id=None, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    return model


@contextmanager
def residual_dropout(model: Any, probability: float) -> Iterator[None]:
    """Drop parts of what each attention and feed-forward block adds, while `model` trains inside the block.

    Qwen2's architecture has none. Without it a small policy ends its warm start over-confident: its samples repeat its
    greedy answer, and nothing is left for rewards to choose from.
    """
    import torch

    def drop(module: Any, inputs: Any, output: Any) -> Any:
        return torch.nn.functional.dropout(output, probability, training=model.training)

    layers = model.get_decoder().layers if probability > 0 else []
    hooks = [block.register_forward_hook(drop) for layer in layers for block in (layer.self_attn.o_proj, layer.mlp)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
