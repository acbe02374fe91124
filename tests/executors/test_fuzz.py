"""Whatever text is asked: a result comes back, the database keeps its bytes, and the next query is answered right."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from sqlrl.executors import Limits, Outcome, Result, open_executor
from sqlrl.executors.groups import Member

MODEST = settings(
    derandomize=True,
    max_examples=40,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
BATCH = 8  # queries that share one example, so that each also stands beside others in a worker
REAL = (
    "SELECT name , country , age FROM singer ORDER BY age DESC LIMIT 5",
    "SELECT avg ( age ) , min ( age ) , max ( age ) FROM singer WHERE country = 'France'",
    "SELECT country , count ( * ) FROM singer GROUP BY country HAVING count ( * ) > 3",
    "SELECT T2.name , count ( * ) FROM concert AS T1 JOIN stadium AS T2 ON T1.stadium_id = T2.stadium_id "
    "GROUP BY T1.stadium_id , T2.name",
    "SELECT name FROM stadium WHERE stadium_id NOT IN ( SELECT stadium_id FROM concert )",
    "SELECT song_name FROM singer WHERE age > ( SELECT avg ( age ) FROM singer )",
    "WITH young AS ( SELECT * FROM singer WHERE age < 30 ) SELECT country FROM young UNION SELECT location "
    "FROM stadium",
    "SELECT name , rank ( ) OVER ( PARTITION BY country ORDER BY age ) FROM singer",
    "SELECT CASE WHEN age > 40 THEN 'old' ELSE NULL END AS kind , theme FROM singer , concert WHERE theme LIKE '%F%'",
)
WORDS = (
    "SELECT", "FROM", "WHERE", "(", ")", ",", ";", "--", "/*", "*/", "'", '"', "`", "[", "]", "*", "::", "$$", "?",
    "NULL", "DELETE", "UPDATE", "INSERT INTO", "DROP TABLE", "RETURNING", "PRAGMA", "ATTACH", "WITH RECURSIVE", ":a",
    "singer", "concert", "age", "name", "1e999", "-9223372036854775808", "0x", "x'", "E'", "\u00a0", "\u2028", "\ufeff",
    "LIMIT -1", "OFFSET", "ORDER BY 1", "VALUES", "CAST ( age AS", "NATURAL JOIN", "{", "}", "@", "#1", "||", "->>",
    "UNION ALL",
)  # fmt: skip
COLUMNS = ("age", "name", "country", "singer_id", "nothing")
FUNCTIONS = ("abs", "length", "upper", "sum", "count", "max", "coalesce", "hex", "substr", "typeof", "json", "nothing")


@pytest.fixture(scope="module", params=["sqlite", "duckdb"])
def executor(request: pytest.FixtureRequest, databases: dict[str, Path]) -> Iterator[Member]:
    """One of the engines; at the end its file has the bytes that it had, and no file lies beside it."""
    path = databases[request.param]
    before = hashlib.sha256(path.read_bytes()).digest()
    limits = Limits(seconds=0.5, rows=10_000, bytes=1 << 20, memory_bytes=256 << 20)
    with open_executor(str(path), limits=limits, workers=1) as executor:
        yield executor
    assert hashlib.sha256(path.read_bytes()).digest() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def _ask(executor: Member, queries: list[str]) -> None:
    results = executor.execute_many(queries)
    assert len(results) == len(queries)
    for query, result in zip(queries, results, strict=True):
        assert isinstance(result, Result)
        assert result.outcome not in (Outcome.UNAVAILABLE, Outcome.CRASHED), (query, result)
        assert result.outcome is Outcome.OK or (result.message and not result.rows), (query, result)
        assert all(len(row) == len(result.columns) for row in result.rows), (query, result)
    assert executor.execute("select count(*), sum(age) from singer").rows == ((30, 1035),), queries


@given(queries=st.lists(st.text(max_size=80), min_size=1, max_size=BATCH))
@MODEST
def test_any_text(executor: Member, queries: list[str]) -> None:
    _ask(executor, queries)


@given(
    queries=st.lists(st.binary(max_size=80), min_size=1, max_size=BATCH), codec=st.sampled_from(["latin-1", "utf-8"])
)
@MODEST
def test_any_bytes_as_text(executor: Member, queries: list[bytes], codec: str) -> None:
    _ask(executor, [query.decode(codec, "surrogateescape") for query in queries])


def _literals() -> st.SearchStrategy[exp.Expression]:
    numbers = st.integers(-(2**66), 2**66).map(exp.Literal.number) | st.floats().map(exp.Literal.number)
    return numbers | st.text(max_size=12).map(exp.Literal.string) | st.just(exp.null())


def _larger(inner: st.SearchStrategy[exp.Expression]) -> st.SearchStrategy[exp.Expression]:
    kinds = [exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.And, exp.Or, exp.EQ, exp.LT, exp.Like, exp.DPipe, exp.Is]
    binary = st.builds(
        lambda kind, a, b: kind(this=exp.paren(a), expression=exp.paren(b)), st.sampled_from(kinds), inner, inner
    )
    called = st.builds(
        lambda name, given: exp.Anonymous(this=name, expressions=given),
        st.sampled_from(FUNCTIONS),
        st.lists(inner, max_size=3),
    )
    cast = st.builds(exp.cast, inner, st.sampled_from(["int", "text", "double", "date", "boolean", "blob"]))
    chosen = st.builds(lambda test, yes, no: exp.case().when(test, yes).else_(no), inner.map(exp.paren), inner, inner)
    asked = inner.map(lambda value: exp.Subquery(this=exp.select(value).from_("concert").limit(1)))
    return binary | called | cast | chosen | asked


VALUES = st.recursive(_literals() | st.sampled_from(COLUMNS).map(exp.column), _larger, max_leaves=12)


@st.composite
def statements(draw: st.DrawFn) -> exp.Expression:
    """A SELECT of expressions that need not fit, sometimes joined, grouped, ordered, united or in a WITH."""
    query = exp.select(*draw(st.lists(VALUES, min_size=1, max_size=3))).from_("singer")
    if draw(st.booleans()):
        query = query.where(draw(VALUES))
    if draw(st.integers(0, 3)) == 0:
        query = query.join(draw(st.sampled_from(["stadium", "concert"])), on=draw(VALUES), join_type="left")
    if draw(st.integers(0, 3)) == 0:
        query = query.group_by(draw(VALUES)).having(draw(VALUES))
    if draw(st.booleans()):
        query = query.order_by(draw(VALUES))
    if draw(st.booleans()):
        query = query.limit(draw(st.integers(-2, 2**65)))
    if draw(st.integers(0, 4)) == 0:
        return exp.select("*").from_("t").with_("t", as_=query)
    if draw(st.integers(0, 4)) == 0:
        return exp.union(query, exp.select(draw(VALUES)), distinct=draw(st.booleans()))
    return query


@given(trees=st.lists(statements(), min_size=1, max_size=BATCH))
@MODEST
def test_statements_put_together(executor: Member, trees: list[exp.Expression]) -> None:
    _ask(executor, [tree.sql(dialect=executor.dialect) for tree in trees])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("select $$a  b$$", "select $$a b$$"),
        ("select E'\\'  b'", "select E'\\' b'"),
        ("select ['a]  b']", "select ['a] b']"),
        ("select 1 as x", "select\u00a01 as x"),
        ("select 1", "select 1\u2003"),
        ("select 'a  b'", "select 'a b'"),
        ("select 1 as [a  b]", "select 1 as [a b]"),
        ("select 1 -- 2\n+ 1", "select 1 -- 2 + 1"),
    ],
)
def test_queries_that_look_alike_are_not_taken_for_one(executor: Member, one: str, other: str) -> None:
    alone = [executor.execute(query) for query in (one, other)]
    together = executor.execute_many([one, other])
    assert [(result.outcome, result.rows) for result in together] == [(each.outcome, each.rows) for each in alone]


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """A real query after some accidents: tokens swapped, dropped, doubled, put in, or taken from another query."""
    tokens = draw(st.sampled_from(REAL)).split(" ")
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(tokens) - 1))
        other = draw(st.integers(0, len(tokens) - 1))
        accident = draw(st.sampled_from(["swap", "drop", "double", "put in", "graft"]))
        if accident == "swap":
            tokens[at], tokens[other] = tokens[other], tokens[at]
        elif accident == "drop" and len(tokens) > 1:
            del tokens[at]
        elif accident == "double":
            tokens[at:at] = tokens[min(at, other) : max(at, other) + 1]
        elif accident == "put in":
            tokens.insert(at, draw(st.sampled_from(WORDS)))
        elif accident == "graft":
            tokens[at:] = draw(st.sampled_from(REAL)).split(" ")[other:] or ["1"]
    return " ".join(tokens)


@given(queries=st.lists(mutations(), min_size=1, max_size=BATCH))
@MODEST
def test_real_queries_after_accidents(executor: Member, queries: list[str]) -> None:
    _ask(executor, queries)
