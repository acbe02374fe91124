"""PubMed's grammar: a search as people and models write it, read into a tree.

AND, OR and NOT in upper case are taken strictly from left to right, parentheses first; what stands side by side is
joined by AND. PubMed refuses nothing that has a word in it, and neither does this: what is read otherwise than it was
written is a warning.

    word            in all fields          "two words"        a phrase         word*     any word that begins so
    word[ti]        in a field             "two words"[ti]    a phrase there   a b[ti]   a phrase if any has it
    "a b"[tiab:~2]  both, in any order, with at most two words between the first and the last
    2010:2020[dp]   "2010/05/01"[dp] : "3000"[dp]      days, months or years, both ends included
    asthma[mh]      the heading or one below it; asthma[mh:noexp]  asthma/drug therapy[majr]

What PubMed maps by its own vocabulary is taken as words, joined by AND, unless a `Vocabulary` knows it. PubMed knows
phrases from a list; here a quoted or hyphenated phrase is one, found or not, and of an unquoted one with a tag the
words are taken where no document has the phrase.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlrl.executors.boolean.analysis import fold, tokens
from sqlrl.executors.boolean.pubmed_terms import Term, term_query
from sqlrl.executors.boolean.queries import All, And, Not, Or, Parsed, Query, conjunction
from sqlrl.executors.boolean.vocabulary import Vocabulary

__all__ = ["SYNTAX", "parse"]

SYNTAX = """PubMed search syntax. The query selects documents; nothing else than what it asks for is found.
AND, OR, NOT in upper case, read strictly from left to right: use parentheses. Words side by side are joined by AND.
"quoted words" are a phrase. A star at the end of a word (4 letters or more before it) finds all words that begin so.
A tag in brackets directly after a word or phrase says where it must be: [ti] title, [tiab] title or abstract, [tw] text
words, [mh] MeSH heading with those below it, [mh:noexp] without them, [majr] major topic, [sh] subheading,
[pt] publication type, [nm] substance, [au] author, [ta] journal, [la] language, [dp] date of publication, [pmid].
"hip pain"[tiab:~3]: both words in any order, with at most 3 words between. Dates: 2010:2020[dp], 2015/05/01:2016[dp].
Example: ("heart failure"[mh] OR "cardiac failure"[tiab]) AND (metoprolol[tiab] OR carvedilol[tiab]) AND random*[tw]"""

# The query's own quotes: models and word processors write others.
_QUOTES = str.maketrans(dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb\uff02", '"'))
_LEXEME = re.compile(
    r"""(?P<space>\s+)
    |(?P<open>\()
    |(?P<close>\))
    |"(?P<quoted>[^"\[\]]*)"
    |\[(?P<tag>[^\[\]"]*)\]
    |(?P<range>:(?=\s|"|\d|$))
    |(?P<word>(?:[^\s()"\[\]:]|:(?!\s|"|\d|$))+)
    |(?P<stray>.)""",
    re.VERBOSE | re.DOTALL,
)
_OPERATORS = ("AND", "OR", "NOT")
# What PubMed leaves out of a term without a tag.
_IGNORED = """
a about again all almost also although always among an and another any are as at be because been before being between
both but by can could did do does done due during each either enough especially etc for found from further had has have
having here how however i if in into is it its itself just kg km made mainly make may mg might ml mm most mostly must
nearly neither no nor obtained of often on or our overall perhaps pmid quite rather really regarding seem seen several
should show showed shown shows significantly since so some such than that the their theirs them then there therefore
these they this those through thus to upon use used using various very was we were what when which while with within
without would
"""
_STOP_WORDS = frozenset(_IGNORED.split())
_DEEPEST = 200  # parentheses within one another


@dataclass(slots=True)
class _Lexeme:
    kind: str
    text: str


def parse(
    text: str,
    vocabulary: Vocabulary | None = None,
    today: int = 99991231,
    lines: Mapping[int, Query] | None = None,
) -> Parsed:
    """The tree of a search; see the module. Only what has no word in it cannot be read. today: from when "last 5 years"
    counts. lines: what `#1` stands for, in a history of searches."""
    return _Reader(text, vocabulary, today, lines or {}).parsed()


def _lexemes(text: str) -> list[_Lexeme]:
    """The pieces of a text, in order; an operator is one only in upper case."""
    found: list[_Lexeme] = []
    for match in _LEXEME.finditer(text.translate(_QUOTES)):
        kind = match.lastgroup or ""
        piece = match[kind]
        if kind == "word" and piece.strip(",;") in _OPERATORS:
            kind, piece = "operator", piece.strip(",;")
        if kind != "space":
            found.append(_Lexeme(kind, piece))
    return found


class _Reader:
    def __init__(self, text: str, vocabulary: Vocabulary | None, today: int, lines: Mapping[int, Query]) -> None:
        self.warnings: dict[str, None] = {}
        self.pieces = []
        for piece in _lexemes(text):
            if piece.kind == "stray":
                self.warn(f"a {piece.text} that has no other was ignored")
            else:
                self.pieces.append(piece)
        self.today = today
        self.lines = lines
        self.place = 0
        self.vocabulary = vocabulary

    def parsed(self) -> Parsed:
        deepest = depth = 0
        for piece in self.pieces:
            depth += (piece.kind == "open") - (piece.kind == "close")
            deepest = max(deepest, depth)
        if deepest > _DEEPEST:
            return Parsed(None, (), f"more than {_DEEPEST} parentheses within one another")
        query = self.expression(None)
        while self.place < len(self.pieces):  # a closing parenthesis that was never opened
            self.warn("a closing parenthesis without an opening one was ignored")
            self.place += 1
            query = self.expression(query)
        if query is None:
            return Parsed(None, tuple(self.warnings), "nothing to search for: the query has no term")
        return Parsed(query, tuple(self.warnings))

    def warn(self, message: str) -> None:
        self.warnings[message] = None

    def peek(self, kind: str, ahead: int = 0) -> str | None:
        place = self.place + ahead
        if place < len(self.pieces) and self.pieces[place].kind == kind:
            return self.pieces[place].text
        return None

    def expression(self, left: Query | None) -> Query | None:
        """From left to right, up to a closing parenthesis or the end."""
        operator = ""
        while self.place < len(self.pieces) and self.peek("close") is None:
            written = self.operator()
            if written:
                operator = self.joined(operator, written)
                continue
            right = self.operand()
            if right is None:
                continue
            left = self.combined(left, operator, right)
            operator = ""
        if operator:
            self.warn(f"{operator} with nothing after it was ignored")
        return left

    def operator(self) -> str:
        """The operator that stands here, if one does. In lower case it is one where it can be nothing else: after a
        tag, a quoted phrase or a parenthesis, and with something after it."""
        found = self.peek("operator")
        if found:
            self.place += 1
            return found
        word = self.peek("word")
        if word is None or word.upper() not in _OPERATORS or self.place == 0 or self.place + 1 >= len(self.pieces):
            return ""
        if self.pieces[self.place - 1].kind not in ("tag", "quoted", "close") or self.peek("close", 1):
            return ""
        if self.peek("tag", 1) is not None:
            return ""
        self.place += 1
        self.warn(f"{word} in lower case was read as {word.upper()}")
        return word.upper()

    def joined(self, first: str, second: str) -> str:
        if not first:
            return second
        if first in ("AND", "OR") and second == "NOT":
            if first == "OR":
                self.warn("OR NOT was read as OR (everything NOT ...)")
                return "OR NOT"
            return "NOT"
        if first != second:
            self.warn(f"{second} after {first} was ignored")
        return first

    def combined(self, left: Query | None, operator: str, right: Query) -> Query:
        if left is None:
            if operator in ("NOT", "OR NOT"):
                self.warn("NOT at the beginning was read as: everything but this")
                return Not(All(), right)
            if operator:
                self.warn(f"{operator} with nothing before it was ignored")
            return right
        if operator == "NOT":
            return Not(left, right)
        if operator == "OR NOT":
            return Or((left, Not(All(), right)))
        kind = Or if operator == "OR" else And
        # Chains of one operator are one node: nothing else changes, and trees stay shallow.
        return kind((*left.parts, right) if isinstance(left, kind) else (left, right))

    def operand(self) -> Query | None:
        piece = self.pieces[self.place]
        if piece.kind == "open":
            self.place += 1
            inner = self.expression(None)
            if self.peek("close") is None:
                self.warn("a parenthesis that is never closed was closed at the end")
            else:
                self.place += 1
            if inner is None:
                self.warn("empty parentheses were ignored")
            tag = self.peek("tag")
            if tag is not None:
                self.place += 1
                self.warn(f"[{tag}] after a parenthesis was ignored: a tag belongs to a term")
            return inner
        if piece.kind in ("quoted", "word"):
            return self.term()
        self.place += 1
        if piece.kind == "range" and (self.peek("word") or self.peek("quoted")):
            last = self.single()
            return self.leaf(Term("", False, last.tag, last.text))
        if piece.kind == "tag":
            self.warn(f"[{piece.text}] with no term before it was ignored")
        return None

    def term(self) -> Query | None:
        """A quoted phrase or a run of words, with its tag, up to the other end of a range."""
        first = self.single()
        if self.peek("range") is not None:
            self.place += 1
            last = self.single() if self.peek("word") or self.peek("quoted") else Term("", False)
            if first.tag is None and last.tag is None:
                return self.mapped(f"{first.text} {last.text}")
            return self.leaf(Term(first.text, first.quoted, last.tag or first.tag, last.text))
        if first.tag is None and not first.quoted:
            return self.mapped(first.text)
        return self.leaf(first)

    def leaf(self, term: Term) -> Query | None:
        return term_query(term, self.warn, self.today)

    def single(self) -> Term:
        """A quoted phrase or a run of words, and its tag; a word that begins a range begins a term of its own."""
        piece = self.pieces[self.place]
        self.place += 1
        text, quoted = piece.text, piece.kind == "quoted"
        if not quoted:
            words = [text]
            while (word := self.peek("word")) is not None and self.peek("range", 1) is None:
                words.append(word)
                self.place += 1
            text = " ".join(words)
        tag = self.peek("tag")
        if tag is not None:
            self.place += 1
        return Term(text, quoted, tag)

    def mapped(self, text: str) -> Query | None:
        """Words without a tag: the longest terms that the vocabulary knows, then single words."""
        words = text.split()
        parts: list[Query] = []
        unknown = 0
        while words:
            known = self.vocabulary.longest(words) if self.vocabulary else None
            if known is not None and self.vocabulary is not None:
                count, meaning = known
                found = parse(meaning, today=self.today).query
                words = words[count:]
            else:
                word = words.pop(0)
                found = self.bare(word, keep=not parts and not words)
                unknown += found is not None and not word.endswith("*")
            if found is not None:
                parts.append(found)
        if unknown:
            self.warn("terms without a tag were taken as words in all fields: there is no vocabulary that maps them")
        return conjunction(tuple(parts)) if parts else None

    def bare(self, word: str, keep: bool) -> Query | None:
        if word.startswith("#") and word[1:].isdecimal() and int(word[1:]) in self.lines:
            return self.lines[int(word[1:])]
        if fold(word) in _STOP_WORDS and not keep:
            return None
        if not tokens(word):
            return None
        return self.leaf(Term(word, False, "all"))
