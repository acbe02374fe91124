"""Words: what people call a table or a column, from its name, its neighbours' names and its comment."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["ADJECTIVES", "plural", "singular", "split_name", "unglue"]

_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_]+")
_IRREGULAR = {"person": "people", "child": "children", "man": "men", "woman": "women", "staff": "staff",
              "aircraft": "aircraft", "series": "series", "data": "data", "sheep": "sheep", "foot": "feet",
              "index": "indexes", "status": "statuses",
              "equipment": "equipment", "information": "information", "news": "news"}  # fmt: skip
_IRREGULAR_BACK = {many: one for one, many in _IRREGULAR.items()}

# (words of a column that a measure is known by, what its greatest are called, what its least are called)
ADJECTIVES = (
    (("age", "birth", "born"), ("oldest",), ("youngest",)),
    (("price", "cost", "fee", "charge", "charges"), ("most expensive", "dearest"), ("cheapest",)),
    (("weight",), ("heaviest",), ("lightest",)),
    (("height", "elevation", "altitude"), ("tallest", "highest"), ("shortest", "lowest")),
    (("length", "distance", "duration", "minutes", "days", "nights", "expectancy"), ("longest",), ("shortest",)),
    (("date", "year", "day", "time"), ("latest", "most recent", "newest"), ("earliest", "oldest")),
    (("area", "size", "population", "capacity", "surface"), ("largest", "biggest"), ("smallest",)),
    (("speed", "horsepower"), ("fastest",), ("slowest",)),
    (("salary", "income", "wage"), ("best paid",), ("worst paid",)),
    (("rating", "score", "grade", "rank"), ("best", "top rated"), ("worst",)),
)


def split_name(name: str) -> list[str]:
    """The words of an identifier, in lower case: by underscores, by humps, and digits by themselves."""
    return [part.lower() for part in _PART.findall(name)] or [name.lower()]


def unglue(words: Iterable[str], known: frozenset[str]) -> list[str]:
    """Words that are two known words written as one are parted: `countrylanguage` where both occur by themselves."""
    parted: list[str] = []
    for word in words:
        cuts = [(word[:at], word[at:]) for at in range(3, len(word) - 2)]
        parted.extend(next((cut for cut in cuts if cut[0] in known and cut[1] in known), (word,)))
    return parted


def plural(words: str) -> str:
    """`car maker` -> `car makers`."""
    head, _, last = words.rpartition(" ")
    return f"{head} {_many(last)}".lstrip()


def singular(words: str) -> str:
    """`car makers` -> `car maker`."""
    head, _, last = words.rpartition(" ")
    return f"{head} {_one(last)}".lstrip()


def _many(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word in _IRREGULAR_BACK or _one(word) != word:
        return word
    if re.search(r"[^aeiou]y$", word):
        return word[:-1] + "ies"
    return word + ("es" if re.search(r"(?:s|x|z|ch|sh)$", word) else "s")


def _one(word: str) -> str:
    if word in _IRREGULAR_BACK:
        return _IRREGULAR_BACK[word]
    if re.search(r"[^aeiou]ies$", word) and len(word) > 4:
        return word[:-3] + "y"
    if re.search(r"(?:ss|x|z|ch|sh)es$", word):
        return word[:-2]
    return word[:-1] if re.search(r"[^siu]s$", word) and len(word) > 3 else word
