"""The index: documents with the latest day first, their words and values in tantivy, their days and numbers in columns.

A document's number is its place in that order, so the first of a set of numbers are the latest documents.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.executors.boolean.analysis import day_of, number_of, tokens
from sqlrl.executors.boolean.fields import DATES, TEXTS, VALUES, dates_of, folded, values_of
from sqlrl.executors.boolean.mesh import numbers_in
from sqlrl.executors.boolean.postings import HAS, NUMBER, Postings
from sqlrl.executors.documents import Document, DocumentStore
from sqlrl.executors.errors import MissingExtraError
from sqlrl.executors.index_folder import new_folder, write_about

if TYPE_CHECKING:
    import numpy as np

__all__ = ["END", "START", "build", "load_tantivy"]

START, END = "^", "$"  # of a value: words that no text has
HEAP = 256 << 20  # bytes that tantivy fills before it writes a segment
MOST_OWN = 500  # fields that documents may name themselves
OFTEN = 100  # a word in more than one of so many documents has its set of them ready
FEW = 50  # what so few documents have is gathered as fast


def build(documents: Iterable[Document], folder: str | Path, *, advance: Callable[[int], None] | None = None) -> Path:
    """Build an index; it stands in `folder` once it is whole. Documents are read once, as they come, and wait on disk
    to be put in order. advance: told of each document that was read. DataError for ids that are empty or occur twice,
    or a folder that is there and is no index; MissingExtraError without tantivy."""
    load_tantivy()
    target = Path(folder).expanduser()
    with new_folder(target) as made:
        spool = _Spool(made / "waiting")
        try:
            spool.take(documents, advance)
            _fill(made, spool)
        finally:
            spool.close()
    return target


class _Spool:
    """Documents on disk, to be read in order of their days; what they know is counted meanwhile."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.days = array("i")
        self.names: list[str] = []
        self.kinds: dict[str, set[str]] = {}  # own field -> what its values can be: "date", "number"
        self.numbers: dict[str, set[str]] = {}
        self._starts = array("q", [0])
        self._file = open(path, "w+b")  # noqa: SIM115  closed by `close`

    def take(self, documents: Iterable[Document], advance: Callable[[int], None] | None) -> None:
        """Write them down, as they come."""
        for document in documents:
            fields = dict(document.fields)
            line = json.dumps([document.id, document.title, document.text, fields]).encode() + b"\n"
            self._file.write(line)
            self._starts.append(self._starts[-1] + len(line))
            self.days.append(day_of(fields.get("date")) or 0)
            self.names.append(document.id)
            self._learn(document)
            if advance is not None:
                advance(1)

    def _learn(self, document: Document) -> None:
        for field, values in values_of(document).items():
            if field.startswith("."):
                kinds = self.kinds.setdefault(field, {"date", "number"})
                if kinds:
                    kinds &= _kinds(values, "date" in field)
        for name, numbers in numbers_in(document.fields):
            self.numbers.setdefault(name, set()).update(numbers)

    def in_order(self) -> Iterator[Document]:
        """The latest first, of one day by id; those without a date at the end."""
        days, names = self.days, self.names
        order = sorted(range(len(names)), key=lambda place: (-days[place], names[place]))
        for place in order:
            self._file.seek(self._starts[place])
            yield Document(*json.loads(self._file.read(self._starts[place + 1] - self._starts[place])))

    def close(self) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)


def _kinds(values: list[str], named_so: bool) -> set[str]:
    """What these can be read as. A bare number is a year only in a field that has "date" in its name."""
    numbers = all(number_of(value) is not None for value in values)
    days = all(day_of(value) is not None for value in values) and (named_so or not numbers)
    return {kind for kind, can_be in (("date", days), ("number", numbers)) if can_be}


