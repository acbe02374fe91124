"""Vectors: results compared column by column, as Spider 2.0-lite's script does (compare_pandas_table, evaluate.py)."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from sqlrl.executors.base import Row

__all__ = ["VectorMatcher", "read_columns"]

ROWS_A_PIECE = 500  # the script writes its file in pieces, and each piece finds its own form for numbers
_MISSING = frozenset(
    [
        "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
        "NULL", "NaN", "None", "n/a", "nan", "null",
    ]
)  # fmt: skip
_BOOLEANS = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}
_INTEGER = re.compile(r"\s*[+-]?[0-9]+\s*", re.ASCII)
_NUMBER = re.compile(r"\s*[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf(?:inity)?)\s*", re.ASCII | re.I)


class VectorMatcher:
    """Each of the gold's columns must equal some predicted column, which others may equal as well; what other columns
    there are is not looked at. Both results are seen as they would come back from a CSV file, where nothing, `None` and
    `NA` are 0, and text that looks like numbers is numbers.

    chosen: the gold's columns that count, all where empty. ordered: whether rows must stand in the gold's order; else
    each column is sorted by its text. tolerance: by how much two numbers may differ (or by a billionth of the larger).
    """

    most_rows: int | None = None

    def __init__(
        self, gold: Sequence[Row], chosen: Sequence[int] = (), *, ordered: bool = True, tolerance: float = 1e-2
    ) -> None:
        self.ordered = ordered
        self.tolerance = tolerance
        self.most_rows = len(gold)
        self.length = len(gold)
        self.columns = self._vectors(read_columns(gold, chosen))

    def score(self, predicted: Sequence[Row]) -> float:
        """1.0 or 0.0; 1.0 for nothing against nothing."""
        if len(predicted) != self.length:
            return 0.0
        columns = self._vectors(read_columns(predicted))
        return float(all(any(self._match(gold, column) for column in columns) for gold in self.columns))

    def _vectors(self, columns: list[list[Any]]) -> list[list[Any]]:
        filled = [[0 if cell is None else cell for cell in column] for column in columns]
        if self.ordered:
            return filled
        return [sorted(column, key=lambda cell: (str(cell), isinstance(cell, (int, float)))) for column in filled]

    def _match(self, gold: list[Any], column: list[Any]) -> bool:
        return all(self._close(one, other) for one, other in zip(gold, column, strict=True))

    def _close(self, one: Any, other: Any) -> bool:
        if isinstance(one, (int, float)) and isinstance(other, (int, float)):
            return math.isclose(float(one), float(other), abs_tol=self.tolerance)
        return bool(one == other)


def read_columns(rows: Sequence[Row], chosen: Sequence[int] = ()) -> list[list[Any]]:
    """The columns of a result after a way through a CSV file and pandas: integers, floats, booleans or text, None where
    a cell is missing. chosen: which columns, all where empty.

    A column is numbers only where every cell is; integers become floats where a cell is missing. Where all columns are
    numbers and one is floats, all are floats.
    """
    columns = list(zip(*rows, strict=True))
    texts = [_written(column) for column in ([columns[index] for index in chosen] if chosen and columns else columns)]
    read = [_parsed(column) for column in texts]
    kinds = {float if cell is None else type(cell) for column in read for cell in column}
    if kinds == {int, float}:
        return [[None if cell is None else float(cell) for cell in column] for column in read]
    return read


def _written(column: Sequence[Any]) -> list[str]:
    """Each cell as the file has it. Numbers in a piece without anything else have one form: integers, or else floats
    (a missing cell is a float to pandas)."""
    texts: list[str] = []
    for start in range(0, len(column), ROWS_A_PIECE):
        piece = [
            None if isinstance(cell, float) and math.isnan(cell) else cell for cell in column[start:][:ROWS_A_PIECE]
        ]
        kinds = {type(cell) for cell in piece}
        as_floats = kinds <= {int, float, type(None)} and kinds != {int} and kinds != {type(None)}
        texts += ["" if cell is None else str(float(cell) if as_floats else cell) for cell in piece]
    return texts


def _parsed(texts: Sequence[str]) -> list[Any]:
    present = [text for text in texts if text not in _MISSING]
    missing = len(present) < len(texts)
    if present and all(text in _BOOLEANS for text in present):
        return [None if text in _MISSING else _BOOLEANS[text] for text in texts]
    if all(_NUMBER.fullmatch(text) for text in present):
        whole = not missing and all(_INTEGER.fullmatch(text) for text in present)
        return [None if text in _MISSING else int(text) if whole else float(text) for text in texts]
    return [None if text in _MISSING else text for text in texts]
