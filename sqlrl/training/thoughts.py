"""A thought: what a demonstration writes before its query, so that a policy that thinks has something to imitate."""

from __future__ import annotations

__all__ = ["thought_for"]


def thought_for(query: str) -> str:
    """The tables that a query reads, each once, in the order of their names in it; nothing where it can't be read."""
    import sqlglot
    from sqlglot import expressions

    try:
        tree = sqlglot.parse_one(query, read="sqlite")
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError):
        return ""
    common = {expression.alias for expression in tree.find_all(expressions.CTE)}
    names = [table.name for table in tree.find_all(expressions.Table, bfs=False) if table.name not in common]
    return ", ".join(dict.fromkeys(names))
