"""BM25: a local index of words, read through the memory map; every query is a bag of words.

Source: Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond". The scores are Lucene's
form of it; bm25s keeps them.
"""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.executors.address import parse_address
from sqlrl.executors.base import Limits, Outcome, Result
from sqlrl.executors.days import Days, day_in
from sqlrl.executors.documents import Document, DocumentStore
from sqlrl.executors.errors import MissingExtraError, SourceError, UsageError
from sqlrl.executors.index_folder import about, new_folder, write_about
from sqlrl.executors.postings import check_weights, weigh
from sqlrl.executors.words import STOP_WORDS, Analyzer

if TYPE_CHECKING:
    import numpy as np

__all__ = ["BM25", "build"]

VERSION = 4  # of what `build` makes of the same documents
K1, B = 0.9, 0.4  # Anserini's
LONGEST_QUERY = 100_000  # characters
_TIES = "ties.npy"  # int32, the place of each document among the sorted ids
_SYNTAX = (
    "The search engine ranks documents by the words of the query (BM25): a document scores by how often it has them "
    "and how rare they are. Order, case, punctuation and endings do not matter; stop words are ignored. There are no "
    "operators: AND, OR, NOT, quotes and parentheses mean nothing. A word that is written twice counts twice."
)


class BM25:
    """One index folder, as `build` makes it; see `sqlrl.executors.search.Engine`.

    Options of the source: compat=deepretrieval reads queries as that project's search did, "contents:" before the
    first word: a query that begins with a word loses it, another has a term "contents" more.
    """

    dialect = "words"

    def __init__(self, source: str, limits: Limits | None = None) -> None:
        """SourceError where the folder is no such index, UsageError for an option that it does not have."""
        bm25s = _bm25s()
        address = parse_address(source)
        unknown = set(address.options) - {"compat"}
        if unknown or address.options.get("compat", "deepretrieval") != "deepretrieval":
            raise UsageError(f"{source}: the one option of bm25 is compat=deepretrieval")
        self.source = source
        self._prefix = "contents:" if address.options else ""
        folder = Path(address.path)
        settings = about(folder)
        self._store = DocumentStore(folder)
        self._ids = self._store.ids()  # now: the folder may be replaced while this index is read
        self._analyzer = Analyzer(settings["settings"]["stemmer"], frozenset(settings["settings"]["stop_words"]))
        import numpy as np

        try:
            self._ties: np.ndarray = np.load(folder / _TIES, mmap_mode="r")
            self._days = Days(folder, source)
            self._bm25: Any = bm25s.BM25.load(str(folder / "terms"), mmap=True) if settings["terms"] else None
        except (OSError, ValueError, KeyError) as error:
            raise SourceError(f"{folder} cannot be read: {error}") from None
        self._scratch = threading.local()

    def describe(self) -> str:
        """What a bag of words is."""
        return _SYNTAX

    def search(self, query: str, depth: int, context: Mapping[str, Any]) -> Result:
        """See `Engine.search`. An index whose documents have no dates cannot honour "max_date"."""
        started = time.perf_counter()
        ended = self._unreadable(query, context)
        if ended is not None:
            return ended
        scores = self._scores(query, context)
        found, total = self._best(scores, depth)
        rows = tuple(
            (self._ids[place], score) for place, score in zip(found.tolist(), scores[found].tolist(), strict=True)
        )
        return Result(
            ("id", "score"), rows, Outcome.OK, "", time.perf_counter() - started, total > len(rows), total
        )  # fmt: skip

    def search_many(self, queries: Sequence[tuple[str, Mapping[str, Any]]], depth: int) -> list[Result]:
        """One after the other: the work is the memory's, and more threads don't help it."""
        return [self.search(query, depth, context) for query, context in queries]

    def among(self, query: str, ids: Collection[str], depth: int, context: Mapping[str, Any]) -> Result:
        """See `Engine.among`."""
        import numpy as np

        started = time.perf_counter()
        ended = self._unreadable(query, context)
        if ended is not None:
            return ended
        scores = self._scores(query, context)
        names = {place: name for name in ids if (place := self._store.find(name)) is not None}
        places = np.fromiter(names, dtype=np.int64, count=len(names))
        places = places[scores[places] > 0]
        total = int(np.count_nonzero(scores > 0))
        if depth and depth < total:
            last = self._best(scores, depth)[0][-1]
            worst, tie = scores[last], self._ties[last]
            mine = scores[places]
            places = places[(mine > worst) | ((mine == worst) & (self._ties[places] <= tie))]
        rows = tuple((names[place], float(scores[place])) for place in places.tolist())
        return Result(("id", "score"), rows, Outcome.OK, "", time.perf_counter() - started, False, total)

    def fetch(self, ids: Sequence[str]) -> list[Document]:
        """The documents, in this order."""
        return self._store.fetch(ids)

    def close(self) -> None:
        """Nothing to give back: the memory maps go with this object."""

    def _unreadable(self, query: str, context: Mapping[str, Any]) -> Result | None:
        self._days.left_out(context)  # a context that cannot be honoured is an error whatever the query
        if len(query) > LONGEST_QUERY:
            return Result(outcome=Outcome.REFUSED, message=f"the query is longer than {LONGEST_QUERY:,} characters")
        if not query.strip():
            return Result(outcome=Outcome.INVALID, message="the query is empty")
        return None

    def _scores(self, query: str, context: Mapping[str, Any]) -> np.ndarray:
        """The score of each document (float32); 0 is no hit."""
        import numpy as np

        # Summed in double precision, as Lucene does: the order of the words does not tell in the last digit.
        sums: np.ndarray | None = getattr(self._scratch, "sums", None)
        if sums is None:
            sums = self._scratch.sums = np.zeros(len(self._store), dtype=np.float64)
        sums.fill(0)
        if self._bm25 is None:
            return sums.astype(np.float32)
        known, parts = self._bm25.vocab_dict, self._bm25.scores
        starts, places, weights = parts["indptr"], parts["indices"], parts["data"]
        for term in self._analyzer.terms(self._prefix + query):
            number = known.get(term)
            if number is not None:
                piece = slice(int(starts[number]), int(starts[number + 1]))
                sums[places[piece]] += weights[piece]
        late = self._days.left_out(context)
        if late is not None:
            sums[late] = 0
        for name in context.get("exclude_ids", ()):
            place = self._store.find(name)
            if place is not None:
                sums[place] = 0
        return sums.astype(np.float32)

    def _best(self, scores: np.ndarray, depth: int) -> tuple[np.ndarray, int]:
        """(the places of the best `depth` documents, best first, ties by id; how many have a score at all)."""
        import numpy as np

        hits = np.flatnonzero(scores)
        total = len(hits)
        if depth < total:
            mine = scores[hits]
            least = np.partition(mine, total - depth)[total - depth]
            hits = hits[mine >= least]  # all that tie with the last: which of them stay is for their ids to say
        order = np.lexsort((self._ties[hits], -scores[hits]))
        return hits[order[:depth]], total


