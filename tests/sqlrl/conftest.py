"""A small benchmark of our own, in Spider's layout, and a scripted policy that answers it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

QUESTIONS = [
    ("how many products?", "SELECT count(*) FROM product"),
    ("which products are cheap?", "SELECT name FROM product WHERE price < 3"),
    ("what is the dearest product?", "SELECT name FROM product ORDER BY price DESC LIMIT 1"),
    ("which products cost nothing?", "SELECT name FROM product WHERE price = 0"),
]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The data root of a Spider-like benchmark over one database."""
    root = tmp_path / "spider"
    (root / "database" / "shop").mkdir(parents=True)
    with sqlite3.connect(root / "database" / "shop" / "shop.sqlite") as connection:
        connection.execute("create table product(name text, price real)")
        connection.executemany("insert into product values (?, ?)", [("pen", 1.5), ("ink", 2.5), ("desk", 90.0)])
    connection.close()
    items = [{"db_id": "shop", "question": question, "query": query} for question, query in QUESTIONS]
    for file in ("dev.json", "train_spider.json"):
        (root / file).write_text(json.dumps(items))
    return tmp_path


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """Answers to the four questions: right, wrong, in the wrong form, and refused."""

    def form(query: str) -> str:
        return f'<think>products</think><answer>{{"sql": "{query}"}}</answer>'

    answers = [
        form("SELECT count(name) FROM product"),
        form("SELECT name FROM product"),
        "```sql\nSELECT name FROM product ORDER BY price DESC LIMIT 1\n```",
        form("DROP TABLE product"),
    ]
    path = tmp_path / "script.jsonl"
    lines = [json.dumps({"question": q, "completion": a}) for (q, _), a in zip(QUESTIONS, answers, strict=True)]
    path.write_text("\n".join(lines))
    return path
