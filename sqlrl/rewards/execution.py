"""The execution reward: completions are read, their queries executed, the verdicts paid by a preset's table."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlrl.answers import Answer, parse
from sqlrl.executors.duplicates import is_repeatable
from sqlrl.executors.errors import SqlrlError
from sqlrl.judging import Judging
from sqlrl.leakage import leaks
from sqlrl.rewards.account import Account
from sqlrl.rewards.messages import text_of
from sqlrl.rewards.presets import load_preset

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Benchmark, Example
    from sqlrl.executors.base import Limits
    from sqlrl.judging import Judged
    from sqlrl.prompts import Prompter
    from sqlrl.rewards.presets import Parts

__all__ = ["ExecutionReward", "Payment"]

_SETTLED = ("ok", "invalid", "refused")  # outcomes that neither the machine's load nor a service decides
_KNOWN = 500_000  # verdicts kept; about 100 MB
_NOBODYS = ("unavailable", "gold_failed", "missing_database", "empty_gold", "untimed")
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Payment:
    """What one completion earned. kind: see `sqlrl.rewards.presets.KINDS`. reason: the judge's word, or what is wrong
    with the form. parts: None where nobody can judge it."""

    kind: str
    reason: str
    parts: Parts | None
    answer: Answer

    @property
    def value(self) -> float | None:
        """The reward."""
        return None if self.parts is None else self.parts.total


@dataclass(frozen=True, slots=True)
class _Word:
    """What is remembered of a verdict."""

    kind: str
    reason: str
    mark: float


class ExecutionReward:
    """Pays for what the query of a completion returns. Picklable and batched; never raises. The databases are taken
    not to change while it lives.

    least_right: the least that full marks earn; whatever is wrong earns less, but for the first tier of a preset for
    search. account: all that was paid so far, and the time it took. An example whose gold returns nothing pays None
    under the default judge, since it cannot tell right from wrong.
    """

    def __init__(self, preset: str, prompter: Prompter, examples: Sequence[Example], judging: Judging) -> None:
        self.preset = load_preset(preset)
        self.prompter = prompter
        self.examples = {example.id: example for example in examples}
        self.judging = judging
        self.least_right = self.preset.right.total
        self.account = Account(self.preset.paid_for)
        self.__name__ = preset
        self._known: dict[tuple[str, str], _Word] = {}

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
        """prompts: not looked at. completions: text, or messages as TRL passes them. example_id: which each answers.

        columns: of TRL's, `log_extra` is given a column each for query, reason and the parts that the preset pays, and
        `log_metric` what `Account.metrics` says of this batch.
        """
        payments, account = self._pay(completions, example_id)
        log_extra, log_metric = columns.get("log_extra"), columns.get("log_metric")
        if log_extra is not None:
            log_extra("query", [payment.answer.query or "" for payment in payments])
            log_extra("reason", [payment.reason for payment in payments])
            for name in self.preset.paid_for:
                log_extra(name, [None if paid.parts is None else getattr(paid.parts, name) for paid in payments])
        if log_metric is not None:
            for name, value in account.metrics().items():
                log_metric(name, value)
        return [payment.value for payment in payments]

    def pay(self, completions: Sequence[Any], example_id: Sequence[str]) -> list[Payment]:
        """The same as a call, with what each reward is made of."""
        return self._pay(completions, example_id)[0]

    def forget(self) -> None:
        """Judge everything anew from here on; for databases that changed."""
        self._known.clear()

    def _pay(self, completions: Sequence[Any], example_id: Sequence[str]) -> tuple[list[Payment], Account]:
        account = Account(self.preset.paid_for)
        started = time.perf_counter()
        answers = [parse(text_of(said, prefill=self.prompter.prefill), self.prompter) for said in completions]
        parsed = time.perf_counter()
        words = self._words(example_id, answers)
        executed = time.perf_counter()
        payments = [self._payment(word, answer) for word, answer in zip(words, answers, strict=True)]
        for name, payment in zip(example_id, payments, strict=True):
            example = self.examples.get(name)
            asked = example is not None and example.gold.answers
            leaking = leaks(self.examples[name], payment.answer.query) if asked else None
            account.enter(payment.kind, payment.answer, payment.parts, leaking)
        account.seconds = {
            "all": time.perf_counter() - started, "parsing": parsed - started, "executing": executed - parsed,
        }  # fmt: skip
        self.account = Account.sum((self.account, account))
        return payments, account

    def _payment(self, word: _Word, answer: Answer) -> Payment:
        if word.kind == "unjudged":
            return Payment(word.kind, word.reason, None, answer)
        return Payment(word.kind, word.reason, self.preset.parts(word.kind, word.mark, answer), answer)

    def _words(self, example_id: Sequence[str], answers: Sequence[Answer]) -> list[_Word]:
        """One for each answer. Every pair of example and query is judged once."""
        strangers = {name for name in example_id if name not in self.examples}
        if strangers:
            _LOG.warning("no rewards for examples that are not known: %s", sorted(map(str, strangers))[:3])
        asked = dict.fromkeys(
            (name, answer.query)
            for name, answer in zip(example_id, answers, strict=True)
            if answer.query is not None and name not in strangers
        )
        found = self._judge([key for key in asked if key not in self._known])
        return [
            _Word("unjudged", "unknown_example", 0.0)
            if name in strangers
            else _Word("malformed", answer.fault, 0.0)
            if answer.query is None
            else found.get((name, answer.query)) or self._known[name, answer.query]
            for name, answer in zip(example_id, answers, strict=True)
        ]

    def _judge(self, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], _Word]:
        """The word on each pair of example id and query."""
        try:
            judged = self.judging.judge_all([(self.examples[name], query) for name, query in pairs], thorough=False)
        except (SqlrlError, OSError) as error:  # OSError: no process or file can be had
            _LOG.warning("no rewards for this batch: %s", error)
            return dict.fromkeys(pairs, _Word("unjudged", "unavailable", 0.0))
        found = {pair: _word(judged_pair) for pair, judged_pair in zip(pairs, judged, strict=True)}
        # A policy repeats itself: most of its samples were judged before. What will be the same again is kept.
        if len(self._known) > _KNOWN:
            self._known.clear()
        for (pair, word), judged_pair in zip(found.items(), judged, strict=True):
            if judged_pair.outcome in _SETTLED and is_repeatable(pair[1]):
                self._known[pair] = word
        return found

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_known": {}, "account": Account(self.preset.paid_for)}


def _word(judged: Judged) -> _Word:
    verdict = judged.verdict
    if verdict.correct:
        return _Word("right", verdict.reason, 1.0 if verdict.score is None else verdict.score)
    if verdict.score is None or verdict.reason in _NOBODYS:
        return _Word("unjudged", verdict.reason, 0.0)
    return _Word("ran" if judged.outcome == "ok" else "failed", verdict.reason, verdict.score)
