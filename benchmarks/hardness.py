"""Hardness: Spider's four levels of a gold query, counted on its clauses.

The rule is Spider's eval_hardness (evaluation.py of taoyds/spider): clauses and joins, nested queries, and what there
is more than one of. As there, a query is read word by word: to draw the tree of each of a thousand golds takes longer
than to judge the predictions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

__all__ = ["hardness_of"]

_WORDS = re.compile(
    r"""
      ' (?:[^']|'')* ' | " (?:[^"]|"")* " | ` [^`]* ` | \[ [^\]]* \]
    | (?P<remark> --[^\n]* | /\* .*? \*/ )
    | (?:GROUP|ORDER) \s+ BY\b | \w+ | [<>=!]+ | [^\w\s]
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_CLAUSES = frozenset({"SELECT", "FROM", "ON", "WHERE", "GROUP BY", "HAVING", "ORDER BY", "LIMIT"})
_COMPOUNDS = frozenset({"UNION", "INTERSECT", "EXCEPT"})
_AGGREGATES = frozenset({"COUNT", "SUM", "AVG", "MIN", "MAX", "TOTAL", "GROUP_CONCAT"})
_COMPARISONS = frozenset({"=", "==", "!=", "<>", "<", ">", "<=", ">=", "IN", "LIKE", "GLOB", "IS", "BETWEEN", "EXISTS"})
_NESTED, _AGGREGATE = "(SELECT)", "(COUNT)"  # stand for a subquery, whose words are its own, and for an aggregate


@lru_cache(maxsize=65_536)
def hardness_of(query: str) -> str:
    """ "easy", "medium", "hard" or "extra"; "unknown" for what is no SELECT, or no whole one."""
    clauses, is_compound = _read(query)
    if "SELECT" not in clauses:
        return "unknown"

    def count(words: frozenset[str] | set[str], *names: str) -> int:
        return sum(word in words for name in names for word in clauses.get(name, ()))

    conditions = ("ON", "WHERE", "HAVING")
    first = sum(name in clauses for name in ("WHERE", "GROUP BY", "ORDER BY", "LIMIT"))
    first += count({"JOIN", ","}, "FROM") + count({"OR", "LIKE"}, *conditions)
    nested = is_compound + count({_NESTED}, *conditions)
    # The script's counter of aggregates takes a condition's NOT for one, and in HAVING sees only what joins conditions.
    aggregates = count({_AGGREGATE}, "SELECT", "ORDER BY") + count({"NOT"}, "WHERE", "HAVING")
    aggregates += count({"AND", "OR"}, "HAVING") - count({"BETWEEN"}, "HAVING")
    others = sum(
        (
            aggregates > 1, count({","}, "SELECT") > 0, count(_COMPARISONS, "WHERE") > 1, count({","}, "GROUP BY") > 0,
        )
    )  # fmt: skip

    if first <= 1 and others == 0 and nested == 0:
        return "easy"
    if (others <= 2 and first <= 1 and nested == 0) or (first <= 2 and others < 2 and nested == 0):
        return "medium"
    if (
        (others > 2 and first <= 2 and nested == 0)
        or (2 < first <= 3 and others <= 2 and nested == 0)
        or (first <= 1 and others == 0 and nested <= 1)
    ):
        return "hard"
    return "extra"


def _read(query: str) -> tuple[dict[str, list[str]], bool]:
    """(clause -> its words in upper case, whether UNION or the like joins another query to it) of the first query.

    Of what stands in parentheses the commas are left out, and a subquery is one word. No clauses where parentheses are
    not closed. However many queries are joined, the script sees one: each is nested in the one before.
    """
    clauses: dict[str, list[str]] = {}
    words: list[str] = []  # of the clause that is being read; what comes before the first is nobody's
    is_compound = False
    depth = 0
    inside = 0  # the depth at which the subquery that is being passed over began
    before = ""
    for word in _words(query):
        if word == ")":
            depth -= 1
            inside = inside if depth >= inside else 0
        elif inside:
            depth += word == "("
        elif word == "(":
            depth += 1
            if before in _AGGREGATES and words:
                words[-1] = _AGGREGATE
        elif before == "(" and word == "SELECT":
            inside = depth
            words.append(_NESTED)
        elif depth:
            if word != ",":
                words.append(word)
        elif word in _COMPOUNDS:
            is_compound = True
        elif is_compound or word == ";":
            pass
        elif word in _CLAUSES:
            words = clauses.setdefault(word, [])
        elif word == "JOIN" or (word == "," and words is clauses.get("ON")):
            words = clauses.setdefault("FROM", [])
            words.append(word)
        else:
            words.append(word)
        before = word
    return ({} if depth else clauses), is_compound


def _words(query: str) -> Iterator[str]:
    """Upper-case words and signs, without remarks."""
    for match in _WORDS.finditer(query):
        if match.lastgroup is None:
            yield " ".join(match.group().upper().split())
