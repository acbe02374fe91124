"""An author: a policy as a connection asks it, from any number of threads, with the form in which it is asked."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlrl.executors.errors import UsageError
from sqlrl.policies import load_policy
from sqlrl.prompts import Prompter

if TYPE_CHECKING:
    from sqlrl.layer.deadline import Deadline
    from sqlrl.layer.settings import Settings
    from sqlrl.policies import Message, Policy

__all__ = ["NO_POLICY", "SEARCHED", "Author", "check_question"]

SEARCHED = frozenset(["words", "pubmed", "essie", "lucene"])  # dialects of search engines
_KINDS = {"sql": "SQL", "query": "search queries"}

NO_POLICY = (
    "no policy is configured: give policy=, a run's folder, hf:org/name or http://host/v1#model; "
    "`sqlrl train SOURCE --answered FILE` trains one for this database"
)
_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MySQL", "duckdb": "DuckDB"}


class Author:
    """policy: a `Policy`, or a word as `--policy` has it. dialect: of the source. An endpoint is asked many questions
    at once, every other policy one at a time."""

    def __init__(
        self, policy: str | Policy, dialect: str, *, device: str | None = None, timeout: float | None = None
    ) -> None:
        if isinstance(policy, str):
            policy = load_policy(policy, device=device, timeout=timeout or 300.0)
        elif not callable(getattr(policy, "generate", None)):
            raise UsageError(f"a policy is a word or has generate(prompts, ...), not {type(policy).__name__}")
        self.policy: Any = policy
        known = getattr(policy, "prompter", None)
        key = "query" if dialect in SEARCHED else "sql"
        if known is not None and known.answer_key != key:
            raise UsageError(f"{self.name} writes {_KINDS[known.answer_key]}, not {_KINDS[key]}")
        if known is not None and known.turns > 1:
            raise UsageError(f"{self.name} was trained to look at the database over several turns, which `ask` has not")
        self.prompter: Prompter = known or Prompter(answer_key=key, dialect=_NAMES.get(dialect, dialect))
        # A model on this machine keeps state while it writes; an endpoint has a queue of its own.
        self._turn = None if hasattr(policy, "parallel") else threading.Lock()

    @property
    def name(self) -> str:
        """What the policy is called."""
        return str(getattr(self.policy, "name", type(self.policy).__name__))

    def write(self, prompt: list[Message], count: int, settings: Settings, deadline: Deadline) -> list[str]:
        """`count` completions. LateError where others are before and the time is over."""
        how: dict[str, Any] = {"temperature": settings.temperature if count > 1 else 0.0}
        how["max_tokens"] = settings.max_tokens
        if self._turn is None:
            return self._generated(prompt, count, how)
        left = deadline.left
        if not self._turn.acquire(timeout=-1 if left is None else left):
            deadline.check()
        try:
            deadline.check()
            return self._generated(prompt, count, how)
        finally:
            self._turn.release()

    def _generated(self, prompt: list[Message], count: int, how: dict[str, Any]) -> list[str]:
        given = self.policy.generate([prompt], count, **how)
        try:
            (completions,) = ([*each] for each in given)
        except (TypeError, ValueError):
            completions = []
        if len(completions) != count or not all(isinstance(each, str) for each in completions):
            raise UsageError(f"the policy {self.name} did not give {count} text{'s' * (count > 1)} for one prompt")
        return completions

    def close(self) -> None:
        """Give back what the policy holds."""
        close = getattr(self.policy, "close", None)
        if callable(close):
            close()


def check_question(question: object, evidence: object = "", history: object = ()) -> None:
    """UsageError unless somebody asks something, in characters that a policy can read, after pairs of such."""
    if not isinstance(question, str) or not question.strip():
        raise UsageError("an empty question")
    if not isinstance(evidence, str):
        raise UsageError(f"evidence is text, not {type(evidence).__name__}")
    if not isinstance(history, Sequence) or not all(_is_pair(before) for before in history):
        raise UsageError("history is a list of pairs, a question and its query, both text")
    texts = [question, evidence, *(text for before in history for text in before)]
    if any("\ud800" <= letter <= "\udfff" for text in texts for letter in text):
        raise UsageError("the question is not UTF-8: it holds half a character")


def _is_pair(before: object) -> bool:
    return isinstance(before, (tuple, list)) and len(before) == 2 and all(isinstance(text, str) for text in before)
