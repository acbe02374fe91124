"""Queries: the tree that every grammar is read into; what a leaf asks for is said in terms of an index's fields.

Text is compared as `analysis.tokens` has it, in a field's values one by one: no phrase begins in one value and ends in
another. A leaf with several fields holds where it holds in one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = [
    "NOTHING",
    "All",
    "And",
    "Heading",
    "Missing",
    "Near",
    "Not",
    "Or",
    "Parsed",
    "Phrase",
    "Query",
    "Range",
    "Token",
    "Value",
    "Within",
    "conjunction",
    "leaves",
]


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a query. prefix: any word that begins so."""

    text: str
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Phrase:
    """One word, or several in this order with nothing between them.

    loose: where no document at all has the phrase, its words anywhere in these fields instead, as PubMed does with what
    its list of phrases doesn't know. start, end: at a value's first word, up to its last.
    """

    fields: tuple[str, ...]
    tokens: tuple[Token, ...]
    loose: bool = False
    start: bool = False
    end: bool = False


@dataclass(frozen=True, slots=True)
class Near:
    """All of these words in one value, in any order, each at a place of its own, with at most `distance` other words
    between the first and the last of them."""

    fields: tuple[str, ...]
    tokens: tuple[Token, ...]
    distance: int


@dataclass(frozen=True, slots=True)
class Value:
    """A whole value, as `analysis.fold` has it. prefix: any value that begins so."""

    fields: tuple[str, ...]
    text: str
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """A subject heading (MeSH), folded. field: "mh", "majr" for a major topic, "pt" for a publication type. qualifier:
    with this subheading, or empty. explode: or one of the headings below it."""

    field: str
    name: str
    qualifier: str = ""
    explode: bool = True


@dataclass(frozen=True, slots=True)
class Range:
    """A day (20100131) from `low` to `high`, both included; None: without that end. number: a number or an age (in
    days) rather than a day; a field holds the one or the other."""

    field: str
    low: float | None
    high: float | None
    number: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """Nothing is known in any of these fields."""

    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Within:
    """One part of the record, such as one location of a study, for which the query holds."""

    part: str
    query: Query


@dataclass(frozen=True, slots=True)
class All:
    """Every document."""


@dataclass(frozen=True, slots=True)
class And:
    """What all parts hold for."""

    parts: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """What one part holds for; without parts, nothing."""

    parts: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """What `keep` holds for and `drop` doesn't."""

    keep: Query
    drop: Query


Query = Phrase | Near | Value | Heading | Range | Missing | Within | All | And | Or | Not
NOTHING = Or(())


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a grammar made of a text. query: None where it cannot be read, and `message` says why. warnings: what was
    read otherwise than it was written."""

    query: Query | None
    warnings: tuple[str, ...] = ()
    message: str = ""


def conjunction(parts: tuple[Query, ...]) -> Query:
    """All of them; a single one as it is."""
    return parts[0] if len(parts) == 1 else And(parts)


def leaves(query: Query, wanted: bool = True) -> Iterator[tuple[Query, bool]]:
    """(leaf, whether its documents are asked for rather than left out), in order."""
    stack = [(query, wanted)]
    while stack:
        node, kept = stack.pop()
        if isinstance(node, (And, Or)):
            stack.extend((part, kept) for part in reversed(node.parts))
        elif isinstance(node, Not):
            stack.extend(((node.drop, not kept), (node.keep, kept)))
        else:
            yield node, kept
