"""Calling: how a policy calls tools and is shown what they return, through its tokenizer's own chat template.

What is sampled in training and in evaluation is the same, token by token: a dialogue's ids are the prompt's, then each
turn's as it was sampled, then what the template puts between one turn and the next. Nothing is tokenized twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlrl.executors.errors import UsageError

__all__ = ["between", "prepare", "read", "written"]

_QUESTION: dict[str, Any] = {"role": "user", "content": "?"}


def prepare(tokenizer: Any) -> None:
    """Make ready to read calls of tools. UsageError where the chat template knows none.

    A template that renders earlier messages otherwise once others follow is replaced by TRL's variant that does not.
    """
    from trl.chat_template_utils import (
        add_response_schema,
        get_training_chat_template,
        is_chat_template_prefix_preserving,
        supports_tool_calling,
    )

    if not supports_tool_calling(tokenizer):
        raise UsageError(
            "this policy's chat template knows no tools: train a tiny one with --turns, or take an instruction-tuned "
            "checkpoint that calls tools (such as hf:Qwen/Qwen2.5-Coder-3B-Instruct)"
        )
    try:
        if all(getattr(tokenizer, name, None) is None for name in ("response_template", "response_schema")):
            add_response_schema(tokenizer)
        if not is_chat_template_prefix_preserving(tokenizer):
            tokenizer.chat_template = get_training_chat_template(tokenizer)
    except ValueError as error:
        line = " ".join(str(error).split())
        raise UsageError(f"calls of tools cannot be read from this policy's chat template: {line}") from None


def read(
    tokenizer: Any, ids: Sequence[int], prefix: Sequence[int], tools: Sequence[Callable[..., Any]]
) -> dict[str, Any]:
    """The message that a turn's ids stand for: content, and tool_calls where there are any.

    prefix: the ids before them. A call that cannot be read is text.
    """
    from trl.chat_template_utils import parse_response

    message: dict[str, Any] = parse_response(tokenizer, list(ids), prefix=list(prefix), tools=list(tools))
    return message


def between(tokenizer: Any, observations: Sequence[dict[str, Any]]) -> list[int]:
    """The ids from the end of a turn that called tools to where the next turn begins, with what the tools said.

    observations: messages of the role "tool".
    """
    call: dict[str, Any] = {"type": "function", "function": {"name": observations[0]["name"], "arguments": {}}}
    asked: list[dict[str, Any]] = [_QUESTION, {"role": "assistant", "content": "", "tool_calls": [call]}]
    before = _text(tokenizer, asked)
    after = _text(tokenizer, [*asked, *observations], begin=True)
    end = before.rfind(tokenizer.eos_token)
    head = before if end < 0 else before[: end + len(tokenizer.eos_token)]
    return _ids(tokenizer, _rest(after, head))


def written(tokenizer: Any, message: dict[str, Any]) -> list[int]:
    """The ids of one turn, with its end, as a policy should have written them."""
    head = _text(tokenizer, [_QUESTION], begin=True)
    rest = _rest(_text(tokenizer, [_QUESTION, message]), head)
    end = rest.rfind(tokenizer.eos_token)
    return _ids(tokenizer, rest if end < 0 else rest[: end + len(tokenizer.eos_token)])


def _text(tokenizer: Any, messages: Sequence[dict[str, Any]], begin: bool = False) -> str:
    text: str = tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=begin)
    return text


def _rest(text: str, head: str) -> str:
    if not text.startswith(head):
        raise UsageError("this policy's chat template renders a message otherwise once others follow it")
    return text[len(head) :]


def _ids(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids
