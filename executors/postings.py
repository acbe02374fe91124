"""Postings: which documents have a term, and what each of them scores for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlrl.executors.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["LENGTHS", "METHODS", "check_weights", "rounded", "weigh"]

# What a term is worth that `have` of `all` documents have; Kamphuis et al. 2020, "Which BM25 do you mean?"
METHODS: Mapping[str, Callable[[int, int], float]] = {
    "lucene": lambda have, every: math.log(1 + (every - have + 0.5) / (have + 0.5)),
    "robertson": lambda have, every: math.log(max(1.0, (every - have + 0.5) / (have + 0.5))),
    "atire": lambda have, every: math.log(every / have),
}
LENGTHS = ("lucene", "exact")
_EXACT = 24  # words; of the rest Lucene keeps four binary digits, so that a length fits a byte


def check_weights(k1: float, b: float, method: str, lengths: str) -> None:
    """UsageError for settings that cannot be."""
    if not (math.isfinite(k1) and k1 >= 0 and 0 <= b <= 1):
        raise UsageError(f"BM25 takes k1 of 0 or more and b from 0 to 1, not {k1} and {b}")
    if method not in METHODS:
        raise UsageError(f"no method {method!r}: {', '.join(METHODS)}")
    if lengths not in LENGTHS:
        raise UsageError(f"no lengths {lengths!r}: {' or '.join(LENGTHS)}")


def rounded(length: int) -> int:
    """A length as Lucene remembers it (SmallFloat's byte): exact up to 40 words, then less than an eighth too short."""
    rest = length - _EXACT
    spare = max(0, rest.bit_length() - 4) if rest > 0 else 0
    return length if not spare else _EXACT + (rest >> spare << spare)


def weigh(
    documents: Sequence[np.ndarray], terms: int, *, k1: float, b: float, method: str, lengths: str
) -> dict[str, Any]:
    """The scores of all terms as a sparse matrix by columns, in the form of bm25s: data (float32), indices (documents,
    ascending within a term), indptr. documents: the numbers of the terms of each, as often as they occur; terms: how
    many there are. The arithmetic is Lucene's, in single precision and its order, so that its ties are ours."""
    import numpy as np

    single = np.float32

    bags = [np.unique(numbers, return_counts=True) for numbers in documents]
    have = np.zeros(terms, dtype=np.int64)
    for numbers, _ in bags:
        have[numbers] += 1
    starts = np.concatenate(([0], np.cumsum(have)))
    worth = np.array([METHODS[method](count, len(bags)) if count else 0.0 for count in have.tolist()], dtype=single)
    if method == "atire":
        worth *= single(k1 + 1)
    sizes = [len(numbers) for numbers in documents]
    average = single(sum(sizes) / max(1, len(sizes)) or 1.0)
    data, indices = np.empty(starts[-1], dtype=single), np.empty(starts[-1], dtype=np.int32)
    free = starts[:-1].copy()
    for place, ((numbers, counts), size) in enumerate(zip(bags, sizes, strict=True)):
        length = single(rounded(size) if lengths == "lucene" else size)
        norm = single(k1) * ((single(1) - single(b)) + single(b) * length / average)
        spots, weights = free[numbers], worth[numbers]
        indices[spots] = place
        if norm:
            data[spots] = weights - weights / (single(1) + counts.astype(single) * (single(1) / norm))
        else:  # k1 is 0: a word counts once
            data[spots] = weights
        free[numbers] += 1
    return {"data": data, "indices": indices, "indptr": starts, "num_docs": len(bags)}
