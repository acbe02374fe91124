"""Samples: several completions of each question: what one of them is worth, and what the best of them would be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlrl.statistics import wilson

if TYPE_CHECKING:
    from sqlrl.evaluation import Item
    from sqlrl.voting import Vote

__all__ = ["SampleSummary", "choose", "summarise_samples"]


@dataclass(frozen=True, slots=True)
class SampleSummary:
    """samples: of each question. questions: those that could be judged. one: the mean share of right samples (pass@1),
    any: the share of questions with a right sample (pass@n), each with its 95 % interval. voted: whether the figures
    of the whole evaluation are the vote's; else they are the first sample's. agreement: votes for the chosen result ->
    (right, questions). empty: questions whose chosen result has no row. silent: questions where nothing could vote.
    """

    samples: int
    questions: int
    one: tuple[float, float, float]
    any: tuple[float, float, float]
    voted: bool = False
    agreement: tuple[tuple[int, int, int], ...] = ()
    empty: int = 0
    silent: int = 0

    def to_dict(self) -> dict[str, Any]:
        """What summary.json holds as "samples"."""
        return {
            "samples": self.samples,
            "questions": self.questions,
            "pass@1": dict(zip(("share", "low", "high"), self.one, strict=True)),
            f"pass@{self.samples}": dict(zip(("share", "low", "high"), self.any, strict=True)),
            "voted": self.voted,
            "agreement": [{"votes": votes, "right": right, "of": of} for votes, right, of in self.agreement],
            "empty": self.empty,
            "silent": self.silent,
        }


def choose(samples: Sequence[Sequence[Item]], votes: Sequence[Vote] | None) -> list[Item]:
    """One item a question: the one that was voted for, else the first. samples[i]: all judged samples of question i.

    Its line says how many of the samples are right ("right_samples"), and how the vote went ("vote").
    """
    chosen = []
    for place, items in enumerate(samples):
        vote = votes[place] if votes is not None else None
        details: dict[str, Any] = {"samples": len(items), "right_samples": sum(_right(item) for item in items)}
        if vote is not None:
            details["vote"] = vote.to_dict()
        chosen.append(replace(items[vote.chosen if vote else 0], index=place, details=details))
    return chosen


def summarise_samples(samples: Sequence[Sequence[Item]], votes: Sequence[Vote] | None) -> SampleSummary:
    """Count. The questions that nobody can be judged on are left out, as in `summarise`."""
    places = [place for place, items in enumerate(samples) if all(_judged(item) for item in items)]
    count = len(samples[0]) if samples else 0
    right = [sum(_right(item) for item in samples[place]) for place in places]
    hits = sum(number > 0 for number in right)
    agreement: dict[int, list[bool]] = defaultdict(list)
    if votes is not None:
        for place in places:
            agreement[votes[place].votes].append(_right(samples[place][votes[place].chosen]))
    return SampleSummary(
        count,
        len(places),
        mean_share(right, count),
        (hits / max(1, len(places)), *wilson(hits, len(places))),
        votes is not None,
        tuple((number, sum(found), len(found)) for number, found in sorted(agreement.items(), reverse=True)),
        sum(votes[place].empty for place in places) if votes is not None else 0,
        sum(not votes[place].voted for place in places) if votes is not None else 0,
    )


def mean_share(right: Sequence[int], of: int) -> tuple[float, float, float]:
    """(share, low, high): the share right of `of` samples for each question, and its 95 % interval.

    Samples of one question are alike, so the interval is Wilson's for as many independent samples as would vary as much
    (the effective sample size of survey statistics: Kish 1965): at least one a question, at most all of them.
    """
    questions = len(right)
    if not questions or not of:
        return (0.0, 0.0, 1.0)
    share = sum(right) / (questions * of)
    size = float(questions)
    if questions > 1:
        variance = sum((number / of - share) ** 2 for number in right) / (questions - 1) / questions
        if variance:
            size = min(max(size, share * (1 - share) / variance), float(questions * of))
    return (share, *wilson(share * size, size))


def _right(item: Item) -> bool:
    return item.judged.verdict.correct


def _judged(item: Item) -> bool:
    missing = "missing_database" in (item.judged.verdict.reason, item.judged.outcome)
    return item.judged.verdict.score is not None and not missing
