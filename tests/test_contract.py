"""What every executor promises, whatever stands behind it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sqlrl.executors import Executor, Gold, Limits, Outcome, open_executor
from sqlrl.executors.errors import QueryError
from sqlrl.executors.relations import Relation

BAG = Relation("bag")
Maker = Callable[..., Executor]


def _sqlite(tmp_path: Path) -> Maker:
    import sqlite3

    path = tmp_path / "numbers.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("create table numbers(n integer, word text)")
        connection.executemany("insert into numbers values (?, ?)", [(1, "one"), (2, "two"), (3, "three")])
    connection.close()
    return lambda **settings: open_executor(f"sqlite:///{path}", workers=1, **settings)


NUMBERS = "create table numbers as select * from (values (1, 'one'), (2, 'two'), (3, 'three')) t(n, word)"


def _duckdb(tmp_path: Path) -> Maker:
    import duckdb

    path = tmp_path / "numbers.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(NUMBERS)
    return lambda **settings: open_executor(f"duckdb:///{path}", workers=1, **settings)


def _parquet(tmp_path: Path) -> Maker:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(NUMBERS)
        connection.execute(f"copy numbers to '{tmp_path}/numbers.parquet'")
    return lambda **settings: open_executor(f"parquet:///{tmp_path}", workers=1, **settings)


def _csv(tmp_path: Path) -> Maker:
    (tmp_path / "numbers.csv").write_text("n,word\n1,one\n2,two\n3,three\n")
    return lambda **settings: open_executor(f"csv:///{tmp_path}", workers=1, **settings)


ENGINES = {"sqlite": _sqlite, "duckdb": _duckdb, "parquet": _parquet, "csv": _csv}
SERVERS = ("postgresql", "mysql")


def _on_server(server: Any) -> Maker:
    if "numbers" not in server.databases:
        server.ask("create database numbers")
        if server.kind == "mysql":
            server.ask("grant all on numbers.* to ordinary@localhost")
        server.ask("create table numbers(n integer, word text)", "numbers")
        server.ask("insert into numbers values (1, 'one'), (2, 'two'), (3, 'three')", "numbers")
        if server.kind == "postgresql":
            server.ask("alter table numbers owner to ordinary", "numbers")
        server.databases.add("numbers")
    return lambda **settings: open_executor(server.url("numbers"), workers=2, **settings)


@pytest.fixture(params=sorted([*ENGINES, *SERVERS]))
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Maker:
    """Opens the three numbers behind one of the engines, or on one of the servers."""
    if request.param in SERVERS:
        return _on_server(request.getfixturevalue(request.param))
    return ENGINES[request.param](tmp_path)


@pytest.fixture
def executor(make: Maker) -> Iterator[Executor]:
    with make(limits=Limits(seconds=1, rows=1_000, bytes=100_000)) as executor:
        yield executor


def test_it_is_an_executor(executor: Executor) -> None:
    assert isinstance(executor, Executor)
    assert executor.source
    assert executor.dialect


def test_it_describes_itself(executor: Executor) -> None:
    assert "numbers" in executor.describe()


def test_rows_are_tuples_under_named_columns(executor: Executor) -> None:
    result = executor.execute("select n, word from numbers order by n")
    assert (result.outcome, result.columns) == (Outcome.OK, ("n", "word"))
    assert result.rows == ((1, "one"), (2, "two"), (3, "three"))
    assert not result.truncated


def test_a_limit_cuts_and_says_so(executor: Executor) -> None:
    result = executor.execute("select n from numbers order by n", limit=2)
    assert (result.rows, result.truncated) == (((1,), (2,)), True)
    assert not executor.execute("select n from numbers", limit=3).truncated


@pytest.mark.parametrize("query", ["", "selec", "select nothing from numbers", "select 1; select 2", "select \0 1"])
def test_a_bad_query_is_data(executor: Executor, query: str) -> None:
    result = executor.execute(query)
    assert result.outcome in (Outcome.INVALID, Outcome.REFUSED)
    assert result.message
    assert result.rows == ()


def test_writing_is_refused(executor: Executor) -> None:
    assert executor.execute("delete from numbers").outcome is Outcome.REFUSED
    assert executor.execute("select count(*) from numbers").rows == ((3,),)


def test_too_many_rows_end_the_query(executor: Executor) -> None:
    cross = "select 1 from numbers a" + "".join(f", numbers n{i}" for i in range(7))
    assert executor.execute(cross).outcome is Outcome.TOO_LARGE


def test_many_keep_their_order(executor: Executor) -> None:
    queries = [f"select {i}" for i in range(50)] + ["select 7", "broken"]
    results = executor.execute_many(queries)
    assert [result.rows for result in results[:50]] == [((i,),) for i in range(50)]
    assert results[50].rows == ((7,),)
    assert results[51].outcome is Outcome.INVALID


def test_comparing_says_how_both_ended(executor: Executor) -> None:
    right, wrong, broken, bad_gold = executor.compare_many(
        [
            ("select n from numbers", Gold(query="select n from numbers order by n desc")),
            ("select n + 1 from numbers", Gold(query="select n from numbers")),
            ("broken", Gold(query="select n from numbers")),
            ("select n from numbers", Gold(query="broken")),
        ],
        BAG,
    )
    assert (right.equal, right.score, right.predicted_rows, right.gold_rows) == (True, 1.0, 3, 3)
    assert (wrong.equal, wrong.outcome) == (False, Outcome.OK)
    assert (broken.equal, broken.outcome) == (False, Outcome.INVALID)
    assert bad_gold.gold_outcome is Outcome.INVALID
    assert not bad_gold.equal


def test_comparing_with_rows_needs_no_gold_query(executor: Executor) -> None:
    found = executor.compare_many([("select n from numbers", Gold(rows=((3,), (1,), (2,))))], BAG)
    assert found[0].equal


def test_streaming_gives_rows_or_raises(executor: Executor) -> None:
    assert list(executor.stream("select n from numbers order by n")) == [(1,), (2,), (3,)]
    with pytest.raises(QueryError) as raised:
        list(executor.stream("broken"))
    assert raised.value.outcome is Outcome.INVALID


def test_a_stream_is_longer_than_any_result(executor: Executor) -> None:
    many = "select a.n from numbers a" + "".join(f", numbers n{i}" for i in range(8))
    assert sum(1 for _ in executor.stream(many)) == 3**9
    with contextlib.closing(iter(executor.stream(many))) as rows:
        assert next(rows) in {(1,), (2,), (3,)}
    assert executor.execute("select count(*) from numbers").rows == ((3,),)


def test_asyncio_gets_the_same(executor: Executor) -> None:
    assert asyncio.run(executor.aexecute("select count(*) from numbers")).rows == ((3,),)


def test_closing_twice_does_nothing(make: Maker) -> None:
    executor = make()
    executor.execute("select 1")
    executor.close()
    executor.close()


def test_equal_queries_are_timed_as_often_as_asked(executor: Executor) -> None:
    gold = Gold(query="SELECT word FROM numbers")
    pairs = [("SELECT word FROM numbers ORDER BY n", gold), ("SELECT n FROM numbers", gold), ("SELECT", gold)]
    found = executor.compare_many(pairs, Relation("bag", timed_runs=3))
    if executor.dialect in ("postgresql", "mysql"):  # a server's time is not the query's alone: there are no timings
        assert not any(comparison.timings for comparison in found)
        return
    assert [len(comparison.timings) for comparison in found] == [3, 0, 0]
    assert all(seconds > 0 for pair in found[0].timings for seconds in pair)
    assert not executor.compare_many(pairs, BAG)[0].timings


def test_fractions_are_scored_as_their_measure_says(executor: Executor) -> None:
    pairs = [("SELECT n, word FROM numbers ORDER BY n", Gold(query="SELECT n FROM numbers ORDER BY n"))]
    (comparison,) = executor.compare_many(pairs, Relation(measure="soft-f1", text="strict"))
    assert 0 < comparison.score < 1
    assert not comparison.equal


def test_a_wrong_result_is_marked_by_its_cells_where_the_relation_asks_for_that(executor: Executor) -> None:
    gold = Gold(query="SELECT n FROM numbers ORDER BY n")
    pairs = [("SELECT n FROM numbers", gold), ("SELECT n, n FROM numbers", gold), ("SELECT 'no'", gold)]
    found = executor.compare_many(pairs, Relation(measure="cell-f1"))
    assert [comparison.equal for comparison in found] == [True, False, False]
    assert [comparison.score for comparison in found] == [1.0, pytest.approx(2 / 3), 0.0]
