"""Duplicates: queries that are sure to give one result, so that one of them can be run for all."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["is_repeatable", "likeness"]

_PLAIN = re.compile(r"(?:[^'\"`\[$\\/-]++|'[^'\\]*'|\"[^\"]*\"|`[^`]*`|/(?!\*)|-(?!-))*+")  # nothing rarer
# Literals and names, and white space that isn't one blank already.
_TOKENS = re.compile(r"""('[^']*'|"[^"]*"|`[^`]*`)|(  [ \t\n\r]*| ?[\t\n\r][ \t\n\r]*)""")
_UNTIDY = ("  ", "\n", "\t", "\r")
# Whatever the clock or chance decides is run for each asker anew. Most queries have none of the words, and to see that
# costs a tenth of the search.
_WORDS = (
    "age(", "changes", "current_", "date", "julianday", "last_insert", "localtime", "now", "random", "sample",
    "strftime", "time", "today", "total_", "txid_", "unixepoch", "uuid",
)  # fmt: skip
_VOLATILE = re.compile(
    r"now|current_|random|localtime|today|uuid|changes|last_insert|total_|_timestamp\s*\(|\b(?:table)?sample\b|strftime|"
    r"\b(?:date|time|datetime|julianday|unixepoch)\s*\(\s*\)|\bage\s*\(|\btxid_"
)


def is_repeatable(query: str) -> bool:
    """Whether a query gives the same result each time: neither clock nor chance decide it."""
    lower = query.lower()
    for word in _WORDS:  # a generator would cost as much again
        if word in lower:
            return not _VOLATILE.search(lower)
    return True


def likeness(index: int, query: str, rest: Any) -> Any:
    """Equal for queries that must give the same result if `rest` is equal: white space outside literals, names and
    comments is one. index: what tells those apart that are not repeatable."""
    if not is_repeatable(query):
        return (index, query, rest)
    untidy = any(map(query.__contains__, _UNTIDY))
    if not (untidy or query[:1] == " " or query[-1:] == " ") or not _PLAIN.fullmatch(query):
        return (query, rest)
    if not untidy:
        return (query.strip(" "), rest)
    # Between two literals a line's end joins what a blank does not.
    text = _TOKENS.sub(lambda match: match.group(1) or ("\n" if "\n" in match.group(2) else " "), query)
    return (text.strip(" \n"), rest)
