"""Matching: whether the words of one value are as a query has them; looked at where postings alone cannot tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlrl.executors.boolean.queries import Near, Phrase

__all__ = ["has_near", "has_phrase"]


def has_phrase(words: Sequence[str], phrase: Phrase) -> bool:
    """Whether a value has the phrase."""
    wanted = phrase.tokens
    starts = range(len(words) - len(wanted) + 1)
    if phrase.start:
        starts = starts[:1]
    if phrase.end:
        starts = starts[-1:] if not phrase.start or len(words) == len(wanted) else starts[:0]
    return any(
        all(
            words[start + place].startswith(token.text) if token.prefix else words[start + place] == token.text
            for place, token in enumerate(wanted)
        )
        for start in starts
    )


def has_near(words: Sequence[str], near: Near) -> bool:
    """Whether a value has all words within as many places as they and the distance take."""
    wanted = Counter(near.tokens)
    places = [place for place, word in enumerate(words) if word in wanted]
    width = len(near.tokens) + near.distance
    held: Counter[str] = Counter()
    first = 0
    for place in places:
        held[words[place]] += 1
        while places[first] <= place - width:
            held[words[places[first]]] -= 1
            first += 1
        if all(held[word] >= count for word, count in wanted.items()):
            return True
    return False
