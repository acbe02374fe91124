"""Searches: what a warm start of Boolean search imitates: questions about words of any kind, each with one of many ways
to search for them, drawn without regard to what it would find.

Half of the words are put together from halves of others, so that nothing is to be learnt but the grammar, and to take
the words of a question over, be they known or not.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from sqlrl.benchmarks.base import Demonstration, Example
from sqlrl.benchmarks.generation.topics import write_question
from sqlrl.executors.base import Gold
from sqlrl.executors.porter import porter

__all__ = ["blend", "searches", "write_query"]

_COUNT = 40_000
_COMPARING = ("random*", "(random* OR placebo)", "(random* OR placebo* OR trial*)", "trial*[tiab]")


def searches(words: Sequence[str], seed: int = 0, count: int = _COUNT) -> list[Demonstration]:
    """Always the same for a seed; none without words. Nothing is relevant for any of them. words: one or two at a
    time."""
    generator = random.Random(f"searches {seed}")
    made = []
    for number in range(1, count + 1 if words else 1):
        asked = [_phrase(words, generator) for _ in range(generator.choice((2, 2, 3)))]
        effects = generator.random() < 0.6
        example = Example(f"made-{number}", write_question(asked, effects, generator), Gold(relevant={}))
        thought = "; ".join([*asked, *(["studies that compare"] if effects else [])])
        made.append(Demonstration(example, write_query(asked, effects, generator), thought))
    return made


def write_query(words: Sequence[str], effects: bool, generator: random.Random) -> str:
    """One of many searches for these words, in PubMed's grammar."""
    kind = generator.choices(("one", "or", "and", "first and others", "words"), (2, 4, 3, 2, 4))[0]
    if kind == "words":
        return " OR ".join(word.strip("()") for phrase in words for word in phrase.split())
    terms = [_term(phrase, generator) for phrase in words]
    if kind == "one":
        query = generator.choice(terms)
    elif kind == "first and others" and len(terms) > 2:
        query = f"{terms[0]} AND ({' OR '.join(terms[1:])})"
    else:
        query = (" OR " if kind == "or" else " AND ").join(terms)
    if generator.random() < (0.4 if effects else 0.1):
        query += f" AND {generator.choice(_COMPARING)}"
    return query


def blend(first: str, second: str) -> str:
    """A word that there is not: the beginning of one and the end of another."""
    return first[: max(2, (len(first) + 1) // 2)].rstrip("-'") + second[len(second) // 2 :].lstrip("-'")


def _phrase(words: Sequence[str], generator: random.Random) -> str:
    """One to four words, one or two of most; seldom with what is short for them in brackets."""
    chosen = generator.choice(words).split()
    if generator.random() < 0.2:
        chosen += generator.choice(words).split()
    if generator.random() < 0.5:
        chosen = [blend(word, generator.choice(words).split()[-1]) for word in chosen]
    short = "".join(word[0] for word in chosen).upper()
    return f"{' '.join(chosen)} ({short})" if len(chosen) > 1 and generator.random() < 0.15 else " ".join(chosen)


def _term(phrase: str, generator: random.Random) -> str:
    """A word, or several as a phrase or side by side; cut or not, and looked for everywhere or in titles. What
    stands in brackets behind them is short for them."""
    long, _, short = phrase.partition(" (")
    if short:
        ways = (_term(long, generator), short[:-1], f"({_term(long, generator)} OR {short[:-1]})")
        return generator.choice(ways)
    tag = generator.choices(("", "[ti]", "[tiab]"), (6, 2, 2))[0]
    parts = phrase.split()
    cut = generator.random() < 0.5
    if len(parts) == 1:
        return (_cut(phrase) if cut else phrase) + tag
    if generator.random() < 0.5:
        return f'"{phrase}"{tag}'
    return f"({' AND '.join([part + tag for part in parts[:-1]] + [(_cut(parts[-1]) if cut else parts[-1]) + tag])})"


def _cut(word: str) -> str:
    """A word's beginning, with a star for what follows; a word whose beginning is too short stays as it is."""
    stem = porter(word)
    length = next((at for at, (a, b) in enumerate(zip(word, stem, strict=False)) if a != b), min(len(word), len(stem)))
    return f"{word[:length]}*" if length >= 4 else word
