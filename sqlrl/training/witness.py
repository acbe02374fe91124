"""A witness: counts what TRL's own sampling is paid, group by group, where our loop does not sample.

It stands in the reward's place before TRL's trainer and passes everything through.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlrl.rewards.messages import text_of
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
        details: dict[str, Sequence[Any]] = {}
        theirs = columns.pop("log_extra", None)

        def log_extra(name: str, values: Sequence[Any]) -> None:
            details[name] = values
            if theirs is not None:
                theirs(name, values)

        values: list[float | None] = self.reward(prompts, completions, example_id, log_extra=log_extra, **columns)
        self.tally = Tally(reward_seconds=time.perf_counter() - started)
        texts = [text_of(completion) for completion in completions]
        self.seen = [
            {
                "example_id": name, "database": self.examples[name].labels.get("database", ""),
                "question": self.examples[name].question, "completion": text, "reward": value,
                **{word: column[place] for word, column in details.items()},
            }
            for place, (name, text, value) in enumerate(zip(example_id, texts, values, strict=True))
        ]  # fmt: skip
        for start in range(0, len(values), self.size):
            self.tally.count(values[start : start + self.size], self.reward.least_right)
        return values

    def save(self, folder: Path, rank: int = 0) -> None:
        """Nothing: TRL's sampler is restored by TRL."""
