"""The question itself as the query, or any of its words: what a search engine finds without a policy, and every policy
must beat."""

from __future__ import annotations

from collections.abc import Sequence

from sqlrl.executors.words import STOP_WORDS, words
from sqlrl.policies import Message
from sqlrl.prompts import Prompter

__all__ = ["QuestionPolicy", "WordsPolicy"]


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
        return [[self.prompter.completion(self._query(prompt[-1]["content"]))] * n for prompt in prompts]

    def _query(self, question: str) -> str:
        return question


class WordsPolicy(QuestionPolicy):
    """Asks a Boolean engine for any word of the question, stop words aside; `--policy words:`."""

    name = "any word of the question"

    def _query(self, question: str) -> str:
        named = [word for word in words(question) if word.lower() not in STOP_WORDS]
        return " OR ".join(dict.fromkeys(named)) or question
