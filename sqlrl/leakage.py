"""Leakage: queries that hold an answer which their question does not; a policy that knows the answer need not search.

What is held is decided as for documents (see `sqlrl.executors.answer_matching`). A rank that such a query reaches says
what the policy remembers, not what it can find.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlrl.evaluation import Score
from sqlrl.executors.answer_matching import AnswerMatcher

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Example
    from sqlrl.evaluation import Item

__all__ = ["Leakage", "leakage_of", "leaks", "line_on"]


@dataclass(frozen=True, slots=True)
class Leakage:
    """leaked: how many queries hold an answer that the question does not. given: questions that hold an answer
    themselves. total: questions that were judged. leaking, others: what the queries that leak score, and the rest."""

    leaked: int
    given: int
    total: int
    leaking: Score
    others: Score

    def to_dict(self) -> dict[str, Any]:
        return {
            "leaked": self.leaked, "given": self.given, "total": self.total, "leaking": self.leaking.to_dict(),
            "others": self.others.to_dict(),
        }  # fmt: skip


def leaks(example: Example, query: str | None) -> bool:
    """Whether a query holds one of the answers, and the question with what is known besides none of them."""
    if query is None or not example.gold.answers:
        return False
    matcher = AnswerMatcher(example.gold.answers)
    return matcher.holds(query) and not matcher.holds(_told(example))


def leakage_of(items: Sequence[Item]) -> Leakage | None:
    """Of the items that have answers and a mark; None where there are none."""
    judged = [item for item in items if item.example.gold.answers and item.judged.verdict.score is not None]
    if not judged:
        return None
    marks: dict[bool, list[tuple[float, bool]]] = {True: [], False: []}
    for item in judged:
        score = item.judged.verdict.score
        assert score is not None
        marks[leaks(item.example, item.predicted)].append((score, item.judged.verdict.correct))
    given = sum(AnswerMatcher(item.example.gold.answers or ()).holds(_told(item.example)) for item in judged)
    return Leakage(len(marks[True]), given, len(judged), Score.of(marks[True]), Score.of(marks[False]))


def line_on(told: Mapping[str, Any]) -> str:
    """One line on what `Leakage.to_dict` gave."""
    words = f"{told['leaked']:,} of {told['total']:,} queries hold an answer that their question does not"
    if told["leaked"] and told["others"]["total"]:
        words += f": {told['leaking']['mean']:.1%} with, {told['others']['mean']:.1%} without".replace("%", " %")
    return words + (f"; {told['given']:,} questions hold it themselves" if told["given"] else "")


def _told(example: Example) -> str:
    """What the policy was given. The bar between the parts is a sign of its own, so that no answer lies across."""
    return f"{example.question} | {example.evidence}"
