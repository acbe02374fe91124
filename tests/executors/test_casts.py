"""DuckDB's values that Python's types cannot hold: what they come back as, and that no two that differ are equal."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sqlrl.executors import Gold, Outcome, open_executor
from sqlrl.executors.groups import Member
from sqlrl.executors.relations import Relation

UTC = datetime.UTC
DAY = datetime.timedelta(days=1)


@pytest.fixture(scope="module")
def executor(databases: dict[str, Path]) -> Iterator[Member]:
    with open_executor(databases["duckdb"], workers=1) as executor:
        yield executor


VALUES: list[tuple[str, Any]] = [
    ("date 'infinity'", "infinity"),
    ("date '-infinity'", "-infinity"),
    ("date '9999-12-31'", datetime.date(9999, 12, 31)),
    ("date '0001-01-01'", datetime.date(1, 1, 1)),
    ("date '10000-01-01'", "10000-01-01"),
    ("date '0044-03-15 (BC)'", "0044-03-15 (BC)"),
    ("timestamp 'infinity'", "infinity"),
    ("timestamp '9999-12-31 23:59:59.999999'", datetime.datetime.max),
    ("timestamp '0001-01-01'", datetime.datetime.min),
    ("timestamp '10000-01-01 00:00:00'", "10000-01-01 00:00:00"),
    ("timestamptz '-infinity'", "-infinity"),
    ("timestamptz '9999-12-31 23:59:59.999999+00'", datetime.datetime.max.replace(tzinfo=UTC)),
    ("timestamptz '2024-01-01 01:02:03.4+05'", datetime.datetime(2023, 12, 31, 20, 2, 3, 400_000, UTC)),
    ("timestamp_s 'infinity'", "infinity"),
    ("timestamp_ms '2024-01-01 00:00:00.123'", datetime.datetime(2024, 1, 1, 0, 0, 0, 123_000)),
    ("timestamp_ns '2024-01-01 00:00:00.123456789'", "2024-01-01 00:00:00.123456789"),
    ("timestamp_ns '2024-01-01 00:00:00.12'", datetime.datetime(2024, 1, 1, 0, 0, 0, 120_000)),
    ("timestamp_ns 'infinity'", "infinity"),
    ("'2024-01-01 00:00:00.000000001'::timestamptz_ns", "2024-01-01 00:00:00.000000001+00"),
    ("time_ns '01:02:03.123456789'", "01:02:03.123456789"),
    ("time_ns '01:02:03.1'", datetime.time(1, 2, 3, 100_000)),
    ("time '24:00:00'", "24:00:00"),
    ("'01:02:03+05:30'::timetz", datetime.time(1, 2, 3, 0, datetime.timezone(datetime.timedelta(minutes=330)))),
    ("interval 1000000000 days", "1000000000 days 00:00:00"),
    ("interval '2000000000 days 90 minutes 1 microsecond'", "2000000000 days 01:30:00.000001"),
    ("interval (-1500000000) days", "-1500000000 days 00:00:00"),
    ("interval 999999998 days", datetime.timedelta(days=999_999_998)),
    ("interval '-1 year 2 months 3 days -00:00:00.5'", -297 * DAY - datetime.timedelta(microseconds=500_000)),
    (f"{'9' * 35}.125::decimal(38, 3)", Decimal(f"{'9' * 35}.125")),
    ("340282366920938463463374607431768211455::uhugeint", 2**128 - 1),
    ("123456789012345678901234567890123456789012345678901234567890::bignum", int("1234567890" * 6)),
    ("'10101'::bit", "10101"),
    ("'b'::enum('a', 'b')", "b"),
    ("union_value(k := 1)", 1),
    ("7::variant", 7),
    ("(date 'infinity')::variant", "infinity"),
    ("(interval 1000000000 days)::variant", "1000000000 days"),
    ("get_type(1)", "INTEGER"),
    ("[date 'infinity', date '2024-01-01', null]", ["infinity", datetime.date(2024, 1, 1), None]),
    ("[date '2024-01-01', date 'infinity']::date[2]", [datetime.date(2024, 1, 1), "infinity"]),
    ("{'a \"b': [timestamp_ns '2024-01-01 00:00:00.000000001'], 'order': 1}",
     {'a "b': ["2024-01-01 00:00:00.000000001"], "order": 1}),
    ("row(date 'infinity', 2)", ["infinity", 2]),
    ("map {date 'infinity': interval 1000000000 days}", {"infinity": "1000000000 days 00:00:00"}),
    ("map {[1, 2]: date 'infinity'}", {(1, 2): "infinity"}),
    ("map {{'a': 1}: 2}", {(("a", 1),): 2}),
    ("[5::bignum]", [5]),
    ("null::timestamp_ns[]", None),
    ("[null]::interval[]", [None]),
    ("'{\"a\": 1}'::json", '{"a": 1}'),
    ("'POINT(1 2)'::geometry", bytes.fromhex("0101000000000000000000f03f0000000000000040")),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "value"), VALUES, ids=[sql for sql, _ in VALUES])
def test_a_value_comes_back_as_it_is(executor: Member, sql: str, value: Any) -> None:
    query = f"select {sql} as a, 1 as b from range(2) -- ; \n ; -- end"
    result = executor.execute(query)
    assert (result.columns, result.rows) == (("a", "b"), ((value, 1),) * 2), result
    with executor.stream(query) as stream:
        assert (stream.columns, list(stream)) == (("a", "b"), [(value, 1)] * 2)
    (compared,) = executor.compare_many([(query, Gold(rows=result.rows))], Relation("list"))
    assert compared.equal, compared


DIFFERENT = [
    ["date 'infinity'", "date '9999-12-31'", "date '-infinity'", "date '0001-01-01'"],
    ["timestamp 'infinity'", "timestamp '9999-12-31 23:59:59.999999'", "timestamp '-infinity'"],
    ["[date 'infinity']", "[date '9999-12-31']", "[null::date]"],
    [f"timestamp_ns '2024-01-01 00:00:00.12345678{digit}'" for digit in (0, 1, 2)],
    [f"[{{'a': time_ns '01:02:03.00000000{digit}'}}]" for digit in (0, 1, 2)],
    [f"{'9' * 35}.{digit}::decimal(38, 1)" for digit in (1, 2)] + [f"{'9' * 35}::hugeint"],
    [f"17014118346046923173168730371588410572{digit}::hugeint" for digit in (6, 7)] + ["1.7014118346046923e38"],
    [f"interval ({days}) days" for days in (1_000_000_000, 1_000_000_001, 999_999_999, -1_000_000_000)],
    ["map {1: 'x'}", "map {'1': 'x'}", "map {2: 'x'}"],
    ["map {[1]: 2}", "map {[2]: 1}", "{'key': [[1]], 'value': [2]}"],
    ["'nan'::double", "null::double", "'inf'::double", "'-inf'::double"],
]


@pytest.mark.parametrize("values", DIFFERENT, ids=lambda values: values[0])
def test_what_differs_is_never_equal(executor: Member, values: list[str]) -> None:
    both = list(itertools.product(values, repeat=2))
    pairs = [(f"select {one}", Gold(query=f"select {other}")) for one, other in both]
    found = executor.compare_many(pairs, Relation("bag", "any"))
    assert {comparison.outcome for comparison in found} == {Outcome.OK}, found
    assert [comparison.equal for comparison in found] == [
        one == other for one, other in itertools.product(values, repeat=2)
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("interval 1 month", "interval 30 days"),
        ("interval 24 hours", "interval 1 day"),
        ("interval 40000000 months", "interval 1200000000 days"),
        ("timestamp_ns '2024-01-01 00:00:00.5'", "timestamp '2024-01-01 00:00:00.5'"),
        ("date 'infinity'", "date 'infinity'"),
        ("5::bignum", "5"),
        ("1.10::decimal(9, 2)", "1.1::double"),
        ("100000000000000000000::decimal(38, 0)", "100000000000000000000::hugeint"),
        ("[1, 2]::int[2]", "[1, 2]"),
        ("{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}"),
        ("['nan'::double, -0.0]", "['nan'::float, 0.0]"),
    ],
)  # fmt: skip
def test_what_duckdb_holds_equal_is_equal(executor: Member, one: str, other: str) -> None:
    (comparison,) = executor.compare_many([(f"select {one}", Gold(query=f"select {other}"))], Relation("bag"))
    assert comparison.equal, comparison


def test_a_tolerance_is_for_wide_decimals_too(executor: Member) -> None:
    pairs = [
        (
            f"select {'3' * 20}.{'3' * 10}::decimal(38, 10)",
            Gold(query=f"select {'3' * 20}.{'3' * 9}4::decimal(38, 10)"),
        ),
        ("select 0.33333333333333333333::decimal(38, 20)", Gold(query="select 1/3")),
    ]
    assert [found.equal for found in executor.compare_many(pairs, Relation("bag"))] == [False, False]
    assert [found.equal for found in executor.compare_many(pairs, Relation("bag", tolerance=1e-9))] == [True, True]


@pytest.mark.parametrize(
    "query",
    [
        "from (values (date 'infinity'), (date '2024-01-01')) t(a) order by a desc;",
        "with x as (select date 'infinity' as a) select * from x /* ; */ ; ;",
        "select unnest([date 'infinity', date '2024-01-01']) as a order by a desc limit 1",
        "select date 'infinity' as a, ';' as \"a\" -- é ;",
        "(select date 'infinity' as a)",
        "values (date 'infinity')",
    ],
)
def test_a_query_of_any_form_is_asked_again(executor: Member, query: str) -> None:
    result = executor.execute(query)
    assert result.outcome is Outcome.OK, result
    assert result.rows[0][0] == "infinity"


def test_rows_keep_their_order_past_the_first_piece(executor: Member) -> None:
    query = "select i, date '2024-01-01' + (i % 7)::int as d, interval (i) days from range(5000) t(i) order by i desc"
    with executor.stream(query) as stream:
        rows = list(stream)
    assert rows == list(executor.execute(query).rows)
    assert [row[0] for row in rows] == list(range(4999, -1, -1))
