"""The Boolean engine: a folder with an index, asked in PubMed's grammar or in Essie's."""

from __future__ import annotations

import datetime
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.executors.address import parse_address
from sqlrl.executors.base import Limits, Outcome, Result
from sqlrl.executors.boolean import essie, ovid, pubmed
from sqlrl.executors.boolean.analysis import last_day_of
from sqlrl.executors.boolean.evaluate import Evaluator
from sqlrl.executors.boolean.histories import is_history
from sqlrl.executors.boolean.index import build, load_tantivy
from sqlrl.executors.boolean.mesh import Tree, read_numbers
from sqlrl.executors.boolean.postings import Postings
from sqlrl.executors.boolean.publication_types import with_types
from sqlrl.executors.boolean.queries import Parsed, Range
from sqlrl.executors.boolean.ranking import best
from sqlrl.executors.boolean.vocabulary import Vocabulary
from sqlrl.executors.documents import Document, DocumentStore
from sqlrl.executors.errors import SourceError, UsageError, nearest
from sqlrl.executors.index_folder import about

if TYPE_CHECKING:
    import numpy as np
    from pyroaring import BitMap

__all__ = ["Boolean", "build"]

LONGEST_QUERY = 100_000  # characters
_PARSED = 4096  # queries whose trees are kept
_OPTIONS = {"grammar": ("pubmed", "essie"), "sort": ("date", "best"), "vocabulary": (), "trees": ()}


