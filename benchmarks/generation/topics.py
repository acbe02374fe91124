"""Topics: questions as reviews put them, about concepts that a corpus has in common.

A topic's relevant documents are those about each of its concepts, of a question after effects those alone that compare.
No query decides this: which one finds them is for training to learn.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from sqlrl.benchmarks.generation.concepts import Concepts

__all__ = ["Topic", "draw_topics", "write_question"]

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
