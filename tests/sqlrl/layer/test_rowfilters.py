"""Row filters and columns: what is hidden stays so, whatever a query tries, on real engines."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sqlrl.executors import Outcome
from sqlrl.executors.errors import DataError, UsageError
from sqlrl.layer import Connection
from sqlrl.layer.rowfilters import RefusedError, RowFilters
from sqlrl.layer.schema import Schema

Opened = Callable[..., Connection]

# Each tries to see an order of another customer (total of 1000000 or more), the e-mail column, or the secret table.
ATTACKS = [
    "select * from orders",
    "select * from ORDERS",
    'select * from "orders"',
    "select * from main.orders",
    'select * from "main"."orders"',
    "select o.* from orders as o",
    "select o.* from orders o(a, b, c, d)",
    "select * from customer c join orders o on o.customer_id = c.id",
    "select * from customer c left join orders o on true",
    "select * from customer, orders",
    "select * from (customer join orders on true)",
    "select * from ((orders))",
    "select * from customer natural join orders",
    "select * from orders where 1 = 1 or customer_id <> 1",
    "select * from orders where customer_id = 1 union select * from orders",
    "select * from orders union all select * from orders except select * from orders where customer_id = 1",
    "select total from orders intersect select total from orders",
    "select (select max(total) from orders)",
    "select (select max(o.total) from orders o where o.id = c.id) from customer c",
    "select * from (select * from (select * from orders) a) b",
    "select total from customer cross join lateral (select total from orders) x",
    "with o as (select * from orders) select * from o",
    "with orders as (select * from orders) select * from orders",
    "with orders as (select * from main.orders) select * from orders",
    "with customer as (select * from orders) select * from customer",
    "with a as (select * from b), b as (select * from orders) select * from a",
    "with recursive orders as (select 1 as total union all select total from main.orders) select * from orders",
    "with recursive r as (select id, total from orders union select o.id, o.total from orders o, r) select * from r",
    "select * from (with x as (select * from orders) select * from x) y, orders",
    "with x as (with y as (select * from orders) select * from y) select * from x",
    "with sqlite_master as (select 1) select * from (select sql from main.sqlite_master)",
    "select case when exists (select 1 from orders where customer_id <> 1) then 1000000 else 0 end",
    "select 1000000 where 2 in (select customer_id from orders)",
    "select 1000000 where exists (select * from orders where total >= 1000000)",
    "select count(*) * 1000000 from orders having count(*) > 4",
    "select 1000000 where 2 in orders",
    "select * from spent",
    "select * from main.spent",
    "with spent as (select * from spent) select * from spent",
    "select email from customer",
    "select c.email from customer c",
    'select "customer"."email" from customer',
    "select x.email from (select * from customer) x",
    "select name from customer where email like 'ann%'",
    "select name from customer order by email",
    "select max(email) over () from customer",
    "select * from customer c where exists (select 1 from secret)",
    "select word from secret",
    "select sql from sqlite_master",
    "select * from sqlite_schema",
    "select * from pragma_table_info('orders')",
    "select * from information_schema.tables",
    "select * from duckdb_tables()",
    "select * from query_table('orders')",
    "select * from query('select * from orders')",
    "select * from read_csv('/etc/passwd')",
    "from orders",
    "from orders select total",
    "table orders",
    "describe orders",
    "select * from (describe orders)",
    "select * from (summarize orders)",
    "summarize orders",
    "pivot orders on customer_id using sum(total)",
    "select * from orders pivot (sum(total) for customer_id in (1, 2))",
    "select * from orders tablesample (100)",
    "select * from orders using sample 10",
    "select * from orders indexed by nothing",
    "select orders from orders",
    "select orders.* from orders",
    "select columns(*) from orders",
    "select unnest(list(total)) from orders",
    "select list(o) from orders o",
    "select rowid, total from orders",
    "select 1; select * from orders",
    "select 1 /* ; */ ; select * from orders",
    "select 1 -- \n union select total from orders",
    "select 1 as a /*! union select total from orders */",
    "explain select * from orders",
    "insert into orders select * from orders",
    "with x as (delete from orders returning *) select * from x",
    "select json_group_array(total) from orders",
    "select * from orders limit 100 offset 0",
    "select * from orders order by (select max(total) from orders) desc",
    "select * from orders group by 1, 2, 3, 4 having max(total) >= 1000000",
    "select total, row_number() over (order by total desc) from orders window w as (partition by id)",
    "values ((select max(total) from orders))",
    "select cast(day as integer) from orders",
    "select * from orders where cast(day as integer) > 0",
    "select * from orders where 1 / (total - 1000001) > 0",
    'select * from orders as "customer"',
    'with "Orders" as (select * from orders) select * from orders, "Orders"',
    "select * from orders qualify row_number() over (partition by id order by total desc) = 1",
    "select * from customer asof join orders on customer.id >= orders.id",
    "select * from customer semi join orders on orders.customer_id = 2",
    "select * from customer where (select count(*) from orders) > 4",
]


@pytest.fixture
def hidden(source: str) -> str:
    """The shop with totals of 1000000 and more, and days that are no numbers, for all but the first customer."""
    change = "update orders set total = 1000000 + id, day = 'hidden' where customer_id <> 1"
    if source.startswith("sqlite"):
        with sqlite3.connect(source.removeprefix("sqlite:///")) as connection:
            connection.execute(change)
        connection.close()
    else:
        import duckdb

        with duckdb.connect(source.removeprefix("duckdb:///")) as connection:
            connection.execute(change)
    return source


FILTERS: dict[str, Any] = {
    "row_filters": {"orders": {"customer_id": 1}, "secret": "1 = 0"},
    "columns": {"customer": ["id", "name", "country"]},
}


@pytest.mark.parametrize("listed", [False, True], ids=["filters", "filters and tables"])
def test_no_attack_sees_what_is_hidden(hidden: str, opened: Opened, listed: bool) -> None:
    tables = {"tables": ["customer", "orders"]} if listed else {}
    filters = FILTERS if not listed else {**FILTERS, "row_filters": {"orders": "customer_id = 1"}}
    shop = opened(hidden, **filters, **tables)
    ran = 0
    for attack in ATTACKS:
        answer = shop.run(attack)
        shown = f"{answer.rows} {answer.message}"
        for word in ("hidden", "@", "hunter2", "root:", "CREATE"):
            assert word not in shown, attack
        numbers = [cell for row in answer.rows for cell in row if isinstance(cell, (int, float))]
        assert not any(cell >= 1000000 for cell in numbers), attack
        ran += answer.outcome is Outcome.OK
    assert ran > 20  # the filters let through what is harmless


def test_what_may_be_seen_is_right(hidden: str, opened: Opened) -> None:
    shop = opened(hidden, **FILTERS)
    for query, rows in [
        ("select count(*) from orders", ((4,),)),
        ("select count(*) from main.orders as o where o.total < 1000000", ((4,),)),
        ("with orders as (select * from orders where id > 3) select count(*) from orders", ((3,),)),
        ("select c.name, count(*) from customer c join orders o on o.customer_id = c.id group by 1", (("Ann", 4),)),
        ("select name from customer where not exists (select 1 from orders where customer_id = customer.id) "
         "order by 1", (("Bo",), ("Cy",))),
        ("with recursive n(i) as (select 1 union all select i + 1 from n where i < 3) select sum(i) from n", ((6,),)),
        ("select * from customer order by id limit 1", ((1, "Ann", "Norway"),)),
        ("select count(*) from secret", ((0,),)),
    ]:  # fmt: skip
        answer = shop.run(query)
        assert (answer.outcome, answer.rows) == (Outcome.OK, rows), (query, answer.message)
    assert shop.run("select email from customer").outcome is Outcome.INVALID
    assert shop.run("select * from spent").outcome is Outcome.REFUSED


def test_a_policy_is_told_of_nothing_hidden(hidden: str, opened: Opened) -> None:
    shop = opened(hidden, sample_rows=3, **FILTERS)
    text = shop.schema.description
    for word in ("email", "ann@", "hidden", "spent"):
        assert word not in text
    assert "country" in text
    cells = shop._catalogue.values()
    assert cells.find("hidden days", 5) == []
    assert not any("@" in cell.value for cell in cells.find("ann@a.no", 5))
    assert [cell.value for cell in cells.find("who is from New Zealand?", 5)] == ["New Zealand"]


def test_each_user_sees_his_own(hidden: str, opened: Opened) -> None:
    shop = opened(hidden, row_filters={"orders": "total < 1000011"})
    one, two = (shop.scoped(f"user {n}", row_filters={"orders": {"customer_id": n}}) for n in (1, 2))
    query = "select count(*), min(customer_id), max(customer_id) from orders"
    assert one.run(query).rows == ((4, 1, 1),)
    assert two.run(query).rows == ((4, 2, 2),)
    three = shop.scoped("user 3", row_filters={"orders": {"customer_id": [3, None]}}, columns={"orders": ["id"]})
    assert three.run("select * from orders order by 1").rows == ((2,), (5,), (8,))
    assert three.scoped().run("select total from orders").outcome is Outcome.INVALID


@pytest.mark.parametrize(
    ("filters", "error"),
    [
        ({"row_filters": {"order": "1 = 1"}}, UsageError),
        ({"row_filters": {"orders": "id ="}}, UsageError),
        ({"row_filters": {"orders": "1 = 1) union select (1"}}, UsageError),
        ({"row_filters": {"orders": "1 = 1); drop table orders; select (1"}}, UsageError),
        ({"row_filters": {"orders": "nowhere = 1"}}, DataError),
        ({"row_filters": {"orders": {}}}, UsageError),
        ({"row_filters": {"orders": True}}, UsageError),
        ({"row_filters": {"orders": 7}}, UsageError),
        ({"row_filters": {"orders": None}}, UsageError),
        ({"columns": {"orders": [7]}}, UsageError),
        ({"row_filters": {"orders": {"nowhere": 1}}}, UsageError),
        ({"row_filters": {"orders": {"id": object()}}}, UsageError),
        ({"columns": {"orders": []}}, UsageError),
        ({"columns": {"orders": "id"}}, UsageError),
        ({"columns": {"orders": ["nowhere"]}}, UsageError),
    ],
)
def test_a_filter_that_cannot_hold_is_an_error(shop: Path, opened: Opened, filters: Any, error: type) -> None:
    with pytest.raises(error):
        opened(shop, **filters)


SOUP = "select from orders o ( ) with as recursive , * union where in exists 1 owner join on = main . ' -- values"
QUOTED = Schema.read('CREATE TABLE orders(owner text, total real);\n\nCREATE TABLE "o""x"(owner text);', "sqlite")


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_value_is_never_read_as_sql(owner: str) -> None:
    """The filter is run by SQLite itself: it keeps exactly the rows of this owner."""
    with sqlite3.connect(":memory:") as connection:
        connection.execute("create table orders(owner text, total real)")
        connection.execute('create table "o""x"(owner text)')
        connection.executemany("insert into orders values (?, 1)", [(owner,), ("other " + owner,), ("' or 1=1 --",)])
        filters = RowFilters(QUOTED, {"orders": {"owner": owner}, 'o"x': {"owner": owner}}, None)
        rows = connection.execute(filters.rewrite("select owner from orders")).fetchall()
        assert connection.execute(filters.rewrite('select * from "o""x"')).fetchall() == []
    connection.close()
    assert {value for (value,) in rows} == {owner}


@given(st.lists(st.sampled_from(sorted(set(SOUP.split()))), max_size=14))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_heap_of_words_sees_another_owner(words: list[str]) -> None:
    query = " ".join(["select owner from orders", *words]) if len(words) % 2 else " ".join(["select", *words])
    try:
        text = RowFilters(QUOTED, {"orders": {"owner": "me"}}, None).rewrite(query)
    except RefusedError:
        return
    with sqlite3.connect(":memory:") as connection:
        connection.execute("create table orders(owner text, total real)")
        connection.execute("insert into orders values ('me', 1), ('another', 2)")
        try:
            rows = connection.execute(text).fetchall()
        except sqlite3.Error:
            rows = []
    connection.close()
    assert not any("another" in str(cell) for row in rows for cell in row)
