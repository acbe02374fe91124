"""DuckDB and folders of files: what they give, what they refuse, and what a list of tables leaves reachable."""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from sqlrl.executors import Gold, Limits, Outcome, open_executor
from sqlrl.executors.errors import SourceError
from sqlrl.executors.groups import Member
from sqlrl.executors.relations import Relation


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of orders, customers and secrets, with a view and a macro that reach the secrets."""
    path = tmp_path_factory.mktemp("shop") / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table customers(id int primary key, city text not null)")
        connection.execute("create table orders(id int, customer int references customers(id), paid decimal(9, 2))")
        connection.execute("create table secrets as select 42 as word")
        connection.execute("create schema hidden")
        connection.execute("create table hidden.orders as select 42 as word")
        connection.execute("create view open_secrets as select * from secrets")
        connection.execute("create macro peek() as (select max(word) from secrets)")
        connection.execute("create macro peek_rows() as table select * from secrets")
        connection.execute("insert into customers values (1, 'Rome'), (2, 'Oslo')")
        connection.execute("insert into orders values (10, 1, 2.50), (11, 1, 3.50), (12, 2, null)")
    return path


@pytest.fixture(scope="module")
def executor(shop: Path) -> Iterator[Member]:
    with open_executor(str(shop), limits=Limits(seconds=1), workers=1) as executor:
        yield executor


@pytest.fixture(scope="module")
def restricted(shop: Path) -> Iterator[Member]:
    with open_executor(str(shop), limits=Limits(seconds=1), workers=1, tables=["orders", "Customers"]) as executor:
        yield executor


def test_every_wall_holds(executor: Member) -> None:
    assert set(executor.walls.values()) == {"held"}


def test_cells_come_back_as_they_are(executor: Member) -> None:
    query = (
        "select 1.50::decimal(5,2), date '2024-02-29', timestamp '2024-02-29 12:00:00.5', interval 90 minutes, "
        "170141183460469231731687303715884105727::hugeint, [1, null], {'a': [1], 'b': 'x'}, map {'k': 1}, "
        "'\\x00ff'::blob, uuid 'eeccb8c5-9943-b2bb-bb5e-222f4e14b687', time '01:02:03', 'nan'::double, null, true, "
        "timestamptz '2024-01-01 00:00:00+00'"
    )
    row = executor.execute(query).rows[0]
    assert row[:11] == (
        decimal.Decimal("1.50"),
        datetime.date(2024, 2, 29),
        datetime.datetime(2024, 2, 29, 12, 0, 0, 500_000),
        datetime.timedelta(minutes=90),
        2**127 - 1,
        [1, None],
        {"a": [1], "b": "x"},
        {"k": 1},
        b"\x00ff",
        uuid.UUID("eeccb8c5-9943-b2bb-bb5e-222f4e14b687"),
        datetime.time(1, 2, 3),
    )
    assert row[11] != row[11]
    assert row[12:14] == (None, True)
    assert row[14].utcoffset() == datetime.timedelta(0)


def test_comparing_knows_decimals_lists_and_structs(executor: Member) -> None:
    pairs = [
        ("select sum(paid) from orders", "select 6.0"),
        ("select list(id order by id) from customers", "select [1, 2]"),
        ("select {'a': 1}", "select {'a': 1.0}"),
        ("select [1, 2]", "select [2, 1]"),
    ]
    found = executor.compare_many([(p, Gold(query=g)) for p, g in pairs], Relation("bag"))
    assert [comparison.equal for comparison in found] == [True, True, True, False]


@pytest.mark.parametrize(
    "query",
    [
        "with gone as (delete from orders returning id) select * from gone",
        "with more as (insert into customers values (3, 'Bern') returning id) select * from more",
        "with other as (update orders set paid = 0 returning id) select * from other",
    ],
)
def test_writing_inside_a_with_is_refused(executor: Member, query: str) -> None:
    assert executor.execute(query).outcome is Outcome.REFUSED
    assert executor.execute("select count(*), sum(paid) from orders").rows == ((3, decimal.Decimal("6.00")),)


def test_a_schema_has_keys_types_and_counts(executor: Member) -> None:
    text = executor.describe(sample_rows=1)
    assert "PRIMARY KEY" in text
    assert "FOREIGN KEY" in text
    assert "DECIMAL(9,2)" in text
    assert "-- 3 rows" in text
    assert "-- 10, 1, 2.50" in text
    assert text.index("customers") < text.index("CREATE TABLE orders")


@pytest.mark.parametrize(
    "query",
    [
        "select * from secrets",
        "select * from main.secrets",
        "select * from shop.main.secrets",
        "select * from hidden.orders",
        "select * from shop.hidden.orders",
        'select * from "SECRETS"',
        "select * from open_secrets",
        "select peek()",
        "select * from peek_rows()",
        "select * from query('select * from secrets')",
        "select * from query_table('secrets')",
        "with secrets as (select * from secrets) select * from secrets",
        "with secrets as (select 1) select * from orders, main.secrets",
        "select (select max(word) from secrets) from orders",
        "select * from orders where exists (from secrets)",
        "select * from orders union all select word, word, word from secrets",
        "select * from duckdb_tables()",
        "select * from information_schema.tables",
        "select * from sqlite_master",
        "select * from pragma_table_info('secrets')",
        "show tables",
        "show all tables",
        "describe secrets",
        "summarize secrets",
        "pivot secrets on word in (42) using count(*)",
        "select * from (describe secrets)",
        "from secrets",
        "table secrets",
        "select * from orders o, lateral (select * from secrets) s",
        "select * from read_csv('/etc/passwd')",
        "select * from 'secrets'",
    ],
)
def test_a_list_of_tables_hides_the_others(restricted: Member, query: str) -> None:
    result = restricted.execute(query)
    assert result.outcome in (Outcome.REFUSED, Outcome.INVALID), result
    assert "42" not in result.message


@pytest.mark.parametrize(
    "query",
    [
        "select count(*) from orders join customers on customer = customers.id",
        "with o as (select * from orders) select count(*) from o",
        "select count(*) from ORDERS, range(1)",
        "select count(*) from main.orders",
        "select count(*) from (describe orders)",
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3) select count(*) from n",
        "select count(*) from orders, generate_series(1, 1) t(x)",
    ],
)
def test_a_list_of_tables_leaves_its_own_open(restricted: Member, query: str) -> None:
    assert restricted.execute(query).rows == ((3,),), restricted.execute(query)


def test_a_list_of_tables_is_what_is_described(restricted: Member) -> None:
    text = restricted.describe()
    assert "orders" in text
    assert "secrets" not in text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Orders as Parquet, customers as CSV, and events as a folder of two Parquet files."""
    (tmp_path / "events").mkdir()
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select i as id, i % 2 + 1 as customer from range(10) t(i)) to '{tmp_path}/orders.parquet'"
        )
        for part in (1, 2):
            connection.execute(f"copy (select {part} as part) to '{tmp_path}/events/{part}.parquet'")
    (tmp_path / "customers.csv").write_text("id,city\n1,Rome\n2,Oslo\n")
    (tmp_path / "notes.txt").write_text("not a table")
    return tmp_path


