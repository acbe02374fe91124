"""Events: a chat completion that a server sends in pieces, put together to the one it would have been."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["completion_of", "is_stream"]


def is_stream(text: str) -> bool:
    """Whether a reply is a stream of events (text/event-stream), whatever its header says."""
    return text.lstrip("\ufeff\r\n ").startswith(("data:", "event:", ":"))


def completion_of(text: str) -> dict[str, Any]:
    """The completion in the reply's usual shape. ValueError where it is cut off: no `[DONE]` and some choice without a
    finish_reason, or a piece that is no JSON."""
    choices: dict[int, dict[str, Any]] = {}
    usage, done = None, False
    for line in text.splitlines():
        field, _, value = line.partition(":")
        if field != "data":
            continue
        if value.strip() == "[DONE]":
            done = True
            break
        piece = json.loads(value)
        if not isinstance(piece, dict):
            raise ValueError("a piece is no object")
        if piece.get("error"):
            return piece
        usage = piece.get("usage") or usage
        for part in piece.get("choices") or []:
            choice = choices.setdefault(part.get("index") or 0, {"message": {"content": ""}, "finish_reason": None})
            choice["message"]["content"] += (part.get("delta") or {}).get("content") or ""
            choice["finish_reason"] = part.get("finish_reason") or choice["finish_reason"]
    if not done and not (choices and all(choice["finish_reason"] for choice in choices.values())):
        raise ValueError("the stream is cut off")
    return {"choices": [choices[index] for index in sorted(choices)], "usage": usage}
