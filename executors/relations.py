"""When are two results the same: small frozen relations, and the pure functions that decide them.

Values are compared as Python and SQLite agree on them: 1 equals 1.0 and True, -0.0 equals 0, text never equals a
number. Where plain equality would mislead, values are put into a canonical form first: NaN equals NaN, Decimal equals
the float it stands for, and lists and structs become hashable.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from sqlrl.executors.base import Row

__all__ = ["Matcher", "Relation", "canonical"]


@dataclass(frozen=True, slots=True)
class Relation:
    """How a predicted result must relate to the gold result.

    rows: "set" ignores order and repetition, "bag" ignores order, "list" ignores nothing. columns: "fixed" keeps their
    order, "any" allows one permutation for all rows. tolerance: numbers this close are equal (relative to the larger,
    absolute below 1); 0 compares exactly. typed: a row whose cells' types differ is rejected as Spider's quick check
    does, although Python holds 1 and 1.0 equal (it compares the sorted `str(cell) + str(type(cell))` of rows).
    """

    rows: Literal["set", "bag", "list"] = "bag"
    columns: Literal["fixed", "any"] = "fixed"
    tolerance: float = 0.0
    typed: bool = False

    def to_tuple(self) -> tuple[str, str, float, bool]:
        """Primitives that marshal can carry."""
        return (self.rows, self.columns, self.tolerance, self.typed)

    @classmethod
    def from_tuple(cls, values: Sequence[Any]) -> Relation:
        """What `to_tuple` gave."""
        rows, columns, tolerance, typed = values
        return cls(rows, columns, float(tolerance), bool(typed))


def canonical(value: Any) -> Hashable:
    """A hashable stand-in that is equal exactly where two values should count as equal."""
    if value is None or isinstance(value, (str, bytes, int)):
        return value
    if isinstance(value, float):
        return ("nan",) if math.isnan(value) else value
    if isinstance(value, Decimal):
        return canonical(float(value))
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, dict):
        return ("struct", *((str(key), canonical(value[key])) for key in sorted(value, key=str)))
    if isinstance(value, (list, tuple)):
        return ("list", *(canonical(item) for item in value))
    return value if isinstance(value, Hashable) else ("text", repr(value))


class Matcher:
    """One gold result under one relation, prepared once and asked about many predicted results.

    most_rows: a prediction with more rows than this can only score 0, so reading may stop there; None where any number
    could match.
    """

    def __init__(self, relation: Relation, gold: Sequence[Row]) -> None:
        self.relation = relation
        self.gold = [tuple(canonical(cell) for cell in row) for row in gold]
        self.width = len(self.gold[0]) if self.gold else None
        self.most_rows = None if relation.rows == "set" else len(self.gold)
        self._exact = self._collect(self.gold)
        self._typed = Counter(_typed_row(row) for row in gold) if relation.typed else None

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
        if self._typed is not None and Counter(_typed_row(row) for row in predicted) != self._typed:
            return False
        if self._equals_exactly(predicted):
            return True
        rows = [tuple(canonical(cell) for cell in row) for row in predicted]
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


def _rows_close(rows: Sequence[Row], gold: Sequence[Row], relation: Relation) -> bool:
    """Row-wise equality within the tolerance: in order for lists, else after sorting by what is exact first."""
    if relation.rows == "set":
        rows, gold = list(set(rows)), list(set(gold))
        return all(any(_row_close(a, b, relation.tolerance) for b in gold) for a in rows) and all(
            any(_row_close(a, b, relation.tolerance) for a in rows) for b in gold
        )
    if len(rows) != len(gold):
        return False
    if relation.rows == "bag":
        rows, gold = sorted(rows, key=_row_order), sorted(gold, key=_row_order)
    return all(_row_close(a, b, relation.tolerance) for a, b in zip(rows, gold, strict=True))


def _row_close(a: Row, b: Row, tolerance: float) -> bool:
    return len(a) == len(b) and all(_close(x, y, tolerance) for x, y in zip(a, b, strict=True))


def _close(a: Any, b: Any, tolerance: float) -> bool:
    if a == b:
        return True
    if not tolerance or not isinstance(a, (int, float)) or not isinstance(b, (int, float)):
        return False
    try:
        return abs(a - b) <= tolerance * max(1.0, abs(a), abs(b))
    except OverflowError:  # an integer past what a float holds
        return False


def _order(value: Any) -> tuple[int, Any]:
    """A total order over canonical values of any type; numbers rounded, so that close ones rarely part."""
    if value is None:
        return (0, 0)
    if isinstance(value, (int, float)):
        return (1, value)
    if isinstance(value, str):
        return (2, value)
    return (3, repr(value))


def _row_order(row: Row) -> tuple[Any, ...]:
    """Exact cells decide before inexact ones, so that two nearly equal numbers don't put whole rows out of step."""
    exact = tuple(_order(cell) for cell in row if not isinstance(cell, float))
    return (exact, tuple(_order(cell) for cell in row if isinstance(cell, float)))


def _typed_row(row: Row) -> tuple[str, ...]:
    return tuple(sorted(str(cell) + str(type(cell)) for cell in row))
