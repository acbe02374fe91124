"""Dialects: a query in the words of the engine that runs it, where the policy speaks those of another."""

from __future__ import annotations

import logging
import re
import threading
from typing import Any

__all__ = ["LONGEST", "PARSERS", "UnreadableError", "comparable", "parse", "parser_of", "transpile", "words_of"]

LONGEST = 20_000  # characters of a query that is read here, in the app's own process: some take seconds beyond

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

_UNDERLINED = re.compile(r"\x1b\[[0-9;]*m")


def parser_of(dialect: str) -> str | None:
    """sqlglot's name of a dialect; None where it knows none of that name."""
    return PARSERS.get(dialect.lower())


class UnreadableError(Exception):
    """Why a text cannot be read as SQL; never leaves this folder."""


def parse(text: str, dialect: str) -> list[Any]:
    """The statements of a text, as sqlglot has them. UnreadableError."""
    import sqlglot

    if len(text) > LONGEST:
        raise UnreadableError(f"it is longer than {LONGEST:,} characters")
    _quiet.on = True
    try:
        return list(sqlglot.parse(text, read=parser_of(dialect)))
    except RecursionError:
        raise UnreadableError("it is nested too deeply") from None
    except (sqlglot.errors.SqlglotError, ValueError) as error:
        raise UnreadableError(words_of(error)) from None
    finally:
        _quiet.on = False


def words_of(error: BaseException) -> str:
    """A parser's error on one line, without the codes that underline a part of it on a terminal."""
    return " ".join(_UNDERLINED.sub("", str(error)).split())[:160]


class _Quiet(threading.local):
    """Whether this thread's parser is to keep its warnings, which quote the query, out of the app's log."""

    on = False


_quiet = _Quiet()
logging.getLogger("sqlglot").addFilter(lambda record: not _quiet.on)


def transpile(query: str, spoken: str, wanted: str) -> str:
    """The query in the dialect `wanted`. As it is where both are one, or where it cannot be read: the engine's error
    then says more than a parser's."""
    read, write = parser_of(spoken), parser_of(wanted)
    if read is None or write is None or read == write:
        return query
    import sqlglot

    try:
        (statement,) = parse(query, spoken)
        return str(statement.sql(dialect=write, comments=False, unsupported_level=sqlglot.ErrorLevel.IGNORE))
    except (UnreadableError, RecursionError, ValueError, AttributeError):
        return query


def comparable(value: str | float | None, with_text: bool, dialect: str) -> bool:
    """Whether a literal compares as what it is. In MariaDB and MySQL a backslash in a text escapes, and any text that
    begins with no number equals 0."""
    mysql = dialect == "mysql"
    if isinstance(value, str):
        return "\0" not in value and not (mysql and "\\" in value)
    return value is None or not (mysql and with_text)
