"""A tutor: writes the dialogues that a warm start imitates, so that a policy knows how to look before it answers.

A query is run, its result is looked at, and where it cannot be what was asked (an error, no rows, nothing but NULL or
0) another one is tried. Now and then a table is looked at first, or a slip is put in: what the tools say to it is
shown, but the slip itself is not imitated.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlrl.dialogue import Dialogue, answer_calls
from sqlrl.executors.base import Outcome
from sqlrl.policies.calling import between, written
from sqlrl.training.thoughts import thought_for

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Demonstration, Example
    from sqlrl.environment import Environment, EnvironmentFactory
    from sqlrl.executors.base import Result
    from sqlrl.prompts import Prompter
    from sqlrl.training.learner import Learner

__all__ = ["Script", "Tutor", "misspelt", "scripted", "tells"]

LOOKS_FIRST, SLIPS = 0.05, 0.1  # shares of the demonstrations
DONE = "done"  # the last word of a policy that is to write little: the last query stands
_WORD = re.compile(r"\b[a-z][a-z_]{2,}\b")  # tables and columns; keywords are in capitals, values in quotes


@dataclass(slots=True)
class Script:
    """One demonstrated dialogue. parts: messages that follow each other, and whether they are imitated."""

    example: Example
    parts: list[tuple[list[dict[str, Any]], bool]] = field(default_factory=list)

    @property
    def shown(self) -> list[str]:
        """What the tools said."""
        return [message["content"] for part, _ in self.parts for message in part if message["role"] == "tool"]


class Tutor:
    """environments: whose databases the demonstrations are about. prompter: how many turns there are."""

    def __init__(self, environments: EnvironmentFactory, prompter: Prompter, seed: int) -> None:
        self.environment: Environment = environments()
        self.prompter = prompter
        self.seed = seed

    def write(self, demonstration: Demonstration) -> Script:
        """The dialogue for one demonstration, the same for the same seed."""
        generator = random.Random(f"{self.seed}/tutor/{demonstration.example.id}")
        script = Script(demonstration.example)
        self.environment.reset(example_id=demonstration.example.id)
        thought = demonstration.thought or thought_for(demonstration.query)
        opening = f"<think>{thought}</think>" if self.prompter.thinking else ""
        looks = self.prompter.turns - 1
        if looks > 1 and thought and generator.random() < LOOKS_FIRST:
            self._call(script, "describe", "table", thought.partition(",")[0], opening, learnt=True)
            opening, looks = "", looks - 1
        if looks > 1 and generator.random() < SLIPS:
            slip = misspelt(demonstration.query, generator)
            self._call(script, "run_sql", "query", slip, opening, learnt=False)
            opening, looks = "", looks - 1
        candidates = [demonstration.query, *demonstration.alternatives]
        query = candidates[0]
        while candidates:
            query = candidates.pop(0)
            if not looks:
                break
            self._call(script, "run_sql", "query", query, opening, learnt=True)
            opening, looks = "", looks - 1
            if tells(self.environment.result) or not candidates:
                break
        seen = bool(self.environment.queries) and self.environment.queries[-1][0] == query
        brief = seen and self.prompter.style == "terse"
        last = DONE if brief else self.prompter.answering.completion(query)
        script.parts.append(([{"role": "assistant", "content": opening + last}], True))
        return script

    def _call(self, script: Script, tool: str, argument: str, value: str, opening: str, *, learnt: bool) -> None:
        calls = [{"type": "function", "function": {"name": tool, "arguments": {argument: value}}}]
        script.parts.append(([{"role": "assistant", "content": opening, "tool_calls": calls}], learnt))
        script.parts.append((answer_calls(self.environment, calls), False))


def tells(result: Result | None) -> bool:
    """Whether a result may be what was asked: it has rows, and they are more than one NULL or 0."""
    if result is None or result.outcome is not Outcome.OK:
        return False
    return bool(result.rows) and result.rows not in (((0,),), ((None,),))


def misspelt(query: str, generator: random.Random) -> str:
    """The query with a letter missing in one of its tables or columns."""
    quoted = [match.span() for match in re.finditer(r"'[^']*'", query)]
    words = [match for match in _WORD.finditer(query) if not any(start <= match.start() < end for start, end in quoted)]
    if not words:
        return f"{query} x"
    word = generator.choice(words)
    place = generator.randrange(word.start() + 1, word.end())
    return query[:place] + query[place + 1 :]


def scripted(learner: Learner, scripts: Sequence[Script]) -> tuple[list[tuple[list[int], list[int]]], list[list[int]]]:
    """((prompt ids, ids of what follows), 1 for each of these that is imitated) of each dialogue."""
    pairs, masks = [], []
    for script in scripts:
        dialogue = Dialogue()
        for messages, learnt in script.parts:
            if messages[0]["role"] == "tool":
                ids = between(learner.tokenizer, messages)
            else:
                ids = written(learner.tokenizer, messages[0])
            dialogue.add(messages, ids, learnt=learnt)
        pairs.append((learner.prompt_ids(script.example), dialogue.ids))
        masks.append(dialogue.mask)
    return pairs, masks
