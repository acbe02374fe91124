"""Turns: what GRPO needs besides where a policy looks at the database before it answers, through TRL's environments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlrl.dialogue import last_word

if TYPE_CHECKING:
    from sqlrl.environment import Allowance, Environment
    from sqlrl.training.learner import Learner

__all__ = ["DialogueReward", "WordReward", "dialogue_arguments", "longest_dialogue"]


class DialogueReward:
    """Pays a dialogue for its last word, as `reward` pays a completion. Picklable where `reward` is.

    A dialogue in which a database did not answer pays None.
    """

    def __init__(self, reward: Any) -> None:
        self.reward = reward
        self.least_right = reward.least_right
        self.__name__ = reward.__name__

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Sequence[dict[str, Any]]],
        example_id: Sequence[str],
        environments: Sequence[Environment] = (),
        **columns: Any,
    ) -> list[float | None]:
        """completions: each the messages of one dialogue, as TRL hands them over; environments: beside them."""
        words = [last_word(messages) for messages in completions]
        values: list[float | None] = self.reward(prompts, words, example_id, **columns)
        for index, environment in enumerate(environments):
            if environment.unavailable:
                values[index] = None
        return values


class WordReward:
    """Pays for the word that our own loop hands over beside a dialogue's tokens."""

    def __init__(self, reward: Any) -> None:
        self.reward = reward
        self.least_right = reward.least_right
        self.__name__ = reward.__name__

    def __call__(
        self, prompts: Sequence[Any], completions: Sequence[Any], example_id: Sequence[str], word: Sequence[str],
        **columns: Any,
    ) -> list[float | None]:  # fmt: skip
        """completions: not looked at."""
        values: list[float | None] = self.reward(prompts, word, example_id, **columns)
        return values


def longest_dialogue(turns: int, turn_tokens: int, allowance: Allowance) -> int:
    """The most tokens that follow a prompt. TRL leaves out an observation that would pass it."""
    shown = allowance.calls * (allowance.caps.characters + 8)  # tokens are seldom shorter than a character
    return turns * turn_tokens + shown


def dialogue_arguments(learner: Learner, sampler: str = "trl") -> dict[str, Any]:
    """TRL's names and values for dialogues of the learner's turns.

    `max_completion_length` is TRL's bound on a whole dialogue, observations included; each turn has one of its own,
    which transformers and vLLM call by different names. sampler: see the recipe's keys.
    """
    assert learner.environments is not None
    turns = learner.prompter.turns
    return {
        "max_completion_length": longest_dialogue(turns, learner.max_completion_tokens, learner.environments.allowance),
        "max_tool_calling_iterations": turns - 1,
        "generation_kwargs": {
            "max_tokens" if sampler.startswith("vllm") else "max_new_tokens": learner.max_completion_tokens
        },
    }
