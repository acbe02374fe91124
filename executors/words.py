"""Words: how text becomes the terms of an index, the same for documents and queries.

The default is what Lucene's English analysis does, and Anserini after it: words by Unicode's rules, without possessive
's, in lower case, without 33 stop words, stemmed by Porter's algorithm.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

from sqlrl.executors.errors import MissingExtraError, UsageError, nearest
from sqlrl.executors.porter import porter

__all__ = ["STEMMERS", "STOP_WORDS", "Analyzer"]

STEMMERS = ("porter", "english", "none")  # "english" is Porter's second algorithm, of Snowball
_STOP_WORDS = """
a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was
will with
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
_REMEMBERED = 1 << 19  # words with their stems
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
    stop, a colon or an apostrophe between letters joins, as do full stop and comma between digits; an ideograph or a
    picture is a word of its own, raised and lowered digits are none."""
    found = _ASCII.findall(text) if text.isascii() else _pattern().findall(unicodedata.normalize("NFC", text))
    # Underscores alone are none.
    return [word for word in found if word[0] != "_" or word.strip("_")] if "_" in text else found


# UAX 29's classes: what joins letters and digits, letters alone, digits alone.
_MIDDLE = "'.\u2018\u2019\u2024\ufe52\uff07\uff0e"
_MIDDLE_OF_LETTERS = ":\u00b7\u0387\u055f\u05f4\u2027\ufe13\ufe55\uff1a"
_MIDDLE_OF_DIGITS = ",;\u037e\u0589\u060c\u060d\u066c\u07f8\u2044\ufe10\ufe14\ufe50\ufe54\uff0c\uff1b"
_IDEOGRAPHS = "\u3040-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_PICTURES = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2194-\u2199\u21a9\u21aa\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u2605"
    "\u2607-\u2612\u2614-\u2685\u2690-\u2705\u2708-\u2712\u2714\u2716\u2795-\u2797\u27a1\u2b05-\u2b07"
    "\U0001f300-\U0001f3fa\U0001f400-\U0001f53d\U0001f546-\U0001f64f\U0001f680-\U0001f6d7\U0001f90c-\U0001fac5"
)
# The same for plain text, twice as fast.
_ASCII = re.compile("[0-9A-Za-z_]++(?:(?:(?<=[A-Za-z])[.':](?=[A-Za-z])|(?<=[0-9])[.',;](?=[0-9]))[0-9A-Za-z_]++)*+")


@cache
def _pattern() -> re.Pattern[str]:
    kinds = [(chr(point), unicodedata.category(chr(point))) for point in range(0xA0, 0x20000)]
    # What goes on with the letter before it; a space of no width does not.
    marks = "".join(sign for sign, kind in kinds if kind[0] == "M" or (kind == "Cf" and sign != "\u200b"))
    no_words = "".join(sign for sign, kind in kinds if kind == "No") + _IDEOGRAPHS
    part = f"(?:[0-9A-Za-z_]++|[^\\W{no_words}])[{marks}]*+"
    letter = f"[^\\W\\d_{no_words}]"
    joins = f"(?<={letter})[{_MIDDLE}{_MIDDLE_OF_LETTERS}](?={letter})|(?<=\\d)[{_MIDDLE}{_MIDDLE_OF_DIGITS}](?=\\d)"
    return re.compile(f"(?:{part})++(?:(?:{joins})(?:{part})++)*+|[{_IDEOGRAPHS}{_PICTURES}]")


@cache
def _stemmer(name: str) -> Callable[[str], str]:
    if name not in STEMMERS:
        raise UsageError(f"no stemmer {name!r}{nearest(name, STEMMERS)}")
    if name == "none":
        return str
    if name == "porter":
        return lru_cache(maxsize=_REMEMBERED)(porter)
    try:
        import Stemmer
    except ImportError:
        raise MissingExtraError("PyStemmer", "search") from None
    stem: Callable[[str], str] = Stemmer.Stemmer(name, 0).stemWord
    return lru_cache(maxsize=_REMEMBERED)(stem)
