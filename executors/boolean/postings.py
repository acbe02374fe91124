"""Postings: the set of documents that have a word, a value, or words at given distances; read from tantivy."""

from __future__ import annotations

import json
import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyroaring import BitMap

__all__ = ["HAS", "NUMBER", "Postings"]

NUMBER, HAS = "number", "has"  # a document's place; the fields that it has
_MOST_TERMS = 64  # that are asked one by one; beyond, one query walks the dictionary itself


class Postings:
    """index: tantivy's. names: field -> what it is called there. count: of documents."""

    def __init__(self, index: Any, names: dict[str, str], count: int, folder: Path | None = None) -> None:
        self._schema = index.schema
        self._searcher = index.searcher()
        self._names = {**names, HAS: HAS}
        self._count = count
        self._often: dict[str, list[int]] = {}
        if folder is not None:
            self._often = json.loads((folder / "often.json").read_text())
            with open(folder / "often.bin", "rb") as file:
                empty = file.seek(0, 2) == 0
                self._sets = b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def terms(self, field: str, prefix: str) -> list[tuple[str, int]]:
        """(word or value, in how many documents) that begin so, the most frequent first."""
        found: list[tuple[str, int]] = self._searcher.terms_with_prefix(self._names[field], prefix)
        return found

    def frequency(self, field: str, term: str) -> int:
        """In how many documents a word or value is."""
        found: int = self._searcher.doc_freq(self._names[field], term)
        return found

    def term(self, field: str, term: str) -> BitMap:
        """Documents with this word, or value."""
        import tantivy
        from pyroaring import BitMap

        place = self._often.get(f"{field}\t{term}")
        if place is not None:
            return BitMap.deserialize(self._sets[place[0] : place[0] + place[1]])
        return self._found(
            tantivy.Query.term_query(self._schema, self._names[field], term, index_option="basic"),
            self.frequency(field, term),
        )

    def prefix(self, field: str, prefix: str) -> BitMap:
        """Documents with a word, or value, that begins so."""
        import tantivy
        from pyroaring import BitMap

        found = self.terms(field, prefix)
        if len(found) <= _MOST_TERMS:
            return BitMap.union(*(self.term(field, term) for term, _ in found)) if found else BitMap()
        # Words are letters and digits, values also have spaces and strokes: nothing that a pattern would take amiss.
        query = tantivy.Query.regex_query(self._schema, self._names[field], f"{prefix}.*")
        return self._found(query, min(self._count, sum(documents for _, documents in found)))

    def phrase(self, field: str, words: Sequence[tuple[int, str]]) -> BitMap:
        """Documents with these words at these places of a value, counted from anywhere."""
        import tantivy
        from pyroaring import BitMap

        most = min(self.frequency(field, word) for _, word in words)
        if not most:
            return BitMap()
        return self._found(tantivy.Query.phrase_query(self._schema, self._names[field], list(words)), most)

    def _found(self, query: Any, most: int) -> BitMap:
        import tantivy
        from pyroaring import BitMap

        if not most:
            return BitMap()
        same = tantivy.Query.const_score_query(query, 1.0)
        hits = self._searcher.search(same, limit=most, count=False).hits
        return BitMap(self._searcher.fast_field_values(NUMBER, [address for _, address in hits]))