def test_a_folder_is_a_database_of_its_files(folder: Path) -> None:
    with open_executor(str(folder), workers=1) as executor:
        query = "select city, count(*) from orders join customers on customer = customers.id group by 1 order by 1"
        assert executor.execute(query).rows == (("Oslo", 5), ("Rome", 5))
        assert executor.execute("select part from events order by 1").rows == ((1,), (2,))
        assert executor.execute("select * from notes").outcome is Outcome.INVALID
        assert executor.execute(f"select * from read_text('{folder}/notes.txt')").outcome is Outcome.REFUSED
        for query in ("delete from customers", "with d as (delete from customers returning id) select * from d"):
            assert executor.execute(query).outcome is Outcome.REFUSED
        assert executor.execute("select count(*) from customers").rows == ((2,),)
        assert 'CREATE TABLE "orders"("id" BIGINT' in executor.describe()


@pytest.mark.parametrize("table", ["orders", "events", "customers"])
def test_a_list_of_tables_holds_over_files(folder: Path, table: str) -> None:
    others = {"orders", "events", "customers"} - {table}
    with open_executor(str(folder), workers=1, tables=[table]) as executor:
        for query in (f"select * from {table}", f"with x as (from {table}) select count(*) from x"):
            assert executor.execute(query).outcome is Outcome.OK
        assert executor.execute(f"select nothing from {table}").outcome is Outcome.INVALID
        for other in others:
            for query in (
                f"select * from {other}",
                f"select (select count(*) from memory.main.{other}) from {table}",
                f"from query('from {other}')",
                f"from query_table('{other}')",
                f"select * from {table}, '{folder}/{other}.parquet'",
                f"from read_parquet('{folder}/orders.parquet')",
                f"from json_execute_serialized_sql(json_serialize_sql('from {other}'))",
            ):
                assert executor.execute(query).outcome is Outcome.REFUSED, query
        assert executor.describe().count("CREATE TABLE") == 1


