"""An adoption: whether a policy takes the seat of the one that answers, by questions that neither was taught.

It does where it answers more of them right and McNemar's exact test says p < 0.05. Where fewer than six answers
changed, no split of them gets there: then it is enough that something was gained and nothing lost.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlrl.asking import ask_policy
from sqlrl.benchmarks import load_benchmark
from sqlrl.comparison import Answers, Comparison, compare
from sqlrl.config import EvalConfig
from sqlrl.evaluation import evaluate
from sqlrl.executors.base import Limits
from sqlrl.executors.errors import DataError, UsageError
from sqlrl.incumbent import TRAINED, Incumbent, Seat
from sqlrl.judging import Judging
from sqlrl.runs import was_taught

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Benchmark, Example
    from sqlrl.training.run import Progress

__all__ = ["CHANCE", "CHANGED", "Adoption", "adopt", "is_better"]

CHANCE = 0.05
CHANGED = 6  # answers: all of so many have to be gained for p < 0.05, and of fewer not even all are enough


@dataclass(frozen=True, slots=True)
class Adoption:
    """taken: whether the new policy sits there now. before: who answered until then, None for nobody. comparison: None
    where there was nobody to compare with. left_out: held-out questions that one of them had been taught."""

    taken: bool
    policy: str
    before: Incumbent | None
    right: int
    total: int
    comparison: Comparison | None
    left_out: int

    def described(self) -> str:
        """What happened and why, in one line."""
        new, right = self.policy, f"{self.right:,} of {self.total:,} held-out questions right"
        if self.before is None or self.comparison is None:
            why = "nobody answered before" if self.taken else "nobody answers still"
            return f"{new} {'answers from now on' if self.taken else 'is not taken'}: {right}, {why}"
        every, p = self.comparison.every, self.comparison.p
        was = self.right - every.gained + every.lost
        figures = f"{right}, {was:,} before ({every.gained:,} gained, {every.lost:,} lost, p {p:.2g})"
        if self.taken:
            return f"{new} answers from now on: {figures}; kept beside it: {self.before.policy}"
        return f"{self.before.policy} stays: {new} has {figures}"


def is_better(gained: int, lost: int, p: float) -> bool:
    """The rule of this module. gained, lost: answers that became right, and that were."""
    if gained + lost < CHANGED:
        return gained > 0 and lost == 0
    return gained > lost and p < CHANCE


def adopt(
    source: str, answered: str, policy: str, progress: Progress, *, device: str | None = None,
    threads: int | None = None, seconds: float = 30.0,
) -> Adoption:  # fmt: skip
    """Judge `policy` and who answers for `source` on the held-out questions of the file `answered`; seat the better.

    The held-out questions are those of its last split, see `Answered`, less those that one of the two was taught, as
    after the file has grown. UsageError where none is left, or the policy sits there already.
    """
    new = policy if ":" in policy else str(Path(policy).expanduser().resolve())
    seat = Seat.of(source)
    benchmark = load_benchmark(source, answered=answered)
    with seat.held():
        holder = seat.present
        if holder is not None and holder.policy == new:
            raise UsageError(f"{new} answers for {seat.source} already")
        sides = [new] if holder is None else [holder.policy, new]
        split = benchmark.splits[-1]
        every = benchmark.examples(split)
        examples = [e for e in every if not any(was_taught(side, e.question) for side in sides)]
        if not examples:
            raise UsageError(
                f'{answered} has no held-out question that is new to both: mark more answers, or set "split": "test"'
            )
        limits = Limits(seconds=seconds)
        judged: list[Answers] = []
        with Judging.of(benchmark, examples, "answered", limits=limits) as judging:
            for side in sides:
                config = EvalConfig(source, answered=answered, policy=side, device=device, threads=threads)
                judged.append(Answers(side, _items(config, benchmark, split, examples, judging, progress)))
        right = sum(bool(item["correct"]) for item in judged[-1].items)
        comparison = compare(judged[0], judged[1]) if holder is not None else None
        if comparison is None:
            taken = right > 0
        else:
            taken = is_better(comparison.every.gained, comparison.every.lost, comparison.p)
        if taken:
            seat.give(Incumbent(new, TRAINED, time.time(), right, len(examples)))
    return Adoption(taken, new, holder, right, len(examples), comparison, len(every) - len(examples))


def _items(
    config: EvalConfig, benchmark: Benchmark, split: str, examples: Sequence[Example], judging: Judging,
    progress: Progress,
) -> list[dict[str, object]]:  # fmt: skip
    asked = ask_policy(config, benchmark, split, examples, judging, progress)
    said = [completions[0] for completions in asked.completions]
    items = evaluate(examples, judging, completions=said, prompter=asked.prompter)
    unjudged = sum(item.judged.outcome == "unavailable" for item in items)
    if unjudged:
        raise DataError(f"{unjudged:,} of {len(items):,} answers could not be judged: the database does not answer")
    return [item.to_dict() for item in items]
