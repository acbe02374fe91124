"""Suites on disk: made once, the same by a seed, and taken by the judges as several instances of one database."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from sqlrl.benchmarks.databases import SUITE_FILE
from sqlrl.benchmarks.spider import Spider
from sqlrl.benchmarks.synthesis.folder import copy_questions, make_folder, write_questions
from sqlrl.benchmarks.synthesis.requests import Request, read_statements, request_of, requests_of_spider
from sqlrl.executors.errors import DataError, UsageError
from sqlrl.judging import Judging

SETTINGS = {"instances": 12, "keep": 3, "seed": 0, "neighbours": 20, "workers": 1}
SCHEMA = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, age INT); "
    "CREATE TABLE pets (id INTEGER PRIMARY KEY, owner INT REFERENCES people (id), kind TEXT)"
)
QUERIES = [
    "SELECT name FROM people WHERE age > 40",
    "SELECT count(*) FROM pets WHERE kind = 'cat'",
    "SELECT p.name FROM people p JOIN pets t ON t.owner = p.id GROUP BY p.id HAVING count(*) > 2",
]


@pytest.fixture
def request_here(tmp_path: Path) -> Request:
    (tmp_path / "zoo.sql").write_text(SCHEMA)
    (tmp_path / "golds.sql").write_text("-- Who is\n-- older than 40; and why?\n" + ";\n".join(QUERIES))
    return request_of(str(tmp_path / "zoo.sql"), str(tmp_path / "golds.sql"))


def test_queries_of_a_file_bring_their_questions(request_here: Request) -> None:
    assert [asked.query for asked in request_here.asked] == QUERIES
    assert request_here.asked[0].question == "Who is older than 40; and why?"
    assert request_here.name == "zoo"


def test_a_suite_is_made_once_and_judges_take_all_of_it(tmp_path: Path, request_here: Request) -> None:
    out = tmp_path / "out"
    (said,) = make_folder([request_here], out, **SETTINGS)
    assert said["questions_found"] == said["questions"] == 3
    assert sum(said["told_by"][-1].values()) >= 0.9 * sum(said["told"].values()) > 0
    assert [sum(counts.values()) for counts in said["told_by"]] == sorted(
        sum(counts.values()) for counts in said["told_by"]
    )
    folder = out / "database" / "zoo"
    assert sorted(path.name for path in folder.iterdir()) == [SUITE_FILE, "zoo.sqlite", "zoo_1.sqlite", "zoo_2.sqlite"]
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    assert list(make_folder([request_here], out, **SETTINGS)) == [said]
    assert before == {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    list(make_folder([request_here], tmp_path / "again", **SETTINGS))
    again = tmp_path / "again" / "database" / "zoo"
    assert {name: content for name, (content, _) in before.items()} == {
        path.name: path.read_bytes() for path in again.iterdir()
    }

    write_questions(request_here, out)
    spider = Spider(out)
    examples = spider.examples("train")
    assert len(spider.sources(examples[0])) == 3
    wrong = "SELECT name FROM people WHERE age >= 40"
    with Judging.of(spider, examples, "robust", workers=1) as judging:
        right, miss = judging.judge_all([(examples[0], QUERIES[0]), (examples[0], wrong)])
    assert right.verdict.correct
    assert not miss.verdict.correct


def test_an_instance_that_leaves_a_query_to_chance_is_left_out_for_it(tmp_path: Path, request_here: Request) -> None:
    list(make_folder([request_here], tmp_path / "out", **SETTINGS))
    write_questions(request_here, tmp_path / "out")
    file = tmp_path / "out" / "database" / "zoo" / SUITE_FILE
    said = json.loads(file.read_text())
    said["undecided"] = {name: [QUERIES[1]] for name in said["files"]}
    said["undecided"]["zoo_1.sqlite"].append(QUERIES[0])
    file.write_text(json.dumps(said))
    spider = Spider(tmp_path / "out")
    names = [[Path(url).name for url in spider.sources(example)] for example in spider.examples("train")]
    assert names[0] == ["zoo.sqlite", "zoo_2.sqlite"]
    assert names[1] == ["zoo.sqlite"]
    assert len(names[2]) == 3
    file.write_text("{")
    with pytest.raises(DataError, match=r"suite\.json cannot be read"):
        Spider(tmp_path / "out").sources(spider.examples("train")[0])


def test_what_others_made_is_never_replaced(tmp_path: Path, request_here: Request) -> None:
    (tmp_path / "out" / "database" / "zoo").mkdir(parents=True)
    with pytest.raises(DataError, match="was not made by"):
        list(make_folder([request_here], tmp_path / "out", **SETTINGS))


def test_spiders_original_comes_first_and_its_schema_is_kept(tmp_path: Path) -> None:
    root = tmp_path / "spider"
    root.mkdir()
    items = [{"db_id": "zoo", "question": "q", "query": query} for query in QUERIES]
    (root / "dev.json").write_text(json.dumps(items))
    (root / "train_spider.json").write_text(json.dumps([{"db_id": "gone", "question": "q", "query": "SELECT 1"}]))
    path = root / "database" / "zoo" / "zoo.sqlite"
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as connection:
        connection.executescript(f"{SCHEMA}; INSERT INTO people VALUES (1, 'Ann', 50)")
    connection.close()
    spider = Spider(root)
    requests = requests_of_spider(spider, ["validation"])
    list(make_folder(requests, tmp_path / "out", **SETTINGS))
    copy_questions(root, tmp_path / "out")
    suite = Spider(tmp_path / "out")
    urls = suite.sources(suite.examples("validation")[0])
    assert [Path(url).name for url in urls] == ["zoo.sqlite", "zoo_1.sqlite", "zoo_2.sqlite", "zoo_3.sqlite"]
    assert (tmp_path / "out" / "database" / "zoo" / "zoo.sqlite").read_bytes() == path.read_bytes()
    with sqlite3.connect(tmp_path / "out" / "database" / "zoo" / "zoo_1.sqlite") as made:
        found = [sql for (sql,) in made.execute("SELECT sql FROM sqlite_master")]
    made.close()
    assert found == [part.strip() for part in SCHEMA.split(";")]
    with pytest.raises(UsageError, match="did you mean 'zoo'"):
        requests_of_spider(spider, ["validation"], ["zo"])
    with pytest.raises(DataError, match=r"gone has no file .* and no entry"):
        requests_of_spider(spider, ["train"])


def test_a_file_that_is_not_sql_says_so(tmp_path: Path) -> None:
    (tmp_path / "bad.sql").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="cannot be read"):
        read_statements(tmp_path / "bad.sql")