def _fill(folder: Path, spool: _Spool) -> None:
    import numpy as np

    tantivy = load_tantivy()
    own = sorted(spool.kinds)[:MOST_OWN]
    names = {field: f"f{number}" for number, field in enumerate((*TEXTS, *VALUES, *own))}
    builder = tantivy.SchemaBuilder()
    for field, name in names.items():
        text = field not in VALUES
        builder.add_text_field(
            name, tokenizer_name="whitespace" if text else "raw", index_option="position" if text else "basic"
        )
    builder.add_text_field(HAS, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field(NUMBER, fast=True)
    where = folder / "terms"
    where.mkdir()
    index = tantivy.Index(builder.build(), path=str(where))
    writer = index.writer(heap_size=HEAP, num_threads=1)
    count = len(spool.names)
    columns = {field: np.zeros(count, dtype=np.int32) for field in DATES}
    for field in own:
        if "date" in spool.kinds[field]:
            columns[field] = np.zeros(count, dtype=np.int32)
        elif "number" in spool.kinds[field]:
            columns[field] = np.full(count, np.nan)
    has: Counter[str] = Counter()
    several: set[str] = set()

    def read() -> Iterator[Document]:
        for number, document in enumerate(spool.in_order()):
            made = tantivy.Document()
            made.add_unsigned(NUMBER, number)
            for field, values in values_of(document).items():
                if field not in names:
                    continue
                # A set of words may be asked for thousands of times; one value that says a thing twice counts once.
                for value in values if field not in VALUES else dict.fromkeys(folded(field, each) for each in values):
                    made.add_text(names[field], value if field in VALUES else " ".join((START, *tokens(value), END)))
                made.add_text(HAS, field)
                has[field] += 1
                if len(values) > 1:
                    several.add(field)
                if field in columns and field not in DATES:
                    read_as = day_of if "date" in spool.kinds[field] else number_of
                    columns[field][number] = read_as(values[0]) or 0
            for field, date in dates_of(document):
                if (day := day_of(date)) is not None:
                    columns[field][number] = day
                    has[field] += 1
                    made.add_text(HAS, field)
            writer.add_document(made)
            yield document

    count, corpus = DocumentStore.write(folder, read())
    writer.commit()
    writer.wait_merging_threads()
    ids = DocumentStore(folder).ids()
    ties: np.ndarray = np.empty(count, dtype=np.int32)
    ties[sorted(range(count), key=ids.__getitem__)] = np.arange(count, dtype=np.int32)
    np.save(folder / "ties.npy", ties)
    for number, field in enumerate(columns):
        np.save(folder / f"column-{number}.npy", columns[field])
    (folder / "tree.json").write_text(json.dumps({name: sorted(own) for name, own in spool.numbers.items()}))
    index.reload()
    _keep_often(folder, index, names, count)
    details: dict[str, Any] = {
        "fields": names, "columns": {field: str(column.dtype) for field, column in columns.items()},
        "has": dict(has), "several": sorted(several),
    }  # fmt: skip
    write_about(folder, "boolean", {}, count, corpus, **details)


def _keep_often(folder: Path, index: Any, names: dict[str, str], count: int) -> None:
    """Write down the sets of what is in many documents: to gather them is most of what a cold query costs."""
    postings = Postings(index, names, count)
    places: dict[str, list[int]] = {}
    with open(folder / "often.bin", "wb") as file:
        for field in names:
            for term, documents in postings.terms(field, ""):
                if documents * OFTEN < count or documents < FEW:
                    break  # they come with the most frequent first
                if term in (START, END):
                    continue
                found = postings.term(field, term)
                found.run_optimize()
                places[f"{field}\t{term}"] = [file.tell(), file.write(found.serialize())]
    (folder / "often.json").write_text(json.dumps(places))


def load_tantivy() -> Any:
    """The package; with pyroaring, which sets of documents are made of."""
    try:
        import pyroaring  # noqa: F401
        import tantivy
    except ImportError as error:
        raise MissingExtraError(error.name or "tantivy", "boolean") from None
    return tantivy
