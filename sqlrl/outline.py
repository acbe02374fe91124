"""An outline: a schema's tables and columns in one line each, for policies that read few tokens."""

from __future__ import annotations

from functools import lru_cache

__all__ = ["outline"]


@lru_cache(maxsize=4_096)
def outline(description: str) -> str:
    """`table(column, column)` for each table of a DDL description; the description itself where it can't be read."""
    import sqlglot
    from sqlglot import expressions

    try:
        statements = sqlglot.parse(description, read="sqlite")
    except (sqlglot.errors.SqlglotError, RecursionError):
        return description
    lines = []
    for statement in statements:
        schema = statement.this if isinstance(statement, expressions.Create) else None
        if isinstance(schema, expressions.Schema):
            columns = [part.name for part in schema.expressions if isinstance(part, expressions.ColumnDef)]
            lines.append(f"{schema.this.name}({', '.join(columns)})")
    return "\n".join(lines) or description
