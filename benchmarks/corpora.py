"""A corpus: documents read one by one from the files that data sets publish them in.

`.jsonl` (BEIR's: _id, title, text, and `fields`), `.tsv` under the heading id, text, title (DPR's passages of
Wikipedia), `.tsv` without a heading (MS MARCO's: id, text), `.json` (the articles of SQuAD). Each may be packed: `.gz`.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from sqlrl.executors.documents import Document
from sqlrl.executors.errors import DataError

__all__ = ["UNREADABLE", "Moved", "json_lines", "open_bytes", "open_text", "read_articles", "read_corpus"]

UNREADABLE = (OSError, EOFError, UnicodeDecodeError, zlib.error)  # what reading a file raises, packed or not
Moved = Callable[[int], object]  # told how many bytes of a file, packed as it is, were read
_HEADING = "id\ttext\ttitle"  # DPR's


def read_corpus(path: Path, moved: Moved | None = None) -> Iterator[Document]:
    """The documents of a file, in its order. DataError says which line is no document."""
    suffix = "".join(path.suffixes[-2:] if path.suffix == ".gz" else path.suffixes[-1:]).removesuffix(".gz")
    if suffix == ".jsonl":
        yield from _from_json_lines(path, moved)
    elif suffix == ".tsv":
        yield from _from_table(path, moved)
    elif suffix == ".json":
        for paragraph in read_articles(path, moved):
            yield Document(paragraph["id"], "", paragraph["context"])
    else:
        raise DataError(f"{path} is no corpus of a format known here: .jsonl, .tsv or .json")


def open_bytes(path: Path, moved: Moved | None = None) -> BinaryIO:
    """A file, unpacked where it is packed."""
    raw = io.BufferedReader(_Told(path, moved))
    return cast(BinaryIO, _Packed(raw)) if path.suffix == ".gz" else raw


def open_text(path: Path, moved: Moved | None = None) -> TextIO:
    """The text of a file, unpacked where it is packed. Lines end with a line feed and nothing else, which stays."""
    return io.TextIOWrapper(open_bytes(path, moved), encoding="utf-8", newline="\n")


class _Told(io.FileIO):
    """A file that tells how far it was read."""

    def __init__(self, path: Path, moved: Moved | None) -> None:
        super().__init__(path)
        self._moved = moved

    def readinto(self, buffer: Any) -> int | None:
        count = super().readinto(buffer)
        if self._moved is not None and count:
            self._moved(count)
        return count

    def readall(self) -> bytes:
        rest = super().readall()
        if self._moved is not None:
            self._moved(len(rest))
        return rest


class _Packed(gzip.GzipFile):
    """Closes what it unpacks."""

    def __init__(self, raw: Any) -> None:
        super().__init__(fileobj=raw, mode="rb")
        self._raw = raw

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._raw.close()


def json_lines(path: Path, moved: Moved | None = None) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(number, object) of each line that is not blank. DataError where one is no JSON object."""
    number = 0
    try:
        with open_text(path, moved) as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                values = json.loads(line)
                if not isinstance(values, dict):
                    raise DataError(f"{path}, line {number}: not a JSON object")
                yield number, values
    except json.JSONDecodeError as error:
        raise DataError(f"{path} cannot be read: line {number}: {error.msg}") from None
    except UNREADABLE as error:
        raise DataError(f"{path} cannot be read: {error}") from None


def read_articles(path: Path, moved: Moved | None = None) -> Iterator[Mapping[str, Any]]:
    """The paragraphs of a file in SQuAD's format; a paragraph has `context`, `qas`, and an `id` made from both of
    its places: that of its article, and its own."""
    try:
        with open_text(path, moved) as file:
            articles = json.load(file)["data"]
        for place, article in enumerate(articles):
            for own, paragraph in enumerate(article["paragraphs"]):
                if not isinstance(paragraph["context"], str):
                    raise TypeError
                yield {"qas": [], **paragraph, "id": f"{place}-{own}"}
    except (KeyError, TypeError):
        raise DataError(f"{path} is not in SQuAD's format: articles with paragraphs") from None
    except (*UNREADABLE, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}") from None


def _from_json_lines(path: Path, moved: Moved | None) -> Iterator[Document]:
    for number, values in json_lines(path, moved):
        fields = values.get("fields") or {}
        if not isinstance(values.get("_id"), str) or not isinstance(values.get("text"), str):
            raise DataError(f"{path}, line {number}: no text '_id' and 'text'")
        if not isinstance(fields, dict):
            raise DataError(f"{path}, line {number}: 'fields' is no JSON object")
        yield Document(values["_id"], str(values.get("title") or ""), values["text"], fields)


def _from_table(path: Path, moved: Moved | None) -> Iterator[Document]:
    number = 0
    try:
        with open_text(path, moved) as file:
            first = file.readline()
            if first.rstrip("\r\n") == _HEADING:  # quoted as Python's csv does it; a text may hold a line break
                for row in (reader := csv.reader(file, delimiter="\t")):
                    number = reader.line_num + 1
                    name, text, title = row
                    yield Document(name, title, text)
                return
            while first:
                number += 1
                name, text = first.rstrip("\r\n").split("\t", 1)
                yield Document(name, "", text)
                first = file.readline()
    except ValueError as error:
        if isinstance(error, UnicodeDecodeError):
            raise DataError(f"{path} cannot be read: {error}") from None
        raise DataError(f"{path}, line {number}: not an id and a text, or id, text and title") from None
    except (*UNREADABLE, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
