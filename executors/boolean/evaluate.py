"""Evaluation: from a query's tree to the set of documents that it holds for; the sets of its leaves are kept for the
next query."""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Any

from sqlrl.executors.boolean.analysis import tokens
from sqlrl.executors.boolean.fields import PART, values_of
from sqlrl.executors.boolean.index import END, START
from sqlrl.executors.boolean.matching import has_near, has_phrase
from sqlrl.executors.boolean.mesh import Tree
from sqlrl.executors.boolean.parts import any_part_holds, relaxed
from sqlrl.executors.boolean.postings import HAS, Postings
from sqlrl.executors.boolean.queries import (
    And,
    Heading,
    Missing,
    Near,
    Not,
    Or,
    Phrase,
    Query,
    Range,
    Token,
    Value,
    Within,
    leaves,
)
from sqlrl.executors.documents import DocumentStore

if TYPE_CHECKING:
    import numpy as np
    from pyroaring import BitMap

__all__ = ["CACHE", "Evaluator"]

CACHE = 512 << 20  # bytes of sets that are kept
_ENTRY = 300  # bytes beside the set itself
_MOST_PHRASES = 64  # that one phrase with stars is made of
_MOST_PAIRS = 400  # of words at some distance, that a search for words near one another is made of
_LOOKED_AT = 256  # documents between two looks at the clock


