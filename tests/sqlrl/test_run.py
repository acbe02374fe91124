"""`sqlrl run`, as it is typed."""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
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
        (["select 1", "--timeout", "nan"], "--timeout"),
        (["select 1", "--timeout", "1e9"], "--timeout"),
        (["select 1", "--timeout", "soon"], "--timeout"),
        (["select 1", "--limit", "0"], "--limit"),
        (["select 1", "--limit", "-1"], "--limit"),
        (["select 1", "--limit", "1.5"], "--limit"),
        (["select 1", "--notes", "x"], "--notes goes with --schema"),
        (["--schema", "--json"], "--json goes with a QUERY"),
        (["--schema", "--limit", "1"], "--limit goes with a QUERY"),
        (["--schema", "--tables", "nowhere"], "no such table in"),
        (["select 1", "--tables", " , "], "--tables names no table"),
        ([""], "no statement"),
        (["/* nothing */"], "no statement"),
    ],
)
def test_what_is_refused_says_why(shop: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    assert _run(str(shop), *words) == 2
    message = capsys.readouterr().err
    assert said in message
    assert len(message.splitlines()) == 1


def test_a_source_that_is_missing_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, said in [((), "Missing argument 'SOURCE'"), (("", "select 1"), "an empty source"),
                        ((str(tmp_path / "none.sqlite"), "select 1"), "there is no file"),
                        ((str(tmp_path), "select 1"), "has no parquet or csv files")]:  # fmt: skip
        assert _run(*words) == 2
        message = capsys.readouterr().err
        assert said in message
        assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"", "no statement"),
        (b"  \n", "no statement"),
        (b"select \xff", "not UTF-8, from byte 7 on"),
        (None, "is closed"),
    ],
)
def test_standard_input_without_a_query(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, given: bytes | None, said: str
) -> None:
    monkeypatch.setattr("sys.stdin", None if given is None else io.TextIOWrapper(io.BytesIO(given)))
    assert _run(str(shop), "-") == 2
    message = capsys.readouterr().err
    assert said in message
    assert len(message.splitlines()) == 1


HEADINGS = ["[/x]", "[bold]y[/bold]", ">z", "\x1b[31mred", "two\nlines", "\x9b2J", "\u202eback", " "]


@pytest.mark.parametrize("source", ["shop", "duckdb"])
def test_no_heading_is_markup_or_drives_the_terminal(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    if source == "duckdb":
        import duckdb

        shop = tmp_path / "shop.duckdb"
        duckdb.connect(str(shop)).close()
    monkeypatch.setenv("COLUMNS", "120")
    for heading in HEADINGS:
        for value in ("1", "'a'"):
            assert _run(str(shop), f'select {value} as "{heading}"') == 0
            head, cell = capsys.readouterr().out.splitlines()
            assert head.strip() == "".join(c if c.isprintable() else "\ufffd" for c in " ".join(heading.split()))
            assert cell.strip() == value.strip("'")
            assert _run(str(shop), f'select {value} as "{heading}"', "--json") == 0
            (line,) = capsys.readouterr().out.splitlines()
            assert list(json.loads(line)) == [heading]


def test_more_columns_than_fit_are_shown_row_by_row(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    listed = ", ".join(f"{number} as c{number}" for number in range(40))
    assert _run(str(shop), f"select {listed} from orders limit 2") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [*(["row", "1"], *([f"c{n}", str(n)] for n in range(40))), ["row", "2"],
                     *([f"c{n}", str(n)] for n in range(40))]  # fmt: skip


def test_a_wide_cell_is_cut_in_a_table_and_whole_in_json(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    query = "select printf('%.*c', 100000, 'w') as wide, 7 as n"
    assert _run(str(shop), query) == 0
    assert all(len(line) <= 60 for line in capsys.readouterr().out.splitlines())
    assert _run(str(shop), query, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"wide": "w" * 100_000, "n": 7}


def test_no_number_is_cut_where_text_can_be(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    listed = ", ".join(f"'some words of text {i}' as t{i}, {12345678 + i} as n{i}" for i in range(4))
    assert _run(str(shop), f"select {listed}") == 0
    shown = capsys.readouterr().out
    assert all(str(12345678 + i) in shown for i in range(4))


def test_cells_that_json_has_no_word_for(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query = "select x'00ff' as b, 'a' || char(0) as z, 1e999 as i, cast(x'ff' as text) as u, null as n"
    assert _run(str(shop), query, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"b": "00ff", "z": "a\0", "i": None, "u": "?", "n": None}


def _started(shop: Path, query: str, *words: str, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "sqlrl", "run", str(shop), query, *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **environment},
    )  # fmt: skip


ENDLESS = "with recursive t(x) as (select 1 union all select x + 1 from t) select x from t"


def test_a_reader_who_has_enough_ends_it_without_a_word(shop: Path) -> None:
    process = _started(shop, ENDLESS, "--json")
    assert process.stdout is not None
    assert process.stderr is not None
    assert json.loads(process.stdout.readline()) == {"x": 1}
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(20) == 1
    process.stderr.close()


def test_ctrl_c_ends_it_with_a_word(shop: Path) -> None:
    process = _started(shop, ENDLESS, "--json")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert said.split() == [b"sqlrl:", b"interrupted"]


def test_a_terminal_without_the_letters_of_a_cell(shop: Path) -> None:
    for words, shown in [((), b"?"), (("--json",), b'{"a": "\\u6f22"}')]:
        process = _started(shop, "select '\u6f22' as a", *words, PYTHONIOENCODING="ascii")
        out, _ = process.communicate(timeout=20)
        assert process.returncode == 0
        assert out.splitlines()[-1].strip() == shown


def test_the_schema_does_not_drive_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "evil.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute('create table "e\x9b31mvil"("a\x07" text)')
    connection.close()
    assert _run(str(path), "--schema") == 0
    assert capsys.readouterr().out.splitlines() == ['CREATE TABLE "e\ufffd31mvil"("a\ufffd" text);', "-- 0 rows"]


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
