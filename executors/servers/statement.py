"""A statement: a query as a server will read it, without comments, once it is known to be a single one that reads.

The text is cut into words, quoted names, strings and signs as the dialect cuts it, and put together again with a space
for each comment. So nothing that a comment hides, or that looks like one only to us, reaches the server; and what
follows can be decided on the words, whether or not a parser understands the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlrl.executors.base import Outcome
from sqlrl.executors.errors import QueryError

__all__ = ["Statement", "read_statement"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


OPERATOR_SIGNS = frozenset("+-*/<>=~!@#%^&|`?")  # what PostgreSQL's operators are made of
LONGEST_QUERY = 100_000  # characters
READING = frozenset(["select", "table", "values", "with"])
WRITING = frozenset(["delete", "insert", "merge", "replace", "truncate", "update"])
# Words that begin a statement of another kind, in any of the dialects.
STATEMENTS = WRITING | _words(
    "abort alter analyze attach backup begin binlog cache call change checkpoint checksum close cluster comment commit "
    "copy create deallocate declare delimiter desc describe detach discard do drop end execute exec explain export "
    "fetch flush get grant handler help import install kill listen load lock move notify optimize prepare pragma purge "
    "reassign refresh reindex release rename repair reset resignal restart restore revoke rollback savepoint security "
    "set show shutdown signal source start stop uninstall unlisten unlock use vacuum xa"
)
# Functions that MariaDB and MySQL can't tell from harmless ones: they wait, read files, lock or leave something behind.
MYSQL_FUNCTIONS = _words(
    "benchmark get_lock is_free_lock is_used_lock last_insert_id lastval load_file master_gtid_wait master_pos_wait "
    "nextval release_all_locks release_lock setval sleep source_pos_wait sys_eval sys_exec sys_get sys_set "
    "wait_for_executed_gtid_set wait_until_sql_thread_after_gtids"
)
# On PostgreSQL these stand beside what the server itself calls volatile: they run text, or read outside tables.
POSTGRESQL_FUNCTIONS = re.compile(
    r"(dblink|lo_|pg_(read|write|ls|file|logical|replication|sleep|advisory|try_advisory|terminate|cancel)_|"
    r"pg_stat_file|(query|table|schema|database|cursor)_to_xml|xpath_table|crosstab|connectby|set_config$|setseed$)"
)
CLOCK_AND_CHANCE = _words(
    "clock_timestamp connection_id curdate current_date current_time current_timestamp curtime gen_random_uuid "
    "localtime localtimestamp now rand random random_normal statement_timestamp sysdate tablesample timeofday "
    "transaction_timestamp unix_timestamp utc_date utc_time utc_timestamp uuid uuid_short"
)
# White space and the letters of names are what the servers take them for: any character beyond ASCII is a letter.
_POSTGRESQL = re.compile(
    r"""(?P<space>[ \t\n\r\f\v]+)
    |(?P<comment>--[^\n\r]*)
    |(?P<nested>/\*)
    |(?P<escaped>[eE]'(?:[^'\\]|''|\\.)*+')
    |(?P<string>'(?:[^']|'')*+'|\$(?P<tag>(?:[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)?)\$.*?\$(?P=tag)\$)
    |(?P<quoted>"(?:[^"]|"")*+")
    |(?P<word>[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*)
    |(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_MYSQL = re.compile(
    r"""(?P<space>[ \t\n\r\f\v]+)
    |(?P<executed>/\*M?!)
    |(?P<comment>\#[^\n]*|--(?=[\x00-\x20\x7f]|$)[^\n]*|/\*.*?\*/)
    |(?P<string>'(?:[^'\\]|''|\\.)*+'|"(?:[^"\\]|""|\\.)*+")
    |(?P<quoted>`(?:[^`]|``)*+`)
    |(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<word>[A-Za-z_$\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*)
    |(?P<minuses>--)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_OPENING_TAG = re.compile(r"\$(?:[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)?\$")
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_OPENING = {"'": "string", '"': "quoted name", "`": "quoted name"}


@dataclass(frozen=True, slots=True)
class Statement:
    """text: what is sent. calls: names that stand before a parenthesis, in lower case. fields: those that stand behind
    a point: PostgreSQL takes `row.name` for name(row) where no column is called so. signs: what stands side by side of
    the characters that operators are made of. repeatable: neither clock nor chance decides the result."""

    text: str
    calls: frozenset[str]
    repeatable: bool
    fields: frozenset[str] = frozenset()
    signs: frozenset[str] = frozenset()


def read_statement(query: Any, dialect: str) -> Statement:
    """The statement that a query is, or QueryError: INVALID where it is none, REFUSED where it is not a single one that
    only reads. dialect: "mysql" is cut as MariaDB and MySQL do, everything else as PostgreSQL does."""
    if not isinstance(query, str):
        raise QueryError(Outcome.REFUSED, f"a query is text, not {type(query).__name__}")
    if len(query) > LONGEST_QUERY:
        raise QueryError(Outcome.REFUSED, f"the query is longer than {LONGEST_QUERY:,} characters")
    if "\0" in query:
        raise QueryError(Outcome.REFUSED, "the query has a NUL character")
    if not query.isascii() and any("\ud800" <= character <= "\udfff" for character in query):
        raise QueryError(Outcome.REFUSED, "the query has a lone surrogate")
    tokens = list(_cut(query, dialect))
    while tokens and (tokens[-1][0] == "space" or tokens[-1] == ("sign", ";")):
        tokens.pop()
    words = [token for token in tokens if token[0] != "space"]
    if not words:
        raise QueryError(Outcome.INVALID, "no statement")
    if ("sign", ";") in words:
        raise QueryError(Outcome.REFUSED, "only a single statement is allowed")
    _check_head(words)
    calls = _check_words(words, dialect)
    clock = any(kind == "word" and text.lower() in CLOCK_AND_CHANCE for kind, text in words)
    return Statement("".join(text for _, text in tokens), calls, not clock, _fields(words), _signs(tokens))


def _fields(words: list[tuple[str, str]]) -> frozenset[str]:
    found = set()
    for point, (kind, text) in pairwise(words):
        if point == ("sign", ".") and kind in ("word", "quoted"):
            found.add(text.lower() if kind == "word" else text[1:-1].replace(text[0] * 2, text[0]).lower())
    return frozenset(found)


def _signs(tokens: list[tuple[str, str]]) -> frozenset[str]:
    runs = [""]
    for kind, text in tokens:
        if kind == "sign" and text in OPERATOR_SIGNS:
            runs[-1] += text
        elif runs[-1]:
            runs.append("")
    return frozenset(runs) - {""}


def _cut(query: str, dialect: str) -> Iterator[tuple[str, str]]:
    """(kind, text) of each piece, with a space in place of each comment."""
    pattern = _MYSQL if dialect == "mysql" else _POSTGRESQL
    before = [("", ""), ("", "")]
    place = 0
    while place < len(query):
        match = pattern.match(query, place)
        assert match is not None
        assert match.lastgroup is not None
        kind = "string" if match.lastgroup == "tag" else match.lastgroup
        text, place = match.group(), match.end()
        if kind == "nested":
            place = _after_comment(query, place)
        elif kind == "executed":
            raise QueryError(Outcome.REFUSED, "comments that the server executes are not allowed")
        elif kind == "minuses":
            text = "- -"  # so does the server read it
        elif kind == "sign" and text in _OPENING:
            raise QueryError(Outcome.INVALID, f"a {_OPENING[text]} has no end")
        elif kind == "sign" and text == "$" and _OPENING_TAG.match(query, place - 1):
            raise QueryError(Outcome.INVALID, "a string has no end")
        elif kind == "sign" and text == "/" and query.startswith("*", place):
            raise QueryError(Outcome.INVALID, "a comment has no end")
        if kind in ("nested", "comment"):
            kind, text = "space", " "
        if kind == "quoted" and before[-1] == ("sign", "&") and before[-2][1].lower() == "u":
            raise QueryError(Outcome.REFUSED, "names with Unicode escapes (U&) are not allowed")
        if kind == "string" and before[-2][0] == "escaped" and before[-1][0] == "space":
            raise QueryError(Outcome.REFUSED, "a string with escapes (E) may not be continued on another line")
        if kind == "space" and before[-1][0] == "space":
            before[-1] = ("space", " ")
        else:
            before = [before[-1], (kind, text)]
        yield kind, text


def _after_comment(query: str, place: int) -> int:
    """Where a comment ends that may hold others."""
    depth = 1
    for edge in _COMMENT_EDGE.finditer(query, place):
        depth += 1 if edge.group() == "/*" else -1
        if not depth:
            return edge.end()
    raise QueryError(Outcome.INVALID, "a comment has no end")


def _check_head(words: list[tuple[str, str]]) -> None:
    kind, head = next((token for token in words if token != ("sign", "(")), words[0])
    if kind == "word" and head.lower() in READING:
        return
    if kind == "word" and head.lower() in STATEMENTS:
        raise QueryError(Outcome.REFUSED, f"only reading is allowed, not {head.lower()}")
    raise QueryError(Outcome.INVALID, f"a query begins with SELECT, WITH, VALUES or TABLE, not {head[:40]}")


def _check_words(words: list[tuple[str, str]], dialect: str) -> frozenset[str]:
    """The names of what is called, if no word means more than reading."""
    calls = set()
    end = ("", "")
    for (_, last), (kind, text), (next_kind, following) in zip([end, *words], words, [*words[1:], end], strict=False):
        word = text.lower()
        if kind in ("word", "quoted") and following == "(":
            calls.add(_called(kind, word, dialect))
        elif kind == "sign" and word == "=" and last == ":" and dialect == "mysql":
            raise QueryError(Outcome.REFUSED, "setting a variable is not allowed")
        elif kind != "word":
            continue
        elif word == "into":
            raise QueryError(Outcome.REFUSED, "only reading is allowed, not INTO")
        elif word in WRITING and last in ("(", ")") and next_kind in ("word", "quoted"):
            raise QueryError(Outcome.REFUSED, f"only reading is allowed, not {word}")
        elif (word in ("update", "share") and last.lower() in ("for", "key")) or (
            word == "lock" and following.lower() == "in" and dialect == "mysql"
        ):
            raise QueryError(Outcome.REFUSED, "locking rows is not allowed")
    return frozenset(calls)


def _called(kind: str, name: str, dialect: str) -> str:
    """The name of a function, if nothing is known against it."""
    if kind == "quoted":
        name = name[1:-1].replace(name[0] * 2, name[0])
    # MariaDB finds a function by a name with accents too.
    if dialect == "mysql" and not name.isascii() and kind == "word":
        raise QueryError(Outcome.REFUSED, "a function's name may only have ASCII letters")
    if name in MYSQL_FUNCTIONS or (dialect != "mysql" and POSTGRESQL_FUNCTIONS.match(name)):
        raise QueryError(Outcome.REFUSED, f"the function {name} is not allowed")
    return name