class Evaluator:
    """Sets of documents, by their places. has: field -> in how many documents it is. several: fields that have more
    than one value somewhere. The sets that are given are shared: they must not be changed."""

    def __init__(
        self,
        postings: Postings,
        store: DocumentStore,
        columns: Mapping[str, np.ndarray],
        tree: Tree,
        has: Mapping[str, int],
        several: frozenset[str],
        cache: int = CACHE,
    ) -> None:
        from pyroaring import BitMap

        self.tree = tree
        self.has = has
        self.everything = BitMap(range(len(store)))
        self._postings = postings
        self._store = store
        self._columns = columns
        self._several = several
        self._room = cache
        self._kept: OrderedDict[Any, tuple[BitMap, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._clock = threading.local()

    def hits(self, query: Query, seconds: float = math.inf) -> BitMap:
        """The documents that the query holds for. TimeoutError after that many seconds; what was gathered by then is
        kept."""
        self._clock.until = time.monotonic() + seconds
        try:
            return self._walked(query)
        finally:
            self._clock.until = math.inf

    def _walked(self, query: Query) -> BitMap:
        results: list[BitMap] = []  # no recursion: a chain that changes its operator is as deep as it is long
        stack: list[tuple[Query, bool]] = [(query, False)]
        while stack:
            node, ready = stack.pop()
            parts: tuple[Query, ...]
            if isinstance(node, (And, Or)):
                parts = node.parts
            elif isinstance(node, Not):
                parts = (node.keep, node.drop)
            else:
                results.append(self.leaf(node))
                continue
            if not ready:
                stack.append((node, True))
                stack.extend((part, False) for part in reversed(parts))
                continue
            own = results[len(results) - len(parts) :]
            del results[len(results) - len(parts) :]
            results.append(self._combined(node, own))
        return results[0]

    def _combined(self, node: Query, sets: Sequence[BitMap]) -> BitMap:
        from pyroaring import BitMap

        if isinstance(node, Not):
            return sets[0] - sets[1]
        if isinstance(node, Or):
            return BitMap.union(*sets) if sets else BitMap()
        return reduce(BitMap.__and__, sorted(sets, key=len)) if sets else self.everything

    def leaf(self, node: Query) -> BitMap:
        """The documents of one leaf, from the cache where they are there."""
        return self._cached(node, lambda: self._gathered(node))

    def _cached(self, key: Any, make: Callable[[], BitMap]) -> BitMap:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found[0]
        self._look_at_the_clock()
        made = make()  # outside of the lock: two threads may gather the same, none waits for another's
        size = _size(made) + _ENTRY
        with self._lock:
            if key not in self._kept:
                self._kept[key] = made, size
                self._room -= size
            while self._room < 0 and len(self._kept) > 1:
                self._room += self._kept.popitem(last=False)[1][1]
        return made

    def _look_at_the_clock(self) -> None:
        if time.monotonic() > getattr(self._clock, "until", math.inf):
            raise TimeoutError

    def forget(self) -> None:
        """Empty the cache."""
        with self._lock:
            self._room += sum(size for _, size in self._kept.values())
            self._kept.clear()

    def _gathered(self, node: Query) -> BitMap:
        if isinstance(node, Phrase):
            if not node.loose:
                return self._union(node.fields, lambda field: self._phrase(field, node))
            if found := self.leaf(replace(node, loose=False)):
                return found
            words = [self.leaf(Phrase(node.fields, (token,))) for token in node.tokens]
            return self._combined(And(()), words)
        if isinstance(node, Near):
            return self._union(node.fields, lambda field: self._near(field, node))
        if isinstance(node, Value):
            return self._union(node.fields, lambda field: self._word(field, Token(node.text, node.prefix)))
        if isinstance(node, Heading):
            names = self.tree.below(node.name) if node.explode else [node.name]
            tail = f"/{node.qualifier}" if node.qualifier else ""
            return self._combined(Or(()), [self._word(node.field, Token(name + tail)) for name in names])
        if isinstance(node, Range):
            return self._range(node)
        if isinstance(node, Within):
            return self._within(node)
        if isinstance(node, Missing):
            known = self._union(node.fields, lambda field: self._postings.term(HAS, field))
            return self.everything - known
        return self.everything

    def _union(self, fields: Sequence[str], one: Callable[[str], BitMap]) -> BitMap:
        return self._combined(Or(()), [one(field) for field in fields if self.has.get(field)])

    def _word(self, field: str, token: Token) -> BitMap:
        if not self.has.get(field):
            return self._combined(Or(()), ())
        gather = self._postings.prefix if token.prefix else self._postings.term
        return self._cached((field, token), lambda: gather(field, token.text))

    def _phrase(self, field: str, phrase: Phrase) -> BitMap:
        wanted = phrase.tokens
        if len(wanted) == 1 and not (phrase.start or phrase.end):
            return self._word(field, wanted[0])
        choices = [
            [term for term, _ in self._postings.terms(field, token.text)] if token.prefix else [token.text]
            for token in wanted
        ]
        ways = 1
        for each in choices:
            ways *= len(each)
        if ways > _MOST_PHRASES:
            candidates = self._combined(And(()), [self._word(field, token) for token in wanted])
            return self._verified(candidates, field, lambda words: has_phrase(words, phrase))
        if phrase.start:
            choices.insert(0, [START])
        if phrase.end:
            choices.append([END])
        found = [self._postings.phrase(field, list(enumerate(words))) for words in itertools.product(*choices)]
        return self._combined(Or(()), found)

    def _near(self, field: str, near: Near) -> BitMap:
        words = near.tokens
        candidates = self._combined(And(()), [self._word(field, word) for word in words])
        # How far apart any two of them can be; two alone are no further apart than the distance has it.
        furthest = near.distance + len(words) - 1
        plain = not any(word.prefix for word in words)
        if plain and 2 * furthest * (len(words) - 1) <= _MOST_PAIRS and len(candidates) > 0:
            for other in words[1:]:
                pairs = [(words[0], other), (other, words[0])]
                found = [
                    self._postings.phrase(field, [(0, one.text), (gap, two.text)])
                    for one, two in dict.fromkeys(pairs)
                    for gap in range(1, furthest + 1)
                ]
                candidates = candidates & self._combined(Or(()), found)
            if len(words) == 2 and field not in self._several:
                return candidates
        return self._verified(candidates, field, lambda words: has_near(words, near))

    def _verified(self, candidates: BitMap, field: str, holds: Callable[[list[str]], bool]) -> BitMap:
        from pyroaring import BitMap

        found = BitMap()
        for number, place in enumerate(candidates):
            if number % _LOOKED_AT == 0:
                self._look_at_the_clock()
            if any(holds(tokens(value)) for value in values_of(self._store[place]).get(field, ())):
                found.add(place)
        return found

    def _within(self, node: Within) -> BitMap:
        from pyroaring import BitMap

        candidates = self._walked(relaxed(node.query)) & self._word(PART + node.part, Token("yes"))
        found = BitMap()
        for number, place in enumerate(candidates):
            if number % _LOOKED_AT == 0:
                self._look_at_the_clock()
            parts = self._store[place].fields.get("parts") or {}
            if any(any_part_holds(node.query, own) for name, own in parts.items() if name.lower() == node.part):
                found.add(place)
        return found

    def _range(self, node: Range) -> BitMap:
        import numpy as np
        from pyroaring import BitMap

        column = self._columns.get(node.field)
        if column is None or node.number is not (column.dtype.kind == "f"):
            return BitMap()
        known = ~np.isnan(column) if node.number else column > 0
        if node.low is not None:
            known &= column >= node.low
        if node.high is not None:
            known &= column <= node.high
        found = BitMap(np.flatnonzero(known).astype(np.uint32))
        found.run_optimize()
        return found

    def notes(self, query: Query) -> list[str]:
        """What this index has not, that the query asks for."""
        found: dict[str, None] = {}
        for node, _ in leaves(query):
            fields = (node.field,) if isinstance(node, (Heading, Range)) else getattr(node, "fields", ())
            if fields and not isinstance(node, Missing) and not any(self.has.get(field) for field in fields):
                found[f"no document of this index has the field {' or '.join(f.strip('.') for f in fields)}"] = None
            elif isinstance(node, Heading) and node.explode and node.field != "pt" and node.name not in self.tree:
                found["headings were not exploded: their tree numbers are not known here"] = None
            elif isinstance(node, Phrase) and node.loose and not self.leaf(replace(node, loose=False)):
                words = " ".join(token.text for token in node.tokens)
                found[f"no document has the phrase {words}: its words were searched"] = None
        return list(found)


def _size(found: BitMap) -> int:
    stats = found.get_statistics()
    return int(stats["n_bytes_array_containers"] + stats["n_bytes_run_containers"] + stats["n_bytes_bitset_containers"])
