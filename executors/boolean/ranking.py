"""Best match: which hits have more of a query's words, and rarer ones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sqlrl.executors.boolean.evaluate import Evaluator
from sqlrl.executors.boolean.queries import Heading, Near, Parsed, Phrase, Query, Value, leaves

if TYPE_CHECKING:
    import numpy as np
    from pyroaring import BitMap

__all__ = ["best"]


def best(evaluator: Evaluator, parsed: Parsed, hits: BitMap, ties: np.ndarray, depth: int) -> list[tuple[int, float]]:
    """The best `depth` hits as (place, score), best first, ties by id.

    Every different word, phrase, value or heading that the query asks for, and n of N documents have, counts with
    log(1 + (N - n + 0.5) / (n + 0.5)) in each of these (BM25's weight, Robertson and Zaragoza 2009), once more where
    the title has it. What the query leaves out, and days, count nothing.
    """
    import numpy as np

    if parsed.query is None or not hits:
        return []
    places = np.fromiter(hits, dtype=np.uint32, count=len(hits))
    scores = np.zeros(len(places), dtype=np.float64)
    everything = len(evaluator.everything)
    wanted: dict[Query, None] = {}
    for leaf, kept in leaves(parsed.query):
        if kept and isinstance(leaf, (Phrase, Near, Value, Heading)):
            wanted[leaf] = None
            if isinstance(leaf, Phrase) and "ti" in leaf.fields and len(leaf.fields) > 1:
                wanted[Phrase(("ti",), leaf.tokens, False, leaf.start, leaf.end)] = None
    for leaf in wanted:
        having = evaluator.leaf(leaf)
        both = having & hits
        if both:
            weight = math.log(1 + (everything - len(having) + 0.5) / (len(having) + 0.5))
            scores[np.searchsorted(places, np.fromiter(both, dtype=np.uint32, count=len(both)))] += weight
    order = np.lexsort((ties[places], -scores))[:depth]
    return list(zip(places[order].tolist(), scores[order].tolist(), strict=True))
