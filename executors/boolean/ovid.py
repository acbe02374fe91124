"""Ovid's grammar: the numbered searches that most published reviews print, read into one tree.

    1 exp Asthma/                     a heading and those below it; Asthma/ alone, *Asthma/ as a major topic, Asthma/dt
    2 (wheez$ or asthma$).ti,ab.      fields after a term or a parenthesis; a star or $ at the end of a word
    3 (child$ adj3 asthma).tw.        within three words of one another, in any order
    4 or/1-3                          earlier lines; 1 and 3, #1 and #3 as well
    5 limit 4 to yr="2000-2010"       humans, a language, years or days

The last line is searched. Operators are taken from left to right. A line with PubMed's tags is read as PubMed's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlrl.executors.boolean import pubmed
from sqlrl.executors.boolean.analysis import day_of, fold, last_day_of, tokens
from sqlrl.executors.boolean.fields import ALL, DATES, LANGUAGES, VALUES
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

__all__ = ["is_history", "parse"]

_LINE = re.compile(r"\s*#?(\d{1,3})(?:[.):]\s*|\s+)(\S.*?)(?:\s*\(\d[\d,]*\))?\s*")
_LEXEME = re.compile(
    r"""(?P<space>[\s,;]+)
    |(?P<note>\[[^\]]*\])
    |(?P<lines>(?P<joiner>or|and)/[\d#,\s-]*\d)
    |(?P<heading>(?P<exp>exp(?:lode)?\s+)?(?P<star>\*)?(?P<name>(?!(?:or|and|not|adj\d*)\s)[^\W_]
        (?:(?!\s(?:or|and|not|adj\d*)\s)[^()"/.\[\]*$]){0,120})/
        (?P<qualifiers>[a-z]{2}(?:,\s?[a-z]{2})*\b)?(?:\s\([^()]*\))?)
    |(?P<fields>\.\s?(?P<codes>[a-z]{2}(?:,\s?[a-z]{2})*)(?:\.|(?=\s*(?:[)\[]|$)|\s+(?:or|and|not)\s)))
    |(?P<operator>(?:and|or|not|adj\d*)\b(?!\.))
    |(?P<open>\()
    |(?P<close>\))
    |(?P<reference>\#\d+)
    |(?P<word>[^\s()"\[\],;./]+(?:[./](?![a-z]{2}(?:,\s?[a-z]{2})*(?:\.|\s|\)|$))[^\s()"\[\],;./]+)*)
    |(?P<stray>.)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_LIMIT = re.compile(r"limit\s+#?(\d+)\s+to\s+(.*)", re.IGNORECASE | re.DOTALL)
_SPAN = re.compile(r'\(?"?(yr|ed|dt|dp|up)\s*=?\s*"?\s*(\d{4,8})?\s*(-\s*(\d{4,8}|current)?)?\s*"?\)?', re.IGNORECASE)
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014", "-") | dict.fromkeys("\u201c\u201d", '"'))


def is_history(text: str) -> bool:
    """Whether a text is a list of numbered searches: two lines or more, numbered from 1, nearly all of them."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    numbers = [int(found[1]) for line in lines if (found := _LINE.fullmatch(line))]
    return len(numbers) > 1 and numbers[0] == 1 and len(numbers) >= 0.8 * len(lines)


def parse(text: str, today: int = 99991231) -> Parsed:
    """The tree of the last line."""
    known: dict[int, Query] = {}
    warnings: dict[str, None] = {"a list of numbered searches was read as Ovid's; its last line was searched": None}
    last = 0
    for written in _joined(text.translate(_DASHES)):
        found = _LINE.fullmatch(written)
        if found is None:
            continue
        last, line = int(found[1]), found[2]
        if re.search(r"\[(?:mesh|tiab|ti|ab|tw|pt|mh)\b[^\]]*\]", line, re.IGNORECASE):
            parsed = pubmed.parse(line, today=today, lines=known)
            query, said = parsed.query, parsed.warnings
        else:
            reader = _Reader(line, known)
            query, said = reader.whole(), tuple(reader.warnings)
        warnings.update(dict.fromkeys(f"line {last}: {each}" for each in said))
        if query is None:
            warnings[f"line {last} has nothing to search for"] = None
        known[last] = query or NOTHING
    if not known or known[last] == NOTHING:
        return Parsed(None, tuple(warnings), "nothing to search for: the last line has no term")
    return Parsed(known[last], tuple(warnings))


def _joined(text: str) -> list[str]:
    """Lines; what goes on without a number belongs to the line before."""
    lines: list[str] = []
    for written in text.splitlines():
        line = " ".join(written.split())
        if lines and line and not _LINE.fullmatch(line):
            lines[-1] += " " + line
        elif line:
            lines.append(line)
    return lines


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
        order = ("lines", "heading", "fields", "operator", "open", "close", "reference", "word", "stray")
        return next(name for name in order if groups[name] is not None)

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
            numbers = _numbers(piece["lines"].partition("/")[2])
            parts = tuple(self.line(number) for number in numbers)
            return Or(parts) if piece["joiner"].lower() == "or" else And(parts)
        return None

    def run(self) -> str:
        words = []
        while self.kind() == "word":
            words.append(self.pieces[self.place]["word"])
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
        whole = Heading(field, fold(piece["name"]), "", bool(piece["exp"]))
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
            first, last = _day(text.rstrip("*$"), day_of), _day(text.rstrip("*$"), last_day_of)
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
        found = self.line(number)
        for part in re.split(r"\s+and\s+", limits.strip(" ()")):
            span = _SPAN.fullmatch(part.strip())
            name = fold(part).removesuffix(" language")
            if span is not None and span[2]:
                field = {"ed": "edat", "up": "lr"}.get(span[1].lower(), "dp")
                end = span[2] if not span[3] else "" if (span[4] or "current").lower() == "current" else span[4]
                found = And((found, Range(field, _day(span[2], day_of), _day(end, last_day_of) if end else None)))
            elif name in ("human", "humans"):
                found = And((found, Heading("mh", "humans", explode=False)))
            elif name in LANGUAGES:
                found = And((found, Value(("la",), LANGUAGES[name])))
            else:
                self.warn(f"the limit {part.strip()} was ignored")
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


def _day(text: str, read: Callable[[str], int | None]) -> int | None:
    """20081201 and 200812 as well."""
    digits = re.fullmatch(r"(\d{4})(\d\d)?(\d\d)?", text.strip())
    return read("-".join(part for part in digits.groups() if part)) if digits else read(text)
