"""Spider's execution match, as its test-suite script runs it (test-suite-sql-eval, exec_eval.py and evaluation.py).

Its quirks are the rule here: the word "value" in a prediction becomes 1, DISTINCT is taken out of both queries, "order
by" anywhere in the gold's text makes the row order count, and a row's cells must have the gold's types too. `strict`
leaves out the first two, which are faults of the script rather than of the rule (its `--keep_distinct`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from sqlrl.benchmarks.base import Verdict
from sqlrl.benchmarks.judges.verdicts import verdict_of
from sqlrl.executors.base import Comparison, Gold
from sqlrl.executors.relations import Relation

__all__ = ["Spider", "without_distinct"]

_YEAR_NOW = re.compile(r"YEAR\s*\(\s*CURDATE\s*\(\s*\)\s*\)\s*", re.IGNORECASE)
# What may hide the word DISTINCT: literals, quoted names, comments. Else one word, or one character.
_TOKENS = re.compile(
    r"""'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|""|\\.)*"|`(?:[^`]|``)*`|--[^\n]*\n?|/\*.*?\*/|[A-Za-z_$][\w$]*|.""", re.DOTALL
)


class Spider:
    """strict: keep DISTINCT and the word "value"."""

    def __init__(self, strict: bool = False) -> None:
        self.strict = strict
        self.name = "spider-strict" if strict else "spider"

    def prepare(self, predicted: str, gold: Gold) -> tuple[str, Gold]:
        """What the script runs in the place of both."""
        query = gold.query
        if query is None:
            return predicted, gold
        if not self.strict:
            predicted = predicted.replace("value", "1")
        predicted, query = _repaired(predicted), _repaired(query)
        if not self.strict:
            predicted, query = without_distinct(predicted), without_distinct(query)
        return predicted, replace(gold, query=query)

    def relation(self, gold: Gold) -> Relation:
        """Any one order of columns; a list where "order by" occurs in the gold's text, even in a subquery."""
        ordered = gold.query is not None and "order by" in gold.query.lower()
        return Relation(rows="list" if ordered else "bag", columns="any", typed=True)

    def verdict(self, comparisons: Sequence[Comparison]) -> Verdict:
        """See `verdict_of`; every database file of the folder must agree."""
        return verdict_of(comparisons, empty_gold_counts=True)


def without_distinct(query: str) -> str:
    """The first statement of `query` without its DISTINCT keywords."""
    kept: list[str] = []
    for token in _TOKENS.findall(query):
        if token == ";":
            kept.append(token)
            break
        if token.lower() != "distinct":
            kept.append(token)
    return "".join(kept)


def _repaired(query: str) -> str:
    for broken, whole in (("> =", ">="), ("< =", "<="), ("! =", "!=")):
        query = query.replace(broken, whole)
    return _YEAR_NOW.sub("2020", query)
