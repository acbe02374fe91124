"""`sqlrl run`, as it is typed."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from sqlrl.cli import main


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A SQLite file of 2,500 orders and one secret."""
    path = tmp_path / "shop.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("create table orders(id integer primary key, name text)")
        connection.executemany("insert into orders values (?, ?)", [(i, f"order {i}") for i in range(2_500)])
        connection.execute("create table secrets(word text)")
        connection.execute("insert into secrets values ('\x1b[31mred')")
    connection.close()
    return path


def _run(*words: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(["run", *words])
    return int(left.value.code or 0)


def test_a_table_shows_the_first_rows_and_says_so(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(str(shop), "select id, name from orders order by id", "--limit", "2") == 0
    shown = capsys.readouterr()
    assert [line.rstrip() for line in shown.out.splitlines()] == ["id  name", " 0  order 0", " 1  order 1"]
    assert "the first 2 rows" in shown.err


def test_json_gives_every_row(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(str(shop), "select id, id, x'ff' as b, null as n from orders order by id", "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 2_500
    assert lines[-1] == {"id": 2_499, "id_2": 2_499, "b": "ff", "n": None}


def test_a_query_comes_from_standard_input(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"select 7 as seven")))
    assert _run(str(shop), "-", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"seven": 7}


def test_no_cell_drives_the_terminal(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(str(shop), "select word from secrets") == 0
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["delete from orders"], "refused: only reading is allowed, not delete"),
        (["select nowhere"], "invalid: no such column: nowhere"),
        (["select * from secrets", "--tables", "orders"], "refused: the table secrets"),
        ([], "takes a QUERY, or --schema"),
        (["select 1", "--schema"], "takes a QUERY, or --schema"),
        (["select 1", "--timeout", "0"], "--timeout"),
        (["select 1", "--notes", "x"], "--notes goes with --schema"),
    ],
)
def test_what_is_refused_says_why(shop: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    assert _run(str(shop), *words) == 2
    message = capsys.readouterr().err
    assert said in message
    assert len(message.splitlines()) == 1


def test_the_schema_has_counts_and_notes(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "Orders.csv").write_text(
        "original_column_name,column_name,column_description,data_format,value_description\n"
        'name,,"what it is\ncalled",text,"order, then a number"\n'
    )
    assert _run(str(shop), "--schema", "--tables", "orders", "--notes", str(notes)) == 0
    assert capsys.readouterr().out.splitlines() == [
        "CREATE TABLE orders(id integer primary key, name text);",
        "-- 2,500 rows",
        "-- name: what it is called; order, then a number",
    ]
