"""Concepts: what a corpus is about, by its own words, and which documents are about each; made without any label.

A concept is a word or two that stand in several titles, in titles rather than in texts alone, and come again within a
text, as words of content do and words of style do not. A document is about a concept where its title names it or its
text does so twice, or where either holds of a narrower one: a word most of whose documents name the wider one as well
(Sanderson & Croft 1999, "Deriving concept hierarchies from text"), as those of "sumatriptan" name migraine. Studies
that compare are known by their words.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sqlrl.executors.documents import Document
from sqlrl.executors.porter import porter
from sqlrl.executors.words import STOP_WORDS

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Concept", "Concepts", "find_concepts", "phrases"]

_WORD = re.compile(r"[^\W\d_][\w'-]*[^\W_]")
_TITLES = 6  # a concept stands in so many titles at least
_COMMON = 0.25  # and in no more than this share of the documents
_COMES_AGAIN = 2.0  # times that it stands in the documents that have it, on average
_ENTITLED = 0.15  # and the share of these that name it in their titles
_NARROWER, _WIDER = 0.5, 0.7  # share of the narrower word's documents that name the wider one; size against it at most
_COMPARES = ("random", "placebo", "trial", "double-blind")  # as words begin


@dataclass(frozen=True, slots=True)
class Concept:
    """words: as it is most often written, in lower case. key: its stems."""

    words: str
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Concepts:
    """concepts: by their number of documents, the most first. about: which of the documents is about which concept,
    bool, (documents, concepts). compares: which documents tell of a comparison, bool."""

    ids: tuple[str, ...]
    concepts: tuple[Concept, ...]
    about: np.ndarray[Any, Any]
    compares: np.ndarray[Any, Any]

    @property
    def keys(self) -> set[tuple[str, ...]]:
        """Of all concepts."""
        return {concept.key for concept in self.concepts}

    def only(self, chosen: Sequence[bool]) -> Concepts:
        """Some of the concepts, of the same documents."""
        kept = tuple(concept for concept, wanted in zip(self.concepts, chosen, strict=True) if wanted)
        return replace(self, concepts=kept, about=self.about[:, [place for place, yes in enumerate(chosen) if yes]])


def find_concepts(documents: Sequence[Document], known: Sequence[bool]) -> Concepts:
    """The concepts of the documents that are `known`, and what each of all documents is about."""
    import numpy as np

    titles = [_stems(document.title) for document in documents]
    texts = [_stems(document.text) for document in documents]
    names = _candidates([title for title, seen in zip(titles, known, strict=True) if seen])
    place = {key: column for column, key in enumerate(names)}
    times = np.zeros((len(documents), len(place)), dtype=np.float32)
    named = np.zeros((len(documents), len(place)), dtype=bool)
    for row, (title, text) in enumerate(zip(titles, texts, strict=True)):
        for key in _keys(title):
            if (column := place.get(key)) is not None:
                named[row, column] = True
                times[row, column] += 1
        for key in _keys(text):
            if (column := place.get(key)) is not None:
                times[row, column] += 1
    central = named | (times >= 2)
    there = times > 0
    seen = np.asarray(known, dtype=bool)
    counts = there[seen].sum(axis=0)
    again = times[seen].sum(axis=0) / np.maximum(counts, 1)
    entitled = named[seen].sum(axis=0) / np.maximum(counts, 1)
    kept = (
        (counts >= _TITLES) & (counts <= _COMMON * len(documents)) & (again >= _COMES_AGAIN) & (entitled >= _ENTITLED)
    )
    kept = np.flatnonzero(kept)[np.argsort(-counts[kept], kind="stable")]
    both = there[:, kept].astype(np.float32)  # of all documents: which word is narrower is no word of one's own
    together = both.T @ both
    sizes = np.maximum(together.diagonal(), 1)
    narrower = (together / sizes[:, None] >= _NARROWER) & (sizes[:, None] <= _WIDER * sizes[None, :])
    np.fill_diagonal(narrower, True)
    about = (central[:, kept].astype(np.float32) @ narrower.astype(np.float32)) > 0
    keys = list(names)
    written = _written(documents, known, {keys[column] for column in kept})
    concepts = tuple(Concept(written[keys[column]], keys[column]) for column in kept)
    compares = np.array([_compares(document) for document in documents])
    return Concepts(tuple(document.id for document in documents), concepts, about, compares)


def phrases(documents: Sequence[Document], without: Collection[str] = ()) -> list[str]:
    """One or two words of content that stand side by side in titles, each once, in the order in which they come.
    without: stems of words that are passed over."""
    found: dict[str, None] = {}
    for document in documents:
        words = [match.group().lower() for match in _WORD.finditer(document.title)]
        fit = [len(word) > 2 and word not in STOP_WORDS and _stem(word) not in without for word in words]
        for at, word in enumerate(words):
            if fit[at]:
                found[word] = None
                if at + 1 < len(words) and fit[at + 1]:
                    found[f"{word} {words[at + 1]}"] = None
    return list(found)


def _stems(text: str) -> list[str]:
    """The stems of a text's words in order; empty where a word is a stop word, which parts phrases."""
    return ["" if word in STOP_WORDS else _stem(word) for word in map(str.lower, _WORD.findall(text))]


@lru_cache(maxsize=1 << 18)
def _stem(word: str) -> str:
    head, dash, last = word.rpartition("-")
    return f"{head}{dash}{porter(last)}"


def _keys(stems: Sequence[str]) -> list[tuple[str, ...]]:
    """Every word, and every two that stand side by side."""
    pairs = [pair for pair in pairwise(stems) if pair[0] and pair[1]]
    return [*((stem,) for stem in stems if stem), *pairs]


def _candidates(titles: Sequence[Sequence[str]]) -> dict[tuple[str, ...], int]:
    """What stands in several titles. Of two words that seldom stand apart, the pair alone."""
    counts: Counter[tuple[str, ...]] = Counter(key for title in titles for key in set(_keys(title)))
    often = {key: count for key, count in counts.items() if count >= _TITLES and all(len(stem) > 2 for stem in key)}
    for key in [key for key in often if len(key) == 2]:
        for stem in key:
            if (stem,) in often and often[key] > 0.8 * often[(stem,)]:
                del often[(stem,)]
    return often


def _written(
    documents: Sequence[Document], known: Sequence[bool], keys: set[tuple[str, ...]]
) -> dict[tuple[str, ...], str]:
    """How each concept is written most often, of titles and texts."""
    forms: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for document, seen in zip(documents, known, strict=True):
        if not seen:
            continue
        for text in (document.title, document.text):
            words = [match.group().lower() for match in _WORD.finditer(text)]
            stems = ["" if word in STOP_WORDS else _stem(word) for word in words]
            for at, stem in enumerate(stems):
                if (stem,) in keys:
                    forms[(stem,)][words[at]] += 1
                if (pair := tuple(stems[at : at + 2])) in keys:
                    forms[pair][" ".join(words[at : at + 2])] += 1
    return {key: min(found, key=lambda form: (-found[form], form)) for key, found in forms.items()}


def _compares(document: Document) -> bool:
    words = set(map(str.lower, _WORD.findall(document.contents)))
    return any(word.startswith(_COMPARES) for word in words)
