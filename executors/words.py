"""Words: how text becomes the terms of an index, the same for documents and queries.

The default is what Lucene's English analysis does, and Anserini after it: words by Unicode's rules, without possessive
's, in lower case, without 33 stop words, stemmed by Porter's algorithm.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

from sqlrl.executors.errors import MissingExtraError, UsageError, nearest

__all__ = ["STEMMERS", "STOP_WORDS", "Analyzer"]

STEMMERS = ("porter", "english", "none")  # "english" is Porter's second algorithm, of Snowball
_STOP_WORDS = """
a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was
will with
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
_POSSESSIVE = re.compile("['\u2019\uff07][sS]$")


@dataclass(frozen=True, slots=True)
class Analyzer:
    """stemmer: one of `STEMMERS`. stop_words: left out, lower case. UsageError for another stemmer,
    MissingExtraError where it needs PyStemmer."""

    stemmer: str = "porter"
    stop_words: frozenset[str] = STOP_WORDS

    def __post_init__(self) -> None:
        _stemmer(self.stemmer)

    def terms(self, text: str) -> list[str]:
        """The terms of a text, in order, as often as they occur."""
        stem = _stemmer(self.stemmer)
        found = []
        for word in words(text):
            plain = _POSSESSIVE.sub("", word).lower()
            if plain and plain not in self.stop_words:
                found.append(stem(plain))
        return found


def words(text: str) -> list[str]:
    """The words of a text by Unicode's rules (UAX 29, as far as they join letters and numbers): hyphens part, a full
    stop, a colon or an apostrophe between letters joins, as do full stop and comma between digits; an ideograph is a
    word of its own."""
    return _pattern().findall(unicodedata.normalize("NFC", text))


@cache
def _pattern() -> re.Pattern[str]:
    marks = "".join(
        chr(point) for point in range(0x300, min(sys.maxunicode, 0x20000)) if unicodedata.category(chr(point))[0] == "M"
    )
    alone = "\u3040-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
    part = f"[^\\W{alone}][{marks}]*"
    letter = f"(?<=[^\\W\\d_{alone}])"
    joins = f"{letter}['\u2019.:\u00b7](?=[^\\W\\d_{alone}])|(?<=\\d)['.,;](?=\\d)"
    return re.compile(f"(?:{part})+(?:(?:{joins})(?:{part})+)*|[{alone}]")


@cache
def _stemmer(name: str) -> Callable[[str], str]:
    if name not in STEMMERS:
        raise UsageError(f"no stemmer {name!r}{nearest(name, STEMMERS)}")
    if name == "none":
        return str
    try:
        import Stemmer
    except ImportError:
        raise MissingExtraError("PyStemmer", "search") from None
    stem: Callable[[str], str] = Stemmer.Stemmer(name, 0).stemWord
    return lru_cache(maxsize=1 << 18)(stem)
