"""Messages: the text of a completion, however a trainer hands it over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["text_of"]

_THINKING = ("reasoning_content", "reasoning", "thinking")  # where chat templates put what stood inside <think>


def text_of(completion: Any, *, prefill: bool = False) -> str:
    """What the policy wrote last: a text as it is, of messages the last assistant's; nothing where there is none.

    Templates with a response schema hand over thinking and content apart, the tags taken off: they are put together as
    they were written. prefill: the prompt ended with <think>, so the completion does not begin with it.
    """
    if isinstance(completion, str):
        return completion
    messages = [completion] if isinstance(completion, Mapping) else completion
    if not isinstance(messages, Sequence) or isinstance(messages, (bytes, bytearray)):
        return ""
    own = [message for message in messages if isinstance(message, Mapping) and message.get("role") == "assistant"]
    if not own:
        return ""
    content = _content(own[-1].get("content"))
    thinking = next((own[-1][name] for name in _THINKING if isinstance(own[-1].get(name), str)), "")
    return f"{'' if prefill else '<think>'}{thinking}</think>{content}" if thinking else content


def _content(content: Any) -> str:
    """Text as it is; of parts, those that are text."""
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence) or isinstance(content, (bytes, bytearray)):
        return ""
    parts = [part.get("text") if isinstance(part, Mapping) else part for part in content]
    return "".join(part for part in parts if isinstance(part, str))
