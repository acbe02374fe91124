"""A corpus: documents read one by one from the files that data sets publish them in.

`.jsonl` (BEIR's: _id, title, text, and `fields`), `.tsv` under the heading id, text, title (DPR's passages of
Wikipedia), `.tsv` without a heading (MS MARCO's: id, text), `.json` (the articles of SQuAD). Each may be packed: `.gz`.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from sqlrl.executors.documents import Document
from sqlrl.executors.errors import DataError

__all__ = ["json_lines", "open_text", "read_articles", "read_corpus"]

_HEADING = "id\ttext\ttitle"  # DPR's


def read_corpus(path: Path) -> Iterator[Document]:
    """The documents of a file, in its order. DataError says which line is no document."""
    suffix = "".join(path.suffixes[-2:] if path.suffix == ".gz" else path.suffixes[-1:]).removesuffix(".gz")
    if suffix == ".jsonl":
        yield from _from_json_lines(path)
    elif suffix == ".tsv":
        yield from _from_table(path)
    elif suffix == ".json":
        for paragraph in read_articles(path):
            yield Document(paragraph["id"], "", paragraph["context"])
    else:
        raise DataError(f"{path} is no corpus of a format known here: .jsonl, .tsv or .json")


def open_text(path: Path) -> TextIO:
    """The text of a file, unpacked where it is packed. Lines end with a line feed and nothing else, which stays."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="\n")
    return open(path, encoding="utf-8", newline="\n")


def json_lines(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(number, object) of each line that is not blank. DataError where one is no JSON object."""
    number = 0
    try:
        with open_text(path) as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                values = json.loads(line)
                if not isinstance(values, dict):
                    raise DataError(f"{path}, line {number}: not a JSON object")
                yield number, values
    except json.JSONDecodeError as error:
        raise DataError(f"{path} cannot be read: line {number}: {error.msg}") from None
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from None


def read_articles(path: Path) -> Iterator[Mapping[str, Any]]:
    """The paragraphs of a file in SQuAD's format; a paragraph has `context`, `qas`, and an `id` made from both of
    its places: that of its article, and its own."""
    try:
        with open_text(path) as file:
            articles = json.load(file)["data"]
        for place, article in enumerate(articles):
            for own, paragraph in enumerate(article["paragraphs"]):
                if not isinstance(paragraph["context"], str):
                    raise TypeError
                yield {"qas": [], **paragraph, "id": f"{place}-{own}"}
    except (KeyError, TypeError):
        raise DataError(f"{path} is not in SQuAD's format: articles with paragraphs") from None
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}") from None


def _from_json_lines(path: Path) -> Iterator[Document]:
    for number, values in json_lines(path):
        fields = values.get("fields") or {}
        if not isinstance(values.get("_id"), str) or not isinstance(values.get("text"), str):
            raise DataError(f"{path}, line {number}: no text '_id' and 'text'")
        if not isinstance(fields, dict):
            raise DataError(f"{path}, line {number}: 'fields' is no JSON object")
        yield Document(values["_id"], str(values.get("title") or ""), values["text"], fields)


def _from_table(path: Path) -> Iterator[Document]:
    number = 0
    try:
        with open_text(path) as file:
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
    except (OSError, EOFError, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
