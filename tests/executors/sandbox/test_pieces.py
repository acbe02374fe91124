"""Long results are cut by rows and by bytes, and nothing of them is lost."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from sqlrl.executors.base import Row
from sqlrl.executors.sandbox.pieces import pieces


def _fetch(rows: list[Row]) -> Callable[[int], list[Row]]:
    at = 0

    def fetch(number: int) -> list[Row]:
        nonlocal at
        at += number
        return rows[at - number : at]

    return fetch


@given(st.lists(st.integers(0, 300), max_size=60), st.integers(1, 20), st.integers(1, 600))
def test_pieces_are_small_and_together_the_whole(widths: list[int], most_rows: int, most_bytes: int) -> None:
    rows: list[Row] = [(number, "x" * width) for number, width in enumerate(widths)]
    cut = list(pieces(_fetch(rows), most_rows, most_bytes))
    assert [row for piece in cut for row in piece] == rows
    for piece in cut:
        assert len(piece) <= most_rows
        assert len(piece) <= 1 or sum(16 + len(text) for _, text in piece) <= most_bytes
    assert all(cut) or cut == [[]]


def test_what_lies_in_lists_counts() -> None:
    rows: list[Row] = [([{"a": "x" * 1000}],)] * 20
    assert len(list(pieces(_fetch(rows), 1000, 5_000))) == 5
