"""What callers give: golds of every type, limits, counts; what is none is said in one line before anything runs."""

from __future__ import annotations

import datetime
import decimal
import math
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sqlrl.executors import Gold, Limits, Outcome, open_executor
from sqlrl.executors.errors import UsageError
from sqlrl.executors.groups import Member
from sqlrl.executors.relations import Relation


@pytest.fixture(scope="module")
def executors(databases: dict[str, Path]) -> Iterator[dict[str, Member]]:
    with open_executor(databases["sqlite"], workers=1) as sqlite, open_executor(databases["duckdb"], workers=1) as duck:
        yield {"sqlite": sqlite, "duckdb": duck}


def _equal(executor: Member, query: str, rows: Any) -> bool:
    (comparison,) = executor.compare_many([(query, Gold(rows=rows))], Relation("bag"))
    assert comparison.outcome is comparison.gold_outcome is Outcome.OK, comparison
    return comparison.equal


CELLS: list[tuple[str, Any, Any]] = [
    ("1.50::decimal(9, 2)", decimal.Decimal("1.5"), decimal.Decimal("1.51")),
    ("1.10::decimal(9, 2)", 1.1, 1.11),
    (f"{'9' * 37}.5::decimal(38, 1)", decimal.Decimal(f"{'9' * 37}.5"), decimal.Decimal(f"{'9' * 37}.4")),
    ("170141183460469231731687303715884105727::hugeint", 2**127 - 1, 2**127 - 2),
    ("date '2024-02-29'", datetime.date(2024, 2, 29), datetime.date(2024, 2, 28)),
    ("timestamp '2024-02-29 12:00:00.5'", datetime.datetime(2024, 2, 29, 12, 0, 0, 500_000), "2024-02-29 12:00:00.5"),
    (
        "timestamptz '2024-02-29 12:00:00+01'",
        datetime.datetime(2024, 2, 29, 11, tzinfo=datetime.UTC),
        datetime.datetime(2024, 2, 29, 11),
    ),
    ("time '01:02:03'", datetime.time(1, 2, 3), datetime.time(1, 2, 4)),
    ("interval 90 minutes", datetime.timedelta(minutes=90), datetime.timedelta(minutes=91)),
    ("uuid 'eeccb8c5-9943-b2bb-bb5e-222f4e14b687'", uuid.UUID("eeccb8c59943b2bbbb5e222f4e14b687"), uuid.UUID(int=1)),
    ("'\\x00ff'::blob", b"\x00ff", b"\x00fe"),
    ("[1, null, 2]", [1, None, 2], [1, 2, None]),
    ("[[null], [date '2024-01-01']]", ([None], [datetime.date(2024, 1, 1)]), [[None], ["2024-01-01"]]),
    ("{'a': [1], 'b': 'x'}", {"b": "x", "a": [1.0]}, {"a": [1], "b": "y"}),
    ("map {1: 'x'}", {1: "x"}, {"1": "x"}),
    ("'nan'::double", math.nan, None),
    ("-0.0::double", 0, -1),
    ("true", True, False),
    ("null", None, 0),
    ("'ü'", "ü", "u"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "right", "wrong"), CELLS, ids=[sql for sql, *_ in CELLS])
def test_a_gold_has_cells_of_every_type(executors: dict[str, Member], sql: str, right: Any, wrong: Any) -> None:
    assert _equal(executors["duckdb"], f"select {sql}", [(right,)])
    assert not _equal(executors["duckdb"], f"select {sql}", [[wrong]])


def test_what_an_engine_gave_is_a_gold(executors: dict[str, Member]) -> None:
    everything = f"select {', '.join(sql for sql, *_ in CELLS)}"
    rows = executors["duckdb"].execute(everything).rows
    assert _equal(executors["duckdb"], everything, rows)
    sqlite = executors["sqlite"]
    assert _equal(sqlite, "select x'ff', 1, 1.5, 'a', null", sqlite.execute("select x'ff', 1, 1.5, 'a', null").rows)
    assert _equal(sqlite, "select 1.5", [(decimal.Decimal("1.50"),)])


