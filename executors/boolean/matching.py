"""Matching: whether the words of one value are as a query has them; looked at where postings alone cannot tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlrl.executors.boolean.queries import Near, Phrase, Token

__all__ = ["has_near", "has_phrase", "is_word"]


def has_phrase(words: Sequence[str], phrase: Phrase) -> bool:
    """Whether a value has the phrase."""
    wanted = phrase.tokens
    starts = range(len(words) - len(wanted) + 1)
    if phrase.start:
        starts = starts[:1]
    if phrase.end:
        starts = starts[-1:] if not phrase.start or len(words) == len(wanted) else starts[:0]
    return any(all(is_word(words[start + place], token) for place, token in enumerate(wanted)) for start in starts)


def has_near(words: Sequence[str], near: Near) -> bool:
    """Whether a value has all words within as many places as they and the distance take."""
    if len(near.tokens) > len(words):
        return False
    width = len(near.tokens) + near.distance
    # What can be two of the words, where one of them begins as another does, must not be counted for both.
    choices = [[place for place, word in enumerate(words) if is_word(word, token)] for token in near.tokens]
    if not all(choices):
        return False
    if not any(token.prefix for token in near.tokens):
        return _all_within(words, Counter(token.text for token in near.tokens), width)
    choices.sort(key=len)
    starts = sorted(set().union(*choices))
    return any(_placed([[p for p in own if start <= p < start + width] for own in choices], set()) for start in starts)


def is_word(word: str, token: Token) -> bool:
    """Whether a word is the one that is asked for, or begins so."""
    return word.startswith(token.text) if token.prefix else word == token.text


def _placed(choices: list[list[int]], taken: set[int]) -> bool:
    """Whether each can have a place of its own."""
    if not choices:
        return True
    return any(place not in taken and _placed(choices[1:], taken | {place}) for place in choices[0])


def _all_within(words: Sequence[str], wanted: Counter[str], width: int) -> bool:
    places = [place for place, word in enumerate(words) if word in wanted]
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
