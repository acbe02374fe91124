"""Schemas are what SQLite reads, and reading one does nothing else."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from sqlrl.benchmarks.synthesis.catalogue import read_catalogue, statements_of
from sqlrl.benchmarks.synthesis.schema import Schema, read_schema, schema_of_source
from sqlrl.executors.errors import DataError


def test_keys_and_uniques_and_what_leads_where(schema: Schema) -> None:
    products, sales = schema.table("PRODUCTS"), schema.table("sales")
    assert products is not None
    assert sales is not None
    assert set(products.uniques) == {("id",), ("name", "brand_id")}
    assert sales.key == ("product_id", "day")
    assert {(f.columns, f.table, f.targets) for f in products.foreign} == {
        (("brand_id",), "brands", ("id",)),
        (("parent_id",), "products", ("id",)),
    }
    assert [column.name for column in products.columns if column.generated] == ["twice"]
    assert [table.name for table in schema.tables] == ["brands", "products", "sales"]


@pytest.mark.parametrize(
    "statement",
    [
        "ATTACH 'elsewhere.db' AS other",
        "DROP TABLE t",
        "PRAGMA writable_schema = 1",
        "DELETE FROM t",
        "CREATE TABEL x (a)",
    ],
)
def test_a_schema_makes_tables_and_nothing_else(statement: str) -> None:
    with pytest.raises(DataError, match="the schema cannot be made"):
        read_schema(["CREATE TABLE t (a)", statement], "bad")


def test_no_table_is_no_schema() -> None:
    with pytest.raises(DataError, match="no table"):
        read_schema([], "none")


def test_the_schema_of_a_file_is_its_own(tmp_path: Path, schema: Schema) -> None:
    path = tmp_path / "shop.sqlite"
    with sqlite3.connect(path) as connection:
        for statement in schema.statements:
            connection.execute(statement)
        connection.execute("CREATE TRIGGER t AFTER INSERT ON brands BEGIN DELETE FROM sales; END")
    connection.close()
    found = schema_of_source(f"sqlite:///{path}", "shop")
    assert found.statements == schema.statements
    assert found.tables == schema.tables


def _item(**changes: object) -> dict[str, object]:
    return {
        "db_id": "d",
        "table_names_original": ["student", "pet", "has_pet", "sqlite_sequence"],
        "column_names_original": [
            [-1, "*"], [0, "StuID"], [0, "GPA"], [1, "PetID"], [2, "StuID"], [2, "PetID"], [3, "seq"],
        ],
        "column_types": ["text", "number", "number", "number", "number", "number", "text"],
        "foreign_keys": [[4, 1], [5, 3]],
        "primary_keys": [1, 3, 4],
        **changes,
    }  # fmt: skip


def test_a_listed_key_that_ties_two_tables_is_both_columns() -> None:
    schema = read_schema(statements_of(_item()), "d")
    assert [table.name for table in schema.tables] == ["student", "pet", "has_pet"]
    tie = schema.table("has_pet")
    assert tie is not None
    assert tie.key == ("StuID", "PetID")
    student = schema.table("student")
    assert student is not None
    assert [column.kind for column in student.columns] == ["integer", "real"]


def test_a_listed_key_that_is_a_foreign_key_too_stays_alone_unless_it_is_counted() -> None:
    item = _item(foreign_keys=[[4, 1]])
    alone, counted = (read_schema(statements_of(item, c), "d").table("has_pet") for c in ((), {("has_pet", "stuid")}))
    assert alone is not None
    assert counted is not None
    assert alone.key == ("StuID",)
    assert counted.key == ("StuID", "PetID")


def test_a_catalogue_says_which_item_lacks_what(tmp_path: Path) -> None:
    (tmp_path / "tables.json").write_text('[{"db_id": "d"}]')
    with pytest.raises(DataError, match="item 0: no 'table_names_original'"):
        read_catalogue(tmp_path / "tables.json")
