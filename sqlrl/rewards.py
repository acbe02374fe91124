"""A reward: what a completion earns, by a table, in TRL's shape: f(prompts, completions, **columns) -> values."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlrl.answers import parse
from sqlrl.executors.duplicates import is_repeatable
from sqlrl.executors.errors import SqlrlError, UsageError, nearest
from sqlrl.judging import Judging

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Benchmark, Example
    from sqlrl.executors.base import Limits
    from sqlrl.judging import Judged
    from sqlrl.prompts import Prompter

__all__ = ["PRESETS", "ExecutionReward", "Preset", "load_preset"]


@dataclass(frozen=True, slots=True)
class Preset:
    """What is paid. right: the judge says so. ran: the query ran and gave something else. failed: it did not run
    (the engine's error, refused, out of time, too large, a crash). malformed: the form is wrong. A service that does
    not answer, a missing database and a gold that fails pay None: nobody learns from them."""

    judge: str
    right: float
    ran: float
    failed: float
    malformed: float
    why: str


# The paper's totals are its score plus its format bonus, less what a wrong answer cancels; its SQL score compares sets
# of rows. What they don't repeat is its reading of a time-out as an empty result: here it is a failed query.
PRESETS = {
    "execution": Preset("robust", 1.0, 0.0, 0.0, 0.0, "the default: nothing is earned but by the right result"),
    "deepretrieval-spider": Preset("bird-ex", 1.1, 0.0, 0.0, -2.0, "DeepRetrieval's table for Spider and WikiSQL"),
    "deepretrieval-bird": Preset("bird-ex", 1.1, 0.4, 0.0, -2.0, "DeepRetrieval's table for BIRD"),
}
_SETTLED = ("ok", "invalid", "refused")  # outcomes that neither the machine's load nor a service decides
_KNOWN = 500_000  # verdicts kept; about 100 MB
_NOBODYS = ("unavailable", "gold_failed", "missing_database", "empty_gold")


def load_preset(name: str) -> Preset:
    """The preset of that name; UsageError with the nearest where there is none."""
    if name not in PRESETS:
        raise UsageError(f"no reward {name!r}{nearest(name, PRESETS)}")
    return PRESETS[name]


class ExecutionReward:
    """Pays for what the query of a completion returns. Picklable and batched; never raises. The databases are taken
    not to change while it lives.

    best: the most that a completion can earn. An example whose gold returns nothing pays None under the default
    judge, since it cannot tell right from wrong.
    """

    def __init__(self, preset: str, prompter: Prompter, examples: Sequence[Example], judging: Judging) -> None:
        self.preset = load_preset(preset)
        self.prompter = prompter
        self.examples = {example.id: example for example in examples}
        self.judging = judging
        self.best = self.preset.right
        self.__name__ = preset
        self._known: dict[tuple[str, str], tuple[float | None, str]] = {}

    @classmethod
    def of(
        cls,
        benchmark: Benchmark,
        examples: Sequence[Example],
        prompter: Prompter,
        preset: str = "execution",
        *,
        judge: str | None = None,
        limits: Limits | None = None,
        workers: int | None = None,
    ) -> ExecutionReward:
        """The reward of these examples. judge: in the place of the preset's own."""
        judging = Judging.of(benchmark, examples, judge or load_preset(preset).judge, limits=limits, workers=workers)
        return cls(preset, prompter, examples, judging)

    def __call__(
        self, prompts: Sequence[Any], completions: Sequence[Any], example_id: Sequence[str], **columns: Any
    ) -> list[float | None]:
        """prompts: not looked at. completions: text, or messages as TRL passes them. example_id: which each answers."""
        answers = [parse(_text(completion), self.prompter) for completion in completions]
        asked = [(name, answer.query) for name, answer in zip(example_id, answers, strict=True)]
        strangers = {name for name in example_id if name not in self.examples}
        if strangers:
            logging.getLogger(__name__).warning("no rewards for examples that are not known: %s", sorted(strangers)[:3])
        fresh = list(
            dict.fromkeys(
                (n, q) for n, q in asked if q is not None and n not in strangers and (n, q) not in self._known
            )
        )
        try:
            judged = self.judging.judge_all([(self.examples[name], query) for name, query in fresh], thorough=False)
        except SqlrlError as error:
            logging.getLogger(__name__).warning("no rewards for this batch: %s", error)
            return [None] * len(answers)
        found = {key: (self._value(word), word.verdict.reason) for key, word in zip(fresh, judged, strict=True)}
        paid = [
            (None, "unknown_example")
            if name in strangers
            else (self.preset.malformed, answer.fault)
            if answer.query is None
            else found.get((name, answer.query)) or self._known[name, answer.query]
            for name, answer in zip(example_id, answers, strict=True)
        ]
        self._remember(found, judged)
        log_extra = columns.get("log_extra")
        if log_extra is not None:
            log_extra("query", [answer.query or "" for answer in answers])
            log_extra("reason", [reason for _, reason in paid])
        return [value for value, _ in paid]

    def _value(self, word: Judged) -> float | None:
        if word.verdict.correct:
            return self.preset.right
        if word.verdict.score is None or word.verdict.reason in _NOBODYS:
            return None
        return self.preset.ran if word.outcome == "ok" else self.preset.failed

    def _remember(self, found: dict[tuple[str, str], tuple[float | None, str]], judged: Sequence[Judged]) -> None:
        """What will be the same the next time. A policy repeats itself: most of its samples were judged before."""
        if len(self._known) > _KNOWN:
            self._known.clear()
        for (key, value), word in zip(found.items(), judged, strict=True):
            if word.outcome in _SETTLED and is_repeatable(key[1]):
                self._known[key] = value

    def forget(self) -> None:
        """Judge everything anew from here on; for databases that changed."""
        self._known.clear()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_known": {}}


def _text(completion: Any) -> str:
    return completion if isinstance(completion, str) else str(completion[-1]["content"])
