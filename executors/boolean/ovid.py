"""Ovid's grammar: the numbered searches that most published reviews print, read into one tree.

    1 exp Asthma/                     a heading and those below it; Asthma/ alone, *Asthma/ as a major topic, Asthma/dt
    2 (wheez$ or asthma$).ti,ab.      fields after a term or a parenthesis; a star or $ at the end of a word
    3 (child$ adj3 asthma).tw.        within three words of one another, in any order
    4 or/1-3                          earlier lines; 1 and 3, #1 and #3 as well
    5 limit 4 to yr="2000-2010"       humans, a language, years or days

    6 1-3/or                          the same as or/1-3

The last line is searched. Operators are taken from left to right. A line with PubMed's tags is read as PubMed's, one
with Cochrane's (`:ti,ab,kw`, MeSH descriptor, near/3) as Cochrane's; see `histories` for how a list may be numbered.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from sqlrl.executors.boolean import pubmed
from sqlrl.executors.boolean.analysis import day_of, fold, last_day_of, tokens
from sqlrl.executors.boolean.central import as_ovid, is_central
from sqlrl.executors.boolean.fields import ALL, DATES, LANGUAGES, VALUES
from sqlrl.executors.boolean.histories import combines, searches
from sqlrl.executors.boolean.limits import day_in, limit_query
from sqlrl.executors.boolean.ovid_codes import FIELDS, MP, QUALIFIERS
from sqlrl.executors.boolean.queries import (
    NOTHING,
    And,
    Heading,
    Near,
    Not,
    Or,
    Parsed,
    Phrase,
    Query,
    Range,
    Token,
    Value,
)

__all__ = ["parse"]

_LEXEME = re.compile(
    r"""(?P<space>[\s,;]+)
    |(?P<note>\[[^\]]*\])
    |(?P<lines>(?P<joiner>or|and)\s*/\s*(?P<these>[\d#,\s-]*\d)
        |(?P<those>\#?\d[\d\#,\s-]*\d)\s*/\s*(?P<behind>or|and)\b)
    |(?P<heading>(?P<exp>exp(?:lode)?\s+)?(?P<star>\*)?(?:"(?P<whole>[^"/]+)"|(?P<name>(?!(?:or|and|not|adj\d*)\s)[^\W_]
        (?:(?!\s(?:or|and|not|adj\d*)\s)[^()"/.\[\]*$]){0,120}))/
        (?P<qualifiers>[a-z]{2}(?:,\s?[a-z]{2})*\b)?(?:\s\([^()]*\))?)
    |(?P<fields>\.\s?(?P<codes>[a-z]{2}(?:,\s?[a-z]{2})*)(?:\.|(?=\s*(?:[)\[]|$)|\s+(?:or|and|not)\s)))
    |(?P<operator>(?:and|or|not|adj\d*)\b(?!\.))
    |(?P<open>\()
    |(?P<close>\))
    |(?P<reference>\#\d+)
    |"(?P<phrase>[^"]*)"
    |(?P<word>[^\s()"\[\],;./]+(?:[./](?![a-z]{2}(?:,\s?[a-z]{2})*(?:\.|\s|\)|$))[^\s()"\[\],;./]+)*)
    |(?P<stray>.)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_LIMIT = re.compile(r"limit\s+#?(\d+)\s+to\s+(.*)", re.IGNORECASE | re.DOTALL)
_TAGGED = re.compile(
    r"\[(?:mesh|tiab|ti|ab|tw|pt|mh|majr|ptyp|dp|la|title|all fields|publication type|nm|sh|sb)\b[^\]]*\]",
    re.IGNORECASE,
)
_SEARCHED = re.compile(r"search:?\s+", re.IGNORECASE)


def parse(text: str, today: int = 99991231) -> Parsed:
    """The tree of the last line."""
    known: dict[int, Query] = {}
    warnings: dict[str, None] = {"a list of searches was read as Ovid's; its last line was searched": None}
    last = 0
    lines = searches(text)
    # PubMed's own lists have tags in some of their lines, and in none what only others have.
    of_pubmed = any(_TAGGED.search(line) or _SEARCHED.match(line) for _, line in lines)
    for last, written in lines:
        line, limits = _without_limits(_SEARCHED.sub("", written))
        said: dict[str, None] = {}
        if is_central(line):
            line = as_ovid(line, lambda each, said=said: said.update({each: None}))  # type: ignore[misc]
        elif _TAGGED.search(line) or (of_pubmed and not combines(line) and not _LIMIT.fullmatch(line)):
            parsed = pubmed.parse(line, today=today, lines=known)
            query, line = parsed.query, ""
            said.update(dict.fromkeys(parsed.warnings))
        reader = _Reader(line, known)
        if line:
            query = reader.whole()
        if limits and query is not None:
            query = reader.within_limits(query, limits)
        warnings.update(dict.fromkeys(f"line {last}: {each}" for each in (*said, *reader.warnings)))
        if query is None:
            warnings[f"line {last} has nothing to search for"] = None
        known[last] = query or NOTHING
    if not known or known[last] == NOTHING:
        return Parsed(None, tuple(warnings), "nothing to search for: the last line has no term")
    return Parsed(known[last], tuple(warnings))


def _without_limits(line: str) -> tuple[str, list[str]]:
    """(a line, the limits that PubMed prints behind it)."""
    line, mark, rest = (*re.split(r"\s(?:Limits|Filters)(?: activated)?:\s", line, maxsplit=1), "", "")[:3]
    return line, [each.strip() for each in re.split("[,;]", mark or rest) if each.strip()]


@dataclass(frozen=True, slots=True)
class _Words:
    """A run of words whose fields come after it, perhaps after the parenthesis around it."""

    text: str


@dataclass(frozen=True, slots=True)
class _Pair:
    operator: str
    left: _Raw
    right: _Raw


_Raw = _Words | _Pair | Query


class _Reader:
    def __init__(self, text: str, known: dict[int, Query]) -> None:
        self.text = text
        self.known = known
        self.warnings: dict[str, None] = {}
        self.pieces = [found for found in _LEXEME.finditer(text) if found.lastgroup not in ("space", "note")]
        self.place = 0

    def whole(self) -> Query | None:
        limit = _LIMIT.fullmatch(self.text.strip())
        if limit is not None:
            return self.limited(int(limit[1]), limit[2])
        raw: _Raw | None = None
        while self.place < len(self.pieces):
            raw = self.expression(raw)
            if self.place < len(self.pieces):
                self.place += 1
                self.warn("a closing parenthesis without an opening one was ignored")
        return None if raw is None else self.bound(raw, MP)

    def warn(self, message: str) -> None:
        self.warnings[message] = None

    def kind(self) -> str:
        """Of the piece that stands here: its outermost group."""
        if self.place >= len(self.pieces):
            return ""
        groups = self.pieces[self.place].groupdict()
        order = ("lines", "heading", "fields", "operator", "open", "close", "reference", "word", "phrase", "stray")
        found = next(name for name in order if groups[name] is not None)
        return "word" if found == "phrase" else found

    def expression(self, left: _Raw | None) -> _Raw | None:
        operator = ""
        while (kind := self.kind()) and kind != "close":
            if kind == "operator":
                operator = self.pieces[self.place]["operator"].lower()
                self.place += 1
                continue
            right = self.operand()
            if right is None:
                continue
            left = right if left is None else _Pair(operator or "and", left, right)
            operator = ""
        return left

    def operand(self) -> _Raw | None:
        piece, kind = self.pieces[self.place], self.kind()
        if kind == "word":
            return self.with_fields(_Words(self.run()))
        self.place += 1
        if kind == "open":
            inner = self.expression(None)
            if self.kind() == "close":
                self.place += 1
            else:
                self.warn("a parenthesis that is never closed was closed at the end")
            return None if inner is None else self.with_fields(inner)
        if kind == "heading":
            return self.with_fields(self.heading(piece))
        if kind == "reference":
            return self.line(int(piece["reference"][1:]))
        if kind == "lines":
            parts = tuple(self.line(number) for number in _numbers(piece["these"] or piece["those"]))
            return Or(parts) if (piece["joiner"] or piece["behind"]).lower() == "or" else And(parts)
        return None

    def run(self) -> str:
        words = []
        while self.kind() == "word":
            piece = self.pieces[self.place]
            words.append(piece["word"] or piece["phrase"])
            self.place += 1
        return " ".join(words)

    def with_fields(self, raw: _Raw) -> _Raw:
        while self.kind() == "fields":
            codes = re.findall("[a-z]{2}", self.pieces[self.place]["codes"].lower())
            self.place += 1
            fields: list[str] = []
            for code in codes:
                if code not in FIELDS:
                    self.warn(f".{code}. is no field known here: all fields were searched")
                fields.extend(FIELDS.get(code, ALL))
            raw = self.bound(raw, tuple(dict.fromkeys(fields)))
        if isinstance(raw, _Words) and raw.text.isdecimal() and int(raw.text) in self.known:
            return self.known[int(raw.text)]
        return raw

    def line(self, number: int) -> Query:
        if number not in self.known:
            self.warn(f"there is no line {number} before it")
        return self.known.get(number, NOTHING)

    def heading(self, piece: re.Match[str]) -> Query:
        field = "majr" if piece["star"] else "mh"
        whole = Heading(field, fold(piece["name"] or piece["whole"]), "", bool(piece["exp"]))
        codes = re.findall("[a-z]{2}", (piece["qualifiers"] or "").lower())
        for code in codes:
            if code not in QUALIFIERS:
                self.warn(f"/{code} is no subheading known here, and was ignored")
        named = tuple(replace(whole, qualifier=QUALIFIERS[code]) for code in codes if code in QUALIFIERS)
        return whole if not named else named[0] if len(named) == 1 else Or(named)

    def bound(self, raw: _Raw, fields: tuple[str, ...]) -> Query:
        """The tree, with these fields wherever none have been said."""
        if isinstance(raw, _Words):
            return self.leaf(raw.text, fields)
        if not isinstance(raw, _Pair):
            return raw
        chain: list[_Pair] = []
        node: _Raw = raw
        while isinstance(node, _Pair):
            chain.append(node)
            node = node.left
        if any(pair.operator.startswith("adj") for pair in chain):  # values have no words: those of headings are text
            plain = [field for field in fields if field not in VALUES and field not in DATES]
            fields = tuple(dict.fromkeys(plain if len(plain) == len(fields) else [*plain, "words"]))
        found = self.bound(node, fields)
        for pair in reversed(chain):
            right = self.bound(pair.right, fields)
            if pair.operator == "not":
                found = Not(found, right)
            elif pair.operator.startswith("adj"):
                found = self.near(found, right, pair.operator[3:])
            else:
                found = Or((found, right)) if pair.operator == "or" else And((found, right))
        return found

    def leaf(self, text: str, fields: tuple[str, ...]) -> Query:
        parts: list[Query] = []
        days = tuple(field for field in fields if field in DATES)
        values = tuple(field for field in fields if field in VALUES)
        rest = tuple(field for field in fields if field not in (*days, *values))
        if days:
            first, last = day_in(text.rstrip("*$"), day_of), day_in(text.rstrip("*$"), last_day_of)
            parts.extend(Range(field, first, last) for field in days if first is not None)
        for field in values:
            name = fold(text)
            plain = not re.search(r"[*$]\d*$", text)
            parts.append(Value((field,), LANGUAGES.get(name, name) if field == "la" else name, not plain))
        if rest:
            words = self.words(text)
            parts.extend([Phrase(rest, words)] if words else [])
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def words(self, text: str) -> tuple[Token, ...]:
        found: list[Token] = []
        for word in text.split():
            stem = re.split(r"[?#]|[*$]\d*", word, maxsplit=1)[0]
            own = [Token(each) for each in tokens(stem)]
            if own and stem != word:
                own[-1] = Token(own[-1].text, True)
                if not re.fullmatch(r"[*$]\d*", word[len(stem) :]):
                    self.warn(f"{word} was read as {stem}*: only a star at the end of a word is known")
            found.extend(own)
        return tuple(found)

    def near(self, left: Query, right: Query, written: str) -> Query:
        """Every word of the one beside every word of the other."""
        most = int(written or 1)
        found: list[Query] = []
        for one in _terms(left):
            for other in _terms(right):
                if one is None or other is None:
                    self.warn("adj between what is more than words was read as AND")
                    return And((left, right))
                fields = tuple(field for field in one.fields if field in other.fields)
                if isinstance(one, Phrase) and isinstance(other, Phrase) and not written:
                    found.append(Phrase(fields, (*one.tokens, *other.tokens)))
                    continue
                both = (*one.tokens, *other.tokens)
                if len(both) > 2:
                    self.warn("a phrase beside another was taken as its words, all of them near one another")
                found.append(Near(fields, both, most - 1))
        return found[0] if len(found) == 1 else Or(tuple(found))

    def limited(self, number: int, limits: str) -> Query:
        return self.within_limits(self.line(number), re.split(r"\s+and\s+", _bare(limits)))

    def within_limits(self, found: Query, limits: Sequence[str]) -> Query:
        for limit in limits:
            parts = [limit_query(each) for each in re.split(r"\s+or\s+", _bare(limit))]
            if None in parts:
                self.warn(f"the limit {limit.strip()} was ignored")
            known = tuple(each for each in parts if each is not None)
            if len(known) == len(parts):
                found = And((found, known[0] if len(known) == 1 else Or(known)))
        return found


def _terms(query: Query) -> list[Phrase | Near | None]:
    """The alternatives that a side of adj is made of; None for what is no word."""
    if isinstance(query, Or):
        return [term for part in query.parts for term in _terms(part)]
    return [query if isinstance(query, (Phrase, Near)) else None]


def _numbers(text: str) -> list[int]:
    found: list[int] = []
    for part in text.replace("#", "").replace(" ", "").split(","):
        first, dash, last = part.partition("-")
        if first.isdecimal():
            found.extend(range(int(first), int(last) + 1) if dash and last.isdecimal() else [int(first)])
    return found


def _bare(text: str) -> str:
    """Without the parentheses around the whole."""
    text = text.strip()
    while text.startswith("(") and text.endswith(")"):
        depths = list(accumulate((each == "(") - (each == ")") for each in text))
        if 0 in depths[:-1] or depths[-1]:
            break
        text = text[1:-1].strip()
    return text
