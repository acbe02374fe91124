"""Rankings: how good a ranked list of documents is, against what is known to be relevant.

The conventions are those of trec_eval: a document without a grade, or with one below 1, is not relevant; gains are the
grades themselves, not powers of two; the ideal list is the relevant documents by falling grade, cut at the same depth.
Source: Järvelin and Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques", with trec_eval's logarithm.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from sqlrl.executors.answer_matching import AnswerMatcher
from sqlrl.executors.errors import UsageError

if TYPE_CHECKING:
    from sqlrl.executors.base import Gold, Row
    from sqlrl.executors.relations import Relation

__all__ = ["answer_rank", "ndcg", "rank_of", "recall", "relevant_ids", "score_ranking"]

_PAGE = 20  # documents whose texts are read at a time in search of an answer
_DISCOUNTS = [1 / math.log2(rank + 1) for rank in range(1, 5_001)]  # by rank, from 1 on


def score_ranking(
    relation: Relation, gold: Gold, rows: Sequence[Row], texts: Callable[[Sequence[str]], Sequence[str]]
) -> float:
    """What the relation's measure gives a ranking, from 0 to 1.

    rows: (document id, score), best first. texts: the contents of documents by their ids; asked for answers alone, a
    page at a time. Of "answer-rank" the score is one over the rank, 0 where none within `relation.depth` has one.
    UsageError for another measure.
    """
    depth = relation.depth or len(rows)
    if relation.measure == "answer-rank":
        rank = answer_rank([row[0] for row in rows[:depth]], gold.answers or (), texts)
        return 1 / rank if rank else 0.0
    grades = gold.relevant or {}
    ids = [row[0] for row in rows]
    if relation.measure == "recall":
        return recall(ids, grades, depth)
    if relation.measure == "ndcg":
        return ndcg(ids, grades, depth)
    if relation.measure == "ndcg-binary":
        return ndcg(ids, dict.fromkeys(relevant_ids(grades), 1.0), depth)
    raise UsageError(f"no measure of rankings {relation.measure!r}")


def relevant_ids(grades: Mapping[str, float]) -> list[str]:
    """The documents that are relevant: those with a grade above 0."""
    return [name for name, grade in grades.items() if grade > 0]


def recall(ids: Collection[str], grades: Mapping[str, float], depth: int) -> float:
    """The share of the relevant documents among the first `depth`; 0 where none is relevant."""
    wanted = set(relevant_ids(grades))
    return len(wanted.intersection(islice(ids, depth))) / len(wanted) if wanted else 0.0


def ndcg(ids: Sequence[str], grades: Mapping[str, float], depth: int) -> float:
    """Normalised discounted cumulated gain of the first `depth`; 0 where no document is relevant."""
    gains = {name: grade for name, grade in grades.items() if grade > 0}
    ideal = sorted(gains.values(), reverse=True)[:depth]
    if not ideal:
        return 0.0
    best = sum(grade * _discount(place) for place, grade in enumerate(ideal))
    gained = 0.0
    for place, name in enumerate(islice(ids, depth)):
        if name in gains:  # once: a document that occurs again has no gain
            gained += gains.pop(name) * _discount(place)
    return min(1.0, gained / best)


def answer_rank(
    ids: Sequence[str], answers: Collection[str], texts: Callable[[Sequence[str]], Sequence[str]]
) -> int | None:
    """The rank, from 1, of the first document whose text holds an answer; None where none does."""
    matcher = AnswerMatcher(answers)
    for start in range(0, len(ids), _PAGE):
        place = matcher.first(texts(ids[start : start + _PAGE]))
        if place is not None:
            return start + place + 1
    return None


def rank_of(score: float) -> int | None:
    """The rank that a score of "answer-rank" tells; None for 0."""
    return round(1 / score) if score else None


def _discount(place: int) -> float:
    """place: from 0 on."""
    return _DISCOUNTS[place] if place < len(_DISCOUNTS) else 1 / math.log2(place + 2)
