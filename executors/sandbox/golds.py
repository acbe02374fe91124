"""Golds: results that are known to be right, kept by a worker with a matcher for each relation that is asked about."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from sqlrl.executors.base import Outcome, Row
from sqlrl.executors.relations import Relation, ScoresRows, matcher_for

__all__ = ["Golds", "KnownGold"]

CACHE_BYTES = 64 << 20
LEAST_ROOM = 1 << 20  # bytes: less than this kept no query from its end


class KnownGold:
    """How a gold ended, with its rows. lasting: it is the same every time, neither clock nor chance decide it."""

    def __init__(
        self,
        columns: tuple[str, ...],
        rows: list[Row],
        outcome: Outcome = Outcome.OK,
        message: str = "",
        *,
        lasting: bool = True,
    ) -> None:
        self.columns = columns
        self.rows = rows
        self.outcome = outcome
        self.message = message
        self.lasting = lasting
        self._matchers: dict[Any, ScoresRows] = {}
        self._own_scores: dict[Any, float] = {}
        text = sum(len(cell) for row in rows for cell in row if isinstance(cell, (str, bytes)))
        self.size = 200 + text + 200 * len(rows)

    def matcher(self, relation: Any) -> ScoresRows:
        """Of a relation's tuple. Raises UnicodeDecodeError, see `matcher_for`."""
        matcher = self._matchers.get(relation)
        if matcher is None:
            matcher = self._matchers[relation] = matcher_for(Relation.from_tuple(relation), self.rows)
        return matcher

    def own_score(self, relation: Any) -> float | None:
        """Of the gold beside itself; None where another run may give something else."""
        if not self.lasting:
            return None
        score = self._own_scores.get(relation)
        if score is None:
            score = self._own_scores[relation] = float(self.matcher(relation).score(self.rows))
        return score


class Golds:
    """The golds that were asked for last, as many as fit into `CACHE_BYTES`."""

    def __init__(self) -> None:
        self._known: OrderedDict[Any, KnownGold] = OrderedDict()
        self._bytes = 0

    def get(self, key: Any) -> KnownGold | None:
        gold = self._known.get(key)
        if gold is not None:
            self._known.move_to_end(key)
        return gold

    def keep(self, key: Any, gold: KnownGold) -> None:
        self._known[key] = gold
        self._bytes += gold.size
        while self._bytes > CACHE_BYTES and len(self._known) > 1:
            self._bytes -= self._known.popitem(last=False)[1].size

    def make_room(self) -> bool:
        """Let go of all; whether that was enough to matter. What is kept in memory is no query's own doing."""
        mattered = self._bytes >= LEAST_ROOM
        if mattered:
            self._known.clear()
            self._bytes = 0
        return mattered
