"""Answer matching: does a text hold one of the answers? As Dense Passage Retrieval's evaluation has it.

Text is decomposed (Unicode NFD) and cut into words, runs of letters, numbers and marks, and single other signs that are
neither space nor control; case is ignored; an answer is held where its words follow one another in the text. Source:
Karpukhin et al. 2020, "Dense Passage Retrieval for Open-Domain Question Answering", section 4 and the `has_answer` of
its code. One thing differs: an answer without a word is held nowhere, where the code finds it everywhere.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

__all__ = ["AnswerMatcher", "words_of"]


class AnswerMatcher:
    """Several answers, of which a text must hold one."""

    def __init__(self, answers: Iterable[str]) -> None:
        spaced = dict.fromkeys(map(_spaced, answers))
        self._wanted = [wanted for wanted in spaced if wanted.strip()]

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
    # Lower case comes last, where words stand apart: that of a Greek sigma depends on what follows it.
    return unicodedata.normalize("NFD", text).translate(_SPACING).lower().split()


def _spaced(text: str) -> str:
    """The words with a space around each: none has a space itself, so that words in a row are a piece of this text."""
    return f" {' '.join(words_of(text))} "


class _Spacing(dict[int, str]):
    """What to write for a character: itself in a word, itself between spaces where it is a sign of its own, a space for
    what is nothing (spaces, controls, unassigned). Filled as characters are met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        first = unicodedata.category(character)[0]
        self[code] = written = character if first in "LNM" else " " if first in "ZC" else f" {character} "
        return written


_SPACING = _Spacing()
