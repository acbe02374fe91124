"""Schemas of databases that are odd or broken: what can be read of them is, and no name or value leaves its comment."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import duckdb
import pytest

from sqlrl.executors import Limits, open_executor
from sqlrl.executors.description import describe_table

ENDLESS = "with recursive t(x) as (select 1 union all select x + 1 from t) select count(*) as n from t"


def _sqlite(path: Path, script: str, *statements: str) -> Path:
    connection = sqlite3.connect(path)
    connection.executescript(script)
    for statement in statements:  # executescript wants a semicolon, which a comment may swallow
        connection.execute(statement)
    connection.commit()
    connection.close()
    return path


def _duckdb(path: Path, *statements: str) -> Path:
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path


def _commented(text: str) -> bool:
    """Whether what follows the statements is comments alone."""
    return all(line.startswith("-- ") for line in text.split(";\n", 1)[1].splitlines())


@pytest.mark.parametrize(
    ("ddl", "shown"),
    [
        ("create table t(a)", "create table t(a);"),
        ("create table t(a) ; ", "create table t(a);"),
        ("create view v as select 1 -- one", "create view v as select 1 -- one\n;"),
        ("create view v as select 1 -- one;", "create view v as select 1 -- one\n;"),
        ("create view v as select 1 /* one", "create view v as select 1 /* one */;"),
        ("create view v as select 1 /* one */", "create view v as select 1 /* one */;"),
        ("create view v as select 1 /*/", "create view v as select 1 /*/ */;"),
        ("create view v as select '-- no'", "create view v as select '-- no';"),
        ('create table "--t"(a)', 'create table "--t"(a);'),
        ("create table t(a) -- b\n", "create table t(a) -- b\n;"),
        ("create table t(\n a -- the key\n)", "create table t(\n a -- the key\n);"),
    ],
)
def test_no_comment_swallows_the_semicolon(ddl: str, shown: str) -> None:
    assert describe_table(ddl) == shown


@pytest.mark.parametrize("end", ["\n", "\r", "\v", "\f", "\x1e", "\x85", "\u2028", "\u2029"])
def test_nothing_leaves_its_comment(end: str) -> None:
    evil = f"a{end}DROP TABLE t; \x1b[31m"
    text = describe_table("create table t(a)", 1, ([evil], [(evil,), (evil.encode(),)]), {evil: evil}, evil)
    assert _commented(text), text
    assert len(text.splitlines()) == 7
    assert "\x1b" not in text


def test_a_broken_view_of_sqlite_costs_no_other_table(tmp_path: Path) -> None:
    path = _sqlite(
        tmp_path / "broken.sqlite",
        f"""create table gone(x); create view broken as select x from gone; create view endless as {ENDLESS};
        create table ok(a); insert into ok values (1);
        create table "new\nline"(a, "b\nc"); insert into "new\nline" values (1, cast(x'ff41' as text));""",
        "create view last as select a from ok -- the end",
        "drop table gone",
    )
    with open_executor(path, workers=1, limits=Limits(seconds=1)) as executor:
        assert executor.describe(sample_rows=1).split("\n\n") == [
            "CREATE VIEW broken as select x from gone;\n-- cannot be read: no such table: main.gone",
            f"CREATE VIEW endless as {ENDLESS};\n-- cannot be read: out of processor time",
            "CREATE TABLE ok(a);\n-- 1 row\n-- a\n-- 1",
            'CREATE TABLE "new\nline"(a, "b\nc");\n-- 1 row\n-- a, b c\n-- 1, \ufffdA',
            "CREATE VIEW last as select a from ok -- the end\n;\n-- 1 row\n-- a\n-- 1",
        ]
        assert executor.execute("select a from ok").rows == ((1,),)


def test_names_that_are_not_text(tmp_path: Path) -> None:
    path = _sqlite(
        tmp_path / "bytes.sqlite",
        "create table ok(a); insert into ok values (1); pragma writable_schema=1;"
        "insert into sqlite_master values ('view', cast(x'76ff' as text), cast(x'76ff' as text), 0, "
        "cast(x'6372656174652076696577202276ff222061732073656c656374203120617320' || x'22fe22' as text))",
    )
    with open_executor(path, workers=1) as executor:
        for words in ({}, {"row_counts": False}, {"sample_rows": 1}):
            text = executor.describe(**words)  # type: ignore[arg-type]
            assert text.startswith("CREATE TABLE ok(a);")
            assert text.encode()
        assert "-- cannot be read: its name is not text" in executor.describe()
        assert executor.execute("select a from ok").rows == ((1,),)
    with open_executor(path, workers=1, tables=["ok"]) as executor:
        assert executor.describe() == "CREATE TABLE ok(a);\n-- 1 row"


def test_a_view_in_the_list_shows_no_rows_of_tables_that_are_not(tmp_path: Path) -> None:
    script = "create table secret(a int); insert into secret values (4242); create view v as select a from secret;"
    for path in (_sqlite(tmp_path / "v.sqlite", script), _duckdb(tmp_path / "v.duckdb", script)):
        with open_executor(path, workers=1, tables=["v"]) as executor:
            text = executor.describe(sample_rows=1)
            assert "4242" not in text
            assert "-- 1 row" not in text
            assert "not one of those that may be read" in text


def test_what_a_virtual_table_keeps_its_rows_in_is_not_described(tmp_path: Path) -> None:
    path = _sqlite(tmp_path / "text.sqlite", "create virtual table notes using fts5(body); create table t(a);")
    with open_executor(path, workers=1) as executor:
        assert [part.split("\n")[0] for part in executor.describe().split("\n\n")] == [
            "CREATE VIRTUAL TABLE notes using fts5(body);",
            "CREATE TABLE t(a);",
        ]


def test_a_broken_view_of_duckdb_costs_no_other_table(tmp_path: Path) -> None:
    path = _duckdb(
        tmp_path / "broken.duckdb",
        "create table gone(x int)",
        "create view broken as select x from gone",
        f"create view endless as {ENDLESS}",
        "create table ok(a int)",
        "insert into ok values (1)",
        'create table "new\nline"("b\nc" date, d interval)',
        "insert into \"new\nline\" values ('infinity', interval 1000000000 days)",
        "create schema other",
        "create table other.ok as select 7 as z from range(3)",
        "drop table gone",
    )
    with open_executor(path, workers=1, limits=Limits(seconds=1)) as executor:
        parts = executor.describe(sample_rows=1).split("\n\n")
    gone = "CREATE VIEW broken AS SELECT x FROM gone;\n-- cannot be read: Catalog Error: Table with name gone"
    assert sum(part.startswith(gone) for part in parts) == 1
    assert sum(part.endswith("\n-- cannot be read: out of processor time") for part in parts) == 1
    lines = (
        'CREATE TABLE "new\nline"("b\nc" DATE, d INTERVAL);\n-- 1 row\n-- b c, d\n-- infinity, 1000000000 days 00:00:00'
    )
    assert {part for part in parts if "cannot" not in part} == {
        "CREATE TABLE ok(a INTEGER);\n-- 1 row\n-- a\n-- 1",
        lines,
        "CREATE TABLE other.ok(z INTEGER);\n-- 3 rows\n-- z\n-- 7",
    }
    with open_executor(path, workers=1, tables=["other.ok"]) as executor:
        assert executor.describe() == "CREATE TABLE other.ok(z INTEGER);\n-- 3 rows"
        assert executor.execute("select count(*) from other.ok").rows == ((3,),)


def test_column_names_of_notes_stay_in_their_comment(tmp_path: Path) -> None:
    path = _sqlite(tmp_path / "t.sqlite", "create table t(a)")
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "T.csv").write_text('original_column_name,column_description\n"a\nDROP TABLE t; --",caf\xe9\n', "cp1252")
    with open_executor(path, workers=1) as executor:
        assert executor.describe(notes=notes) == "CREATE TABLE t(a);\n-- 0 rows\n-- a DROP TABLE t; --: café"
