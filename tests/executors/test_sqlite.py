"""SQLite behind the walls: what it reads, refuses and survives."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sqlrl.executors import Gold, Limits, Outcome, open_executor, open_executors
from sqlrl.executors.errors import SourceError, UsageError
from sqlrl.executors.relations import Relation


def _children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found.append(int(entry.name))
    return found


def _gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _wait_until(condition: object, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False


def test_every_wall_holds_here(concerts: Path) -> None:
    with open_executor(str(concerts), workers=1) as executor:
        assert set(executor.walls.values()) == {"held"}, executor.walls


def test_a_source_is_guessed_by_its_content(concerts: Path, tmp_path: Path) -> None:
    with open_executor(str(concerts), workers=1) as executor:
        assert executor.dialect == "sqlite"
    other = tmp_path / "notes.txt"
    other.write_text("not a database")
    with pytest.raises(SourceError, match=r"notes\.txt"):
        open_executor(str(other))
    with pytest.raises(SourceError, match="no file"):
        open_executor("sqlite:///nowhere.sqlite")
    with pytest.raises(SourceError, match="folder"):
        open_executor(str(tmp_path))
    with pytest.raises(UsageError, match="sqlite"):
        open_executor("sqlit:///x")


def test_names_with_odd_characters(tmp_path: Path) -> None:
    path = tmp_path / "a ?#%20'ü.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("create table t(x)")
        connection.execute("insert into t values (1)")
    connection.close()
    with open_executor(str(path), workers=1) as executor:
        assert executor.execute("select x from t").rows == ((1,),)


def test_a_time_out_ends_the_query_and_not_the_pool(concerts: Path) -> None:
    endless = "with recursive t(x) as (select 1 union all select x + 1 from t) select max(x) from t"
    with open_executor(str(concerts), limits=Limits(seconds=0.3), workers=1) as executor:
        started = time.monotonic()
        assert executor.execute(endless).outcome is Outcome.TIMED_OUT
        assert time.monotonic() - started < 3
        assert executor.execute("select 1").rows == ((1,),)


def test_memory_is_limited(concerts: Path) -> None:
    limits = Limits(seconds=5, memory_bytes=64 << 20)
    with open_executor(str(concerts), limits=limits, workers=1) as executor:
        big = "select length(group_concat(hex(zeroblob(1000000)))) from singer a, singer b"
        assert executor.execute(big).outcome in (Outcome.TOO_LARGE, Outcome.TIMED_OUT, Outcome.INVALID)
        assert executor.execute("select 1").outcome is Outcome.OK


def test_a_killed_worker_costs_nobody_an_answer(concerts: Path) -> None:
    others = set(_children(os.getpid()))  # servers of other tests
    with open_executor(str(concerts), limits=Limits(seconds=5), workers=2) as executor:
        executor.execute("select 1")
        workers = set(_children(os.getpid())) - others
        slow = "with recursive t(x) as (select 1 union all select x + 1 from t where x < 3000000) select max(x) from t"
        # One: what it left may go to another at once, and that one's death would be its second.
        killer = threading.Timer(0.2, lambda: os.kill(min(workers), signal.SIGKILL))
        killer.start()
        results = executor.execute_many([f"{slow} -- {i}" for i in range(4)])
        killer.join()
        assert [result.rows for result in results] == [((3_000_000,),)] * 4


def test_closing_ends_the_workers(concerts: Path) -> None:
    before = set(_children(os.getpid()))
    executor = open_executor(str(concerts), workers=2)
    executor.execute_many(["select 1", "select 2"])
    mine = set(_children(os.getpid())) - before
    assert mine
    executor.close()
    assert _wait_until(lambda: all(_gone(worker) for worker in mine))


def test_threads_share_a_pool(concerts: Path) -> None:
    found: list[tuple[int, object]] = []
    with open_executor(str(concerts), workers=2) as executor:

        def ask(number: int) -> None:
            for i in range(20):
                found.append((number * 100 + i, executor.execute(f"select {number * 100 + i}").rows[0][0]))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 120
    assert all(asked == answered for asked, answered in found)


def test_a_forked_child_gets_workers_of_its_own(concerts: Path) -> None:
    code = (
        "import os, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "from sqlrl.executors import open_executor\n"
        f"executor = open_executor({str(concerts)!r}, workers=1)\n"
        "assert executor.execute('select 1').rows == ((1,),)\n"
        "child = os.fork()\n"
        "assert executor.execute('select 2').rows == ((2,),)\n"
        "if not child: os._exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "assert executor.execute('select 3').rows == ((3,),)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_one_query_asked_often_runs_once(concerts: Path) -> None:
    slow = "with recursive t(x) as (select 1 union all select x + 1 from t where x < 300000) select max(x) from t"
    with open_executor(str(concerts), workers=1) as executor:
        once = executor.execute(slow).seconds
        results = executor.execute_many([slow] * 200)
        assert len(results) == 200
        assert len({id(result) for result in results}) == 1
        assert once > 0


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("drop table singer", "changing the schema"),
        ("create table t(a)", "changing the schema"),
        ("create temp table t(a)", "changing the schema"),
        ("create index i on singer(name)", "changing the schema"),
        ("analyze", "analyze"),
        ("alter table singer rename to s", "alter table"),
        ("create trigger t after insert on singer begin select 1; end", "create trigger"),
        ("insert into singer select * from singer", "insert"),
        ("update singer set name = ''", "update"),
        ("select * from pragma_table_info('singer')", "a virtual table (such as a pragma's)"),
        ("pragma user_version", "pragma"),
    ],
)
def test_what_is_refused_is_named(concerts: Path, query: str, what: str) -> None:
    with open_executor(str(concerts), workers=1) as executor:
        result = executor.execute(query)
        assert (result.outcome, result.message) == (Outcome.REFUSED, f"only reading is allowed, not {what}")


def test_chance_is_refused(concerts: Path) -> None:
    with open_executor(str(concerts), workers=1) as executor:
        result = executor.execute("select random()")
    assert result.outcome is Outcome.REFUSED
    assert "random" in result.message


def test_a_gold_is_run_once_for_many_predictions(concerts: Path) -> None:
    gold = Gold(query="select count(*) from singer a, singer b, singer c")
    with open_executor(str(concerts), workers=1) as executor:
        found = executor.compare_many([(f"select 27000 + {i}", gold) for i in range(10)], Relation("bag"))
    assert [comparison.equal for comparison in found] == [True] + [False] * 9
    assert sum(comparison.gold_seconds > 0 for comparison in found) <= 1


def test_a_changed_database_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "changing.sqlite"

    def write(number: int) -> None:
        with sqlite3.connect(path) as connection:
            connection.execute("create table if not exists t(x)")
            connection.execute("insert into t values (?)", (number,))
        connection.close()

    write(1)
    gold = Gold(query="select count(*) from t")
    with open_executor(str(path), workers=1) as executor:
        assert executor.compare_many([("select 1", gold)], Relation("bag"))[0].equal
        time.sleep(0.02)
        write(2)
        assert executor.execute("select count(*) from t").rows == ((2,),)
        assert executor.compare_many([("select 2", gold)], Relation("bag"))[0].equal


def test_many_databases_share_one_pool(concerts: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("create table t(x)")
    connection.close()
    with open_executors([f"sqlite:///{concerts}", f"sqlite:///{other}"], workers=1) as group:
        found = group.execute_many(
            [(f"sqlite:///{concerts}", "select count(*) from singer"), (f"sqlite:///{other}", "select count(*) from t")]
        )
        assert [result.rows for result in found] == [((30,),), ((0,),)]
        # One database never sees the other.
        assert group.execute_many([(f"sqlite:///{other}", "select * from singer")])[0].outcome is Outcome.INVALID


def test_undecodable_text_is_not_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "bytes.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("create table t(x text)")
        connection.execute("insert into t values (cast(x'ff41' as text))")
    connection.close()
    with open_executor(str(path), workers=1) as executor:
        assert executor.execute("select x from t").outcome is Outcome.OK


@pytest.mark.parametrize("value", [0, -1])
def test_limits_are_positive(value: int) -> None:
    with pytest.raises(UsageError, match="must be above 0"):
        Limits(seconds=value)


def test_what_a_query_took_is_measured(concerts: Path) -> None:
    with open_executor(str(concerts), workers=1) as executor:
        assert all(0 < executor.execute(f"select count(*), {i} from singer").seconds < 1 for i in range(5))


HIDDEN = [
    "select * from stadium",
    "select count(*) from stadium",
    "select rowid from main.stadium",
    "with singer as (select * from stadium) select * from singer",
    "with stadium as (select 1 as n) select count(*) from stadium",
    "select (select max(Capacity) from stadium) from singer",
    "select * from singer where exists (select 1 from stadium)",
    "select * from sqlite_master",
    "select count(*) from sqlite_schema",
    "select * from pragma_table_info('stadium')",
    "select * from STADIUM s, singer",
    "select Name from singer union select Name from stadium",
]


@pytest.mark.parametrize("query", HIDDEN)
def test_a_list_of_tables_hides_the_others(concerts: Path, query: str) -> None:
    with open_executor(str(concerts), workers=1, tables=["Singer", "concert"]) as executor:
        result = executor.execute(query)
        assert result.outcome in (Outcome.REFUSED, Outcome.INVALID), result
        assert executor.execute("select count(*) from singer").rows == ((30,),)


@pytest.mark.parametrize(
    "query",
    [
        "select count(*) from singer s join concert c on 1 where c.concert_ID = 0",
        "with x as (select * from singer) select count(*) from x",
        "with x as (select 1) select count(*) * 30 from x",
        "select count(*) from main.SINGER",
        "select sum(value) from json_each('[10, 20]')",
    ],
)
def test_a_list_of_tables_leaves_its_own_open(concerts: Path, query: str) -> None:
    with open_executor(str(concerts), workers=1, tables=["Singer", "concert"]) as executor:
        assert executor.execute(query).rows == ((30,),), executor.execute(query)
        assert "stadium" not in executor.describe().lower().replace("stadium_id", "")


def test_a_view_needs_its_tables_in_the_list(tmp_path: Path) -> None:
    path = tmp_path / "views.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript("create table t(a); insert into t values (1); create view v as select a from t;")
    connection.close()
    with open_executor(str(path), workers=1, tables=["v"]) as executor:
        assert executor.execute("select * from v").outcome is Outcome.REFUSED
        assert executor.execute("with v as (select * from t) select * from v").outcome is Outcome.REFUSED
    with open_executor(str(path), workers=1, tables=["v", "t"]) as executor:
        assert executor.execute("select * from v").rows == ((1,),)


def test_what_the_engine_takes_by_default_is_not_too_deep(concerts: Path) -> None:
    many = " OR ".join(f"1 = {number}" for number in range(900))
    parts = " UNION ALL ".join(["SELECT 1"] * 400)
    with open_executor(str(concerts), workers=1) as executor:
        assert executor.execute(f"SELECT {many}").rows == ((1,),)
        assert len(executor.execute(parts).rows) == 400
