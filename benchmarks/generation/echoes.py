"""Echoes: sentences of a corpus as questions, each given back as the query in one of several forms, drawn without
regard to what it would find.

They teach a policy from nothing what a ranked search is asked with: the words of the question, be they known or not,
with some of them left out or said twice. Which are better left out is for rewards to teach. In half of the sentences
words are put together from halves of others.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from itertools import islice

from sqlrl.benchmarks.base import Demonstration, Example
from sqlrl.benchmarks.generation.searches import blend
from sqlrl.executors.base import Gold
from sqlrl.executors.documents import Document
from sqlrl.executors.words import STOP_WORDS

__all__ = ["echoes", "write_echo"]

_COUNT = 40_000
_READ = 100_000  # documents of a large corpus
_FEWEST, _MOST = 4, 24  # words of a sentence
_END = re.compile(r"(?<=[.?!])\s+")


def echoes(documents: Iterable[Document], seed: int = 0, count: int = _COUNT) -> list[Demonstration]:
    """`count` of them, always the same for a seed: one of each sentence, and where those are too few, more of each.
    Nothing is relevant for any of them. None without sentences of a fit length."""
    sentences = list(dict.fromkeys(s for document in islice(documents, _READ) for s in _sentences(document)))
    generator = random.Random(f"echoes {seed}")
    generator.shuffle(sentences)
    made = []
    for number in range(count if sentences else 0):
        words = sentences[number % len(sentences)].split()
        if generator.random() < 0.5:
            others = [bare for word in generator.choice(sentences).split() if (bare := _bare(word))]
            words = [blend(word, generator.choice(others)) if generator.random() < 0.5 else word for word in words]
        example = Example(f"made-{number + 1}", " ".join(words), Gold(relevant={}))
        made.append(Demonstration(example, write_echo(words, generator)))
    return made


def write_echo(words: Sequence[str], generator: random.Random) -> str:
    """All words; those of content; all but one or two that stand side by side; or all, and some of content again."""
    words = " ".join(words).rstrip(" .?!").split()
    content = [word for word in words if _bare(word) and _bare(word) not in STOP_WORDS]
    kind = generator.choices(("all", "content", "without", "again"), (4, 2, 2, 2))[0]
    chosen = list(words)
    if kind == "content" and content:
        chosen = content
    elif kind == "without":
        at = generator.randrange(len(words) - 2)
        del chosen[at : at + generator.choice((1, 2))]
    elif kind == "again" and content:
        chosen += generator.sample(content, min(len(content), generator.choice((1, 1, 2, 3))))
    return " ".join(chosen)


def _sentences(document: Document) -> list[str]:
    parts = [document.title, *_END.split(document.text)]
    return [" ".join(words) for words in map(str.split, parts) if _FEWEST <= len(words) <= _MOST]


def _bare(word: str) -> str:
    return word.strip(".,;:?!()[]\"'").lower()
