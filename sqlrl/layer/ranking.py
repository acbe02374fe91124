"""A ranking: BM25 over short documents in plain Python, for the words of names and cells; no package is needed.

Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with Lucene's inverse document
frequency, which is never negative. Large collections of long documents are `sqlrl.executors.bm25`'s.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence

__all__ = ["Ranking"]

K1, B = 1.2, 0.75
_STEM, _KIN = 4, 0.4  # letters that a word shares with a kindred one, and what that counts
_ENDING = 3  # letters of an ending


class Ranking:
    """documents: the terms of each. Scores are precomputed for every (term, document)."""

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        self.count = len(documents)
        average = sum(map(len, documents)) / max(1, self.count) or 1.0
        postings: dict[str, list[tuple[int, float]]] = {}
        for index, document in enumerate(documents):
            norm = K1 * (1 - B + B * len(document) / average)
            for term, often in Counter(document).items():
                postings.setdefault(term, []).append((index, often * (K1 + 1) / (often + norm)))
        self._postings = postings
        self._rarity = {
            term: math.log(1 + (self.count - len(found) + 0.5) / (len(found) + 0.5)) for term, found in postings.items()
        }
        self._vocabulary = sorted(postings)

    def scores(self, terms: Iterable[str], *, kindred: bool = False) -> dict[int, float]:
        """Document -> score, of those that share a term. kindred: a term that no document has counts, for less, as
        those that begin with the same four letters: `customer` finds `cust`, `American` finds `America`."""
        found: dict[int, float] = {}
        for term in set(terms):
            if term in self._postings:
                self._add(found, term, 1.0)
            elif kindred and len(term) >= _STEM:
                kin = self._beginning(term[:_STEM])
                for other in kin:
                    self._add(found, other, _KIN / len(kin) ** 0.5)
        return found

    def kin(self, term: str) -> list[str]:
        """Terms that differ in their endings alone: `italian` has `italy`. Of one that documents have, only those that
        begin it: `african` has `africa`."""
        if len(term) < _STEM:
            return []
        known = term in self._postings
        found: list[str] = []
        for other in self._beginning(term[:_STEM]):
            shared = next((at for at, (a, b) in enumerate(zip(term, other, strict=False)) if a != b), len(other))
            shared = min(shared, len(term), len(other))
            if max(len(term), len(other)) - shared <= _ENDING and (not known or term.startswith(other)):
                found.append(other)
        return found

    def _add(self, found: dict[int, float], term: str, share: float) -> None:
        weight = self._rarity[term] * share
        for index, frequency in self._postings[term]:
            found[index] = found.get(index, 0.0) + weight * frequency

    def _beginning(self, letters: str) -> list[str]:
        start = bisect_left(self._vocabulary, letters)
        found: list[str] = []
        while start < len(self._vocabulary) and self._vocabulary[start].startswith(letters) and len(found) < 16:
            found.append(self._vocabulary[start])
            start += 1
        return found
