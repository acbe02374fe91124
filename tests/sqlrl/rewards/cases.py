"""Completions of every kind over a small database, in our form and in the authors' own, for golden values."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlrl.benchmarks.base import Example
from sqlrl.executors.base import Gold

GOLDEN = Path(__file__).parent / "golden.json"
DATABASE = """
create table product(name text, price real, stock integer, maker text);
insert into product values ('pen', 1.5, 10, 'Ada'), ('ink', 2.5, 0, 'Ada'), ('desk', 90.0, 2, 'Bo'),
  ('lamp', 20.0, 2, null), ('pen', 1.5, 10, 'Ada'), ('chair', 45.5, 7, 'Cy'), ('value', 0.1, 3, 'Bo');
create table sale(product text, day text, pieces integer);
insert into sale values ('pen', '2024-01-01', 3), ('pen', '2024-01-02', 3), ('desk', '2024-01-02', 1);
"""
GOLDS = [
    "SELECT count(*) FROM product",
    "SELECT name FROM product WHERE price < 3",
    "SELECT name, price FROM product ORDER BY price DESC",
    "SELECT DISTINCT maker FROM product",
    "SELECT maker, sum(stock) FROM product GROUP BY maker",
    "SELECT p.name, s.pieces FROM product p JOIN sale s ON s.product = p.name",
    "SELECT name FROM product ORDER BY price LIMIT 1",
    "SELECT name FROM product WHERE price > 1000",
    "SELECT avg(price) FROM product",
    "SELECT name, price, stock, maker FROM product WHERE maker = 'Ada'",
]
# What policies write: right, nearly so, wrong, and what does not run.
TEMPLATES = """
{q}|SELECT * FROM ({q})|SELECT DISTINCT * FROM ({q})|SELECT * FROM ({q}) LIMIT 1|SELECT * FROM ({q}) LIMIT 0
SELECT * FROM ({q}) ORDER BY 1|SELECT * FROM ({q}) ORDER BY 1 DESC|SELECT * FROM ({q}) UNION ALL SELECT * FROM ({q})
SELECT *, 1 FROM ({q})|SELECT *, * FROM ({q})|WITH w AS ({q}) SELECT * FROM w|SELECT count(*) FROM ({q})|SELECT 7
SELECT NULL|SELECT name FROM product|SELECT * FROM product|SELECT price, name FROM product|SELECT nothing FROM nowhere
SELEC 1|SELECT name FROM product WHERE|SELECT name FROM product WHERE name = 'value'|SELECT 1 WHERE 0|{q} ;
SELECT max(price) FROM product|SELECT sum(stock), maker FROM product GROUP BY 2|SELECT maker FROM product
"""
QUERIES = [piece for line in TEMPLATES.strip("\n").split("\n") for piece in line.split("|")]
THINKING = ["", "products", "First the tables, then the columns.\nProduct has both. " * 9, "Very long. " * 300]
FORMS = ("whole", "no answer", "two answers", "unclosed", "no thinking", "thinking last", "no query")

# Forms that mean the same in the authors' tags: SkyRL lets the thinking come last and an answer be empty, Think2SQL's
# port of Arctic's reward looks at the form of wrong answers only.
COMPARED = {
    "deepretrieval-spider": FORMS,
    "deepretrieval-bird": FORMS,
    "sql-r1": FORMS,
    "skyrl": ("whole", "no answer", "two answers", "unclosed", "no thinking"),
    "arctic": ("whole", "no query"),
}


@dataclass(frozen=True)
class Case:
    """gold: its place in GOLDS. form: what is wrong with the form, "whole" for nothing."""

    gold: int
    query: str
    thinking: str = "products"
    form: str = "whole"

    def written(self, query: str, begin: str = "<answer>", end: str = "</answer>", nothing: str = "") -> str:
        """The completion. query: what stands between the tags; nothing: what does where the query is left out."""
        thinking = f"<think>{self.thinking}</think>"
        answer = f"{begin}{nothing if self.form == 'no query' else query}{end}"
        return {
            "whole": thinking + answer,
            "no query": thinking + answer,
            "no answer": thinking + self.query,
            "two answers": thinking + answer + answer,
            "unclosed": thinking + answer.removesuffix(end),
            "no thinking": answer,
            "thinking last": answer + thinking,
        }[self.form]

    @property
    def ours(self) -> str:
        return self.written(json.dumps({"sql": self.query}), nothing='{"query": ""}')


def cases() -> Iterator[Case]:
    """All of them, always the same."""
    for gold, right in enumerate(GOLDS):
        for place, template in enumerate(QUERIES):
            yield Case(gold, template.replace("{q}", right), THINKING[(gold + place) % len(THINKING)])
        for form in FORMS[1:]:
            yield Case(gold, right, form=form)
            yield Case(gold, "SELECT 7", form=form)


def examples() -> list[Example]:
    return [Example(str(place), "?", Gold(query=query), labels={"database": "d"}) for place, query in enumerate(GOLDS)]


def create_database(folder: Path) -> Path:
    path = folder / "cases.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(DATABASE)
    connection.close()
    return path
