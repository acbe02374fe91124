"""What is read out of queries: hints, neighbours, what is left to chance; and which instances are kept."""

from __future__ import annotations

import random

import pytest

from sqlrl.benchmarks.synthesis.distilling import Want, distil
from sqlrl.benchmarks.synthesis.hints import Hints
from sqlrl.benchmarks.synthesis.neighbours import neighbours_of
from sqlrl.benchmarks.synthesis.reading import Reading, read_query
from sqlrl.benchmarks.synthesis.schema import Schema
from sqlrl.benchmarks.synthesis.ties import settled


def test_literals_reach_their_columns_through_aliases_and_derived_tables(hints: Hints) -> None:
    assert hints.of(("brands", "name")).values == ["Arden", "Bolt"]  # one of them in double quotes
    assert hints.of(("products", "price")).bounds == ["10.5", "20", "22"]
    assert hints.of(("products", "name")).patterns == ["%oak%"]
    assert hints.of(("sales", "amount")).values == ["77"]
    assert hints.of(("sales", "day")).values == ["2020-02-29"]
    assert hints.of(("products", "brand_id")).grouped
    assert hints.of(("products", "price")).measured
    assert hints.domain(("sales", "product_id")) == hints.domain(("products", "id"))


def test_neighbours_are_one_change_away_and_leave_the_query_as_it_was(readings: list[Reading], hints: Hints) -> None:
    for reading in readings:
        before = reading.tree.sql(dialect="sqlite")
        found = neighbours_of(reading, hints, random.Random(0), 60)
        assert reading.tree.sql(dialect="sqlite") == before
        texts = [neighbour.query for neighbour in found]
        assert before not in texts
        assert len(texts) == len(set(texts)) > 4
        assert found == neighbours_of(reading, hints, random.Random(0), 60)


def _near(query: str, schema: Schema, hints: Hints) -> set[str]:
    reading = read_query(query, schema)
    assert reading is not None
    return {neighbour.query for neighbour in neighbours_of(reading, hints, random.Random(0), 1000)}


def test_each_sort_of_near_miss_is_there(schema: Schema, hints: Hints) -> None:
    found = _near("SELECT name FROM products WHERE price > 10 AND id = 3 ORDER BY price LIMIT 2", schema, hints)
    for text in (
        "SELECT name FROM products WHERE price >= 10 AND id = 3 ORDER BY price LIMIT 2",
        "SELECT name FROM products WHERE price > 10 OR id = 3 ORDER BY price LIMIT 2",
        "SELECT name FROM products WHERE price > 10 ORDER BY price LIMIT 2",
        "SELECT name FROM products WHERE price > 11 AND id = 3 ORDER BY price LIMIT 2",
        "SELECT name FROM products WHERE price > 10 AND id = 3 ORDER BY price DESC LIMIT 2",
        "SELECT name FROM products WHERE price > 10 AND id = 3 ORDER BY price LIMIT 3",
        "SELECT DISTINCT name FROM products WHERE price > 10 AND id = 3 ORDER BY price LIMIT 2",
        "SELECT name FROM products WHERE price > 10 AND brand_id = 3 ORDER BY price LIMIT 2",
    ):
        assert text in found
    found = _near("SELECT max(p.price) FROM products AS p JOIN brands AS b ON p.brand_id = b.id", schema, hints)
    assert "SELECT MIN(p.price) FROM products AS p JOIN brands AS b ON p.brand_id = b.id" in found
    assert "SELECT MAX(p.price) FROM products AS p LEFT JOIN brands AS b ON p.brand_id = b.id" in found
    found = _near("SELECT city FROM brands UNION SELECT name FROM brands", schema, hints)
    assert "SELECT city FROM brands INTERSECT SELECT name FROM brands" in found
    assert "SELECT city FROM brands UNION ALL SELECT name FROM brands" in found


@pytest.mark.parametrize(
    ("query", "chance"),
    [
        ("SELECT name FROM products ORDER BY price LIMIT 1", True),
        ("SELECT name, count(*) FROM products GROUP BY brand_id", True),
        ("SELECT brand_id, count(*) FROM products GROUP BY brand_id", False),
        ("SELECT name, max(price) FROM products", False),
        ("SELECT name FROM products WHERE price > 3", False),
    ],
)
def test_what_may_be_left_to_chance_is_settled_both_ways(query: str, chance: bool, schema: Schema) -> None:
    reading = read_query(query, schema)
    assert reading is not None
    texts = settled(reading)
    assert len(texts) == (2 if chance else 0)
    assert len(set(texts)) == len(texts)


def test_queries_that_cannot_be_followed_are_left_alone(schema: Schema) -> None:
    assert read_query("SELECT FROM WHERE", schema) is None
    assert read_query("SELECT a FROM nowhere", schema) is None
    assert read_query("DELETE FROM brands", schema) is None


def test_distilling_takes_what_adds_most_and_then_covers_again() -> None:
    wants = [Want(0b0011), Want(0b0011), Want(0b0100), Want(0b1100)]
    assert distil(wants, [0.0] * 4, 2) == [0, 2]
    assert distil(wants, [3.0, 0.0, 0.0, 0.0], 2) == [1, 2]
    assert distil(wants, [0.0] * 4, 3)[:2] == [0, 2]
    assert sorted(distil(wants, [0.0] * 4, 9)) == [0, 1, 2, 3]
    assert distil([Want(0)], [0.0, 0.0], 1) == [0]
