"""Decoding: how a matcher reads text that is not UTF-8, which executors hand out with its bytes as lone surrogates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from sqlrl.executors.base import Row

if TYPE_CHECKING:
    from sqlrl.executors.relations import ScoresRows

__all__ = ["DecodingMatcher"]


class DecodingMatcher:
    """A matcher that sees text as a script with its own connection to SQLite does.

    text: "ignore" leaves out the bytes that are not UTF-8; "strict" raises UnicodeDecodeError, for a gold when this is
    made, since Python's own connection raises there too.
    """

    def __init__(
        self, prepare: Callable[[Sequence[Row]], ScoresRows], gold: Sequence[Row], text: Literal["strict", "ignore"]
    ) -> None:
        self.text = text
        self._matcher = prepare(self._read(gold))
        self.most_rows = self._matcher.most_rows

    def score(self, predicted: Sequence[Row]) -> float:
        """See `ScoresRows.score`. UnicodeDecodeError for a strict reading of what cannot be read."""
        return self._matcher.score(self._read(predicted))

    def _read(self, rows: Sequence[Row]) -> Sequence[Row]:
        unusual = [cell for row in rows for cell in row if cell.__class__ is str and not cell.isascii()]
        try:
            "".join(unusual).encode()
        except UnicodeEncodeError:
            return [tuple([self._decode(cell) for cell in row]) for row in rows]
        return rows

    def _decode(self, cell: Any) -> Any:
        if not isinstance(cell, str) or cell.isascii():
            return cell
        return cell.encode("utf-8", "surrogateescape").decode("utf-8", self.text)
