"""Judges for training and people: `robust` forgives what no reader would mind, `strict` doesn't, `cell-f1` gives
marks between wrong and right."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

from sqlrl.benchmarks.base import Verdict
from sqlrl.benchmarks.judges.verdicts import verdict_of
from sqlrl.executors.base import Comparison, Gold
from sqlrl.executors.relations import Relation

__all__ = ["CellF1", "Robust", "Strict", "orders_rows"]

TOLERANCE = 1e-6  # sums of floats differ by the order of their rows
_HIDDEN = re.compile(  # what may hold the words without meaning them
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/""", re.DOTALL
)


class Robust:
    """Bags of rows in any one order of columns, numbers within a tolerance; row order only where the gold asks for one
    at its top. Matching a gold that returns nothing earns nothing: any wrong query that finds nothing would match too.
    """

    name = "robust"

    def prepare(self, predicted: str, gold: Gold) -> tuple[str, Gold]:
        """Both as they are."""
        return predicted, gold

    def relation(self, gold: Gold) -> Relation:
        """A list where the gold orders, else a bag."""
        ordered = gold.query is not None and orders_rows(gold.query)
        return Relation(rows="list" if ordered else "bag", columns="any", tolerance=TOLERANCE)

    def verdict(self, comparisons: Sequence[Comparison]) -> Verdict:
        """See `verdict_of`."""
        return verdict_of(comparisons, empty_gold_counts=False)


class Strict(Robust):
    """Exact values, columns in the gold's order, rows in the gold's order where it orders them. An empty gold earns
    nothing here either."""

    name = "strict"

    def relation(self, gold: Gold) -> Relation:
        """A list where the gold orders, else a bag; nothing forgiven."""
        ordered = gold.query is not None and orders_rows(gold.query)
        return Relation(rows="list" if ordered else "bag")


class CellF1(Robust):
    """Right is what `robust` calls right. A wrong result is marked by the share of cells that it has in common with
    the gold's (see `CellF1Matcher`): partial credit for training, where all of a group may be wrong.

    Why not the published measures: BIRD's soft F1 holds the first row against the first, so that a result in another
    order is worth near nothing. QATCH's mean of cell precision, cell recall and tuple cardinality (which Think2SQL
    trains on, arXiv 2504.15077) compares sets of cells and gives a third of the mark to any result of the right length,
    so that `SELECT 7` earns it wherever one row is asked for.
    """

    name = "cell-f1"

    def relation(self, gold: Gold) -> Relation:
        """As `robust`, marked by cells where it is not equal."""
        return replace(super().relation(gold), measure="cell-f1")


@lru_cache(maxsize=65_536)
def orders_rows(query: str) -> bool:
    """Whether the order of the result's rows is asked for: an ORDER BY at the top of the syntax tree.

    One in a subquery, a window or an aggregate says nothing of it. A query that sqlglot cannot read is scanned for the
    words outside parentheses, literals, quoted names and comments instead.
    """
    import sqlglot
    from sqlglot import expressions

    try:
        tree = sqlglot.parse_one(query, read="sqlite")
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError):
        return _scanned(query)
    while isinstance(tree, expressions.Subquery) and tree.args.get("order") is None:
        tree = tree.this
    return tree.args.get("order") is not None


def _scanned(query: str) -> bool:
    depth = 0
    words: list[str] = []
    for token in re.findall(r"[()]|[A-Za-z_]\w*", _HIDDEN.sub(" ", query)):
        depth += (token == "(") - (token == ")")
        if depth == 0:
            words.append(token.upper())
    return ("ORDER", "BY") in pairwise(words)
