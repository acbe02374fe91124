"""Items: JSON objects read one by one from a file that holds a list of them, however long it is.

The list is the file itself, or stands under a name of the object that the file is (`studies` in a reply of
ClinicalTrials.gov, `data` in many others); an object without such a list is the one item.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from json.scanner import NUMBER_RE
from pathlib import Path
from typing import Any, TextIO

from sqlrl.benchmarks.corpora import UNREADABLE, Moved, open_text
from sqlrl.executors.errors import DataError

__all__ = ["json_items"]

LISTS = ("studies", "documents", "data", "items", "results")
_CHUNK = 1 << 16  # characters
_LONGEST = 1 << 28  # characters of one item: what is longer is no JSON
_SPACE = " \t\r\n\ufeff"


def json_items(path: Path, moved: Moved | None = None) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(number, object) of each item, from 1. DataError says after how many items the file is no JSON."""
    number = 0
    try:
        with open_text(path, moved) as file:
            for number, item in enumerate(_items(_Text(file)), start=1):
                if not isinstance(item, dict):
                    raise DataError(f"{path}, item {number}: not a JSON object")
                yield number, item
    except ValueError as error:
        if isinstance(error, UnicodeDecodeError):
            raise DataError(f"{path} cannot be read: {error}") from None
        reason = error.msg if isinstance(error, json.JSONDecodeError) else error
        raise DataError(f"{path} cannot be read as JSON: after {number:,} items: {reason}") from None
    except UNREADABLE as error:
        raise DataError(f"{path} cannot be read: {error}") from None


class _Text:
    """A file as far as it was read."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._place = 0
        self._ended = False
        self._decode = json.JSONDecoder().raw_decode

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self._place < len(self._text) and self._text[self._place] in _SPACE:
                self._place += 1
            if self._place < len(self._text) or self._ended:
                return self._text[self._place : self._place + 1]
            self._more()

    def take(self, wanted: str) -> str:
        """One character, which must be one of these."""
        found = self.peek()
        if not found or found not in wanted:
            raise ValueError(f"{found!r} where {' or '.join(wanted)} should be" if found else "the file ends too early")
        self._place += 1
        return found

    def value(self) -> Any:
        """One whole value."""
        self.peek()
        while True:
            try:
                value, end = self._decode(self._text, self._place)
            except json.JSONDecodeError:
                if self._ended:
                    raise
            else:
                # Of a number there may be more to read: "12" of "12.5", "1" of "1e9".
                whole = self._text[end : end + 1] in tuple(_SPACE + ",]}")
                if whole or self._ended or not NUMBER_RE.match(self._text, self._place):
                    self._place = end
                    return value
            self._more()

    def _more(self) -> None:
        """Read on: as much again as waits, so that a long value is not tried too often."""
        self._text, self._place = self._text[self._place :], 0
        if len(self._text) > _LONGEST:
            raise ValueError("what follows is no JSON, or too long")
        found = self._file.read(max(_CHUNK, len(self._text)))
        self._text += found
        self._ended = not found


def _items(text: _Text) -> Iterator[Any]:
    opened = text.peek()
    if not opened:
        return
    if opened == "[":
        yield from _listed(text)
    else:
        rest: dict[str, Any] = {}
        lists = 0
        text.take("{")
        while text.peek() != "}":
            if rest or lists:
                text.take(",")
            name = text.value()
            text.take(":")
            if name in LISTS and text.peek() == "[":
                lists += 1
                yield from _listed(text)
            else:
                rest[name] = text.value()
        text.take("}")
        if not lists and rest:
            yield rest
    if text.peek():
        raise ValueError("something follows the end")


def _listed(text: _Text) -> Iterator[Any]:
    text.take("[")
    if text.peek() == "]":
        text.take("]")
        return
    while True:
        yield text.value()
        if text.take(",]") == "]":
            return
