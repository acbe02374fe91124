"""Cochrane's grammar: a line of the Cochrane Library's searches (CENTRAL), written as a line of Ovid's.

    MeSH descriptor: [Asthma] explode all trees      exp Asthma/       [mh ^Asthma]         Asthma/
    (inhal* near/3 steroid*):ti,ab,kw                (inhal* adj3 steroid*).ti,ab,kw.
    heart next failure      heart adj failure        {or #1-#3}        or/1-3

Words side by side are joined by AND; "quoted words" are a phrase.
"""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["as_ovid", "is_central"]

_MARKS = re.compile(
    r"MeSH\s+descriptor|\[mh\s|\bnear/\d|\b(?:near|next)\b.*:(?:ti|ab)\b|:(?:ti|ab|kw)(?:,(?:ti|ab|kw))*(?=[\s)]|$)"
    r"|\{(?:or|and)\s",
    re.IGNORECASE,
)
_DESCRIPTOR = re.compile(
    r"MeSH\s+descriptor:?\s*(?:\[(?P<in>[^\]]+)\]|(?P<bare>[^\[\]()]+?))\s*,?\s*"
    r"(?P<how>explode\s+(?:all\s+trees|trees?\s+[\d,\s]+(?:and\s+\d+)?)|this\s+term\s+only)"
    r"(?:\s+and\s+with\s+qualifier(?:\(s\)|s)?:?\s*\[(?P<qualifiers>[^\]]+)\])?|"
    r"\[mh\s*(?P<alone>\^)?\s*\"?(?P<name>[^\]\"/]+?)\"?(?:/(?P<short>[A-Za-z]{2}(?:,\s?[A-Za-z]{2})*))?"
    r"(?:\s*\[mj\])?\s*\]",
    re.IGNORECASE,
)
_FIELDS = re.compile(r":((?:ti|ab|kw|pt|au|so|an|yr)(?:,\s?(?:ti|ab|kw|pt|au|so|an|yr))*)(?![a-z])", re.IGNORECASE)
_SETS = re.compile(r"\{(or|and)\s+([^}]*)\}", re.IGNORECASE)
_TAIL = re.compile(
    r"\s+(?:with\s+Cochrane\s+Library|in\s+(?:Trials|Cochrane|CENTRAL|Other|Reviews|Protocols))\b.*", re.I
)
_CODES = {"so": "jn", "an": "ui"}
_PIECE = re.compile(r'"[^"]*"|\x01\d+\x01|[()]|[^\s()"]+')
_OPERATOR = re.compile(r"and|or|not|near(?:/\d+)?|next|adj\d*|#\d+|(?:or|and)/\S*|\x01\d+\x01|\d+", re.IGNORECASE)


def is_central(line: str) -> bool:
    """Whether a line can only be Cochrane's."""
    return _MARKS.search(line) is not None


def as_ovid(line: str, warn: Callable[[str], None]) -> str:
    """The same in Ovid's words. warn: told of what is left out."""
    tail = _TAIL.search(line)
    if tail is not None:
        warn(f"{tail[0].strip()} was ignored")
        line = line[: tail.start()]
    kept: list[str] = []

    def keep(text: str) -> str:
        kept.append(text)
        return f" \x01{len(kept) - 1}\x01 "

    line = _DESCRIPTOR.sub(lambda found: keep(_heading(found)), line)
    line = _SETS.sub(lambda found: keep(f"{found[1].lower()}/{found[2].replace('#', '').replace(' ', '')}"), line)
    line = _FIELDS.sub(lambda found: f".{','.join(_CODES.get(code, code) for code in _codes(found[1]))}.", line)
    return re.sub(r"\s*\x01(\d+)\x01\s*", lambda found: f" {kept[int(found[1])]} ", _joined_by_and(line)).strip()


def _heading(found: re.Match[str]) -> str:
    name = (found["in"] or found["bare"] or found["name"] or "").strip()
    explode = not found["alone"] if found["name"] else found["how"].lower().startswith("explode")
    codes = found["short"] or ",".join(re.findall(r"-\s*([A-Z]{2})\b", found["qualifiers"] or ""))
    return f"{'exp ' * explode}{name}/{codes.lower()}"


def _codes(text: str) -> list[str]:
    return re.findall("[a-z]{2}", text.lower())


def _joined_by_and(line: str) -> str:
    """Words that stand side by side, with AND between them and parentheses around."""
    pieces: list[str] = []
    run: list[str] = []

    def end() -> None:
        # A field belongs to the whole run: it stands with its last word.
        last, _, field = (
            run[-1].partition(".") if run and re.search(r"\w\.\w\w(?:,\w\w)*\.$", run[-1]) else ("", "", "")
        )
        words = [*run[:-1], last] if field else run
        if words:
            pieces.append(words[0] if len(words) == 1 else f"({' and '.join(words)})")
            pieces[-1] += f".{field}" if field else ""
        run.clear()

    for piece in _PIECE.findall(line):
        near = re.fullmatch(r"near(?:/(\d+))?", piece, re.IGNORECASE)
        if near or piece.lower() == "next":
            end()
            pieces.append(f"adj{near[1] or 6}" if near else "adj")
        elif piece in "()" or piece.startswith(".") or _OPERATOR.fullmatch(piece):
            end()
            pieces.append(piece)
        else:
            run.append(piece)
    end()
    text = " ".join(pieces)
    return re.sub(r"(?<=[\w)\"*]) (?=\.[a-z]{2}(?:,[a-z]{2})*\.)", "", text)
