"""The tools of a rollout: two of them, a budget, nothing kept from one rollout to the next, and never an exception."""

from __future__ import annotations

import inspect
import pickle
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sqlrl.environment import Allowance, Environment, EnvironmentFactory
from sqlrl.executors.base import Limits, Outcome
from sqlrl.executors.errors import SandboxError
from sqlrl.judging import Judging
from sqlrl.observation import Caps


@pytest.fixture
def judging(tmp_path: Path) -> Iterator[Judging]:
    sources: dict[str, list[str]] = {"gone": []}
    for name, rows in (("shop", 30), ("farm", 2)):
        with sqlite3.connect(tmp_path / f"{name}.sqlite") as connection:
            connection.execute(f"CREATE TABLE {name}_items (id INTEGER PRIMARY KEY, name TEXT)")
            connection.executemany(f"INSERT INTO {name}_items VALUES (?, ?)", [(n, f"{name} {n}") for n in range(rows)])
        connection.close()
        sources[name] = [f"sqlite:///{tmp_path / name}.sqlite"]
    with Judging("strict", sources, limits=Limits(seconds=0.2), workers=1) as found:
        yield found


@pytest.fixture
def environment(judging: Judging) -> Environment:
    environment = EnvironmentFactory(judging, Allowance(calls=3, seconds=0.3, caps=Caps(rows=2)))()
    environment.reset(example_id="shop")
    return environment


def test_it_has_exactly_two_tools() -> None:
    """As TRL finds them: every public function of the class but `reset` and `get_reward`."""
    public = [name for name, _ in inspect.getmembers(Environment, inspect.isfunction) if not name.startswith("_")]
    assert sorted(public) == ["describe", "reset", "run_sql"]


@pytest.mark.parametrize(("tool", "argument"), [("run_sql", "query"), ("describe", "table")])
def test_a_tool_says_what_it_takes(tool: str, argument: str) -> None:
    utils = pytest.importorskip("transformers.utils")
    function = utils.get_json_schema(getattr(Environment, tool))["function"]
    assert function["name"] == tool
    assert function["description"]
    parameters = {name: value for name, value in function["parameters"]["properties"].items() if name != "self"}
    assert list(parameters) == [argument]
    assert parameters[argument]["type"] == "string"
    assert parameters[argument]["description"]


def test_a_query_shows_its_first_rows(environment: Environment) -> None:
    assert environment.run_sql("SELECT name FROM shop_items") == (
        "name\nshop 0\nshop 1\n[the first 2 rows; there are more]"
    )
    assert environment.queries == (("SELECT name FROM shop_items", Outcome.OK),)


def test_a_table_shows_its_columns_and_rows(environment: Environment) -> None:
    text = environment.describe("Shop_Items")
    assert text.startswith("CREATE TABLE shop_items")
    assert "shop 2" in text
    assert environment.describe("nothing") == "error: no such table; tables: shop_items"


@pytest.mark.parametrize(
    ("query", "said", "outcome"),
    [
        ("SELECT nope FROM shop_items", "error: no such column: nope", Outcome.INVALID),
        ("DROP TABLE shop_items", "refused: ", Outcome.REFUSED),
        ("SELECT 1; SELECT 2", "", Outcome.REFUSED),
        ("WITH RECURSIVE t(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM t) SELECT sum(a) FROM t", "timed out", None),
    ],
)
def test_a_bad_query_is_an_observation(
    environment: Environment, query: str, said: str, outcome: Outcome | None
) -> None:
    assert environment.run_sql(query).startswith(said)
    assert environment.queries[0][1] == (outcome or Outcome.TIMED_OUT)
    assert not environment.unavailable


@pytest.mark.parametrize("argument", [None, 5, ["SELECT 1"], {}, "", "  "])
def test_arguments_that_are_no_text_are_an_observation(environment: Environment, argument: Any) -> None:
    assert environment.run_sql(argument).startswith("error: ")
    assert environment.describe(argument).startswith("error: ")
    assert environment.queries == ()


def test_calls_are_counted_and_end(environment: Environment) -> None:
    environment.describe("shop_items")
    environment.describe("nothing")
    environment.run_sql("SELECT 1")
    assert environment.run_sql("SELECT 2") == "refused: all 3 calls are spent; answer now"
    assert [query for query, _ in environment.queries] == ["SELECT 1"]


def test_seconds_are_counted_and_end(judging: Judging) -> None:
    environment = EnvironmentFactory(judging, Allowance(calls=9, seconds=0.1))()
    environment.reset(example_id="shop")
    endless = "WITH RECURSIVE t(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM t) SELECT sum(a) FROM t"
    assert environment.run_sql(endless).startswith("timed out")
    assert environment.run_sql("SELECT 1") == "refused: the 0.1 seconds for queries are spent; answer now"


def test_a_reset_leaves_nothing_behind(environment: Environment) -> None:
    """Instances are pooled: the next rollout is about another database, with a whole budget."""
    fresh = vars(environment._factory())
    for _ in range(5):
        environment.run_sql("SELECT nope")
    environment.reset(prompt=[{"role": "user", "content": "?"}], example_id="farm", anything=3)
    assert {**vars(environment), "_example_id": ""} == fresh
    assert environment.run_sql("SELECT count(*) FROM farm_items") == "count(*)\n2\n[1 row]"
    assert environment.run_sql("SELECT count(*) FROM shop_items") == "error: no such table: shop_items"
    assert environment.calls == 2


def test_instances_share_executors_but_nothing_else(judging: Judging) -> None:
    factory = EnvironmentFactory(judging)
    first, second = factory(), factory()
    first.reset(example_id="shop")
    second.reset(example_id="farm")
    first.run_sql("SELECT 1")
    assert (first.calls, second.calls) == (1, 0)
    assert second.run_sql("SELECT count(*) FROM farm_items").startswith("count(*)\n2")
    assert first._factory.judging.group is second._factory.judging.group


@pytest.mark.parametrize("example", ["gone", "never heard of", ""])
def test_a_database_that_is_not_here_is_nobodys_fault(judging: Judging, example: str) -> None:
    environment = EnvironmentFactory(judging)()
    environment.reset(example_id=example)
    assert environment.run_sql("SELECT 1").startswith("unavailable")
    assert environment.describe("x").startswith("unavailable")
    assert environment.unavailable
    environment.reset(example_id="farm")
    assert not environment.unavailable


def test_an_executor_that_fails_is_nobodys_fault(judging: Judging, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise SandboxError("no process can be started")

    environment = EnvironmentFactory(judging)()
    environment.reset(example_id="shop")
    monkeypatch.setattr(type(judging.group), "execute_many", fail)
    monkeypatch.setattr(type(judging.group), "describe", fail)
    assert environment.run_sql("SELECT 1") == "unavailable: the database does not answer"
    assert environment.describe("shop_items").startswith("unavailable")
    assert environment.unavailable


def test_a_factory_is_picklable_even_after_use(judging: Judging) -> None:
    factory = EnvironmentFactory(judging, Allowance(calls=7))
    used = factory()
    used.reset(example_id="shop")
    used.run_sql("SELECT 1")
    copy = pickle.loads(pickle.dumps(factory))
    try:
        environment = copy()
        environment.reset(example_id="farm")
        assert environment.run_sql("SELECT count(*) FROM farm_items").startswith("count(*)\n2")
        assert copy.allowance == Allowance(calls=7)
    finally:
        copy.judging.close()
