"""Hardness: Spider's four levels of a gold query, counted on its syntax tree.

The rule is Spider's eval_hardness (evaluation.py of taoyds/spider): clauses and joins, nested queries, and what there
is more than one of.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

__all__ = ["hardness_of"]


@lru_cache(maxsize=65_536)
def hardness_of(query: str) -> str:
    """ "easy", "medium", "hard" or "extra"; "unknown" for what sqlglot cannot read."""
    import sqlglot
    from sqlglot import expressions as e

    try:
        tree = sqlglot.parse_one(query, read="sqlite")
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError):
        return "unknown"
    nested = 0
    while isinstance(tree, e.SetOperation):  # the second query counts as nested; the first is looked at
        nested += 1
        tree = tree.this
    if not isinstance(tree, e.Select):
        return "unknown"

    def own(kind: Any, within: e.Expression | None) -> list[e.Expression]:
        """Nodes of this query that stand in no subquery of it."""
        if within is None:
            return []
        return [
            node
            for node in within.find_all(kind)
            if node.find_ancestor(e.Select) in (tree, None) or node.parent_select is tree
        ]

    where, having = tree.args.get("where"), tree.args.get("having")
    group, order, limit = tree.args.get("group"), tree.args.get("order"), tree.args.get("limit")
    joins = tree.args.get("joins") or []
    conditions = [clause for clause in (where, having) if clause is not None]
    on = [join.args["on"] for join in joins if join.args.get("on") is not None]
    ors = sum(len(own(e.Or, clause)) for clause in [*conditions, *on])
    likes = sum(len(own(e.Like, clause)) for clause in [*conditions, *on])
    first = sum(clause is not None for clause in (where, group, order, limit)) + len(joins) + ors + likes
    for clause in [*conditions, *on]:
        nested += sum(1 for sub in clause.find_all(e.Select) if sub.parent_select is tree)

    # The script's counter of aggregates takes a condition's NOT for one, and does not see those of HAVING.
    aggregates = sum(len(own(e.AggFunc, part)) for part in [*tree.expressions, order] if part is not None)
    aggregates += sum(len(own(e.Not, clause)) for clause in conditions)
    aggregates += len(own(e.Connector, having))
    predicates = len(own(e.Predicate, where)) if where is not None else 0
    others = sum(
        (aggregates > 1, len(tree.expressions) > 1, predicates > 1, group is not None and len(group.expressions) > 1)
    )

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
