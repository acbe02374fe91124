"""A history: a list of searches that build on one another, as interfaces print it and reviews copy it.

    1 exp Asthma/            #1 asthma[mh]             exp Asthma/           #3 Search #1 AND #2
    2 asthma.tw.             #2 asthma[tiab]           asthma.tw.            #2 Search asthma[tiab]
    3 or/1-2                 #3 #1 OR #2               1 or 2                #1 Search asthma[mh]

Numbered, numbered from the last to the first, or not at all where a line combines others by their places.
"""

from __future__ import annotations

import re
from itertools import pairwise

__all__ = ["combines", "is_history", "searches"]

_NUMBERED = re.compile(r"\s*#?(\d{1,3})(?:[.):]\s*|\s+)(\S.*?)(?:\s*\(\d[\d,]*\))?\s*")
_COMBINES = re.compile(r"(?:[\s()#\d,/{}-]|\b(?:and|or|not)\b)+", re.IGNORECASE)
_LIMIT = re.compile(r"limit\s+#?(\d+)\s+to\s", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,3}")
_OPEN_ENDED = re.compile(r"^(?:and|or|not)\b|\b(?:and|or|not)$", re.IGNORECASE)
# How a line of Ovid's or Cochrane's begins or ends.
_MARKED = re.compile(
    r"""^\(*\s*(?:exp(?:lode)?\s|MeSH\s+descriptor)
    |/(?:[a-z]{2}(?:,\s?[a-z]{2})*)?\)*(?:\s*[\[(][^\])]*[\])])?$
    |[.:](?:ti|ab|tw|mp|pt|sh|hw|af|kw|kf|nm|fs|ot|au|in|jn|la)(?:,\s?[a-z]{2})*\.?\)*(?:\s*[\[(][^\])]*[\])])?$""",
    re.IGNORECASE | re.VERBOSE,
)
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014", "-") | dict.fromkeys("\u201c\u201d", '"'))
_NEARLY_ALL = 0.8


def is_history(text: str) -> bool:
    """Whether a text is such a list: of two searches or more."""
    return bool(searches(text))


def combines(line: str) -> bool:
    """Whether a line has nothing but numbers of other lines and operators."""
    return bool(_COMBINES.fullmatch(line) and _NUMBER.search(line) and re.search("and|or|not", line, re.IGNORECASE))


def searches(text: str) -> list[tuple[int, str]]:
    """(number, search), in order; nothing where the text is no such list."""
    lines = [" ".join(line.split()) for line in text.translate(_DASHES).splitlines() if line.strip()]
    numbers = [int(found[1]) for line in lines if (found := _NUMBERED.fullmatch(line))]
    if len(numbers) > 1 and len(numbers) >= _NEARLY_ALL * len(lines):
        downwards = numbers == list(range(len(numbers), 0, -1))
        if numbers[0] == 1 or downwards or (len(numbers) > 2 and all(b > a for a, b in pairwise(numbers))):
            joined = _joined(lines)
            return joined[::-1] if downwards else joined
    return _placed(lines) if len(lines) > 1 and _is_list(lines) else []


def _joined(lines: list[str]) -> list[tuple[int, str]]:
    """What goes on without a number belongs to the line before."""
    whole: list[str] = []
    for line in lines:
        if whole and not _NUMBERED.fullmatch(line):
            whole[-1] += " " + line
        else:
            whole.append(line)
    found = [_NUMBERED.fullmatch(line) for line in whole]
    return [(int(each[1]), each[2]) for each in found if each is not None]


def _placed(lines: list[str]) -> list[tuple[int, str]]:
    """Numbered by their places; some may have their numbers all the same."""
    found = []
    for place, line in enumerate(lines, start=1):
        own = re.match(rf"#?{place}[.):]\s*", line)
        bare = line[own.end() :] if own else line
        found.append((place, re.sub(r"\s*\(\d[\d,]*\)$", "", bare) or bare))
    return found


def _is_list(lines: list[str]) -> bool:
    """Whether lines without numbers are searches of their own, rather than one that is broken into lines."""
    own = [line for line in lines if not combines(line)]
    if sum(bool(_OPEN_ENDED.search(line)) for line in own) > (1 - _NEARLY_ALL) * len(lines):
        return False
    for place, line in enumerate(lines, start=1):
        limit = _LIMIT.match(line)
        named = [int(limit[1])] if limit else [int(each) for each in _NUMBER.findall(line)] if combines(line) else []
        if named and all(0 < number < place for number in named):
            return True
    if any(line.count("(") != line.count(")") for line in own):
        return False
    return sum(bool(_MARKED.search(line)) for line in lines) >= _NEARLY_ALL * len(lines)
