"""A limit: what Ovid and PubMed narrow a whole search by: years, a language, an age, a kind of publication."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlrl.executors.boolean.analysis import day_of, fold, last_day_of
from sqlrl.executors.boolean.fields import LANGUAGES
from sqlrl.executors.boolean.queries import All, Heading, Missing, Not, Or, Query, Range, Value

__all__ = ["day_in", "limit_query"]

_SPAN = re.compile(r'\(?"?(yr|ed|dt|dp|up)\s*=?\s*"?\s*(\d{4,8})?\s*(-\s*(\d{4,8}|current)?)?\s*"?\)?', re.IGNORECASE)
_PRINTED = re.compile(
    r"(?:publication|entrez|entry) date(?: from)?:? (\d{4}(?:/\d\d?){0,2})(?: to |\s?-\s?)"
    r"(\d{4}(?:/\d\d?){0,2}|present)",
    re.IGNORECASE,
)
_FIELDS = {"ed": "edat", "dt": "crdt", "up": "lr"}
# By their first words, folded: Ovid and PubMed add the ages to them.
_AGES = {
    "newborn infant": ("infant newborn",), "newborn": ("infant newborn",), "infant": ("infant",),
    "all infant": ("infant newborn", "infant"), "preschool child": ("child preschool",), "child": ("child",),
    "all child": ("infant newborn", "infant", "child preschool", "child", "adolescent"), "adolescent": ("adolescent",),
    "all adult": ("young adult", "adult", "middle aged", "aged", "aged 80 and over"), "adult": ("adult",),
    "young adult": ("young adult",), "middle age": ("middle aged",), "middle aged": ("middle aged",),
    "all aged": ("aged", "aged 80 and over"), "aged": ("aged",), "80 and over": ("aged 80 and over",),
    "human": ("humans",), "humans": ("humans",), "animals": ("animals",), "animal": ("animals",), "female": ("female",),
    "male": ("male",),
}  # fmt: skip
_TYPES = {
    "randomized controlled trial", "controlled clinical trial", "clinical trial", "clinical trial all", "meta analysis",
    "clinical trial phase i", "clinical trial phase ii", "clinical trial phase iii", "clinical trial phase iv",
    "multicenter study", "comparative study", "review", "systematic review", "letter", "editorial", "comment",
    "case reports", "journal article", "guideline", "practice guideline", "observational study", "news",
    "evaluation studies", "validation studies", "pragmatic clinical trial",
}  # fmt: skip


def limit_query(text: str) -> Query | None:
    """What a document must have; None for a limit that is not known."""
    text = text.strip(' "')
    span, printed = _SPAN.fullmatch(text), _PRINTED.fullmatch(text)
    if span is not None and span[2]:
        end = span[2] if not span[3] else "" if (span[4] or "current").lower() == "current" else span[4]
        field = _FIELDS.get(span[1].lower(), "dp")
        return Range(field, day_in(span[2], day_of), day_in(end, last_day_of) if end else None)
    if printed is not None:
        last = None if printed[2].lower() == "present" else last_day_of(printed[2])
        return Range("dp" if text.lower().startswith("pub") else "edat", day_of(printed[1]), last)
    name = fold(re.sub(r"[<(].*", "", text)).removesuffix(" language")
    if name in _AGES:
        headings = tuple(Heading("mh", each, explode=False) for each in _AGES[name])
        return headings[0] if len(headings) == 1 else Or(headings)
    if name in LANGUAGES:
        return Value(("la",), LANGUAGES[name])
    if name in ("abstracts", "abstract", "hasabstract"):
        return Not(All(), Missing(("ab",)))
    kind = name.replace("randomised", "randomized").removesuffix(" all")
    return Value(("pt",), kind) if kind in _TYPES else None


def day_in(text: str, read: Callable[[object], int | None]) -> int | None:
    """20081201 and 200812 as well."""
    digits = re.fullmatch(r"(\d{4})(\d\d)?(\d\d)?", text.strip())
    return read("-".join(part for part in digits.groups() if part)) if digits else read(text)
