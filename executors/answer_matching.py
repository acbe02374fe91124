"""Answer matching: does a text hold one of the answers? As Dense Passage Retrieval's evaluation has it.

Text is decomposed (Unicode NFD) and cut into words, runs of letters, numbers and marks, and single other signs that are
neither space nor control; case is ignored; an answer is held where its words follow one another in the text. Source:
Karpukhin et al. 2020, "Dense Passage Retrieval for Open-Domain Question Answering", section 4 and the `has_answer` of
its code. One thing differs: an answer without a word is held nowhere, where the code finds it everywhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

__all__ = ["AnswerMatcher", "words_of"]

_ASCII = re.compile(r"[0-9A-Za-z]+|[!-/:-@\[-`{-~]")


class AnswerMatcher:
    """Several answers, of which a text must hold one."""

    def __init__(self, answers: Iterable[str]) -> None:
        self._wanted = [_spaced(answer) for answer in answers]
        self._wanted = [wanted for wanted in self._wanted if wanted.strip()]

    def holds(self, text: str) -> bool:
        """Whether the text has one of the answers."""
        if not self._wanted:
            return False
        spaced = _spaced(text)
        return any(wanted in spaced for wanted in self._wanted)

    def first(self, texts: Sequence[str]) -> int | None:
        """The index of the first text that has one of the answers; None where none has."""
        return next((index for index, text in enumerate(texts) if self.holds(text)), None)


def words_of(text: str) -> list[str]:
    """The words and signs of a text, without case."""
    return [word.lower() for word in _cut(text)]


def _spaced(text: str) -> str:
    """The words with a space around each: none has a space itself, so that words in a row are a piece of this text."""
    return f" {' '.join(words_of(text))} "


def _cut(text: str) -> list[str]:
    if text.isascii():
        return _ASCII.findall(text)
    found: list[str] = []
    run: list[str] = []
    for character in unicodedata.normalize("NFD", text):
        kind = _kind(character)
        if kind == "word":
            run.append(character)
            continue
        if run:
            found.append("".join(run))
            run.clear()
        if kind == "sign":
            found.append(character)
    return [*found, "".join(run)] if run else found


@lru_cache(maxsize=1 << 16)
def _kind(character: str) -> str:
    """What a character is part of: a "word", a "sign" of its own, or nothing (spaces, controls, unassigned)."""
    first = unicodedata.category(character)[0]
    return "word" if first in "LNM" else "" if first in "ZC" else "sign"
