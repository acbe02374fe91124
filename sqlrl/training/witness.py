"""A witness: counts what TRL's own sampling is paid, group by group, where our loop does not sample.

It stands in the reward's place before TRL's trainer and passes everything through.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlrl.dialogue import last_word
from sqlrl.training.groups import Tally

__all__ = ["Witness"]


class Witness:
    """reward: the reward itself. examples: by id. size: completions of a group; TRL hands over whole groups."""

    def __init__(self, reward: Any, examples: Sequence[Any], size: int) -> None:
        self.reward = reward
        self.examples = {example.id: example for example in examples}
        self.size = size
        self.tally = Tally()
        self.seen: list[dict[str, Any]] = []
        self.__name__ = reward.__name__

    def __call__(
        self, prompts: Sequence[Any], completions: Sequence[Any], example_id: Sequence[str], **columns: Any
    ) -> list[float | None]:
        started = time.perf_counter()
        values: list[float | None] = self.reward(prompts, completions, example_id, **columns)
        self.tally = Tally(reward_seconds=time.perf_counter() - started)
        texts = [value if isinstance(value, str) else last_word(value) for value in completions]
        self.seen = [
            {"example_id": name, "question": self.examples[name].question, "completion": text, "reward": value}
            for name, text, value in zip(example_id, texts, values, strict=True)
        ]
        for start in range(0, len(values), self.size):
            self.tally.count(values[start : start + self.size], self.reward.best)
        return values

    def save(self, folder: Path, rank: int = 0) -> None:
        """Nothing: TRL's sampler is restored by TRL."""
