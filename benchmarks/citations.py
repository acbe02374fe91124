"""Citations: PubMed's records as documents, read one by one from the XML that PubMed gives (baseline and update files,
or what efetch returns). `sqlrl.executors.citation` says what such a document holds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from sqlrl.benchmarks.corpora import UNREADABLE, Moved, open_bytes
from sqlrl.executors.citation import citation_document
from sqlrl.executors.documents import Document
from sqlrl.executors.errors import DataError

__all__ = ["read_citations"]

_RECORDS = ("PubmedArticle", "PubmedBookArticle", "MedlineCitation", "DeleteCitation")
# Where a record begins: nothing of a record's own text can look so, as its angle brackets are escaped.
_STARTS = re.compile(rb"<(?:MedlineCitation|BookDocument)\b[^>]*>\s*<PMID\b[^>]*>\s*(\d+)\s*</PMID>")
_DELETED = re.compile(rb"<DeleteCitation>(.*?)</DeleteCitation>", re.DOTALL)
_PMID = re.compile(rb"<PMID\b[^>]*>\s*(\d+)\s*</PMID>")
_CHUNK = 1 << 20
_OVERLAP = 4096  # bytes, longer than the start of a record


def read_citations(path: Path, seen: set[str], moved: Moved | None = None) -> Iterator[Document]:
    """The records of a file, without those that are `seen`, to which they are added: read the newest file first and
    each record is as it was last, without those that were withdrawn. Of several versions in one file the last counts.
    moved: told of the bytes that were read. DataError where the file is not such XML, or ends within a record.
    """
    left, deleted = _counted(path)
    seen |= deleted
    try:
        with open_bytes(path, moved) as file:
            for record in _records(file, path):
                document = citation_document(record)
                if document is None:
                    continue
                left[document.id] -= 1
                if left[document.id] <= 0 and document.id not in seen:
                    seen.add(document.id)
                    yield document
    except ElementTree.ParseError as error:
        raise DataError(f"{path} cannot be read as PubMed's XML: {error}") from None
    except UNREADABLE as error:
        raise DataError(f"{path} cannot be read: {error}") from None


def _counted(path: Path) -> tuple[Counter[str], set[str]]:
    """(how often each PMID has a record, the PMIDs that are withdrawn): a look ahead, much faster than a parser."""
    found: Counter[str] = Counter()
    deleted: set[str] = set()
    rest = b""
    try:
        with open_bytes(path) as file:
            while chunk := file.read(_CHUNK):
                text = rest + chunk
                end = 0
                for start in _STARTS.finditer(text):
                    found[start[1].decode()] += 1
                    end = start.end()
                opened = text.find(b"<DeleteCitation>", end)
                for block in _DELETED.finditer(text, end):
                    deleted.update(number.decode() for number in _PMID.findall(block[1]))
                    end, opened = block.end(), text.find(b"<DeleteCitation>", block.end())
                # What may go on in the next chunk; what was counted is not counted again.
                rest = text[opened:] if opened >= 0 else text[max(end, len(text) - _OVERLAP) :]
    except UNREADABLE as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    return found, deleted


def _records(file: Any, path: Path) -> Iterator[Element]:
    """The records of a set, each forgotten once it was read."""
    events = ElementTree.iterparse(file, events=("start", "end"))
    root: Element | None = None
    depth = 0
    for event, element in events:
        if event == "start":
            if root is None:
                root = element
                if not root.tag.endswith("Set") and root.tag not in _RECORDS:
                    raise DataError(f"{path} is not PubMed's XML: it begins with <{root.tag}>")
            depth += 1
            continue
        depth -= 1
        if root is not None and depth == (1 if root.tag.endswith("Set") else 0):
            if element.tag in _RECORDS:
                yield element
            root.clear()
