"""The layer over real servers: answers, and row filters that hold against the same attacks as on embedded engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlrl.executors import Outcome
from sqlrl.executors.errors import SandboxError
from sqlrl.layer import Connection
from sqlrl.policies.scripted import ScriptedPolicy
from tests.servers import Server
from tests.sqlrl.layer.test_rowfilters import ATTACKS

Opened = Callable[..., Connection]
MORE = [
    "select * from orders for update",
    "select * from public.orders",
    "select * from hidden_shop.orders",
    "select * from only orders",
    "select query_to_xml('select * from orders', true, true, '')",
    "select * from dblink('', 'select 1') as t(a int)",
    "select pg_read_file('/etc/passwd')",
    "select load_file('/etc/passwd')",
    "select * from orders into outfile '/tmp/x'",
    "select * from pg_class",
    "select * from pg_stats",
    "select * from mysql.user",
    "select table_name from information_schema.columns",
    "select row_to_json(orders) from orders",
    "select * from rows from (generate_series(1, 3))",
    "select * from ts_stat('select to_tsvector(day) from orders')",
    "select * from orders where cast(day as int) > 0",
    "select extractvalue('<a/>', concat('/', (select max(day) from orders)))",
    "select * from (select * from orders) as x(a, b, c, d)",
    "select * from orders, lateral (select * from orders o where o.id = orders.id) y",
    "select * from customer c cross join lateral (select max(total) as m from orders where customer_id <> c.id) y",
    "select * from `orders`",
    "select * from orders partition (p0)",
    "select * from json_table('[1]', '$[*]' columns (total int path '$')) as t",
]


@pytest.fixture(params=["postgresql", "mysql"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def url(server: Server, shop: Path) -> str:
    """The shop with totals of 1000000 and more, and days that say so, for all but the first customer."""
    if "hidden_shop" not in server.databases:
        server.load("hidden_shop", shop)
        server.ask("update orders set total = 1000000 + id, day = 'hidden' where customer_id <> 1", "hidden_shop")
        view = "create view spent as select customer_id, sum(total) as total from orders group by customer_id"
        server.ask(view, "hidden_shop", "ordinary")
    return server.url("hidden_shop", "reader")


def test_a_question_is_answered_and_repaired(server: Server, url: str, opened: Opened) -> None:
    said = {
        "who": '<think></think><answer>{"sql": "select nmae from customer"}</answer>',
        "nmae": '<think></think><answer>{"sql": "select name from customer order by id"}</answer>',
        "ever": '<think></think><answer>{"sql": "select sleep(9)"}</answer>',
    }
    shop = opened(url, ScriptedPolicy({key: [text] for key, text in said.items()}))
    tables = {table.name: len(table.columns) for table in shop.schema.tables}
    assert tables.items() >= {("customer", 4), ("orders", 4), ("secret", 1)}
    answer = shop.ask("who is there?")
    assert ([row[0] for row in answer.rows], len(answer.attempts)) == (["Ann", "Bo", "Cy"], 2)
    assert [cell.value for cell in shop._catalogue.values().find("in new zealand", 3)] == ["New Zealand"]
    assert not shop.ask("for ever", deadline=5).ok


@pytest.mark.parametrize("listed", [False, True], ids=["filters", "filters and tables"])
def test_no_attack_sees_what_is_hidden(server: Server, url: str, opened: Opened, listed: bool) -> None:
    filters: dict[str, Any] = {
        "row_filters": {"orders": {"customer_id": 1}, "secret": "1 = 0"},
        "columns": {"customer": ["id", "name", "country"]},
    }
    if listed:
        filters |= {"tables": ["customer", "orders", "secret"]}
    shop = opened(url, **filters)
    ran = 0
    for attack in ATTACKS + MORE:
        answer = shop.run(attack, deadline=20)
        shown = f"{answer.rows} {answer.message}"
        for word in ("hidden'", 'hidden"', "@a.no", "hunter2", "root:", "CREATE"):
            assert word not in shown, (attack, shown)
        numbers = [cell for row in answer.rows for cell in row if isinstance(cell, (int, float))]
        assert not any(cell >= 1000000 for cell in numbers), attack
        ran += answer.outcome is Outcome.OK
    assert ran > 15
    assert shop.run("select count(*) from orders").rows == ((4,),)
    assert shop.run("select * from spent").outcome is Outcome.REFUSED


def test_a_superuser_is_refused(server: Server, url: str, opened: Opened) -> None:
    with pytest.raises(SandboxError):
        opened(server.url("hidden_shop", server.administrator))
