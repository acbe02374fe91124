"""Voting: which of several queries to believe: one of those on whose result most of them agree.

Self-consistency (Wang et al., arXiv 2203.11171) with results in place of answers: queries that are written differently
and return the same vote together. Every sample is drawn at a temperature; the greedy completion has no seat of its own.
"""

from __future__ import annotations

import hashlib
import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlrl.executors.base import Outcome, Result, Row
from sqlrl.executors.relations import canonical

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Example
    from sqlrl.judging import Judging

__all__ = ["Vote", "digest", "elect", "vote"]

_AT_ONCE = 64  # results held in memory at a time: each may be as large as the executor's limits allow
_DIGITS = 12  # of a fraction: sums taken in another order differ further behind


@dataclass(frozen=True, slots=True)
class Vote:
    """chosen: the index of the first query of the largest group, and 0 where nothing voted. votes: how many are in that
    group. voted: how many ran and so had a vote. of: how many there were. empty: the chosen result has no row. groups:
    for each query the index of the first with the same result, None where it had no vote.
    """

    chosen: int
    votes: int
    voted: int
    of: int
    empty: bool
    groups: tuple[int | None, ...]

    @property
    def confidence(self) -> float:
        """The share of all queries, failed ones included, that agree with the chosen one."""
        return self.votes / self.of if self.of else 0.0

    def to_dict(self) -> dict[str, Any]:
        """What an item's line holds as "vote"."""
        return {
            "chosen": self.chosen, "votes": self.votes, "voted": self.voted, "of": self.of, "empty": self.empty,
            "confidence": round(self.confidence, 6),
        }  # fmt: skip


def vote(results: Sequence[Result | None]) -> Vote:
    """Choose among results of queries that answer one question; None stands for a completion without a query.

    Only OK results vote, results without a row among them. Two agree where they are the same bag of rows: columns in
    order, rows in any, numbers as far as 12 digits of their fractions. Of equally large groups the earliest wins.
    """
    return _tally([_mark(result) if result is not None else None for result in results])


def elect(examples: Sequence[Example], judging: Judging, candidates: Sequence[Sequence[str | None]]) -> list[Vote]:
    """One vote for each example over its candidate queries, by their results on the first instance of its database.

    candidates[i]: the queries for examples[i], such as the i-th of several prediction files; None for a completion
    without one. Neither gold nor judge is asked. Where the database is missing, nothing votes.
    """
    if len(candidates) != len(examples):
        raise ValueError(f"candidates for {len(candidates)} questions, {len(examples)} examples")
    wanted = [
        (place, index, judging.sources[example.id][0], query)
        for place, (example, queries) in enumerate(zip(examples, candidates, strict=True))
        for index, query in enumerate(queries)
        if query is not None and judging.sources[example.id]
    ]
    marks: list[list[bytes | None]] = [[None] * len(queries) for queries in candidates]
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        results = judging.group.execute_many([(source, query) for _, _, source, query in part])
        for (place, index, _, _), result in zip(part, results, strict=True):
            marks[place][index] = _mark(result)
    return [_tally(found) for found in marks]


def digest(rows: Iterable[Row]) -> bytes:
    """16 bytes that are equal for equal bags of rows: any order of rows, columns as they stand, 1 equal to 1.0."""
    lines = sorted(hashlib.blake2b(_written(tuple(row)), digest_size=16).digest() for row in rows)
    return hashlib.blake2b(b"".join(lines), digest_size=16).digest()


def _mark(result: Result) -> bytes | None:
    """What a result votes for; None where it has no vote."""
    return digest(result.rows) if result.outcome is Outcome.OK else None


def _tally(marks: Sequence[bytes | None]) -> Vote:
    first: dict[bytes, int] = {}
    groups = tuple(None if mark is None else first.setdefault(mark, index) for index, mark in enumerate(marks))
    sizes = Counter(group for group in groups if group is not None)
    if not sizes:
        return Vote(0, 0, 0, len(groups), False, groups)
    chosen = min(sizes, key=lambda group: (-sizes[group], group))
    return Vote(chosen, sizes[chosen], sizes.total(), len(groups), marks[chosen] == digest(()), groups)


def _written(value: Any) -> bytes:
    """A value as bytes, with its kind and length before it, so that no two values are written alike."""
    if isinstance(value, tuple):
        parts = [_written(cell) for cell in value]
        return b"(" + struct.pack("<q", len(parts)) + b"".join(parts)
    value = canonical(value)
    if isinstance(value, tuple):  # a list, a struct or not-a-number, in canonical form
        return b"t" + _written(tuple(value))
    if isinstance(value, frozenset):  # the fields of a struct, which have no order
        parts = sorted(_written(field) for field in value)
        return b"f" + struct.pack("<q", len(parts)) + b"".join(parts)
    if isinstance(value, (bool, int)):
        kind, text = b"n", str(int(value)).encode()
    elif isinstance(value, float):
        kind, text = b"n", _number(value)
    elif isinstance(value, Decimal):  # whole, or of more digits than a float holds
        kind, text = b"n", (str(int(value)) if value == value.to_integral_value() else str(value.normalize())).encode()
    elif isinstance(value, str):
        kind, text = b"s", value.encode("utf-8", "surrogatepass")
    elif isinstance(value, bytes):
        kind, text = b"b", value
    else:  # NULL, dates and the like
        kind, text = b"o", f"{type(value).__name__} {value!r}".encode("utf-8", "surrogatepass")
    return kind + struct.pack("<q", len(text)) + text


def _number(value: float) -> bytes:
    """A whole number as the integer that it equals, another one as far as it can be relied on."""
    if value.is_integer():
        return str(int(value)).encode()
    short = format(value, f".{_DIGITS}g")
    close = float(short)
    return str(int(close)).encode() if close.is_integer() else short.encode()