class Boolean:
    """One index folder, as `build` makes it; see `sqlrl.executors.search.Engine`.

    Options of the source: grammar (pubmed, essie; where PubMed's is asked for, a list of numbered searches is read as
    Ovid's), sort (date: the latest first; best: by how many and how rare the
    query's words are that a document has), vocabulary (a file, see `Vocabulary`), trees (a list of MeSH's tree numbers,
    see `mesh`; else those that the documents brought). Scores: with sort=date the day, 20040517, or 0; ties by id.
    """

    def __init__(self, source: str, limits: Limits | None = None) -> None:
        """SourceError where the folder is no such index, UsageError for an option that it does not have, DataError for
        a vocabulary or a list of trees that cannot be read."""
        tantivy = load_tantivy()
        import numpy as np

        address = parse_address(source)
        self.source = source
        self._seconds = (limits or Limits()).seconds
        self.dialect = _option(address.options, "grammar")
        self._sort = _option(address.options, "sort")
        words = address.options.get("vocabulary")
        self._vocabulary = Vocabulary.read(Path(words).expanduser()) if words else None
        folder = Path(address.path)
        settings = about(folder)
        self._store = DocumentStore(folder)
        self._ids = self._store.ids()
        try:
            trees = address.options.get("trees")
            numbers = (
                read_numbers(Path(trees).expanduser()) if trees else json.loads((folder / "tree.json").read_text())
            )
            columns: dict[str, np.ndarray] = {
                field: np.load(folder / f"column-{number}.npy", mmap_mode="r")
                for number, field in enumerate(settings["columns"])
            }
            self._ties: np.ndarray = np.load(folder / "ties.npy", mmap_mode="r")
            index = tantivy.Index.open(str(folder / "terms"))
            postings = Postings(index, settings["fields"], len(self._store), folder)
            self._evaluator = Evaluator(
                postings,
                self._store,
                columns,
                Tree(with_types(numbers)),
                settings["has"],
                frozenset(settings["several"]),
            )
        except (OSError, ValueError, KeyError) as error:
            raise SourceError(f"{folder} cannot be read: {error}") from None
        self._days = columns["dp"]
        self._known: frozenset[str] = frozenset(settings["fields"])
        self._find = lru_cache(1 << 20)(self._store.find)
        self._trees: OrderedDict[tuple[str, int], tuple[Parsed, bool]] = OrderedDict()
        self._lock = threading.Lock()

    def describe(self) -> str:
        """The grammar, as a model must know it."""
        return essie.SYNTAX if self.dialect == "essie" else pubmed.SYNTAX

    def search(self, query: str, depth: int, context: Mapping[str, Any]) -> Result:
        """See `Engine.search`."""
        started = time.perf_counter()
        found = self._hits(query, context)
        if isinstance(found, Result):
            return found
        parsed, hits = found
        if self._sort == "date":
            places = hits[:depth] if depth < len(hits) else hits
            rows = tuple((self._ids[place], float(self._days[place])) for place in places)
        else:
            rows = tuple((self._ids[p], score) for p, score in best(self._evaluator, parsed, hits, self._ties, depth))
        return self._result(rows, parsed, len(hits), started, truncated=len(rows) < len(hits))

    def search_many(self, queries: Sequence[tuple[str, Mapping[str, Any]]], depth: int) -> list[Result]:
        """One after the other; what one query gathered, the next finds there."""
        return [self.search(query, depth, context) for query, context in queries]

    def among(self, query: str, ids: Collection[str], depth: int, context: Mapping[str, Any]) -> Result:
        """See `Engine.among`: nothing is ranked but where `best` has to cut."""
        started = time.perf_counter()
        found = self._hits(query, context)
        if isinstance(found, Result):
            return found
        parsed, hits = found
        names = {place: name for name in ids if (place := self._find(name)) is not None}
        if depth and depth < len(hits) and self._sort == "best":
            first = {place for place, _ in best(self._evaluator, parsed, hits, self._ties, depth)}
            kept = [place for place in names if place in first]
        else:
            # A set's rank of a place is how many of its members come up to it: documents are in order of their days.
            kept = [place for place in names if place in hits and (not depth or hits.rank(place) <= depth)]
        rows = tuple((names[place], 1.0) for place in sorted(kept))
        return self._result(rows, parsed, len(hits), started)

    def fetch(self, ids: Sequence[str]) -> list[Document]:
        """The documents, in this order."""
        return self._store.fetch(ids)

    def close(self) -> None:
        """Nothing to give back: the memory maps go with this object."""

    def forget(self) -> None:
        """Empty the caches, as a new process has them."""
        self._evaluator.forget()
        with self._lock:
            self._trees.clear()

    def _result(self, rows: Any, parsed: Parsed, total: int, started: float, truncated: bool = False) -> Result:
        seconds = time.perf_counter() - started
        return Result(("id", "score"), rows, Outcome.OK, "", seconds, truncated, total, parsed.warnings)

    def _hits(self, query: str, context: Mapping[str, Any]) -> tuple[Parsed, BitMap] | Result:
        """(the tree, all documents that it holds for), or how the query ended."""
        from pyroaring import BitMap

        if len(query) > LONGEST_QUERY:
            return Result(outcome=Outcome.REFUSED, message=f"the query is longer than {LONGEST_QUERY:,} characters")
        if not query.strip():
            return Result(outcome=Outcome.INVALID, message="the query is empty")
        last = self._last_day(context)
        key = query, last
        parsed, noted = self._parsed(key)
        if parsed.query is None:
            return Result(outcome=Outcome.INVALID, message=parsed.message, warnings=parsed.warnings)
        try:
            hits = self._evaluator.hits(parsed.query, self._seconds)
        except TimeoutError:
            return Result(outcome=Outcome.TIMED_OUT, message=f"took more than {self._seconds:g} seconds")
        if not noted:
            parsed = Parsed(parsed.query, (*parsed.warnings, *self._evaluator.notes(parsed.query)))
            self._keep(key, parsed, True)
        if context.get("max_date"):
            hits = hits & self._evaluator.leaf(Range("dp", None, last))
        excluded = context.get("exclude_ids") or ()
        if excluded:
            hits = hits - BitMap([place for name in excluded if (place := self._find(name)) is not None])
        return parsed, hits

    def _last_day(self, context: Mapping[str, Any]) -> int:
        """The last day that counts, 20040517; without one, that of the newest document."""
        wanted = context.get("max_date")
        if not wanted:
            return int(self._days[0]) if len(self._days) and self._days[0] else 99991231
        if isinstance(wanted, datetime.datetime):
            wanted = wanted.date()
        day = last_day_of(wanted)
        if day is None:
            raise UsageError(f"max_date is a date such as 2010-05-01, not {wanted!r}")
        if not self._evaluator.has.get("dp"):
            raise UsageError(f"{self.source}: no document of this index has a date: leave out max_date")
        return day

    def _parsed(self, key: tuple[str, int]) -> tuple[Parsed, bool]:
        """(the tree of a query, whether its warnings say what this index has not)."""
        with self._lock:
            if key in self._trees:
                self._trees.move_to_end(key)
                return self._trees[key]
        query, today = key
        if self.dialect == "essie":
            parsed = essie.parse(query, self._known, self._vocabulary)
        elif is_history(query):
            parsed = ovid.parse(query, today)
        else:
            parsed = pubmed.parse(query, self._vocabulary, today)
        self._keep(key, parsed, False)
        return parsed, False

    def _keep(self, key: tuple[str, int], parsed: Parsed, noted: bool) -> None:
        with self._lock:
            self._trees[key] = parsed, noted
            if len(self._trees) > _PARSED:
                self._trees.popitem(last=False)


def _option(options: Mapping[str, str], name: str) -> str:
    """One of an option's values, the first where none is given."""
    for given in options:
        if given not in _OPTIONS:
            raise UsageError(f"a Boolean index has no option {given!r}{nearest(given, _OPTIONS)}")
    known = _OPTIONS[name]
    value = options.get(name, known[0])
    if value not in known:
        raise UsageError(f"no {name} {value!r}{nearest(value, known)}")
    return value
