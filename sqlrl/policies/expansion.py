"""A fixed expansion: the question with the words that its first hits have most of; nothing is learnt.

Pseudo-relevance feedback after RM3 (Abdul-Jaleel et al., 2004): a word weighs the mean of its shares in the first hits.
A bag of words has no weights, so the question stands there twice and each new word once.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlrl.executors.errors import UsageError
from sqlrl.executors.words import STOP_WORDS
from sqlrl.policies import Message
from sqlrl.prompts import Prompter

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Example
    from sqlrl.judging import Judging

__all__ = ["ExpansionPolicy"]

_HITS, _WORDS = 10, 10  # looked at, and added
_WORD = re.compile(r"\w{2,}")


class ExpansionPolicy:
    """Gives the expanded question as the query; `--policy expand:`. `look` comes before `generate`."""

    name = "the question, expanded"

    def __init__(self) -> None:
        self.prompter: Prompter | None = Prompter(style="terse", thinking=False, answer_key="query")
        self._known: dict[str, str] = {}

    def look(self, examples: Sequence[Example], judging: Judging) -> None:
        """Search for each question and keep what it becomes. UsageError for databases."""
        if not judging.searches:
            raise UsageError("--policy expand: is for search")
        assert self.prompter is not None
        here = [example for example in examples if judging.sources[example.id]]
        questions = [self.prompter.question(example) for example in here]
        asked = [(judging.sources[example.id][0], question) for example, question in zip(here, questions, strict=True)]
        results = judging.group.execute_many(  # type: ignore[call-arg]
            asked, limit=_HITS, contexts=[example.context for example in here]
        )
        for (source, question), result in zip(asked, results, strict=True):
            documents = judging.group.engine(source).fetch([row[0] for row in result.rows])  # type: ignore[attr-defined]
            self._known[question] = expanded(question, [document.contents for document in documents])

    def generate(
        self, prompts: Sequence[list[Message]], n: int = 1, temperature: float = 0.0, max_tokens: int = 512
    ) -> list[list[str]]:
        """`n` times the same; a question that was not looked at stays as it is."""
        assert self.prompter is not None
        asked = [prompt[-1]["content"] for prompt in prompts]
        return [[self.prompter.completion(self._known.get(question, question))] * n for question in asked]


def expanded(question: str, texts: Sequence[str]) -> str:
    """The question twice, and after it the words that weigh most in the texts and are not in it."""
    own = set(_WORD.findall(question.lower()))
    weights: defaultdict[str, float] = defaultdict(float)
    for text in texts:
        words = [word for word in _WORD.findall(text.lower()) if word not in STOP_WORDS]
        for word, count in Counter(words).items():
            weights[word] += count / len(words)
    best = sorted((word for word in weights if word not in own), key=lambda word: (-weights[word], word))[:_WORDS]
    return " ".join([question, question, *best]) if best else question
