"""The question itself as the query: what a search engine finds without a policy, and every policy must beat."""

from __future__ import annotations

from collections.abc import Sequence

from sqlrl.policies import Message
from sqlrl.prompts import Prompter

__all__ = ["QuestionPolicy"]


class QuestionPolicy:
    """Gives the question back as the query; `--policy question:`."""

    name = "the question"

    def __init__(self) -> None:
        self.prompter: Prompter | None = Prompter(style="terse", thinking=False, answer_key="query")

    def generate(
        self, prompts: Sequence[list[Message]], n: int = 1, temperature: float = 0.0, max_tokens: int = 512
    ) -> list[list[str]]:
        """`n` times the same."""
        assert self.prompter is not None
        return [[self.prompter.completion(prompt[-1]["content"])] * n for prompt in prompts]
