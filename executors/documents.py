"""Documents: what a search engine finds, and the folder that keeps them in the order of an index."""

from __future__ import annotations

import hashlib
import json
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.executors.errors import DataError, SourceError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Document", "DocumentStore"]

_TEXTS = "documents.jsonl"
_OFFSETS = "offsets.npy"  # int64, one more than there are documents
_IDS = "ids.json"  # all of them, in order
_NAMES = "names.npy"  # uint64, the first eight bytes of each id's hash, sorted
_PLACES = "places.npy"  # int64, the document of each of these


@dataclass(frozen=True, slots=True)
class Document:
    """One document. id: unique in its corpus. fields: what is known besides title and text: dates, authors, subject
    headings; JSON values by name."""

    id: str
    title: str = ""
    text: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def contents(self) -> str:
        """Title and text, as engines without fields read a document."""
        return f"{self.title} {self.text}".strip()


class DocumentStore:
    """The documents of one folder, read through the memory map; `store[i]` is the i-th, in the order of writing.

    Files: the documents as JSON lines, where each begins, and the ids by their hash. Memory is the operating system's
    page cache, shared by all processes that read the folder.
    """

    def __init__(self, folder: str | Path) -> None:
        """SourceError where the folder holds no documents."""
        import mmap

        import numpy as np

        self.folder = Path(folder)
        try:
            self._offsets: np.ndarray = np.load(self.folder / _OFFSETS, mmap_mode="r")
            self._names: np.ndarray = np.load(self.folder / _NAMES, mmap_mode="r")
            self._places: np.ndarray = np.load(self.folder / _PLACES, mmap_mode="r")
            with open(self.folder / _TEXTS, "rb") as file:
                empty = file.seek(0, 2) == 0
                self._texts = b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise SourceError(f"{self.folder} holds no documents that can be read: {error}") from None
        self._ids: list[str] | None = None
        if len(self._offsets) != len(self._names) + 1 or int(self._offsets[-1]) != len(self._texts):
            raise SourceError(f"{self.folder}: the documents and their offsets don't belong together")

    @staticmethod
    def write(folder: str | Path, documents: Iterable[Document]) -> tuple[int, str]:
        """Write documents as they come into a folder that is there; (how many, the hash of what was written). DataError
        for an id that is empty or occurs twice: nothing can be ranked by it."""
        import numpy as np

        folder = Path(folder)
        digest = hashlib.sha256()
        offsets, hashes = array("q", [0]), array("Q")
        with open(folder / _TEXTS, "wb") as file, open(folder / _IDS, "w", encoding="ascii") as ids:
            for document in documents:
                if not document.id:
                    raise DataError(f"document {len(hashes) + 1} has no id")
                line = _line(document)
                digest.update(line)
                file.write(line)
                offsets.append(offsets[-1] + len(line))
                ids.write(f"{',' if len(hashes) else '['}{json.dumps(document.id)}")
                hashes.append(_hash(document.id))
            ids.write("]" if len(hashes) else "[]")
        names = np.frombuffer(hashes, dtype=np.uint64) if len(hashes) else np.zeros(0, np.uint64)
        places = np.argsort(names, kind="stable").astype(np.int64)
        np.save(folder / _OFFSETS, np.frombuffer(offsets, dtype=np.int64))
        np.save(folder / _NAMES, names[places])
        np.save(folder / _PLACES, places)
        _refuse_twins(DocumentStore(folder))
        return len(hashes), digest.hexdigest()

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, place: int) -> Document:
        if not 0 <= place < len(self):
            raise IndexError(place)
        start, end = int(self._offsets[place]), int(self._offsets[place + 1])
        return _document(self._texts[start:end])

    def __iter__(self) -> Iterator[Document]:
        return (self[place] for place in range(len(self)))

    def find(self, name: str) -> int | None:
        """The place of the document with that id; None where there is none."""
        wanted = _hash(name)
        index = bisect_left(self._names, wanted)
        while index < len(self._names) and int(self._names[index]) == wanted:
            place = int(self._places[index])
            if self[place].id == name:
                return place
            index += 1
        return None

    def ids(self) -> list[str]:
        """Every id, in order; read once."""
        if self._ids is None:
            try:
                self._ids = json.loads((self.folder / _IDS).read_text(encoding="ascii"))
            except (OSError, ValueError) as error:
                raise SourceError(f"{self.folder} has no ids that can be read: {error}") from None
            if len(self._ids) != len(self):
                raise SourceError(f"{self.folder}: the documents and their ids don't belong together")
        return self._ids

    def fetch(self, names: Sequence[str]) -> list[Document]:
        """The documents of these ids, in this order; what is unknown is left out."""
        places = [self.find(name) for name in names]
        return [self[place] for place in places if place is not None]

    def twins(self) -> Iterator[str]:
        """Ids that occur more than once."""
        import numpy as np

        alike = np.flatnonzero(self._names[1:] == self._names[:-1])
        for index in alike.tolist():
            one, other = (self[int(self._places[index + step])].id for step in (0, 1))
            if one == other:
                yield one


def _refuse_twins(store: DocumentStore) -> None:
    twin = next(store.twins(), None)
    if twin is not None:
        raise DataError(f"two documents have the id {twin!r}")


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _line(document: Document) -> bytes:
    values: dict[str, Any] = {"id": document.id, "title": document.title, "text": document.text}
    if document.fields:
        values["fields"] = dict(document.fields)
    return json.dumps(values, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass") + b"\n"


def _document(line: bytes) -> Document:
    values = json.loads(line)
    return Document(values["id"], values["title"], values["text"], values.get("fields", {}))