@pytest.mark.parametrize("name", ["a*", "a?", "a[1]", "~a", "a'b", 'a"b'])
def test_a_file_is_itself_whatever_its_name(tmp_path: Path, name: str) -> None:
    """Where a name would stand for others too, as a shell reads it."""
    for index, each in enumerate((name, "a1", "ab", "a")):
        (tmp_path / f"{each}.csv").write_text(f"n\n{index}\n")
        with duckdb.connect() as connection:
            escaped = f"{tmp_path}/{each}-p.parquet".replace("'", "''")
            connection.execute(f"copy (select {index} as n) to '{escaped}'")
    with open_executor(str(tmp_path), workers=1) as executor:
        for ending in ("", "-p"):
            quoted = f"{name}{ending}".replace('"', '""')
            assert executor.execute(f'select n from "{quoted}"').rows == ((0,),)


def test_a_scheme_takes_its_own_kind_alone(folder: Path) -> None:
    with open_executor(f"csv:///{folder}", workers=1) as executor:
        assert "orders" not in executor.describe()
    with open_executor([folder / "orders.parquet", folder / "customers.csv"], workers=1) as executor:  # type: ignore[list-item]
        assert executor.execute("select count(*) from orders, customers").rows == ((20,),)


def test_a_source_that_is_none_says_so(folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for source, word in [
        (str(empty), "no parquet or csv files"),
        (f"duckdb:///{folder}/customers.csv", "not a duckdb source"),
        (f"parquet:///{folder}/customers.csv", "not a parquet source"),
        (f"duckdb:///{folder}", "folder"),
        (f"parquet:///{folder}/none.parquet", "no file"),
        ([f"{folder}/customers.csv", f"{folder}/none.csv"], "no file"),
    ]:
        with pytest.raises(SourceError, match=word):
            open_executor(source)
    (folder / "orders.csv").write_text("id\n1\n")
    with pytest.raises(SourceError, match="two files for one table"):
        open_executor(str(folder))


def test_a_database_that_cannot_be_opened_is_nobodys_answer(tmp_path: Path) -> None:
    path = tmp_path / "broken.duckdb"
    path.write_bytes(b"\0" * 8 + b"DUCK" + b"\0" * 5000)
    with open_executor(str(path), workers=1) as executor:
        assert executor.execute("select 1").outcome is Outcome.UNAVAILABLE


def test_a_query_in_a_text_reaches_no_hidden_table(tmp_path: Path) -> None:
    path = tmp_path / "hidden.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table ok as select 1 as n")
        connection.execute("create table secret as select 42 as n")
    inner = "'select max(n) from secret'"
    with open_executor(str(path), tables=["ok"], workers=1) as executor:
        for query in (
            f"select json_serialize_plan({inner}, optimize := true)",
            f"select Json_Serialize_Plan({inner})",
            f"select list_transform([{inner}], x -> json_serialize_plan(x))",
            f"select ({inner}).json_serialize_plan()",
            f"select n from ok order by json_serialize_plan({inner})",
        ):
            assert executor.execute(query).outcome in (Outcome.REFUSED, Outcome.INVALID), query
        assert executor.execute("select n from ok").rows == ((1,),)
