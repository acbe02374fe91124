"""Searches: what a warm start of Boolean search imitates: questions about words that there are not, each with one of
many ways to search for them, drawn without regard to what it would find.

Such words are syllables put together, so that nothing is learnt of any subject: only to take the words of a question
over, be they known or not, and the grammar.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from sqlrl.benchmarks.base import Demonstration, Example
from sqlrl.benchmarks.generation.topics import write_question
from sqlrl.executors.base import Gold
from sqlrl.executors.porter import porter

__all__ = ["searches", "write_query"]

_COUNT = 40_000
# Syllables for the three places of a word; no name of a class of drugs ends so.
_BEGINNINGS = """
a ab ac ad al am an anti ap ar as at ba be bi bo ca car ce ch ci cli co com con cor cy de der di dis do du dys e ec el
en epi er es eu ex fe fi flu fo fu ga gas ge gly go ha he hy hyper hypo i im in inter ir is jo ke la le leu li lo lu
ma me mi mo mu my na ne neu ni no nu ob oc oe op or os ox pa pan pe per pha phe pi pla po pre pro psy pul py qui ra re
ri ro ru sa sal se sero si so spi sta ste su sub sul ta te the thy ti to tra tri tu ul un ur va ve vi vo xe zi zo
"""
_MIDDLES = """
ba be bi bo bu ca ce ci co cu da de di do du fa fe fi fo ga ge gi go gu la le li lo lu ma me mi mo mu na ne ni no nu
pa pe phi po pra pri pu ra re ri ro ru sa se si so su ta te ti to tra tri tu va ve vi vo xa za ze zi cra dro gra phy
thro
"""
_ENDINGS = """
al an ance ase ate ation cy cin ed ement emia en ency ent er ers es gia gram ia ial ic ide in ine ing ion ism ist itis
ity ium ive lin ment mia min ne ness nol ol oma on one or ory ose osis ous oxide pathy pine quine rin rol s sis son
tan ter tic tide tion tis tive tomy tor um ure us y zine
"""
_COMPARING = ("random*", "(random* OR placebo)", "(random* OR placebo* OR trial*)", "trial*[tiab]")


def searches(seed: int = 0, count: int = _COUNT) -> list[Demonstration]:
    """Always the same for a seed. Nothing is relevant for any of them."""
    generator = random.Random(f"searches {seed}")
    made = []
    for number in range(1, count + 1):
        words = [_phrase(generator) for _ in range(generator.choice((2, 2, 3)))]
        effects = generator.random() < 0.6
        example = Example(f"made-{number}", write_question(words, effects, generator), Gold(relevant={}))
        thought = "; ".join([*words, *(["studies that compare"] if effects else [])])
        made.append(Demonstration(example, write_query(words, effects, generator), thought))
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


def _phrase(generator: random.Random) -> str:
    """One to four words, one or two of most; seldom with what is short for them in brackets."""
    words = [_word(generator) for _ in range(generator.choices((1, 2, 3, 4), (5, 4, 2, 1))[0])]
    short = "".join(word[0] for word in words).upper()
    return f"{' '.join(words)} ({short})" if len(words) > 1 and generator.random() < 0.15 else " ".join(words)


def _word(generator: random.Random) -> str:
    """Two to five syllables; seldom with a hyphen, or in capitals as an abbreviation is."""
    pick = generator.choice
    beginnings, middles, endings = _BEGINNINGS.split(), _MIDDLES.split(), _ENDINGS.split()
    if generator.random() < 0.04:
        return "".join(generator.choices("ABCDEGHILMNOPRST", k=pick((3, 4))))
    word = pick(beginnings) + "".join(pick(middles) for _ in range(generator.choices((0, 1, 2, 3), (4, 4, 2, 1))[0]))
    word += pick(endings)
    return f"{pick(beginnings)}{pick(endings)}-{word}" if generator.random() < 0.06 else word


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
