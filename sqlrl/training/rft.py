"""Rejection-sampling fine-tuning: sample, execute, keep what returned the right result, imitate it.

It learns from results alone, as GRPO does: no query of the examples is ever shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Example
    from sqlrl.training.learner import Learner

__all__ = ["Harvest", "harvest"]


@dataclass(frozen=True, slots=True)
class Harvest:
    """What one round of sampling brought. pairs: (example id, completion) whose result was right.

    solved: the share of questions with at least one. right: the share of completions. reward_seconds: spent on judging.
    """

    pairs: tuple[tuple[str, str], ...]
    solved: float
    right: float
    reward_seconds: float
    sample_seconds: float
    questions: int = 0

    @classmethod
    def joined(cls, parts: Sequence[Harvest]) -> Harvest:
        """Of several processes' parts of the questions; shares weighed by their questions, seconds as the slowest."""
        asked = max(1, sum(part.questions for part in parts))
        return cls(
            pairs=tuple(pair for part in parts for pair in part.pairs),
            solved=sum(part.solved * part.questions for part in parts) / asked,
            right=sum(part.right * part.questions for part in parts) / asked,
            reward_seconds=max(part.reward_seconds for part in parts),
            sample_seconds=max(part.sample_seconds for part in parts),
            questions=sum(part.questions for part in parts),
        )

    def save(self, path: Path) -> None:
        """Write as JSON, beside and renamed."""
        beside = path.with_suffix(".part")
        beside.write_text(json.dumps({name: getattr(self, name) for name in self.__slots__}))
        beside.replace(path)

    @classmethod
    def load(cls, path: Path) -> Harvest:
        """Read what `save` wrote."""
        values = json.loads(path.read_text())
        values["pairs"] = tuple((example_id, completion) for example_id, completion in values["pairs"])
        return cls(**values)


def harvest(
    learner: Learner,
    examples: Sequence[Example],
    reward: Any,
    *,
    samples: int,
    keep: int,
    temperature: float,
    seed: int,
    advance: Callable[[int], None] | None = None,
) -> Harvest:
    """Up to `keep` distinct right completions for each example out of `samples`, the commonest first."""
    import time
    from collections import Counter

    started = time.perf_counter()
    groups = learner.complete(examples, n=samples, temperature=temperature, seed=seed, advance=advance)
    sampled = time.perf_counter()
    rewards = reward(
        prompts=[""] * (len(groups) * samples),
        completions=[completion for group in groups for completion in group],
        example_id=[example.id for example in examples for _ in range(samples)],
    )
    judged = time.perf_counter()
    pairs: list[tuple[str, str]] = []
    right = solved = 0
    for index, (example, group) in enumerate(zip(examples, groups, strict=True)):
        mine = rewards[index * samples : (index + 1) * samples]
        good = Counter(
            text for text, value in zip(group, mine, strict=True) if value is not None and value >= reward.least_right
        )
        right += sum(good.values())
        solved += bool(good)
        pairs.extend((example.id, completion) for completion, _ in good.most_common(keep))
    return Harvest(
        pairs=tuple(pairs),
        solved=solved / max(1, len(examples)),
        right=right / max(1, len(examples) * samples),
        reward_seconds=judged - sampled,
        sample_seconds=sampled - started,
        questions=len(examples),
    )
