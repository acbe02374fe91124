"""Topics: questions as reviews put them, about concepts that a corpus has in common, and what a search may look like.

A topic's relevant documents are those about each of its concepts, of a question after effects those alone that compare.
No query decides this: which one finds them is for training to learn. A query to imitate is one of many ways to search
for the words of a question, drawn without regard to what it finds.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlrl.executors.porter import porter

if TYPE_CHECKING:
    import numpy as np

    from sqlrl.benchmarks.generation.concepts import Concepts

__all__ = ["Topic", "draw_topics", "write_query", "write_question"]

FEWEST, MOST = 12, 120  # relevant documents of a topic; reviews include about as many
_SHARED = 0.8  # of the smaller concept's documents at most: beyond that the two are one
# {a} stands for the first concept, {b} for the others; {c} for what it is compared with, {p} for whom: words that a
# search does without, or does not.
_OF_EFFECTS = (
    "How {how} are {a}{c} in {b}{p}?",
    "How {how} are {a}{c} for {b}{p}?",
    "How {how} is {a}{c} as a treatment of {b}{p}?",
    "Is treatment with {a} {how} in {b}{p}?",
    "What are the benefits and harms of {a}{c} in {b}{p}?",
    "Comparative {of} of {a} in patients with {b}",
    "{of} of {a}{c} for {b}{p}",
    "Do {a} work better than their alternatives for {b}{p}?",
    "For {b}{p}, how do {a} compare with one another in {of}?",
    "What is the {of} of {a}{c} against {b}{p}?",
    "Which of the newer {a} are more {how} for {b}{p}?",
    "What are the effects of {a} on {b}{p}?",
)
_OPEN = (
    "What is known of {a} in {b}{p}?",
    "Which studies look at {a} and {b}{p}?",
    "{a} and {b}",
    "{a}, {b}{p}",
    "What is the role of {a} in {b}{p}?",
    "How common are {a} among people with {b}?",
    "All that was written about {a} in {b}{p}",
    "Is there a link between {a} and {b}{p}?",
)
_HOW = ("effective", "safe", "well tolerated", "effective and how safe", "effective and safe", "safe and effective",
        "effective and how well tolerated")  # fmt: skip
_OF = ("efficacy", "safety", "effectiveness", "efficacy and safety", "effectiveness and adverse events")
_THAN = ("", "", "", ", compared with one another,", ", compared with placebo,", ", alone or together,",
         ", compared with other drugs,", " and other drugs", ", against each other,")  # fmt: skip
_WHOM = ("", "", "", " in adults", " in children", " in older people", " in primary care", " in women",
         " and related conditions")  # fmt: skip
_COMPARING = ("random*", "(random* OR placebo)", "(random* OR placebo* OR trial*)", "trial*[tiab]")


@dataclass(frozen=True, slots=True)
class Topic:
    """concepts: of the question, in its order. relevant: the ids of what is right."""

    question: str
    concepts: tuple[str, ...]
    effects: bool
    relevant: tuple[str, ...]


def draw_topics(found: Concepts, count: int, generator: random.Random, chosen: Sequence[bool] = ()) -> list[Topic]:
    """At most `count` topics of two or three concepts, no two of which begin with the same two. chosen: of these
    concepts the first or the second is one; any of all by default."""
    import numpy as np

    together = found.about.astype(np.float32)
    together = together.T @ together
    sizes = together.diagonal()
    allowed = (together >= FEWEST) & (together <= _SHARED * np.minimum(sizes[:, None], sizes[None, :]))
    if chosen:
        some = np.asarray(chosen, dtype=bool)
        allowed &= some[:, None] | some[None, :]
    pairs = [tuple(pair) for pair in np.argwhere(np.triu(allowed, 1))]
    generator.shuffle(pairs)
    topics: list[Topic] = []
    for pair in pairs:
        if len(topics) == count:
            break
        columns = [int(column) for column in pair]
        generator.shuffle(columns)
        if generator.random() < 0.3 and (third := _beside(columns, allowed, generator)) is not None:
            columns.append(third)
        topic = _topic(found, columns, generator)
        if topic is not None:
            topics.append(topic)
    return topics


def write_question(words: Sequence[str], effects: bool, generator: random.Random) -> str:
    """A question about the first concept in the second, and in the third where there is one."""
    first, *others = words
    many = generator.choice((" and ", " or ")).join(others)
    frame = generator.choice(_OF_EFFECTS if effects else _OPEN)
    pick = generator.choice
    question = frame.format(a=first, b=many, c=pick(_THAN), p=pick(_WHOM), how=pick(_HOW), of=pick(_OF))
    return question[0].upper() + question[1:].replace(",?", "?")


def write_query(words: Sequence[str], effects: bool, generator: random.Random) -> str:
    """One of many searches for these words, in PubMed's grammar."""
    kind = generator.choices(("one", "or", "and", "first and others", "words"), (3, 4, 3, 3, 1))[0]
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


def _topic(found: Concepts, columns: Sequence[int], generator: random.Random) -> Topic | None:
    import numpy as np

    first, *others = columns
    rows: np.ndarray[Any, Any] = found.about[:, first] & found.about[:, others].any(axis=1)
    effects = generator.random() < 0.6
    if effects:
        rows = rows & found.compares
    places = np.flatnonzero(rows)
    if not FEWEST <= len(places) <= MOST:
        return None
    words = tuple(found.concepts[column].words for column in columns)
    relevant = tuple(found.ids[place] for place in places)
    return Topic(write_question(words, effects, generator), words, effects, relevant)


def _beside(columns: Sequence[int], allowed: np.ndarray[Any, Any], generator: random.Random) -> int | None:
    """A concept that goes with the first as the second does."""
    import numpy as np

    first, second = columns
    either = [int(c) for c in np.flatnonzero(allowed[first] | allowed[:, first]) if c not in (first, second)]
    return generator.choice(either) if either else None


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
