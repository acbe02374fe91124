"""Intake: files that people bring to be searched, in whatever form they come, as one stream of documents.

What a file is, is told by its name and its first item: JSON lines (BEIR's, or any with an id and a text), tables
(`.csv`, `.tsv`), PubMed's XML, ClinicalTrials.gov's JSON, and what `sqlrl.benchmarks.corpora` reads. Each may be
packed: `.gz`.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from sqlrl.benchmarks.citations import read_citations
from sqlrl.benchmarks.corpora import UNREADABLE, Moved, json_lines, open_text, read_corpus
from sqlrl.benchmarks.json_items import json_items
from sqlrl.benchmarks.records import Columns, columns_of
from sqlrl.executors.documents import Document
from sqlrl.executors.errors import DataError, UsageError
from sqlrl.executors.studies import is_study, study_document

__all__ = ["SUFFIXES", "files_of", "read_documents"]

SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".xml")
_LONGEST_CELL = 1 << 27  # characters
Kind = Literal["citations", "studies", "records", "table", "corpus"]


def files_of(sources: Sequence[str | Path]) -> list[Path]:
    """The files of these files and folders; of a folder those of a known kind, by name, whatever is below it included.

    UsageError where one is not there, is of no known kind, or a folder that has none.
    """
    files: list[Path] = []
    for source in sources:
        path = Path(source).expanduser()
        if path.is_dir():
            inside = sorted(
                each
                for each in path.rglob("*")
                if _suffix(each) in SUFFIXES and each.is_file() and not _hidden(each.relative_to(path))
            )
            if not inside:
                raise UsageError(f"{source} holds no file of documents: {' '.join(SUFFIXES)}, packed as .gz or not")
            files += inside
        elif not path.exists():
            raise UsageError(f"there is no file {source}")
        elif _suffix(path) not in SUFFIXES:
            raise UsageError(f"{source} is of no kind known here: {' '.join(SUFFIXES)}, packed as .gz or not")
        else:
            files.append(path)
    return list({path.resolve(): path for path in files}.values())


def read_documents(
    files: Sequence[Path], said: Mapping[str, tuple[str, ...]] | None = None, moved: Moved | None = None
) -> Iterator[Document]:
    """The documents of these files. Of a PubMed or ClinicalTrials.gov record that is in several files, the last file's
    counts, so that updates go after what they update; they are read from the last file to the first.

    said: which columns of a table, or names of a JSON object, are the id, the title, the text, the date; guessed where
    it is left out. moved: told of the bytes that were read. DataError says where something is no document, or that
    there is none at all; UsageError where `said` names what is not there.
    """
    kinds = {path: _kind(path, said or {}) for path in files}
    citations: set[str] = set()
    studies: set[str] = set()
    found = 0
    updated = {path for path, kind in kinds.items() if kind in ("citations", "studies")}
    for path in [
        *(path for path in files if path not in updated),
        *(path for path in reversed(files) if path in updated),
    ]:
        documents: Iterator[Document]
        if kinds[path] == "citations":
            documents = read_citations(path, citations, moved)
        elif kinds[path] == "studies":
            documents = _studies(path, studies, moved)
        elif kinds[path] == "table":
            documents = _table(path, said or {}, moved)
        elif kinds[path] == "records":
            documents = _records(path, said or {}, moved)
        else:
            documents = read_corpus(path, moved)
        for document in documents:
            found += 1
            yield document
    if not found:
        raise DataError(f"there is no document in {', '.join(map(str, files[:3]))}{' ...' if len(files) > 3 else ''}")


def _suffix(path: Path) -> str:
    return Path(path.stem).suffix if path.suffix == ".gz" else path.suffix


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _kind(path: Path, said: Mapping[str, tuple[str, ...]]) -> Kind:
    suffix = _suffix(path)
    if suffix == ".xml":
        return "citations"
    if suffix == ".csv":
        return "table"
    if suffix == ".tsv":
        if not said:
            try:
                columns_of(next(_cells(path, None), (0, []))[1], {})
            except DataError:
                return "corpus"  # no heading
        return "table"
    _, first = next(_objects(path, None), (0, {}))
    if suffix == ".json" and "paragraphs" in first and not said:
        return "corpus"
    return "studies" if is_study(first) else "records"


def _objects(path: Path, moved: Moved | None) -> Iterator[tuple[int, Mapping[str, Any]]]:
    return json_items(path, moved) if _suffix(path) == ".json" else json_lines(path, moved)


def _studies(path: Path, seen: set[str], moved: Moved | None) -> Iterator[Document]:
    for number, record in _objects(path, moved):
        document = _read(path, "study", number, study_document, record)
        if document.id not in seen:
            seen.add(document.id)
            yield document


def _records(path: Path, said: Mapping[str, tuple[str, ...]], moved: Moved | None) -> Iterator[Document]:
    known: dict[frozenset[str], Columns] = {}
    first: tuple[str, ...] = ()
    for number, record in _objects(path, moved):
        names = frozenset(record)
        if names not in known:  # a record may have what the first had not
            first = first or tuple(record)
            known[names] = _columns(path, list(dict.fromkeys([*first, *record])), said)
        yield _read(path, "record", number, known[names].document, record)


def _table(path: Path, said: Mapping[str, tuple[str, ...]], moved: Moved | None) -> Iterator[Document]:
    cells = _cells(path, moved)
    _, heading = next(cells, (0, []))
    if not heading:
        return
    columns = _columns(path, heading, said)
    for line, row in cells:
        if len(row) > len(heading):
            raise DataError(f"{path}, line {line}: more cells than the heading has")
        yield _read(path, "line", line, columns.document, dict(zip(heading, row, strict=False)))


def _cells(path: Path, moved: Moved | None) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of each row, the heading included."""
    try:
        with open_text(path, moved) as file:
            reader = csv.reader(file, delimiter="\t" if _suffix(path) == ".tsv" else ",", strict=True)
            for place, row in enumerate(iter(lambda: _next(reader), None)):
                if place == 0 and row:
                    row[0] = row[0].removeprefix("\ufeff")
                if row:
                    yield reader.line_num, row
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}") from None
    except UNREADABLE as error:
        raise DataError(f"{path} cannot be read: {error}") from None


def _next(reader: Any) -> list[str] | None:
    """The next row; None at the end. The limit on a cell is the process's, and others rely on it: it is another for as
    long as one row is read."""
    before = csv.field_size_limit(_LONGEST_CELL)
    try:
        return next(reader, None)
    finally:
        csv.field_size_limit(before)


def _columns(path: Path, names: list[str], said: Mapping[str, tuple[str, ...]]) -> Columns:
    try:
        return columns_of(names, said)
    except (DataError, UsageError) as error:
        raise type(error)(f"{path}: {error}") from None


def _read(
    path: Path, what: str, number: int, make: Callable[[Mapping[str, Any]], Document], record: Mapping[str, Any]
) -> Document:
    try:
        return make(record)
    except DataError as error:
        raise DataError(f"{path}, {what} {number}: {error}") from None
