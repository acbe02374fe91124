"""When are two results the same: small frozen relations, and the matchers that decide them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Protocol

from sqlrl.executors.base import Row
from sqlrl.executors.cell_f1 import CellF1Matcher
from sqlrl.executors.cells import EXACT, are_canonical, canonical, canonical_rows, kinds_of
from sqlrl.executors.decoding import DecodingMatcher
from sqlrl.executors.partial import TOLERANCE, PartialMatcher
from sqlrl.executors.soft_f1 import SoftF1Matcher
from sqlrl.executors.vectors import VectorMatcher

__all__ = ["RANKED", "Matcher", "Relation", "ScoresRows", "matcher_for"]

RANKED = frozenset({"recall", "ndcg", "ndcg-binary", "answer-rank"})  # measures of rankings: see `rankings`
LARGEST_PAIRING = 300  # rows; the work grows with their square


@dataclass(frozen=True, slots=True)
class Relation:
    """How a predicted result must relate to the gold result.

    rows: "set" ignores order and repetition, "bag" ignores order, "list" ignores nothing. columns: "fixed" keeps their
    order, "any" allows one permutation for all rows. tolerance: numbers this close are equal (relative to the larger,
    absolute below 1) unless both are integers; 0 compares exactly. typed: rows must also be equal, as a list or as a
    set, once each row's cells are sorted by `str(cell) + str(type(cell))`. Spider's script checks this first, and it
    tells (1, 1.5) from (1.0, 1.5), which sort apart, but not 1 from 1.0.

    measure: "equality" is decided by all of the above; "cell-f1" (see `CellF1Matcher`) as well, and marks what is not
    equal; "soft-f1" (see `SoftF1Matcher`) looks at none of it; "vectors" (see `VectorMatcher`) takes `rows` as "list"
    or "bag", and `tolerance`; "number", "names", "contains" and "whole" (see `PartialMatcher`) take `rows` so too.
    chosen: the gold's columns that "vectors" looks for; empty for all. text: how text that is not UTF-8 is read (see
    `DecodingMatcher`). timed_runs: how often two equal queries are run again, in turns, for `Comparison.timings`.
    most_rows: of "contains", see `Partial`. The measures of `RANKED` are for search engines alone; depth: how many of
    the first documents count (0: all).
    """

    rows: Literal["set", "bag", "list"] = "bag"
    columns: Literal["fixed", "any"] = "fixed"
    tolerance: float = 0.0
    typed: bool = False
    measure: Literal[
        "equality", "soft-f1", "vectors", "cell-f1", "number", "names", "contains", "whole",
        "recall", "ndcg", "ndcg-binary", "answer-rank",
    ] = "equality"  # fmt: skip
    chosen: tuple[int, ...] = ()
    text: Literal["whole", "strict", "ignore"] = "whole"
    timed_runs: int = 0
    most_rows: int = 0
    depth: int = 0

    def to_tuple(self) -> tuple[Any, ...]:
        """Primitives that marshal can carry."""
        return (
            self.rows, self.columns, self.tolerance, self.typed, self.measure, self.chosen, self.text, self.timed_runs,
            self.most_rows, self.depth,
        )  # fmt: skip

    @classmethod
    def from_tuple(cls, values: Sequence[Any]) -> Relation:
        """What `to_tuple` gave."""
        return cls(*values)


class ScoresRows(Protocol):
    """One gold result, prepared once and asked about many predicted results.

    most_rows: a prediction with more rows than this can only score 0, so reading may stop there; None where any number
    could match.
    """

    most_rows: int | None

    def score(self, predicted: Sequence[Row]) -> float:
        """From 0 to 1, the full mark."""


def matcher_for(relation: Relation, gold: Sequence[Row]) -> ScoresRows:
    """What decides `relation` for one gold. UnicodeDecodeError where `relation.text` is "strict" and the gold is not
    UTF-8."""

    def prepare(rows: Sequence[Row]) -> ScoresRows:
        if relation.measure == "soft-f1":
            return SoftF1Matcher(rows)
        if relation.measure == "vectors":
            return VectorMatcher(rows, relation.chosen, ordered=relation.rows == "list", tolerance=relation.tolerance)
        if relation.measure in ("equality", "cell-f1"):
            equality = Matcher(relation, rows)
            return CellF1Matcher(equality, rows) if relation.measure == "cell-f1" else equality
        return PartialMatcher(
            relation.measure, rows, ordered=relation.rows == "list", most_rows=relation.most_rows,
            equality=lambda known: Matcher(Relation(relation.rows, "any", TOLERANCE), known),
        )  # fmt: skip

    return prepare(gold) if relation.text == "whole" else DecodingMatcher(prepare, gold, relation.text)


class Matcher:
    """Equality of results, as `relation` has it; see `ScoresRows`."""

    def __init__(self, relation: Relation, gold: Sequence[Row]) -> None:
        self.relation = relation
        self.gold = canonical_rows(gold)
        self.width = len(self.gold[0]) if self.gold else None
        self.most_rows = None if relation.rows == "set" else len(self.gold)
        self._exact = self._collect(self.gold)
        self._sorted_rows = self._sort_cells(gold) if relation.typed else None
        self._same = list(gold) if kinds_of(gold) <= EXACT else None

    def score(self, predicted: Sequence[Row]) -> float:
        """1.0 where the predicted rows relate to the gold as asked, else 0.0."""
        return 1.0 if self._matches(predicted) else 0.0

    def _matches(self, predicted: Sequence[Row]) -> bool:
        if not predicted or not self.gold:
            return not predicted and not self.gold
        if len(predicted[0]) != self.width:
            return False
        if self.most_rows is not None and len(predicted) != self.most_rows:
            return False
        if self._same == predicted and kinds_of(predicted) <= EXACT:  # how most right answers are
            return True
        if self._sorted_rows is not None and self._sort_cells(predicted) != self._sorted_rows:
            return False
        if self._equals_exactly(predicted):
            return True
        rows = canonical_rows(predicted)
        if self._collect(rows) == self._exact:
            return True
        if self.relation.columns == "any" and self._matches_permuted(rows):
            return True
        return bool(self.relation.tolerance) and self._matches_closely(rows)

    def _equals_exactly(self, predicted: Sequence[Row]) -> bool:
        """The cheap check first: most right answers are right as they are."""
        try:
            return bool(self._collect(predicted) == self._exact)
        except TypeError:  # a list or struct among the cells
            return False

    def _collect(self, rows: Iterable[Row]) -> Any:
        if self.relation.rows == "set":
            return set(rows)
        return Counter(rows) if self.relation.rows == "bag" else list(rows)

    def _sort_cells(self, rows: Sequence[Row]) -> list[Row] | set[Row]:
        """What `Relation.typed` compares. A set for bags too: how often a row occurs is for the next check to say."""
        sorted_rows = _with_sorted_cells(rows)
        return sorted_rows if self.relation.rows == "list" else set(sorted_rows)

    def _matches_permuted(self, rows: list[Row]) -> bool:
        """Is there one order of the predicted columns that gives the gold?"""
        assert self.width is not None
        close = self.relation.tolerance
        gold_columns = list(zip(*self.gold, strict=True))
        columns = list(zip(*rows, strict=True))
        candidates = [
            [j for j, column in enumerate(columns) if self._columns_may_match(column, gold_column, close)]
            for gold_column in gold_columns
        ]
        if not all(candidates):
            return False
        distinct = {id_: index for index, id_ in enumerate(columns)}  # equal columns need not be told apart
        return self._assign(
            rows, columns, distinct, candidates, sorted(range(self.width), key=lambda i: len(candidates[i]))
        )

    def _columns_may_match(self, column: Row, gold_column: Row, close: float) -> bool:
        if self.relation.rows == "list":
            return len(column) == len(gold_column) and all(
                _close(a, b, close) for a, b in zip(column, gold_column, strict=True)
            )
        if self.relation.rows == "set":
            mine, theirs = sorted(set(column), key=_order), sorted(set(gold_column), key=_order)
        else:
            mine, theirs = sorted(column, key=_order), sorted(gold_column, key=_order)
        if close:  # nearly equal numbers may sort apart from each other; only the ends can be trusted
            return True if self.relation.rows == "set" else all(map(_close, mine, theirs, [close] * len(mine)))
        return mine == theirs

    def _assign(
        self,
        rows: list[Row],
        columns: list[Row],
        distinct: dict[Row, int],
        candidates: list[list[int]],
        places: list[int],
    ) -> bool:
        """Depth-first over the gold's columns, scarcest first; a partial choice is dropped as soon as the projection
        on the chosen columns differs, so that wide results cost no factorial."""
        chosen: dict[int, int] = {}

        def fits() -> bool:
            keys = sorted(chosen)
            mine = [tuple(row[chosen[key]] for key in keys) for row in rows]
            theirs = [tuple(row[key] for key in keys) for row in self.gold]
            if self.relation.tolerance:
                return _rows_close(mine, theirs, self.relation)
            return bool(self._collect(mine) == self._collect(theirs))

        def place(depth: int) -> bool:
            if depth == len(places):
                return True
            tried: set[int] = set()
            for candidate in candidates[places[depth]]:
                alike = distinct[columns[candidate]]
                if candidate in chosen.values() or alike in tried:
                    continue
                tried.add(alike)
                chosen[places[depth]] = candidate
                if fits() and place(depth + 1):
                    return True
                del chosen[places[depth]]
            return False

        return place(0)

    def _matches_closely(self, rows: list[Row]) -> bool:
        return _rows_close(rows, self.gold, self.relation)


def _with_sorted_cells(rows: Sequence[Row]) -> list[Row]:
    """Canonical rows, the cells of each sorted by `str(cell) + str(type(cell))`."""
    if not are_canonical(rows):
        return [
            tuple([canonical(cell) for cell in sorted(row, key=lambda cell: str(cell) + str(type(cell)))])
            for row in rows
        ]
    if not rows or len(rows[0]) == 1:
        return list(rows)
    names = {kind: str(kind) for kind in (*EXACT, float)}
    keys = zip(
        *([str(cell) + names[cell.__class__] for cell in column] for column in zip(*rows, strict=True)), strict=True
    )
    if len(rows[0]) == 2:
        return [row if left <= right else row[::-1] for row, (left, right) in zip(rows, keys, strict=True)]
    places = range(len(rows[0]))
    return [
        tuple([row[place] for place in sorted(places, key=key.__getitem__)])
        for row, key in zip(rows, keys, strict=True)
    ]


def _rows_close(rows: Sequence[Row], gold: Sequence[Row], relation: Relation) -> bool:
    """Row-wise equality within the tolerance: in order for lists, one to one for bags, each with some for sets."""
    close = relation.tolerance
    if relation.rows == "list":
        return len(rows) == len(gold) and all(_row_close(a, b, close) for a, b in zip(rows, gold, strict=True))
    if relation.rows == "set":
        rows, gold = list(set(rows)), list(set(gold))
        return all(any(_row_close(a, b, close) for b in gold) for a in rows) and all(
            any(_row_close(a, b, close) for a in rows) for b in gold
        )
    mine, theirs = _by_exact_cells(rows), _by_exact_cells(gold)
    return mine.keys() == theirs.keys() and all(_pair_up(mine[key], theirs[key], close) for key in mine)


def _by_exact_cells(rows: Iterable[Row]) -> dict[Row, list[Row]]:
    """Rows by what no tolerance touches. Integers may be close to a float, so they are numbers here too."""
    groups: dict[Row, list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(... if _is_number(cell) else cell for cell in row), []).append(row)
    return groups


def _pair_up(rows: list[Row], gold: list[Row], close: float) -> bool:
    """Is there a one-to-one pairing of close rows? Sorting finds nearly all. It fails where nearly equal numbers in one
    column put others out of step; then small groups are paired by augmenting paths, and larger ones not at all."""
    if len(rows) != len(gold):
        return False
    rows, gold = sorted(rows, key=_row_order), sorted(gold, key=_row_order)
    if all(_row_close(a, b, close) for a, b in zip(rows, gold, strict=True)):
        return True
    if len(rows) > LARGEST_PAIRING:
        return False
    partners: list[list[int]] = []
    for row in rows:
        partners.append([j for j, other in enumerate(gold) if _row_close(row, other, close)])
        if not partners[-1]:  # how nearly every wrong result ends
            return False
    taken: dict[int, int] = {}

    def find(index: int, seen: set[int]) -> bool:
        for partner in partners[index]:
            if partner not in seen:
                seen.add(partner)
                if partner not in taken or find(taken[partner], seen):
                    taken[partner] = index
                    return True
        return False

    return all(find(index, set()) for index in range(len(rows)))


def _row_close(a: Row, b: Row, tolerance: float) -> bool:
    return len(a) == len(b) and all(_close(x, y, tolerance) for x, y in zip(a, b, strict=True))


def _close(a: Any, b: Any, tolerance: float) -> bool:
    if a == b:
        return True
    if not tolerance or not (_is_number(a) and _is_number(b)) or (isinstance(a, int) and isinstance(b, int)):
        return False
    try:
        return math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance)
    except OverflowError:  # an integer past what a float holds
        return False


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal))


def _order(value: Any) -> tuple[int, Any]:
    """A total order over canonical values of any type."""
    if value is None:
        return (0, 0)
    if _is_number(value):
        return (1, value)
    if isinstance(value, str):
        return (2, value)
    return (3, repr(value))


def _row_order(row: Row) -> tuple[Any, ...]:
    return tuple(_order(cell) for cell in row)
