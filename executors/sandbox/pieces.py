"""Pieces: a long result cut into parts that are small both in rows and in bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlrl.executors.base import Row

__all__ = ["PIECE_BYTES", "PIECE_ROWS", "pieces"]

PIECE_ROWS, PIECE_BYTES = 1_000, 1 << 20
ROWS_AT_ONCE = 8  # wide rows may follow upon narrow ones: so many are in memory before their size is known
CELL_BYTES = 8  # what a cell takes beside its text


def pieces(
    fetch: Callable[[int], list[Row]], most_rows: int = PIECE_ROWS, most_bytes: int = PIECE_BYTES
) -> Iterator[list[Row]]:
    """The rows that `fetch(number)` gives until it gives fewer, in lists of at most so many rows and about so many
    bytes, but of one row at least; a single empty list where there are none."""
    piece: list[Row] = []
    size, empty = 0, True
    while True:
        rows = fetch(ROWS_AT_ONCE)
        for row in rows:
            row_size = _size(row)
            if piece and (size + row_size > most_bytes or len(piece) == most_rows):
                yield piece
                piece, size, empty = [], 0, False
            piece.append(row)
            size += row_size
        if len(rows) < ROWS_AT_ONCE:
            if piece or empty:
                yield piece
            return


def _size(row: Row) -> int:
    size = CELL_BYTES * len(row)
    for cell in row:
        if isinstance(cell, (str, bytes)):
            size += len(cell)
        elif isinstance(cell, (list, tuple, dict)):
            size += _size(tuple(cell.items() if isinstance(cell, dict) else cell))
    return size
