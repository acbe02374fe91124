"""A small shop in SQLite and DuckDB, and policies that say what a test has them say."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from sqlrl.layer import Connection, connect
from sqlrl.policies.scripted import ScriptedPolicy

DDL = """
create table customer(id integer primary key, name text, country text, email text);
create table orders(id integer primary key, customer_id integer references customer(id), total real, day text);
create table secret(word text);
create view spent as select customer_id, sum(total) as total from orders group by customer_id;
"""
CUSTOMERS = [(1, "Ann", "Norway", "ann@a.no"), (2, "Bo", "New Zealand", "bo@b.nz"), (3, "Cy", "Peru", "cy@c.pe")]
ORDERS = [(number, number % 3 + 1, number * 1.5, f"2026-01-{number:02d}") for number in range(1, 13)]


def form(query: str) -> str:
    """What a policy writes to give a query."""
    return f"<think>so</think><answer>{json.dumps({'sql': query})}</answer>"


@pytest.fixture
def answering() -> Callable[..., ScriptedPolicy]:
    """A policy by what its prompts contain -> its queries, given in turn."""

    def policy(script: dict[str, str | Sequence[str]]) -> ScriptedPolicy:
        said = {key: [form(q) for q in ([value] if isinstance(value, str) else value)] for key, value in script.items()}
        return ScriptedPolicy(said)

    return policy


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(DDL)
        connection.executemany("insert into customer values (?, ?, ?, ?)", CUSTOMERS)
        connection.executemany("insert into orders values (?, ?, ?, ?)", ORDERS)
        connection.execute("insert into secret values ('hunter2')")
    connection.close()
    return path


@pytest.fixture(params=["sqlite", "duckdb"])
def source(request: pytest.FixtureRequest, shop: Path, tmp_path: Path) -> str:
    """The shop in each of the embedded engines."""
    if request.param == "sqlite":
        return f"sqlite:///{shop}"
    import duckdb

    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(DDL)
        connection.executemany("insert into customer values (?, ?, ?, ?)", CUSTOMERS)
        connection.executemany("insert into orders values (?, ?, ?, ?)", ORDERS)
        connection.execute("insert into secret values ('hunter2')")
    return f"duckdb:///{path}"


@pytest.fixture
def opened() -> Iterator[Callable[..., Connection]]:
    """`connect` with one worker, closed at the end."""
    made: list[Connection] = []

    def connected(*given: Any, **settings: Any) -> Connection:
        connection = connect(*given, **{"workers": 1, **settings})
        assert isinstance(connection, Connection)
        made.append(connection)
        return connection

    yield connected
    for connection in made:
        connection.close()