def build(
    documents: Iterable[Document],
    folder: str | Path,
    *,
    k1: float = K1,
    b: float = B,
    method: str = "lucene",
    lengths: str = "lucene",
    stemmer: str = "porter",
    stop_words: Iterable[str] = STOP_WORDS,
    advance: Callable[[int], None] | None = None,
) -> Path:
    """Build an index of these documents' titles and texts; it stands in `folder` once it is whole.

    k1, b: BM25's two numbers. method: how much rare words count: "lucene", "robertson" or "atire". lengths: of
    documents; "lucene" rounds them as Lucene does, which Anserini's figures rest on, "exact" does not. stop_words: left
    out. advance: told of each document that was read. UsageError for settings that cannot be, DataError for ids that
    are empty or occur twice, or a folder that is there and is no index.
    """
    check_weights(k1, b, method, lengths)
    _bm25s()  # what is missing is said before a long corpus is read
    analyzer = Analyzer(stemmer, frozenset(stop_words))
    target = Path(folder).expanduser()
    with new_folder(target) as made:
        settings = {
            "k1": k1, "b": b, "method": method, "lengths": lengths, "stemmer": stemmer,
            "stop_words": sorted(analyzer.stop_words),
        }  # fmt: skip
        _fill(made, documents, settings, analyzer, advance)
    return target


def _fill(
    folder: Path,
    documents: Iterable[Document],
    settings: Mapping[str, Any],
    analyzer: Analyzer,
    advance: Callable[[int], None] | None,
) -> None:
    import numpy as np

    known: dict[str, int] = {}
    numbers: list[np.ndarray] = []
    days = array("i")

    def read() -> Iterator[Document]:
        for document in documents:
            terms = analyzer.terms(document.contents)
            numbers.append(np.array([known.setdefault(term, len(known)) for term in terms], dtype=np.int32))
            days.append(day_in(document))
            yield document
            if advance is not None:
                advance(1)

    count, corpus = DocumentStore.write(folder, read())
    Days.write(folder, days)
    ids = DocumentStore(folder).ids()
    ties = np.empty(count, dtype=np.int32)
    ties[sorted(range(count), key=ids.__getitem__)] = np.arange(count, dtype=np.int32)
    np.save(folder / _TIES, ties)
    if known:
        ranker = _ranker(settings)
        ranker.index((numbers, known), show_progress=False, create_empty_token=False)
        ranker.save(str(folder / "terms"), show_progress=False)
    write_about(folder, "bm25", settings, count, corpus, terms=len(known))


def _ranker(settings: Mapping[str, Any]) -> Any:
    """bm25s's, with weights of ours: it knows no rounded lengths."""
    own = {name: settings[name] for name in ("k1", "b", "method", "lengths")}

    class Ranker(_bm25s().BM25):  # type: ignore[misc]
        def build_index_from_ids(
            self, unique_token_ids: Sequence[int], corpus_token_ids: Sequence[np.ndarray], **_: Any
        ) -> dict[str, Any]:
            self.nonoccurrence_array = None  # none of these methods scores a term that is not there
            return weigh(corpus_token_ids, len(unique_token_ids), **own)

    return Ranker(k1=settings["k1"], b=settings["b"], method=settings["method"])


def _bm25s() -> Any:
    try:
        import bm25s
    except ImportError:
        raise MissingExtraError("bm25s", "search") from None
    return bm25s
