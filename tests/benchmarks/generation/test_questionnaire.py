"""The grammar over any schema: what it reads of one, and what it writes about it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sqlrl.benchmarks.generation.houses import HOUSES
from sqlrl.benchmarks.generation.joined import JOINED
from sqlrl.benchmarks.generation.profile import Profile, profile_of, quoted
from sqlrl.benchmarks.generation.questionnaire import Questionnaire, write_questions
from sqlrl.benchmarks.generation.rows import write_database
from sqlrl.benchmarks.generation.single import SINGLE
from sqlrl.benchmarks.generation.words import plural, singular, split_name, unglue
from sqlrl.executors import open_executor
from sqlrl.executors.errors import DataError

SCHEMA = """
create table car_makers(id integer primary key, FullName text, country text /* where it is at home */);
create table "order"(order_id integer primary key, MakerId integer references car_makers(id), total real, day date,
                     state text, "unit price" real);
create table empty_one(a text);
"""


@pytest.fixture(scope="module")
def executor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    path = tmp_path_factory.mktemp("own") / "shop.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(SCHEMA)
        makers = [(1, "O'Hara", "Italy"), (2, "Ash", "Spain"), (3, "Elm", "Spain")]
        connection.executemany("insert into car_makers values (?, ?, ?)", makers)
        states = ("new", "paid", "late")
        orders = [(n, 1 + n % 2, n * 2.5, f"2024-01-{1 + n % 28:02d}", states[n % 3], n / 8) for n in range(1, 41)]
        connection.executemany('insert into "order" values (?, ?, ?, ?, ?, ?)', orders)
    connection.close()
    with open_executor(f"sqlite:///{path}", workers=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def profile(executor: Any) -> Profile:
    return profile_of(executor)


@pytest.fixture(scope="module")
def written(executor: Any) -> Questionnaire:
    return write_questions(executor, 1500, seed=0)


def test_a_profile_knows_keys_links_kinds_and_words(profile: Profile) -> None:
    makers, orders = profile.tables
    assert (makers.name, orders.name) == ("car_makers", '"order"'), "a table without rows is left out"
    assert (makers.one, makers.many) == (("car maker", "maker"), ("car makers", "makers"))
    assert makers.key is not None
    assert (makers.key.name, makers.label.name) == ("id", "FullName")
    kinds = {column.name: column.kind for column in orders.columns}
    assert kinds == {
        "order_id": "number", "MakerId": "number", "total": "number", "day": "date", "state": "text",
        '"unit price"': "number",
    }  # fmt: skip
    assert [column.name for column in orders.columns if column.is_measure] == ["total", '"unit price"']
    assert [column.name for column in orders.columns if column.is_category] == ["state"]
    (link,) = profile.links
    assert (link.child, link.column.name, link.parent, link.other.name) == ('"order"', "MakerId", "car_makers", "id")
    full_name = makers.column("fullname")
    assert full_name is not None
    assert "name" in full_name.calls
    country = makers.column("country")
    assert country is not None
    assert "where it is at home" in country.calls


def test_every_query_runs_and_tells_something(executor: Any, written: Questionnaire) -> None:
    assert not written.failed, written.messages[:3]
    assert len(written.drafts) == 1500
    pairs = {(draft.question, draft.query) for draft in written.drafts}
    assert len(pairs) == 1500, "nothing is written twice"
    for result in executor.execute_many([draft.query for draft in written.drafts[::10]]):
        assert result.rows not in ((), ((None,),), ((0,),))


def test_every_shape_is_there_and_words_have_several_readings(written: Questionnaire) -> None:
    shapes = set(written.shapes)
    assert shapes >= {
        "show", "distinct", "filter", "which", "of one", "count", "count distinct",
        "aggregate", "extreme", "order", "group count", "group aggregate", "commonest",
        "having", "nested", "join", "join count", "join group", "join most",
        "join having", "join extreme", "join aggregate", "without", "with any", "set operation",
    }  # fmt: skip
    assert written.ambiguous >= 5
    queries = " ".join(draft.query for draft in written.drafts)
    pieces = "BETWEEN|LIKE| OR |!=|>=|INTERSECT|UNION|EXCEPT|NOT IN|DISTINCT|'O''Hara'"
    assert [piece for piece in pieces.split("|") if piece not in queries] == []


def test_the_same_seed_writes_the_same(executor: Any, profile: Profile) -> None:
    first, again, other = (write_questions(executor, 50, seed, profile=profile).drafts for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_questions_read_as_sentences(written: Questionnaire) -> None:
    for draft in written.drafts:
        assert draft.question[0].isupper()
        assert "{" not in draft.question
        assert "  " not in draft.question


def test_a_small_database_ends_the_writing(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\nx\n")
    with open_executor(str(tmp_path / "t.csv"), workers=1) as executor:
        found = write_questions(executor, 5000)
    assert 0 < len(found.drafts) < 5000
    assert found.repeated


def test_numbers_that_are_text_are_numbers_where_the_engine_says_so(tmp_path: Path) -> None:
    rows = [("10",), ("9",), ("null",), ("",), ("7.5",), (None,)] * 4
    with sqlite3.connect(tmp_path / "cars.sqlite") as connection:
        connection.execute("create table cars(horsepower text)")
        connection.executemany("insert into cars values (?)", rows)
    connection.close()
    (tmp_path / "cars.csv").write_text("horsepower\n" + "".join(f'"{row[0]}"\n' for row in rows if row[0]))
    for file, kind in (("cars.sqlite", "number"), ("cars.csv", "text")):
        with open_executor(str(tmp_path / file), workers=1) as executor:
            profile = profile_of(executor)
            (column,) = profile.tables[0].columns
            assert column.kind == kind
            assert ("null" in column.values) == (kind == "text")
            found = write_questions(executor, 40, profile=profile)
        assert not found.failed, found.messages[:3]


def test_nothing_to_ask_about_is_said(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "empty.sqlite") as connection:
        connection.execute("create table t(a)")
    connection.close()
    with (
        open_executor(str(tmp_path / "empty.sqlite"), workers=1) as executor,
        pytest.raises(DataError, match="no table"),
    ):
        profile_of(executor)


def test_undeclared_keys_are_found_by_name_and_values(tmp_path: Path) -> None:
    (tmp_path / "brands.csv").write_text("id,name\n1,a\n2,b\n")
    (tmp_path / "products.csv").write_text("id,name,brand_id\n5,x,1\n6,y,2\n7,z,1\n")
    (tmp_path / "sales.csv").write_text("product_id,brand_id\n5,1\n6,9\n")
    with open_executor(f"csv:///{tmp_path}", workers=1) as executor:
        links = profile_of(executor).links
    assert [(link.child, link.column.name, link.parent) for link in links] == [
        ("products", "brand_id", "brands"), ("sales", "product_id", "products"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "many"),
    [("city", "cities"), ("car maker", "car makers"), ("box", "boxes"), ("person", "people"), ("day", "days"),
     ("class", "classes"), ("status", "statuses"), ("series", "series"), ("match", "matches")],
)  # fmt: skip
def test_plural_and_singular(one: str, many: str) -> None:
    assert (plural(one), singular(many)) == (many, one)


def test_names_are_parted_into_words() -> None:
    assert split_name("HeadOfState") == ["head", "of", "state"]
    assert split_name("IDNumber_2") == ["id", "number", "2"]
    assert unglue(["countrylanguage"], frozenset(["country", "language"])) == ["country", "language"]
    assert unglue(["price"], frozenset(["pri", "ce"])) == ["price"]


def test_names_are_quoted_where_they_must_be() -> None:
    names = ("price", "order", "unit price", 'a"b', "Price")
    assert [quoted(name) for name in names] == ["price", '"order"', '"unit price"', '"a""b"', "Price"]
    assert [quoted(name, "postgresql") for name in names[::4]] == ["price", '"Price"']
    assert [quoted(name, "mysql") for name in names[1:3]] == ["`order`", "`unit price`"]


def test_every_writer_has_a_weight() -> None:
    assert all(weight > 0 for weight in (*SINGLE.values(), *JOINED.values()))


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_queries_run_on_servers_as_they_are_written(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    server = request.getfixturevalue(kind)
    house = write_database(HOUSES[0], tmp_path, "0/0")
    with open_executor(server.load("own_house", house), workers=1) as executor:
        profile = profile_of(executor)
        found = write_questions(executor, 150, profile=profile)
    assert {table.name for table in profile.tables} == {"brands", "products", "sales"}
    assert {(link.child, link.parent) for link in profile.links} == {("products", "brands"), ("sales", "products")}
    assert not found.failed, found.messages[:5]
    assert len(found.drafts) == 150
