"""Essie's grammar, ClinicalTrials.gov's: a search expression read into a tree.

OR binds least, then AND, then NOT and the operators with brackets, then terms. Words side by side are one term.

    heart attack            one term: its words in any order ("relaxed"), by default in all that has words
    "heart attack"          its words side by side, in this order
    AREA[Condition] ...     the next term or parenthesis, in this piece of the record
    EXPANSION[None] ...     None, Term: as a phrase; Concept, Relaxation (the default), Lossy
    COVERAGE[FullMatch] ... a whole value; StartsWith, EndsWith, Contains (the default)
    AREA[StartDate]RANGE[2010-01-01, MAX]       days, numbers or ages, both ends included; MIN and MAX
    AREA[ResultsFirstPostDate]MISSING           what is not known
    SEARCH[Location](...)   all of it in one location; SEARCH[Study] changes nothing
    ALL                     every study
    \\AND \\( \\"               as words and signs, not as operators

The service expands terms by its own concepts and inflections; without a `Vocabulary` they are taken as their words.
What the service refuses (a parenthesis without another, an operator without its term, an unknown area) is no query.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlrl.executors.boolean.analysis import day_of, number_of, tokens
from sqlrl.executors.boolean.areas import BASIC, area_fields
from sqlrl.executors.boolean.fields import PART, VALUES, folded, own_name
from sqlrl.executors.boolean.parts import PARTS
from sqlrl.executors.boolean.queries import (
    All,
    And,
    Missing,
    Not,
    Or,
    Parsed,
    Phrase,
    Query,
    Range,
    Token,
    Value,
    Within,
    conjunction,
)
from sqlrl.executors.boolean.vocabulary import Vocabulary
from sqlrl.executors.errors import nearest

__all__ = ["SYNTAX", "parse"]

SYNTAX = """ClinicalTrials.gov search syntax (Essie). The query selects studies; only what it asks for is found.
AND, OR, NOT in upper case: NOT binds most, then AND, then OR; use parentheses. Words side by side are one term, found
in any order; "quoted words" are a phrase. AREA[Piece] before a term or parenthesis searches one piece of the record:
AREA[Condition], AREA[InterventionName], AREA[BriefTitle], AREA[Phase]PHASE3, AREA[OverallStatus]COMPLETED,
AREA[StudyType]INTERVENTIONAL, AREA[LeadSponsorName], AREA[EligibilityCriteria]. AREA[StartDate]RANGE[2010-01-01, MAX]
has dates, AREA[ResultsFirstPostDate]MISSING finds what is not known. COVERAGE[FullMatch] asks for a whole value.
Example: AREA[Condition]("type 2 diabetes" OR T2DM) AND AREA[InterventionName](metformin OR glipizide) NOT insulin"""

_LEXEME = re.compile(
    r"""(?P<space>\s+)
    |(?P<context>(?:AREA|SEARCH|EXPANSION|COVERAGE|RANGE|TILT)\s*\[[^\[\]]*\])
    |(?P<strange>[A-Z]{3,}\[[^\[\]]*\])
    |(?P<open>\()
    |(?P<close>\))
    |"(?P<quoted>(?:\\.|[^"\\])*)"
    |(?P<word>(?:\\.|[^\s()"\[\]\\])+)
    |(?P<stray>.)""",
    re.VERBOSE | re.DOTALL,
)
_QUOTES = str.maketrans(dict.fromkeys("\u201c\u201d\u201e\u2033", '"'))
_EXPANSIONS = ("none", "term", "concept", "relaxation", "lossy")
_COVERAGES = ("fullmatch", "startswith", "endswith", "contains")
_DEEPEST = 100  # parentheses and operators within one another
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")


@dataclass(frozen=True, slots=True)
class _Context:
    """What the operators before a term say of it."""

    fields: tuple[str, ...] = BASIC
    area: str = ""
    expansion: str = "relaxation"
    coverage: str = "contains"


class _Refused(Exception):
    """What the service would not read."""


def parse(text: str, known: frozenset[str] = frozenset(), vocabulary: Vocabulary | None = None) -> Parsed:
    """The tree of an expression; see the module. known: fields that documents of this index name themselves."""
    reader = _Reader(text, known, vocabulary)
    try:
        query = reader.whole()
    except _Refused as refused:
        return Parsed(None, tuple(reader.warnings), str(refused))
    return Parsed(query, tuple(reader.warnings))


class _Reader:
    def __init__(self, text: str, known: frozenset[str], vocabulary: Vocabulary | None) -> None:
        self.pieces: list[tuple[str, str]] = []
        for match in _LEXEME.finditer(text.translate(_QUOTES)):
            kind = match.lastgroup or ""
            if kind != "space":
                operator = kind == "word" and match[kind] in ("AND", "OR", "NOT", "ALL", "MISSING")
                self.pieces.append(("operator" if operator else kind, match[kind]))
        self.place = 0
        self.deep = 0
        self.known = known
        self.vocabulary = vocabulary
        self.warnings: dict[str, None] = {}

    def whole(self) -> Query:
        for kind, text in self.pieces:
            if kind == "stray":
                raise _Refused(f"a {text} that has no other")
            if kind == "strange":
                raise _Refused(f"no operator {text.partition('[')[0]}[]")
        if not self.pieces:
            raise _Refused("nothing to search for: the query has no term")
        query = self.either(_Context())
        if self.place < len(self.pieces):
            raise _Refused("a closing parenthesis without an opening one")
        return query

    def at(self, kind: str, *texts: str) -> bool:
        if self.place >= len(self.pieces):
            return False
        found, text = self.pieces[self.place]
        return found == kind and (not texts or text in texts)

    def taken(self, kind: str, *texts: str) -> bool:
        """Whether this stands here; then it is passed."""
        here = self.at(kind, *texts)
        self.place += here
        return here

    def either(self, context: _Context) -> Query:
        parts = [self.both(context)]
        while self.taken("operator", "OR"):
            parts.append(self.both(context))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def both(self, context: _Context) -> Query:
        """Factors joined by AND; those after NOT are taken away from the others."""
        keep: list[Query] = []
        drop: list[Query] = []
        while True:
            if self.taken("operator", "NOT"):
                inner = self.negated(context)
                (drop if inner[0] else keep).append(inner[1])
            else:
                keep.append(self.factor(context))
            if self.taken("operator", "AND") or self.at("operator", "NOT"):
                continue
            if self.place >= len(self.pieces) or self.at("close") or self.at("operator", "OR"):
                break
            self.warnings["what stands side by side without an operator was joined by AND"] = None
        found: Query = conjunction(tuple(keep)) if keep else All()
        for each in drop:
            found = Not(found, each)
        return found

    def negated(self, context: _Context) -> tuple[bool, Query]:
        """(whether what follows is left out, the factor): NOT NOT is none."""
        out = True
        while self.taken("operator", "NOT"):
            out = not out
        return out, self.factor(context)

    def factor(self, context: _Context) -> Query:
        self.deep += 1
        if self.deep > _DEEPEST:
            raise _Refused(f"more than {_DEEPEST} parentheses or operators within one another")
        try:
            return self._factor(context)
        finally:
            self.deep -= 1

    def _factor(self, context: _Context) -> Query:
        if self.taken("open"):
            inner = self.either(context)
            if not self.taken("close"):
                raise _Refused("a parenthesis that is never closed")
            return inner
        if self.taken("operator", "ALL"):
            return All()
        if self.taken("operator", "MISSING"):
            if not context.area:
                raise _Refused("MISSING needs an area: AREA[StartDate]MISSING")
            return Missing(context.fields)
        if self.at("context"):
            name, _, inside = self.pieces[self.place][1].rstrip("]").partition("[")
            self.place += 1
            if name.strip() == "RANGE":
                return self.range(inside, context)
            if name.strip() == "SEARCH":
                return self.within(inside.strip().lower(), context)
            changed = self.changed(name.strip(), inside.strip(), context)
            if self.taken("operator", "NOT"):
                out, inner = self.negated(changed)
                return Not(All(), inner) if out else inner
            return self.factor(changed)
        if self.at("quoted"):
            self.place += 1
            return self.term(_plain(self.pieces[self.place - 1][1]), True, context)
        words = []
        while self.at("word"):
            words.append(_plain(self.pieces[self.place][1]))
            self.place += 1
        if not words:
            rest = self.pieces[self.place][1] if self.place < len(self.pieces) else "the end"
            raise _Refused(f"a term is missing before {rest}")
        return self.term(" ".join(words), False, context)

    def within(self, part: str, context: _Context) -> Query:
        """What follows SEARCH[]: of one part of the record; of the study it is of the whole."""
        if part == "study":
            return self.factor(context)
        if part not in PARTS:
            raise _Refused(f"no part of a record {part!r}{nearest(part, (*PARTS, 'study'))}")
        if PART + part not in self.known:
            self.warnings[f"SEARCH[{part}] was read without it: the parts of these records are not known"] = None
            return self.factor(context)
        pieces = tuple(own_name(piece) for piece in PARTS[part][1])
        return Within(part, self.factor(replace(context, fields=pieces, area="")))

    def changed(self, name: str, inside: str, context: _Context) -> _Context:
        if name == "AREA":
            fields = area_fields(inside, self.known)
            if fields is None:
                raise _Refused(f"no area {inside!r}")
            return replace(context, fields=fields, area=inside)
        if name == "EXPANSION":
            if inside.lower() not in _EXPANSIONS:
                raise _Refused(f"no expansion {inside!r}{nearest(inside.lower(), _EXPANSIONS)}")
            return replace(context, expansion=inside.lower())
        if name == "COVERAGE":
            if inside.lower() not in _COVERAGES:
                raise _Refused(f"no coverage {inside!r}{nearest(inside.lower(), _COVERAGES)}")
            return replace(context, coverage=inside.lower())
        if name != "SEARCH":
            self.warnings[f"TILT[{inside}] was ignored: it changes only the order"] = None
        return context

    def range(self, inside: str, context: _Context) -> Query:
        ends = [end.strip() for end in inside.split(",")]
        if len(ends) != 2 or not context.area:
            raise _Refused("a range needs an area and two ends: AREA[StartDate]RANGE[2010-01-01, MAX]")
        found: list[Query] = []
        # 2010 may be a year or a count: which of the two a field holds, the index knows.
        for number, read in ((False, _day), (True, number_of)):
            try:
                low, high = _end(ends[0], "MIN", read), _end(ends[1], "MAX", read)
            except ValueError:
                continue
            found.extend(Range(field, low, high, number) for field in context.fields)
        if not found:
            raise _Refused(f"RANGE[{inside}] has an end that is no date, number or age")
        return Or(tuple(found))

    def term(self, text: str, quoted: bool, context: _Context) -> Query:
        if ".phase" in context.fields:
            text = re.sub(r"(?i)\bphase[\s_-]+(\d)", r"PHASE\1", text)
        words = tokens(text)
        if not words:
            raise _Refused(f"a term without a word: {text or 'an empty phrase'}")
        found = self.written(words, quoted, context)
        if context.expansion in ("none", "term") or context.coverage != "contains":
            return found
        meaning = self.vocabulary.longest(words) if self.vocabulary else None
        if meaning is not None and meaning[0] == len(words):
            inner = _Reader(meaning[1], self.known, None)
            try:
                return Or((found, inner.either(context)))
            except _Refused as refused:
                self.warnings[f"the vocabulary's entry for {text} cannot be read: {refused}"] = None
        self.warnings["terms were taken as their words: there is no vocabulary that expands them"] = None
        return found

    def written(self, words: list[str], quoted: bool, context: _Context) -> Query:
        """The term itself, in fields of text and of values."""
        values = tuple(field for field in context.fields if field in VALUES)
        texts = tuple(field for field in context.fields if field not in VALUES)
        parts: list[Query] = [Value((field,), folded(field, " ".join(words))) for field in values]
        if texts:
            start = context.coverage in ("fullmatch", "startswith")
            end = context.coverage in ("fullmatch", "endswith")
            relaxed = context.expansion in ("relaxation", "lossy") and not (quoted or start or end)
            own = tuple(map(Token, words))
            if relaxed and len(own) > 1:
                parts.append(And(tuple(Phrase(texts, (token,)) for token in dict.fromkeys(own))))
            else:
                parts.append(Phrase(texts, own, False, start, end))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))


def _end(text: str, open_end: str, read: Callable[[str], float | None]) -> float | None:
    """None where a range has no such end. ValueError for what is no end."""
    if text.upper() == open_end:
        return None
    found = read(text)
    if found is None:
        raise ValueError(text)
    return found


def _day(text: str) -> float | None:
    american = _AMERICAN.fullmatch(text)
    return day_of(f"{american[3]}-{american[1]}-{american[2]}" if american else text)


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
