"""A small schema with every sort of constraint, and queries of many shapes over it."""

from __future__ import annotations

import pytest

from sqlrl.benchmarks.synthesis.hints import Hints, read_hints
from sqlrl.benchmarks.synthesis.plans import Plans
from sqlrl.benchmarks.synthesis.reading import Reading, read_query
from sqlrl.benchmarks.synthesis.schema import Schema, read_schema

STATEMENTS = (
    "CREATE TABLE brands (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, "
    "city TEXT CHECK (city IN ('Lyon', 'Cork')))",
    "CREATE TABLE products (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL, brand_id INTEGER NOT NULL "
    "REFERENCES brands (id), parent_id INTEGER REFERENCES products (id), price REAL CHECK (price > 0 AND price <= 90), "
    "made DATE, twice REAL GENERATED ALWAYS AS (price * 2))",
    "CREATE TABLE sales (product_id INTEGER, day DATE, amount INTEGER NOT NULL DEFAULT 1 CHECK (amount > 0), "
    "PRIMARY KEY (product_id, day), FOREIGN KEY (product_id) REFERENCES products (id)) WITHOUT ROWID",
    "CREATE UNIQUE INDEX one_name ON products (name, brand_id)",
)
QUERIES = (
    "SELECT count(*) FROM products WHERE price > 10.5",
    "SELECT b.name FROM brands b JOIN products p ON p.brand_id = b.id GROUP BY b.id HAVING count(*) >= 5",
    "SELECT name FROM products WHERE name LIKE '%oak%' AND price BETWEEN 20 AND 22",
    "SELECT name FROM products WHERE made >= '2019-03-31' ORDER BY price DESC LIMIT 1",
    "SELECT city FROM brands AS b WHERE b.name = \"Arden\" INTERSECT SELECT city FROM brands WHERE name = 'Bolt'",
    "SELECT name FROM brands EXCEPT SELECT b.name FROM brands b JOIN products p ON p.brand_id = b.id",
    "SELECT name FROM products WHERE id IN (SELECT product_id FROM sales WHERE amount = 77)",
    "SELECT child.name FROM products child JOIN products p ON child.parent_id = p.id WHERE p.name = 'Root'",
    "SELECT brand_id, avg(price) FROM products GROUP BY brand_id ORDER BY count(*) DESC LIMIT 1",
    "SELECT name FROM products WHERE price > (SELECT avg(price) FROM products)",
    "SELECT name FROM (SELECT product_id AS k FROM sales WHERE day = '2020-02-29') AS s JOIN products p ON s.k = p.id",
)


@pytest.fixture
def schema() -> Schema:
    return read_schema(STATEMENTS, "shop")


@pytest.fixture
def readings(schema: Schema) -> list[Reading]:
    found = [read_query(query, schema) for query in QUERIES]
    assert all(found)
    return [reading for reading in found if reading is not None]


@pytest.fixture
def hints(schema: Schema, readings: list[Reading]) -> Hints:
    return read_hints(schema, readings)


@pytest.fixture
def plans(schema: Schema, hints: Hints) -> Plans:
    return Plans(schema, hints)