@pytest.mark.parametrize(
    ("gold", "words"),
    [
        ({}, "needs a query, rows"),
        ({"query": 5}, "query is text, not int"),
        ({"query": b"select 1"}, "query is text, not bytes"),
        ({"rows": "abc"}, "rows is a sequence of rows, not str"),
        ({"rows": 5}, "rows is a sequence of rows, not int"),
        ({"rows": [1, 2]}, "neither a tuple nor a list, but int"),
        ({"rows": [(1,), (1, 2)]}, "rows of 1 and of 2 cells"),
        ({"partial": "abc"}, "partial is a Partial, not str"),
        ({"relevant": ["a"]}, "relevant is a mapping"),
        ({"answers": "abc"}, "answers is a sequence of texts"),
    ],
)
def test_what_is_no_gold_is_said_where_it_is_made(gold: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Gold(**gold)


def test_a_cell_that_no_engine_gives_is_named_by_its_type(executors: dict[str, Member]) -> None:
    loop: list[Any] = []
    loop.append(loop)
    for cell, words in [(object(), "type builtins.object"), ({1, 2}, "builtins.set"), (1j, "builtins.complex"),
                        ([object()], "builtins.object"), (loop, "cannot be sent")]:  # fmt: skip
        for executor in executors.values():
            with pytest.raises(UsageError, match=words):
                executor.compare_many([("select 1", Gold(rows=[(cell,)]))], Relation("bag"))


@pytest.mark.parametrize("limit", [-1, True, "3", 2.5])
@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_a_limit_is_a_count(executors: dict[str, Member], engine: str, limit: Any) -> None:
    for ask in (executors[engine].execute, lambda query, **how: executors[engine].execute_many([query], **how)):
        with pytest.raises(UsageError, match="limit must be 0 or more"):
            ask("select 1", limit=limit)
    with pytest.raises(UsageError, match="sample_rows must be 0 or more"):
        executors[engine].describe(sample_rows=limit)


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_a_limit_of_nothing_leaves_the_columns(executors: dict[str, Member], engine: str) -> None:
    result = executors[engine].execute("select 1 as one", limit=0)
    assert (result.columns, result.rows, result.truncated) == (("one",), (), True)


def test_what_cannot_be_asked_is_said(executors: dict[str, Member], databases: dict[str, Path]) -> None:
    executor, gold = executors["sqlite"], Gold(query="select 1")
    for ask, words in [
        (lambda: executor.execute_many("select 1"), "takes a list of queries"),
        (lambda: executor.compare_many([("select 1", "select 1")], Relation()), "compared with a Gold, not with str"),  # type: ignore[list-item]
        (lambda: executor.compare_many([("select 1", Gold(relevant={"a": 1}))], Relation()), "gold query or gold rows"),
        (lambda: executor.compare_many([("select 1", gold)], "bag"), "by a Relation, not by 'b'"),  # type: ignore[arg-type]
        (lambda: executor.compare_many([("select 1", gold)], None), "by a Relation, not by None"),  # type: ignore[arg-type]
        (lambda: executor.compare_many([("select 1", gold)], Relation(measure="recall")), "measures rankings"),
        (lambda: executor.compare_many([("select 1", gold)], [Relation()] * 2), "2 relations for 1 comparisons"),
        (lambda: open_executor(5), "a source is a path"),  # type: ignore[arg-type]
        (lambda: open_executor([5]), "a source is a path"),  # type: ignore[list-item]
        (lambda: open_executor(databases["sqlite"], tables=[5]), "list of names, not of int"),  # type: ignore[list-item]
        (lambda: open_executor(databases["sqlite"], workers=1.5), "workers must be 1 or more"),  # type: ignore[arg-type]
        (lambda: Limits(seconds="3"), "seconds is a number"),  # type: ignore[arg-type]
        (lambda: Limits(rows=2.5), "rows is a whole number"),  # type: ignore[arg-type]
        (lambda: Limits(rows=True), "rows is a whole number"),
    ]:  # fmt: skip
        with pytest.raises(UsageError, match=words):
            ask()
