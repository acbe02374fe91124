"""A repair: the engine's error given back to the policy, with the names that were probably meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlrl.executors.base import Outcome
from sqlrl.observation import harmless

if TYPE_CHECKING:
    from sqlrl.layer.suggestions import Suggestion
    from sqlrl.policies import Message

__all__ = ["can_repair", "repair"]

_LONGEST = 400  # characters of an error: an engine may quote a cell in it


def can_repair(outcome: Outcome) -> bool:
    """Whether another query may do better. What is refused is final: a policy is not asked to find a way around."""
    return outcome in (Outcome.INVALID, Outcome.TIMED_OUT, Outcome.TOO_LARGE)


def repair(
    asked: Sequence[Message], completion: str, outcome: Outcome, error: str, suggestions: Sequence[Suggestion]
) -> list[Message]:
    """The conversation so far, and what was wrong with its last word."""
    line = harmless(" ".join(error.split()))[:_LONGEST]
    words = {Outcome.TIMED_OUT: "That query takes too long", Outcome.TOO_LARGE: "That query's result is too large"}
    parts = [
        f"{words.get(outcome, 'That query cannot be run')}: {line}",
        *(harmless(f"{each}") for each in suggestions),
    ]
    parts.append("Write it anew, in the same form.")
    return [*asked, {"role": "assistant", "content": completion}, {"role": "user", "content": "\n".join(parts)}]
