"""Terms: the words of questions, names and cells in the form in which they are matched with each other."""

from __future__ import annotations

import re
from functools import lru_cache

from sqlrl.benchmarks.generation.words import singular, split_name
from sqlrl.executors.words import words

__all__ = ["STOP_WORDS", "cell_terms", "terms"]

_STOP_WORDS = """
a about all also an and any are as at be been by can could did do does each every find for from get give had has have
how i if in into is it its list many me more most much my name no not number of on or our return show tell than that the
their them there these they this to total was we were what when where which who whose will with you your
"""
_POSSESSIVE = re.compile("['\u2019][sS]$")
STOP_WORDS = frozenset(_STOP_WORDS.split())


def terms(text: str) -> list[str]:
    """Every word in lower case and in the singular; of a word that is written as names are (`orderDate`, `order_date`)
    its parts."""
    found: list[str] = []
    for word in words(text):
        found += _parts(_POSSESSIVE.sub("", word))
    return found


def cell_terms(text: str) -> list[str]:
    """Every word in lower case and in the singular, whole: `JetBlue` is one, `jetblue`."""
    return [singular(_POSSESSIVE.sub("", word).lower()) for word in words(text)]


@lru_cache(maxsize=1 << 16)
def _parts(word: str) -> tuple[str, ...]:
    if not word.isascii():
        return (word.lower(),)
    return tuple(singular(part) for part in split_name(word))
