"""Dialects: a query in the words of the engine that runs it, where the policy speaks those of another."""

from __future__ import annotations

__all__ = ["PARSERS", "parser_of", "transpile"]

# What executors and prompts call a dialect -> what sqlglot calls it
PARSERS = {
    "sqlite": "sqlite",
    "duckdb": "duckdb",
    "postgresql": "postgres",
    "postgres": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
    "mssql": "tsql",
    "oracle": "oracle",
    "snowflake": "snowflake",
    "bigquery": "bigquery",
}


def parser_of(dialect: str) -> str | None:
    """sqlglot's name of a dialect; None where it knows none of that name."""
    return PARSERS.get(dialect.lower())


def transpile(query: str, spoken: str, wanted: str) -> str:
    """The query in the dialect `wanted`. As it is where both are one, or where it cannot be read: the engine's error
    then says more than a parser's."""
    read, write = parser_of(spoken), parser_of(wanted)
    if read is None or write is None or read == write:
        return query
    import sqlglot

    try:
        statements = sqlglot.transpile(
            query, read=read, write=write, comments=False, unsupported_level=sqlglot.ErrorLevel.IGNORE
        )
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError):
        return query
    return statements[0] if len(statements) == 1 else query
