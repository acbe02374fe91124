"""What the tools tell of a database, small and large, without a protocol between."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sqlrl.layer import Connection, connect
from sqlrl.server.excerpts import Excerpt
from sqlrl.server.tools import tools_of


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """A database of 400 tables whose description has no room in one reply."""
    path = tmp_path_factory.mktemp("large") / "large.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("begin")  # one commit for all
        for i in range(400):
            columns = ", ".join(f"measure_{i}_{j} real" for j in range(8))
            connection.execute(f"create table part_{i:03}(id integer primary key, {columns})")
        connection.execute("create table ware(id integer primary key, colour text, part_id references part_007(id))")
    connection.close()
    made = connect(str(path), workers=1)
    assert isinstance(made, Connection)
    with made:
        yield made


def _call(connection: Connection, tool: str, **arguments: Any) -> Excerpt:
    found = tools_of(connection)[tool]
    excerpt = asyncio.run(found.call(arguments, lambda words: None))
    if excerpt.data is not None:
        jsonschema.validate(excerpt.data, found.output_schema)
    return excerpt


def test_of_a_large_database_names_come_first(large: Connection) -> None:
    excerpt = _call(large, "describe")
    assert excerpt.data is not None
    assert excerpt.data["truncated"]
    assert excerpt.data["tables"] == []
    assert excerpt.data["other_tables"] == [table.name for table in large.schema.tables]
    assert "401 tables: part_000, " in excerpt.text
    assert len(excerpt.text) < 50_000


def test_some_tables_are_told_by_name_or_by_what_occurs_in_them(large: Connection) -> None:
    named = _call(large, "describe", tables=["WARE", "part_007"])
    assert named.data is not None
    assert [table["name"] for table in named.data["tables"]] == ["ware", "part_007"]
    assert named.data["tables"][0]["foreign_keys"] == [
        {"columns": ["part_id"], "table": "part_007", "referred": ["id"]}
    ]
    assert "colour text" in named.text
    filtered = _call(large, "describe", filter="COLOUR")
    assert filtered.data is not None
    assert [table["name"] for table in filtered.data["tables"]] == ["ware"]
    nothing = _call(large, "describe", filter="zebra")
    assert nothing.data is not None
    assert (nothing.failed, nothing.data["tables"], nothing.data["other_tables"]) == (False, [], [])
    many = _call(large, "describe", tables=[f"part_{i:03}" for i in range(200)])
    assert many.data is not None
    assert len(many.data["tables"]) + len(many.data["other_tables"]) == 200
    assert many.data["truncated"]
    assert many.data["tables"]


def test_rows_fit_their_schema_and_the_server_stays_the_same(large: Connection) -> None:
    assert list(tools_of(large)) == ["run_query", "describe"]
    for query in ("select * from ware", "select 1, 'a', null, x'00', 1.5", "select nothing", "drop table ware"):
        assert _call(large, "run_query", query=query).data is not None


def test_who_asks_a_service_of_others_is_told_so(tmp_path: Path) -> None:
    pytest.importorskip("httpx")
    found = connect(f"pubmed:?mode=replay&cache={tmp_path}")
    with found:
        assert {name: tool.outside for name, tool in tools_of(found).items()} == {"search": True, "fetch": True}
