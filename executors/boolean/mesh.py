"""MeSH: the tree of subject headings, by its tree numbers; a heading's number begins with those of all above it.

The numbers come with the documents' headings, or from the National Library of Medicine's own list (`mtrees2026.bin`),
lines such as `Asthma;C08.127.108`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sqlrl.executors.boolean.analysis import fold
from sqlrl.executors.errors import DataError

__all__ = ["Tree", "numbers_in", "read_numbers"]


class Tree:
    """numbers: folded name -> its tree numbers."""

    def __init__(self, numbers: Mapping[str, Iterable[str]]) -> None:
        self.numbers = {name: sorted(set(own)) for name, own in numbers.items()}
        self._places = sorted((number, name) for name, own in self.numbers.items() for number in own)

    def __contains__(self, name: str) -> bool:
        return name in self.numbers

    def below(self, name: str) -> list[str]:
        """The heading itself and all below it in any of its places, sorted."""
        found = {name}
        for number in self.numbers.get(name, ()):
            start = bisect_left(self._places, (number, ""))
            # "C08.1" is not above "C08.12"; both begin so, and between the two lies what has a "." or less.
            for other, below in self._places[start:]:
                if not other.startswith(number):
                    break
                if other == number or other[len(number)] == ".":
                    found.add(below)
        return sorted(found)


def numbers_in(fields: Mapping[str, Any]) -> Iterable[tuple[str, list[str]]]:
    """(folded heading, tree numbers) that a document brings."""
    mesh = fields.get("mesh")
    for heading in mesh if isinstance(mesh, list) else ():
        if isinstance(heading, dict) and isinstance(heading.get("tree"), list):
            yield fold(str(heading.get("name", ""))), [str(number) for number in heading["tree"]]


def read_numbers(path: str | Path) -> dict[str, list[str]]:
    """Folded name -> tree numbers, from a list. DataError where it cannot be read or is none."""
    found: dict[str, list[str]] = {}
    try:
        for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), start=1):
            name, mark, place = line.strip().rpartition(";")
            if line.strip() and not mark:
                raise DataError(f"{path}, line {number}: a heading, a semicolon and its tree number")
            if name:
                found.setdefault(fold(name), []).append(place.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    return found
