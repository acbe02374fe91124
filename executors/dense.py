"""Dense search: documents by how near their vectors are to the query's; exact where that is fast enough."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.executors.address import parse_address
from sqlrl.executors.base import Limits, Outcome, Result
from sqlrl.executors.documents import Document, DocumentStore
from sqlrl.executors.embeddings import BUNDLED, Embedder
from sqlrl.executors.errors import MissingExtraError, SourceError, UsageError
from sqlrl.executors.index_folder import about, new_folder, write_about

if TYPE_CHECKING:
    import numpy as np

__all__ = ["EXACT_TO", "Dense", "build"]

EXACT_TO = 200_000  # documents; beyond, a graph is searched (HNSW by usearch), which may miss some
LONGEST_QUERY = 100_000  # characters
_VECTORS = "vectors.npy"  # float32, a row of length 1 for each document
_GRAPH = "graph.usearch"
_TIES = "ties.npy"
_BATCH = 512
_ROUGH = 1e-4  # far more than single precision errs in a cosine
_ROWS = 4096  # vectors that are multiplied at a time
_SYNTAX = (
    "The search engine finds documents whose meaning is near the query's (dense retrieval). Write what such a document "
    "would say, in plain words; keep the question's own words and add what they leave unsaid. There are no operators: "
    "AND, OR, NOT, quotes and parentheses mean nothing."
)


class Dense:
    """One index folder, as `build` makes it; see `sqlrl.executors.search.Engine`. Every document is a hit."""

    dialect = "words"

    def __init__(self, source: str, limits: Limits | None = None) -> None:
        """SourceError where the folder is no such index."""
        import numpy as np

        address = parse_address(source)
        if address.options:
            raise UsageError(f"{source}: dense takes no options")
        self.source = source
        folder = Path(address.path)
        settings = about(folder)["settings"]
        self._store = DocumentStore(folder)
        self._ids = self._store.ids()  # now: the folder may be replaced while this index is read
        self._embedder = Embedder(settings["model"])
        try:
            self._vectors: np.ndarray = np.load(folder / _VECTORS, mmap_mode="r")
            self._ties: np.ndarray = np.load(folder / _TIES, mmap_mode="r")
            self._graph: Any = _open_graph(folder / _GRAPH, self._vectors) if settings["graph"] else None
        except (OSError, ValueError, RuntimeError) as error:
            raise SourceError(f"{folder} cannot be read: {error}") from None

    def describe(self) -> str:
        """What nearness asks for."""
        return _SYNTAX

    def search(self, query: str, depth: int, context: Mapping[str, Any]) -> Result:
        """See `Engine.search`. context: "exclude_ids"; an index without dates cannot honour "max_date"."""
        started = time.perf_counter()
        ended = self._unreadable(query, context)
        if ended is not None:
            return ended
        excluded = self._places(context.get("exclude_ids", ()))
        places, scores = self._nearest(query, depth, excluded)
        total = len(self._store) - len(excluded)
        rows = tuple((self._ids[place], score) for place, score in zip(places.tolist(), scores.tolist(), strict=True))
        seconds = time.perf_counter() - started
        return Result(("id", "score"), rows, Outcome.OK, "", seconds, total > len(rows), total)

    def search_many(self, queries: Sequence[tuple[str, Mapping[str, Any]]], depth: int) -> list[Result]:
        """The queries are embedded together, which is most of the work, and then looked up one after the other."""
        self._embedder.embed_queries([query for query, context in queries if self._unreadable(query, context) is None])
        return [self.search(query, depth, context) for query, context in queries]

    def among(self, query: str, ids: Collection[str], depth: int, context: Mapping[str, Any]) -> Result:
        """See `Engine.among`. Of all hits, which every document is, none needs to be ranked."""
        if not depth:
            started = time.perf_counter()
            ended = self._unreadable(query, context)
            if ended is not None:
                return ended
            excluded = self._places(context.get("exclude_ids", ()))
            known = sorted(name for name in set(ids) if self._store.find(name) not in (None, *excluded))
            seconds = time.perf_counter() - started
            all_of_them = tuple((name, 1.0) for name in known)
            total = len(self._store) - len(excluded)
            return Result(("id", "score"), all_of_them, Outcome.OK, "", seconds, False, total)
        found = self.search(query, depth, context)
        wanted = set(ids)
        rows = tuple(row for row in found.rows if row[0] in wanted)
        return Result(found.columns, rows, found.outcome, found.message, found.seconds, False, found.total)

    def fetch(self, ids: Sequence[str]) -> list[Document]:
        """The documents, in this order."""
        return self._store.fetch(ids)

    def forget(self) -> None:
        """Embed every query anew from here on; for those who measure what that costs."""
        self._embedder.forget()

    def close(self) -> None:
        """Nothing to give back: the memory maps go with this object."""

    def _unreadable(self, query: str, context: Mapping[str, Any]) -> Result | None:
        if context.get("max_date"):
            raise UsageError(f"{self.source}: a dense index knows no dates: leave out max_date")
        if len(query) > LONGEST_QUERY:
            return Result(outcome=Outcome.REFUSED, message=f"the query is longer than {LONGEST_QUERY:,} characters")
        if not query.strip():
            return Result(outcome=Outcome.INVALID, message="the query is empty")
        return None

    def _places(self, names: Iterable[str]) -> list[int]:
        return sorted({place for name in names if (place := self._store.find(name)) is not None})

    def _nearest(self, query: str, depth: int, excluded: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """(places, scores) of the nearest `depth` documents, nearest first, ties by id."""
        import numpy as np

        if not len(self._store):
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        vector = self._embedder.embed_query(query)
        if self._graph is not None and depth + len(excluded) < len(self._store):
            found = self._graph.search(vector, depth + len(excluded))
            places = np.asarray(found.keys, dtype=np.int64)
            places = places[~np.isin(places, excluded)]
        else:
            rough = self._vectors @ vector
            rough[list(excluded)] = -np.inf
            most = min(depth, len(rough) - len(excluded))
            least = np.partition(rough, len(rough) - most)[len(rough) - most] if most else np.inf
            places = np.flatnonzero((rough >= least - _ROUGH) & np.isfinite(rough))
        scores = self._cosines(places, vector)
        order = np.lexsort((self._ties[places], -scores))[:depth]
        return places[order], scores[order]

    def _cosines(self, places: np.ndarray, vector: np.ndarray) -> np.ndarray:
        """The cosine of each of these documents, row by row: a product of whole matrices sums a row's last digits by
        where it stands, so that two documents with one text would not tie."""
        import numpy as np

        exact, found = vector.astype(np.float64), np.empty(len(places), np.float64)
        for start in range(0, len(places), _ROWS):
            some = slice(start, start + _ROWS)
            found[some] = (self._vectors[places[some]] * exact).sum(axis=1)
        return found


def build(
    documents: Iterable[Document],
    folder: str | Path,
    *,
    model: str = BUNDLED,
    exact_to: int = EXACT_TO,
    cache: str | Path | None = None,
    advance: Callable[[int], None] | None = None,
) -> Path:
    """Build an index of these documents' titles and texts; it stands in `folder` once it is whole.

    model: see `Embedder`. exact_to: more documents than this are searched through a graph. cache: a file that keeps
    each vector by its text and model, by default `embeddings.sqlite` beside the folder: a build that was interrupted
    goes on from there, and a changed corpus costs what changed. advance: told of each document that was embedded.
    DataError for ids that are empty or occur twice, or a folder that is there and is no index.
    """
    import numpy as np

    target = Path(folder).expanduser()
    if find_spec("sentence_transformers") is None:  # said before a long corpus is read
        raise MissingExtraError("sentence-transformers", "dense")
    embedder = Embedder(model, Path(cache).expanduser() if cache else target.parent / "embeddings.sqlite")
    with new_folder(target) as made:
        count, corpus = DocumentStore.write(made, documents)
        store = DocumentStore(made)
        parts = [embedder.embed(texts) for texts in _batches(store, advance)]
        vectors = np.concatenate(parts) if parts else np.zeros((0, 1), np.float32)
        np.save(made / _VECTORS, vectors)
        ids = store.ids()
        ties = np.empty(count, dtype=np.int32)
        ties[sorted(range(count), key=ids.__getitem__)] = np.arange(count, dtype=np.int32)
        np.save(made / _TIES, ties)
        if count > exact_to:
            graph = _usearch(vectors.shape[1])
            graph.add(np.arange(count, dtype=np.uint64), vectors)
            graph.save(str(made / _GRAPH))
        write_about(made, "dense", {"model": model, "graph": count > exact_to}, count, corpus)
    return target


def _batches(store: DocumentStore, advance: Callable[[int], None] | None) -> Iterator[list[str]]:
    for start in range(0, len(store), _BATCH):
        texts = [store[place].contents for place in range(start, min(start + _BATCH, len(store)))]
        yield texts
        if advance is not None:
            advance(len(texts))


def _usearch(width: int) -> Any:
    try:
        from usearch.index import Index
    except ImportError:
        raise MissingExtraError("usearch", "dense") from None
    return Index(ndim=width, metric="ip", dtype="f16")


def _open_graph(path: Path, vectors: np.ndarray) -> Any:
    graph = _usearch(vectors.shape[1])
    graph.view(str(path))
    return graph
