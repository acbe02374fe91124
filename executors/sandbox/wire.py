"""The wire between the pool and a worker: frames of a length and a body.

Towards the worker bodies are marshalled tuples: the parent is trusted. What comes back is a fixed struct and UTF-8 text
(JSON for rows): a worker that a query has taken over can lie about a result, but cannot make the parent run anything.
Cells that JSON has no word for travel as an object of one key, its kind.
"""

from __future__ import annotations

import json
import marshal
import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlrl.executors.base import Comparison, Outcome, Row

__all__ = [
    "ANSWER",
    "GOLD_STARTS",
    "HELLO",
    "OUTCOMES",
    "PIECE",
    "Frames",
    "UnreadableAnswer",
    "decode_comparison",
    "decode_rows",
    "encode_comparison",
    "encode_rows",
    "pack",
    "unpack_task",
]

_SIZE = struct.Struct("<I")
HELLO, GOLD_STARTS, PIECE, ANSWER = b"h", b"g", b"p", b"a"  # the first byte of what a worker says
OUTCOMES = tuple(Outcome)
_COMPARISON = struct.Struct("<BB?dIIddI")
_RESULT = struct.Struct("<B?dI")
LARGEST_FRAME = 1 << 30


class UnreadableAnswer(Exception):
    """What was said is not what a worker of ours says."""


class Frames:
    """The frames in a stream of bytes that comes in pieces of any size."""

    def __init__(self) -> None:
        self._received = bytearray()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The bodies that are complete with this piece. Raises UnreadableAnswer at a size that no frame has."""
        self._received += piece
        start, end = 0, len(self._received)
        try:
            while end - start >= _SIZE.size:
                (size,) = _SIZE.unpack_from(self._received, start)
                if not 1 <= size <= LARGEST_FRAME:
                    raise UnreadableAnswer(f"a frame of {size:,} bytes")
                if end - start < _SIZE.size + size:
                    return
                start += _SIZE.size + size
                yield bytes(self._received[start - size : start])
        finally:
            del self._received[:start]


def pack(body: bytes) -> bytes:
    """A frame around `body`."""
    return _SIZE.pack(len(body)) + body


def pack_task(task: tuple[Any, ...]) -> bytes:
    """A task for a worker: a tuple of None, numbers, text, bytes and tuples."""
    return pack(marshal.dumps(task))


def unpack_task(body: bytes) -> tuple[Any, ...]:
    """The worker's side of `pack_task`."""
    task = marshal.loads(body)
    assert isinstance(task, tuple)
    return task


def encode_comparison(
    outcome: Outcome,
    gold_outcome: Outcome,
    score: float,
    predicted_rows: int,
    gold_rows: int,
    seconds: float,
    gold_seconds: float,
    message: str,
    look: tuple[float | None, Mapping[str, Any]] | None = None,
) -> bytes:
    """What a comparison gave, without its rows. look: its gold_score and excerpts, where it was to look closely."""
    text = message.encode("utf-8", "replace")
    head = _COMPARISON.pack(
        OUTCOMES.index(outcome), OUTCOMES.index(gold_outcome), score >= 1.0, score, min(predicted_rows, 2**32 - 1),
        min(gold_rows, 2**32 - 1), seconds, gold_seconds, len(text),
    )  # fmt: skip
    return head + text if look is None else head + text + json.dumps(look).encode("ascii")


def decode_comparison(body: bytes) -> Comparison:
    """What `encode_comparison` encoded. Raises UnreadableAnswer."""
    try:
        outcome, gold_outcome, equal, score, predicted_rows, gold_rows, seconds, gold_seconds, length = (
            _COMPARISON.unpack_from(body)
        )
        end = _COMPARISON.size + length
        message = body[_COMPARISON.size : end].decode("utf-8", "replace")
        look = _look(*json.loads(body[end:])) if len(body) > end else (None, {})
        return Comparison(
            OUTCOMES[outcome], OUTCOMES[gold_outcome], score, equal, predicted_rows, gold_rows, seconds, gold_seconds,
            message, (), *look,
        )  # fmt: skip
    except (IndexError, RecursionError, TypeError, ValueError, struct.error) as error:
        raise UnreadableAnswer(str(error)) from None


def _look(gold_score: Any, excerpts: Any) -> tuple[float | None, dict[str, Any]]:
    if not (gold_score is None or isinstance(gold_score, float)):
        raise TypeError("a score that is none")
    for excerpt in excerpts.values() if isinstance(excerpts, dict) else [None]:
        if not isinstance(excerpt, dict) or not all(isinstance(excerpt.get(k), list) for k in ("columns", "rows")):
            raise TypeError("an excerpt that is none")
    return gold_score, excerpts


def encode_rows(
    outcome: Outcome, columns: tuple[str, ...], rows: Sequence[Row], message: str, seconds: float, truncated: bool
) -> bytes:
    """A whole result, or a piece of one."""
    head = _RESULT.pack(OUTCOMES.index(outcome), truncated, seconds, len(rows))
    # Lists and structs are plain to JSON, and would come back as something else: they are looked for.
    if any(isinstance(cell, (dict, list, tuple)) for row in rows for cell in row):
        rows = [tuple(_tag(cell) for cell in row) for row in rows]
    return head + json.dumps([message, columns, rows], default=_encode_cell).encode("ascii")


def decode_rows(body: bytes) -> tuple[Outcome, tuple[str, ...], tuple[Row, ...], str, float, bool]:
    """(outcome, columns, rows, message, seconds, truncated). Raises UnreadableAnswer."""
    try:
        outcome, truncated, seconds, _ = _RESULT.unpack_from(body)
        message, columns, rows = json.loads(body[_RESULT.size :], object_hook=_decode_cell)
        return OUTCOMES[outcome], tuple(columns), tuple(map(tuple, rows)), message, seconds, truncated
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError, struct.error) as error:
        raise UnreadableAnswer(str(error)) from None


def _tag(cell: Any) -> Any:
    """Lists and structs, at any depth, as objects of one key."""
    if isinstance(cell, dict):
        return {"struct": [[_tag(key), _tag(value)] for key, value in cell.items()]}
    if isinstance(cell, (list, tuple)):
        return {"list": [_tag(item) for item in cell]}
    return cell


def _encode_cell(cell: Any) -> dict[str, Any]:
    for kind, to_text in _TO_TEXT.items():
        if isinstance(cell, kind):
            return {kind.__name__: to_text(cell)}
    if isinstance(cell, timedelta):
        return {"timedelta": [cell.days, cell.seconds, cell.microseconds]}
    if isinstance(cell, (bytes, bytearray, memoryview)):
        return {"bytes": bytes(cell).hex()}
    raise TypeError(f"a cell of type {type(cell).__name__}")


# datetime before date, whose child it is
_TO_TEXT: dict[type, Any] = {
    datetime: datetime.isoformat, date: date.isoformat, time: time.isoformat, Decimal: str, UUID: str
}  # fmt: skip
_FROM_TEXT: dict[str, Any] = {
    "bytes": bytes.fromhex,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "Decimal": Decimal,
    "UUID": UUID,
    "timedelta": lambda parts: timedelta(*parts),
    "list": list,
    "struct": lambda items: {_hashable(key): value for key, value in items},
}


def _decode_cell(cell: dict[str, Any]) -> Any:
    ((kind, value),) = cell.items()
    return _FROM_TEXT[kind](value)


def _hashable(key: Any) -> Any:
    return tuple(key) if isinstance(key, list) else key
