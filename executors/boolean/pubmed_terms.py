"""A term of PubMed's: words and their tag, read into a leaf of the tree."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass

from sqlrl.executors.boolean.analysis import day_of, fold, last_day_of, tokens
from sqlrl.executors.boolean.fields import ALL, DATES, LANGUAGES, TAGS, TEXTS
from sqlrl.executors.boolean.queries import All as Everything
from sqlrl.executors.boolean.queries import Heading, Missing, Near, Not, Or, Phrase, Query, Range, Token, Value

__all__ = ["Term", "term_query"]

_NEAR = re.compile(r"(.+?)\s*:\s*~\s*(\d{1,4})")
_SHORTEST = 4  # characters before a star
_RELATIVE = re.compile(r"last (\d{1,4}) (year|month|week|day)s?", re.IGNORECASE)
_NEAR_TAGS = {("ti",), TAGS["tiab"], ("ad",)}
_SPECIES = {"humans": "humans", "human": "humans", "animals": "animals", "animal": "animals"}
_SPECIES |= {"male": "male", "female": "female"}

Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Term:
    """text: the words. tag: as it was written, None without one. until: the other end of a range."""

    text: str
    quoted: bool
    tag: str | None = None
    until: str | None = None


def term_query(term: Term, warn: Warn, today: int) -> Query | None:
    """The leaf, or a small tree; None for a term without a word. warn: told of what is read otherwise than written."""
    written = " ".join((term.tag or "all").lower().replace(" :", ":").replace(": ", ":").split())
    near = _NEAR.fullmatch(written)
    name = near[1] if near else written
    name = name.replace(":no exp", ":noexp")
    fields = TAGS.get(name) or TAGS.get(name.rstrip(".s"))
    if fields is None:
        warn(f"[{term.tag}] is no field: the term was searched in all fields")
        fields = ALL
    if fields[0] in DATES:
        return _date(term, fields[0], warn, today)
    if term.until is not None:
        warn(f"a range in [{term.tag or 'all fields'}] was taken as words: only dates have ranges")
        term = Term(f"{term.text} {term.until}", False, term.tag)
    if not tokens(term.text):
        warn(f"{term.text.strip() or 'an empty phrase'} was ignored: it has no word in it")
        return None
    if near:
        return _near(term, fields, int(near[2]), warn)
    if fields in (("mh",), ("majr",)):
        return _heading(term, fields[0], ":noexp" not in name, warn)
    if fields == ("pt",):
        stem, star = _starred(term.text, warn)
        return Value(fields, fold(stem), True) if star else Heading("pt", fold(stem), "", ":noexp" not in name)
    if fields == ("pa",):
        warn(f"[{term.tag}]: which substances act so is not known here; the heading and the substance were searched")
        return Or((Heading("mh", fold(term.text), explode=False), Value(("nm",), fold(term.text))))
    if fields in (("au",), ("1au",), ("lastau",), ("ed",), ("ir",), ("ps",)):
        return _author(term, fields, warn)
    if fields == ("sb",):
        return _subset(term, warn)
    if fields[0] not in TEXTS:
        stem, star = _starred(term.text, warn)
        text = fold(stem)
        if fields == ("la",):
            text = LANGUAGES.get(text, text)
        return Value(fields, text, star)
    return _words(term, fields, warn)


def _words(term: Term, fields: tuple[str, ...], warn: Warn) -> Query:
    found: list[Token] = []
    for word in term.text.split():
        parts = re.split(r"(\*+)", word)
        for text, star in zip(parts[::2], [*parts[1::2], ""], strict=True):
            own = [Token(each) for each in tokens(text)]
            if own and star:
                own[-1] = Token(own[-1].text, _may_be_cut(own[-1].text, warn))
            found.extend(own)
    loose = not term.quoted and len(found) > 1 and len(term.text.split()) > 1
    return Phrase(fields, tuple(found), loose)


def _may_be_cut(stem: str, warn: Warn) -> bool:
    if len(stem) < _SHORTEST:
        warn(f"{stem}* was read as {stem}: a star needs {_SHORTEST} characters before it")
        return False
    return True


def _starred(text: str, warn: Warn) -> tuple[str, bool]:
    stem = text.rstrip()
    if not stem.endswith("*"):
        return stem, False
    stem = stem.rstrip("*")
    return stem, _may_be_cut(fold(stem), warn)


def _near(term: Term, fields: tuple[str, ...], distance: int, warn: Warn) -> Query:
    if "*" in term.text:
        warn("a star within a proximity search was ignored")
    words = tuple(tokens(term.text))
    if fields not in _NEAR_TAGS:
        warn(f"[{term.tag}] has no proximity search: the term was taken as a phrase")
        return Phrase(fields, tuple(map(Token, words)))
    if len(words) == 1:
        return Phrase(fields, (Token(words[0]),))
    return Near(fields, tuple(map(Token, words)), distance)


def _heading(term: Term, field: str, explode: bool, warn: Warn) -> Query:
    stem, star = _starred(term.text, warn)
    name, _, qualifier = stem.partition("/")
    if star:  # PubMed doesn't explode what is cut
        return Value((field,), fold(stem), True)
    return Heading(field, fold(name), fold(qualifier), explode)


def _author(term: Term, fields: tuple[str, ...], warn: Warn) -> Query:
    """A name without quotes also finds names with more initials: "smith j" finds Smith JA, "smith" every Smith."""
    stem, star = _starred(term.text, warn)
    text = fold(stem)
    if star or (not term.quoted and " " in text):
        return Value(fields, text, True)
    if term.quoted:
        return Value(fields, text)
    return Or((Value(fields, text), Value(fields, f"{text} ", True)))


def _subset(term: Term, warn: Warn) -> Query:
    text = fold(term.text)
    if text in ("hasabstract", "has abstract"):
        return Not(Everything(), Missing(("ab",)))
    if text in _SPECIES:
        return Heading("mh", _SPECIES[text])
    if text in LANGUAGES:
        return Value(("la",), LANGUAGES[text])
    if text in ("systematic", "systematicreview", "systematic review", "systematic reviews"):
        warn(f"{term.text}[{term.tag}] was read as the publication type Systematic Review, or those words in the title")
        words = (Token("systematic"), Token("review"))
        return Or((Value(("pt",), "systematic review"), Phrase(("ti",), words)))
    return Or((Value(("sb",), text), Value(("pt",), text)))


def _date(term: Term, field: str, warn: Warn, today: int) -> Query | None:
    relative = _RELATIVE.fullmatch(term.text.strip())
    if relative and term.until is None:
        return Range(field, _before(today, int(relative[1]), relative[2].lower()), today)
    low, colon, high = term.text.partition(":")
    if term.until is not None:
        low, colon, high = term.text, ":", term.until
    low, high = (each.strip().rstrip("*") for each in (low, high if colon else low))
    first = day_of(low) if low else None
    last = last_day_of(high) if high else None
    if (low and first is None) or (high and last is None) or not (low or high):
        warn(f"{low}{':' if colon else ''}{high if colon else ''} is no date, and was ignored")
        return None
    return Range(field, first, last)


def _before(day: int, count: int, unit: str) -> int:
    """The day so many units before a day."""
    if unit in ("day", "week"):
        whole = datetime.date(min(day // 10_000, 9999), day // 100 % 100, min(day % 100, 28))
        earlier = whole.toordinal() + day % 100 - whole.day - count * (7 if unit == "week" else 1)
        found = datetime.date.fromordinal(max(earlier, 1))
        return found.year * 10_000 + found.month * 100 + found.day
    months = day // 10_000 * 12 + day // 100 % 100 - 1 - count * (12 if unit == "year" else 1)
    return max(months // 12, 0) * 10_000 + (months % 12 + 1) * 100 + day % 100
