"""A questionnaire: questions that a grammar writes about one database, each with a query that ran there."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlrl.benchmarks.generation.draft import Draft, Pen
from sqlrl.benchmarks.generation.joined import JOINED
from sqlrl.benchmarks.generation.profile import Profile, profile_of
from sqlrl.benchmarks.generation.single import SINGLE
from sqlrl.executors.base import Outcome

if TYPE_CHECKING:
    from sqlrl.executors.groups import Member

__all__ = ["Questionnaire", "write_questions"]

_BATCH = 500
_PATIENCE = 12  # drafts tried for each question that is wanted, before a small database counts as exhausted


@dataclass(slots=True)
class Questionnaire:
    """drafts: those that are kept. Of all that were written: empty, which ran and returned nothing (or NULL, or 0
    alone); failed, which did not run, by outcome; repeated, whose question and query had been written before.

    A question may occur with several queries: its words have several readings, and each draft draws one.
    """

    drafts: list[Draft] = field(default_factory=list)
    empty: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    messages: list[str] = field(default_factory=list)

    @property
    def shapes(self) -> Counter[str]:
        return Counter(draft.shape for draft in self.drafts)

    @property
    def ambiguous(self) -> int:
        """How many questions there are with more than one query."""
        queries: dict[str, set[str]] = {}
        for draft in self.drafts:
            queries.setdefault(draft.question, set()).add(draft.query)
        return sum(len(found) > 1 for found in queries.values())


def write_questions(
    executor: Member[Any],
    count: int,
    seed: int = 0,
    *,
    profile: Profile | None = None,
    advance: Callable[[int], None] | None = None,
) -> Questionnaire:
    """`count` drafts for the database of `executor`, or as many as it has; the same for the same seed and data.

    Every query is run, and kept only where it returns more than nothing: an empty result, a single NULL or a single 0
    could come of any wrong query. DataError where there is nothing to ask about.
    """
    generator = random.Random(f"questions/{seed}")
    pen = Pen(profile or profile_of(executor), generator)
    writers = list(SINGLE.items()) + (list(JOINED.items()) if pen.profile.links else [])
    kinds, weights = [writer for writer, _ in writers], [weight for _, weight in writers]
    found = Questionnaire()
    seen: set[tuple[str, str]] = set()
    tries = 0
    while len(found.drafts) < count and tries < _PATIENCE * count:
        batch: list[Draft] = []
        while len(batch) < min(_BATCH, count - len(found.drafts)) and tries < _PATIENCE * count:
            tries += 1
            draft = generator.choices(kinds, weights)[0](pen)
            if draft is None:
                continue
            if (draft.question, draft.query) in seen:
                found.repeated += 1
                continue
            seen.add((draft.question, draft.query))
            batch.append(draft)
        kept = _tried(executor, batch, found)
        found.drafts += kept
        if advance is not None:
            advance(len(kept))
    return found


def _tried(executor: Member[Any], batch: list[Draft], found: Questionnaire) -> list[Draft]:
    """Those of a batch whose query returns something; what became of the others is counted."""
    kept = []
    results = executor.execute_many([draft.query for draft in batch], limit=2)
    for draft, result in zip(batch, results, strict=True):
        if result.outcome is not Outcome.OK:
            found.failed[result.outcome.value] += 1
            found.messages.append(f"{draft.query}: {result.message}")
        elif not result.rows or result.rows in (((None,),), ((0,),)):
            found.empty += 1
        else:
            kept.append(draft)
    return kept
