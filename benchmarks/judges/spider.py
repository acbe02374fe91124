"""Spider's execution match, as its test-suite script runs it (test-suite-sql-eval: evaluation.py, exec_eval.py).

Its quirks are the rule here: "value" in a prediction becomes 1, DISTINCT is taken out of both queries and all but their
first statement is dropped, "order by" anywhere in the gold's text makes the order of rows count, rows that are equal
may still be told apart by the types of their cells, bytes that are not UTF-8 are left out of text, and a prediction
without a statement returns nothing (a blank one makes the script stop, and is wrong here). `spider-strict` leaves the
first two out (`--keep_distinct`, and a prediction as it was written); `spider-exec` leaves the first out, as those do
who call the script's `eval_exec_match` themselves (SQL-R1's reward). One divergence, on purpose: what is not a single
reading query is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from sqlrl.benchmarks.base import Verdict
from sqlrl.benchmarks.judges.statements import or_nothing
from sqlrl.benchmarks.judges.verdicts import verdict_of
from sqlrl.executors.base import Comparison, Gold
from sqlrl.executors.relations import Relation

__all__ = ["Spider", "without_distinct"]

_YEAR_NOW = re.compile(r"YEAR\s*\(\s*CURDATE\s*\(\s*\)\s*\)\s*", re.IGNORECASE)
# The script reads tokens with sqlparse; these are the parts of its reading that decide what is a word of its own in a
# query that SQLite could run. A backslash keeps a quote from ending a literal there, though not in SQLite.
_TOKENS = re.compile(
    r"""
      (?P<remark> (?:--|\#[ ]) [^\r\n]* (?:\r\n|\r|\n|$) )
    | /\* .*? \*/
    | ' (?:''|\\'|[^'])* '
    | " (?:""|\\"|[^"])* "
    | ` (?:``|[^`])* `
    | (?<![\w\])]) \[ [^\[\]]+ \]
    | (?P<name> (?<=\.) [^\W\d_]\w* | [^\W\d_]\w* (?=\s*\.|\() )
    | (?P<word> \w [\w$\#]* )
    | (?P<blank> [^\S\r\n] )
    | [+/%^&|] [+/%^&|-]*
    | .
    """,
    re.DOTALL | re.VERBOSE,
)


class Spider:
    """strict: keep DISTINCT, and the word "value" in predictions. written: keep that word only."""

    def __init__(self, strict: bool = False, written: bool = False) -> None:
        self.strict = strict
        self.written = strict or written
        self.name = "spider-strict" if strict else "spider-exec" if written else "spider"

    def prepare(self, predicted: str, gold: Gold) -> tuple[str, Gold]:
        """What the script runs in the place of both; both as they are where no gold query is known, since the rows
        that are known come from a query that nobody rewrote."""
        if gold.query is None:
            return predicted, gold
        if not self.written:
            predicted = predicted.replace("value", "1")
        blank = not self.strict and not predicted.strip()
        predicted = self._rewritten(predicted)
        query = self._rewritten(gold.query)
        gold = gold if query == gold.query else replace(gold, query=query)
        return predicted if blank else or_nothing(predicted), gold

    def relation(self, gold: Gold) -> Relation:
        """For a prepared gold: any one order of columns; a list where its text has "order by", even in a subquery."""
        ordered = gold.query is not None and "order by" in gold.query.lower()
        return Relation(rows="list" if ordered else "bag", columns="any", typed=True, text="ignore")

    def verdict(self, comparisons: Sequence[Comparison]) -> Verdict:
        """Right where every database file of the folder agrees; nothing equals nothing, whatever the columns."""
        return verdict_of(comparisons, empty_gold_counts=True)

    def _rewritten(self, query: str) -> str:
        for broken, whole in (("> =", ">="), ("< =", "<="), ("! =", "!=")):
            query = query.replace(broken, whole)
        if not self.strict:
            query = without_distinct(query)
        return _YEAR_NOW.sub("2020", query)


@lru_cache(maxsize=16_384)
def without_distinct(query: str) -> str:
    """The first statement of `query` less every token that reads "distinct": a keyword, but a column's name as well.

    Gives the text that sqlparse 0.5.5 gives, for queries that read and are made of tokens that SQLite has: no other
    can run. Blanks and remarks on the line of the closing semicolon stay, since the script runs them too.
    """
    # Most queries are one statement without the word: the parts of their reading put together are the query again.
    if query.find(";") in (-1, len(query) - 1) and "GO" not in query and "distinct" not in query.lower():
        return query
    kept: list[str] = []
    depth = blocks = 0
    ended = False
    for match in _TOKENS.finditer(query):
        token, kind = match.group(), match.lastgroup
        if ended and kind not in ("blank", "remark"):
            break
        word = token.upper() if kind == "word" else ""
        if token in ("(", ")") or word == "END":
            depth += 1 if token == "(" else -1
        if word in ("BEGIN", "END"):  # no statement ends inside of a block
            blocks = max(0, blocks + (1 if word == "BEGIN" else -1))
        if token.lower() != "distinct":
            kept.append(token)
        ended = ended or (token == ";" and depth <= 0 and blocks == 0) or (token == "GO" and kind == "word")
    return "".join(kept)
