"""Functions under row filters: what reads tables without naming them, or tells what stands beneath, is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlrl.executors import Outcome
from sqlrl.layer import Connection
from tests.servers import Server

Opened = Callable[..., Connection]
ONE = {"orders": {"customer_id": 1}}
TELLING = [
    "select stats(total) from orders",
    "select total.stats() from orders",
    'select "STATS"(day) from orders',
    "select main.stats(total) from orders",
    "select system.main.stats(total) from orders",
    "select stats /* */ (total) from orders",
    "select json_serialize_plan('select * from orders where total > 5000', optimize := true)",
    "select most()",
    "select main.most()",
    'select "most" ()',
    "select MOST() from orders",
    "select 1 order by most()",
    "select id from orders group by id having most() > 0",
    "select any_value(id) over (order by most()) from orders",
    "with x as (select most() as m) select m from x",
    "select upper(most()::text)",
    "select upper('a')",
    "select pg_get_viewdef(0)",
    "select not_there(total) from orders",
]
HARMLESS = [
    "select count(*), sum(total), max(day) from orders",
    "select rank() over (order by total), row_number() over (), lag(total) over (order by id) from orders",
    "select coalesce(null, 1), nullif(1, 2), greatest(1, 2), abs(-1), round(1.5, 0)",
    "select strftime(cast(day as date), '%Y'), date_trunc('month', cast(day as date)) from orders",
    "select printf('%d', 1), row(1, 2), try(1), list_transform([1], lambda x: x + 1), map([1], [2])",
    "select columns('t.*') from orders",
    "select day, sum(total) from orders group by rollup (day) having grouping(day) = 0",
    "select arg_max(id, total), quantile_cont(total, 0.5), string_agg(day, ','), list(id) from orders",
    "select percentile_cont(0.5) within group (order by total) from orders",
]


def _duckdb(folder: Path) -> str:
    import duckdb

    path = folder / "macros.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table orders(id integer, customer_id integer, total double, day text)")
        connection.execute("insert into orders values (1, 1, 5, '2026-01-01'), (2, 2, 5001, 'hidden')")
        connection.execute("create macro most() as (select max(total) from orders)")
        connection.execute("create macro upper(x) as (select max(day) from orders)")
    return f"duckdb:///{path}"


@pytest.mark.parametrize("listed", [None, ["orders"]])
def test_macros_and_statistics_of_duckdb_tell_nothing(tmp_path: Path, opened: Opened, listed: list[str] | None) -> None:
    shop = opened(_duckdb(tmp_path), tables=listed, row_filters=ONE)
    for query in TELLING:
        if listed and "upper('a')" in query:  # a macro by an own function's name is not known where a list stands
            continue
        answer = shop.run(query)
        assert answer.outcome is Outcome.REFUSED, (query, answer)
        assert "5001" not in f"{answer.message}{answer.rows}"
        assert shop.explain(query).outcome is Outcome.REFUSED
    for query in HARMLESS:
        assert shop.run(query).outcome is Outcome.OK, (query, shop.run(query))


def test_a_scope_bars_them_where_the_connection_does_not(tmp_path: Path, opened: Opened) -> None:
    shop = opened(_duckdb(tmp_path))
    assert shop.run("select most()").rows == ((5001.0,),)
    assert shop.scoped("ann", row_filters=ONE).run("select most()").outcome is Outcome.REFUSED
    assert shop.scoped("ann", columns={"orders": ["id"]}).run("select most()").outcome is Outcome.REFUSED


def test_the_owners_filter_may_call_them(tmp_path: Path, opened: Opened) -> None:
    shop = opened(_duckdb(tmp_path), row_filters={"orders": "total < most()"})
    assert shop.run("select id from orders").rows == ((1,),)


HIDDEN = "stable language sql security definer as 'select max(total) from orders'"
CALLED_OTHERWISE = [
    "select (row(1, 1, 1.0, 'x')::orders).top",
    "select (cast(row(1, 1, 1.0, 'x') as orders)).\"top\"",
    "select (o).top from (select row(1, 1, 1.0, 'x')::orders as o) t",
    "select orders.top from orders",
    "select 1 operator(public.@@@) 2",
    "select 1 @@@ 2",
    "select 1@@@-2",
    "select 'a'::text + 'b'::text",
]


@pytest.mark.parametrize(
    "how", [{"row_filters": ONE}, {"tables": ["orders"]}, {"tables": ["orders"], "row_filters": ONE}]
)
def test_a_function_of_postgresql_is_called_by_no_other_word(
    postgresql: Server, shop: Path, opened: Opened, how: dict[str, Any]
) -> None:
    if "called_otherwise" not in postgresql.databases:
        postgresql.load("called_otherwise", shop)
        for text in (
            f"create function top(o orders) returns double precision {HIDDEN}",
            f"create function twice(int, int) returns double precision {HIDDEN}",
            "create function noted(o orders) returns text volatile language plpgsql as 'begin return 1; end'",
            "create operator @@@ (leftarg = int, rightarg = int, function = twice)",
            f"create function joined(text, text) returns double precision {HIDDEN}",
            "create operator + (leftarg = text, rightarg = text, function = joined)",
            "create function waited(int, int) returns int volatile language sql as 'select 1'",
            "create operator @!@ (leftarg = int, rightarg = int, function = waited)",
        ):
            postgresql.ask(text, "called_otherwise")
    url = postgresql.url("called_otherwise", "reader")
    assert opened(url).run(CALLED_OTHERWISE[0]).rows == ((18.0,),)
    assert opened(url).run("select (row(1, 1, 1.0, 'x')::orders).noted").outcome is Outcome.REFUSED  # it is volatile
    for query in ("select 1 @!@ 2", "select 1 operator(public.@!@) 2"):  # so is that of this operator
        assert opened(url).run(query).outcome is Outcome.REFUSED
    assert opened(url).run("select 1 @@@ 2").rows == ((18.0,),)
    connection = opened(url, **how)
    for query in CALLED_OTHERWISE:
        answer = connection.run(query)
        assert not answer.ok, (query, answer)
    assert connection.run("select o.id, o.total from orders as o where o.day is not null").ok


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_a_servers_own_functions(kind: str, request: pytest.FixtureRequest, shop: Path, opened: Opened) -> None:
    server: Server = request.getfixturevalue(kind)
    if "own_functions" not in server.databases:
        server.load("own_functions", shop)
        body = (
            "as 'select max(total) from orders'" if kind == "postgresql" else "return (select max(total) from orders)"
        )
        language = "stable language sql" if kind == "postgresql" else "reads sql data"
        server.ask(f"create function most() returns double precision {language} {body}", "own_functions")
        if kind == "mysql":
            server.ask("grant execute on own_functions.* to reader@localhost")
    url = server.url("own_functions", "reader")
    whole = opened(url)
    assert whole.run("select most()").rows == ((18.0,),)
    names = ["most", "`most`" if kind == "mysql" else '"most"', "own_functions.most", "MOST"]
    filtered = opened(url, row_filters=ONE)
    for name in names[:2] + (names[2:] if kind == "mysql" else ["public.most", "MOST"]):
        answer = filtered.run(f"select {name}(), id from orders")
        assert answer.outcome is Outcome.REFUSED, (name, answer)
    assert filtered.run("select count(*), max(total), coalesce(null, 1), upper('a') from orders").ok
