"""Server databases: what holds them to reading, in time, and what they say when they can't be asked."""

from __future__ import annotations

import datetime
import decimal
import os
import pickle
import re
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sqlrl.executors import Gold, Limits, Outcome, open_executor, open_executors
from sqlrl.executors.errors import (
    MissingExtraError,
    QueryError,
    SandboxError,
    SourceError,
    SqlrlError,
    UnavailableError,
    UsageError,
)
from sqlrl.executors.groups import Member
from sqlrl.executors.relations import Relation
from sqlrl.executors.servers.session import Session, Settings
from sqlrl.executors.servers.statement import Statement, read_statement
from tests.servers import Server, start_mysql, start_postgresql

Opener = Callable[..., Member]


@pytest.fixture(params=["postgresql", "mysql"])
def server(request: pytest.FixtureRequest, concerts: Path) -> Server:
    """Each of the servers, with the concerts on it."""
    found: Server = request.getfixturevalue(request.param)
    found.load("concerts", concerts)
    return found


@pytest.fixture
def opened(server: Server) -> Iterator[Opener]:
    """Opens the concerts, by default as the role that owns them."""
    executors = []

    def of(user: str = "ordinary", **settings: Any) -> Member:
        executor = open_executor(server.url("concerts", user), workers=2, **settings)
        assert isinstance(executor, Member)
        executors.append(executor)
        return executor

    yield of
    for executor in executors:
        executor.close()


@pytest.fixture
def session(server: Server) -> Iterator[Session]:
    """A bare session: what holds where the words of a query are not looked at."""
    from sqlalchemy.engine import make_url

    from sqlrl.executors.servers.mysql import MySQLSession
    from sqlrl.executors.servers.postgresql import PostgreSQLSession

    kind: type[Session] = PostgreSQLSession if server.kind == "postgresql" else MySQLSession
    found = kind(make_url(server.url("concerts")), Settings(Limits(seconds=1)))
    found.forbidden = frozenset()
    yield found
    found.close()


def _unread(session: Session, text: str) -> Outcome:
    """How a text ends that goes to the server as it is."""
    try:
        session.run(Statement(text, frozenset(), True), None, None)
    except QueryError as ended:
        return ended.outcome
    return Outcome.OK


# -- the server itself holds a query to reading


@pytest.mark.parametrize(
    "text",
    [
        "DELETE FROM singer",
        "UPDATE singer SET Age = 1",
        "DROP TABLE singer",
        "TRUNCATE TABLE singer",
        "CREATE TABLE copied AS SELECT * FROM singer",
        "INSERT INTO singer(Singer_ID) VALUES (1000)",
        "WITH gone AS (DELETE FROM singer RETURNING *) SELECT * FROM gone",
        "SELECT 1; DELETE FROM singer",
        "SELECT 1; COMMIT; DELETE FROM singer",
        "COMMIT; DELETE FROM singer",
        "ALTER TABLE singer ADD COLUMN x int",
    ],
)
def test_the_server_refuses_to_write(session: Session, server: Server, text: str) -> None:
    before = server.ask("select * from singer order by 1", "concerts")
    assert _unread(session, text) in (Outcome.REFUSED, Outcome.INVALID)
    assert server.ask("select * from singer order by 1", "concerts") == before
    assert session.run(read_statement("select count(*) from singer", session.dialect), None, None)[1] == [(30,)]


@pytest.mark.parametrize("setting", ["transaction_read_only", "default_transaction_read_only"])
def test_a_running_query_cannot_make_its_transaction_write(session: Session, server: Server, setting: str) -> None:
    change = f"set_config('{setting}', 'off', false)" if server.kind == "postgresql" else "@tx_read_only := 0"
    _unread(session, f"SELECT {change}, query_to_xml('DELETE FROM singer', false, false, '')")
    _unread(session, f"SELECT {change} FROM singer UNION ALL (WITH a AS (DELETE FROM singer RETURNING 1) TABLE a)")
    assert server.ask("select count(*) from singer", "concerts") == [(30,)]


def test_nothing_is_carried_to_the_next_query(session: Session, server: Server) -> None:
    if server.kind == "postgresql":
        left = (
            "SELECT set_config('my.word', 'kept', false), set_config('statement_timeout', '0', false), "
            "pg_advisory_lock(1)"
        )
        look = (
            "SELECT coalesce(current_setting('my.word', true), ''), current_setting('statement_timeout'), "
            "(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')"
        )
        nothing = [("", "1s", 0)]
    else:
        left = "SELECT @word := 'kept', GET_LOCK('a', 0), LAST_INSERT_ID(42)"
        look = "SELECT @word, IS_USED_LOCK('a'), LAST_INSERT_ID(), @@max_statement_time, @@tx_read_only"
        nothing = [(None, None, 0, 1.0, 1)]
    assert _unread(session, left) is Outcome.OK
    assert not session.broken
    assert session.run(Statement(look, frozenset(), True), None, None)[1] == nothing


def test_a_server_that_stops_answering_is_not_waited_for() -> None:
    for start in (start_postgresql, start_mysql):
        with start() as server:
            server.ask("create database numbers")
            if server.kind == "mysql":
                server.ask("grant select on numbers.* to reader@localhost")
            with open_executor(server.url("numbers", "reader"), limits=Limits(seconds=0.5), workers=1) as executor:
                assert executor.execute("select 1").rows == ((1,),)
                server.signal(signal.SIGSTOP)
                try:
                    started = time.monotonic()
                    assert executor.execute("select 2").outcome in (Outcome.TIMED_OUT, Outcome.UNAVAILABLE)
                    assert time.monotonic() - started < 6
                finally:
                    server.signal(signal.SIGCONT)
                assert executor.execute("select 3").rows == ((3,),)
                server.signal(signal.SIGKILL)
                result = executor.execute("select 4")
                assert result.outcome is Outcome.UNAVAILABLE
                assert result.message
                comparison = executor.compare_many([("select 4", Gold(query="select 4"))], Relation())[0]
                assert comparison.gold_outcome is Outcome.UNAVAILABLE


def test_a_lost_connection_is_made_again(opened: Opener, server: Server) -> None:
    executor = opened()
    number = "pg_backend_pid()" if server.kind == "postgresql" else "connection_id()"
    ((mine,),) = executor.execute(f"select {number}").rows
    server.ask(f"select pg_terminate_backend({mine})" if server.kind == "postgresql" else f"kill {mine}")
    time.sleep(0.1)
    assert executor.execute("select count(*) from singer").rows == ((30,),)


# -- whom it lets in


def test_a_superuser_is_refused(server: Server) -> None:
    with pytest.raises(SandboxError, match=r"superuser|ALL PRIVILEGES"):
        open_executor(server.url("concerts", server.administrator))


@pytest.mark.parametrize("power", ["pg_read_server_files", "pg_execute_server_program", "pg_signal_backend"])
def test_a_member_of_a_mighty_role_is_refused(postgresql: Server, concerts: Path, power: str) -> None:
    url = postgresql.load("concerts", concerts)
    postgresql.ask("create role mighty login")
    postgresql.ask(f"grant {power} to mighty")
    try:
        with pytest.raises(SandboxError, match=power):
            open_executor(url.replace("ordinary", "mighty"))
    finally:
        postgresql.ask("drop role mighty")


@pytest.mark.parametrize("power", ["FILE", "SUPER", "SHUTDOWN", "CONNECTION ADMIN"])
def test_a_user_with_a_mighty_privilege_is_refused(mysql: Server, concerts: Path, power: str) -> None:
    url = mysql.load("concerts", concerts)
    mysql.ask("create user mighty@localhost")
    mysql.ask(f"grant {power} on *.* to mighty@localhost")
    mysql.ask("grant select on concerts.* to mighty@localhost")
    try:
        with pytest.raises(SandboxError, match=power):
            open_executor(url.replace("ordinary", "mighty"))
    finally:
        mysql.ask("drop user mighty@localhost")


def test_a_superuser_may_act_as_an_ordinary_role(postgresql: Server, concerts: Path) -> None:
    postgresql.load("concerts", concerts)
    with open_executor(postgresql.url("concerts", "postgres"), role="reader") as executor:
        look = "select current_user::text, count(*) from singer"
        assert executor.execute(look).rows == (("reader", 30),)
        for attempt in (
            "select set_config('role', 'none', false), pg_read_file('/etc/passwd')",
            "select set_config('session_authorization', 'postgres', false)",
            "reset role",
            "set role postgres",
            "select rolpassword from pg_authid",
            "select query_to_xml('reset role', false, false, '')",
        ):
            assert executor.execute(attempt).outcome is Outcome.REFUSED
            assert executor.execute(look).rows == (("reader", 30),)


def test_functions_of_the_database_cannot_bring_a_superuser_back(postgresql: Server, concerts: Path) -> None:
    postgresql.load("concerts", concerts)
    postgresql.ask(
        "create or replace function back() returns text stable language plpgsql as "
        "'begin execute ''set role none''; return current_user; end'",
        "concerts",
    )
    with open_executor(postgresql.url("concerts", "postgres"), role="reader") as executor:
        assert executor.execute("select back()").outcome is Outcome.REFUSED


def test_a_role_that_is_none_or_too_mighty(postgresql: Server, mysql: Server, concerts: Path) -> None:
    url = postgresql.load("concerts", concerts).replace("ordinary", "postgres")
    with pytest.raises(UsageError, match="nobody_at_all"):
        open_executor(url, role="nobody_at_all")
    with pytest.raises(SandboxError, match="superuser"):
        open_executor(url, role="postgres")
    with pytest.raises(UsageError, match="role goes with postgresql"):
        open_executor(mysql.load("concerts", concerts), role="reader")
    with pytest.raises(UsageError, match="role goes with postgresql"):
        open_executor(f"sqlite:///{concerts}", role="reader")


# -- a list of tables


def test_a_list_of_tables_is_held(opened: Opener, server: Server) -> None:
    server.ask("create or replace view young as select name, age from singer where age < 30", "concerts", "ordinary")
    executor = opened(tables=["concert", "Young"])
    for query in (
        "select count(*) from concert",
        "select count(*) from concert c join concert d on c.concert_id = d.concert_id",
        "with mine as (select * from concert) select count(*) from mine",
        "select count(*) from young",
        "select 1",
    ):
        assert executor.execute(query).outcome is Outcome.OK, query
    quote = '"' if server.kind == "postgresql" else "`"
    for query in (
        "select count(*) from singer",
        "select count(*) from concert, singer",
        "select (select max(age) from singer) from concert",
        f"select * from {quote}singer{quote}",
        "select * from concert where exists (select 1 from stadium)",
        "select name from concert union select name from singer",
        "with singer as (select 1) select * from singer",
        "with a as (with singer as (select 1) select * from singer) select * from singer",
        "select * from information_schema.tables",
        "select * from (select * from singer) concert",
        "table singer",
    ):
        assert executor.execute(query).outcome in (Outcome.REFUSED, Outcome.INVALID), query
    text = executor.describe()
    assert "concert" in text.lower()
    assert "stadium (" not in text.lower()


def test_a_list_of_tables_shuts_what_reads_them_unseen(postgresql: Server, concerts: Path) -> None:
    postgresql.load("concerts", concerts)
    postgresql.ask(
        "create or replace function ages() returns bigint stable language sql as 'select sum(age) from singer'",
        "concerts",
    )
    with open_executor(postgresql.url("concerts"), tables=["concert"]) as executor:
        for query in (
            "select ages()",
            "select * from ages()",
            "select table_to_xml('singer', false, false, '')",
            "select query_to_xml('select * from singer', false, false, '')",
            "select * from public.singer",
            "select * from only singer",
            "select * from pg_stats",
            "select (x).* from (select s as x from singer s) y",
            "select * from concert natural join lateral (select * from singer) s",
        ):
            assert executor.execute(query).outcome is Outcome.REFUSED, query
        assert executor.execute("select * from generate_series(1, 3)").outcome is Outcome.OK
        assert executor.execute("select count(*) from public.concert").outcome is Outcome.OK


# -- results


def test_values_come_as_python_has_them(opened: Opener, server: Server) -> None:
    result = opened().execute("select 1.50 as a, date '2020-02-03' as b, 'ä€😀' as c, null as d, -7 as e")
    assert result.columns == ("a", "b", "c", "d", "e")
    assert result.rows == ((decimal.Decimal("1.50"), datetime.date(2020, 2, 3), "ä€😀", None, -7),)


def test_bytes_are_counted(opened: Opener) -> None:
    executor = opened(limits=Limits(seconds=5, bytes=1_000_000))
    assert executor.execute("select repeat('x', 500000)").outcome is Outcome.OK
    assert executor.execute("select repeat('x', 1500000)").outcome is Outcome.TOO_LARGE
    assert executor.execute("select repeat('x', 1000) from singer a, singer b, singer c").outcome is Outcome.TOO_LARGE
    assert executor.execute("select 1").rows == ((1,),)


def test_golds_are_asked_once(opened: Opener) -> None:
    executor = opened()
    first, second = (
        executor.compare_many([(query, Gold(query="select Age from singer"))], Relation())[0]
        for query in ("select Age from singer order by 1", "select Age + 1 from singer")
    )
    assert (first.equal, second.equal) == (True, False)
    assert first.gold_seconds > 0
    assert second.gold_seconds == 0
    assert second.predicted_rows == second.gold_rows == 30


def test_one_query_runs_once_unless_chance_decides(opened: Opener, server: Server) -> None:
    executor = opened()
    chance = "random()" if server.kind == "postgresql" else "rand()"
    a, b = executor.execute_many([f"select {chance}"] * 2)
    assert a.rows != b.rows
    a, b = executor.execute_many(["select  1 -- one", "select  1 -- uno"])
    assert a is not b
    assert a.rows == b.rows


def test_a_stream_that_is_left_costs_nothing(opened: Opener) -> None:
    executor = opened(limits=Limits(seconds=2))
    started = time.monotonic()
    with executor.stream("select a.Name from singer a, singer b, singer c, singer d, singer e") as stream:
        assert stream.columns[0].lower() == "name"
        assert next(iter(stream))[0].startswith("Singer")
    assert time.monotonic() - started < 2
    assert executor.execute("select 1").rows == ((1,),)


def test_the_schema_is_described(opened: Opener, server: Server) -> None:
    text = opened().describe(sample_rows=1)
    assert text == opened().describe(sample_rows=1)
    stadium = next(part for part in text.split("\n\n") if re.match(r"CREATE TABLE .?stadium.? ", part, re.IGNORECASE))
    assert re.search(r"stadium_id.? BIGINT PRIMARY KEY", stadium, re.IGNORECASE)
    assert "-- 3 rows" in stadium
    assert "Stadium 0" in stadium
    assert "COLLATE" not in text


def test_several_databases_are_asked_together(server: Server, concerts: Path) -> None:
    urls = [server.load("concerts", concerts), server.load("concerts_again", concerts)]
    with open_executors(urls) as group:
        results = group.execute_many([(url, "select count(*) from singer") for url in urls])
        assert [result.rows for result in results] == [((30,),), ((30,),)]
        assert group[urls[0]].dialect == server.kind
    with pytest.raises(UsageError, match="not both"):
        open_executors([urls[0], f"sqlite:///{concerts}"])


# -- what goes wrong outside a query


def test_no_server_no_database_no_user(server: Server, concerts: Path) -> None:
    url = server.load("concerts", concerts)
    with pytest.raises(SourceError):
        open_executor(url.replace("/concerts", "/nothing_here"))
    with pytest.raises(SourceError):
        open_executor(url.replace("ordinary", "stranger"))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # PyMySQL forgets a socket
@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_a_password_is_never_shown(kind: str) -> None:
    pytest.importorskip("psycopg" if kind == "postgresql" else "pymysql")
    for url in (f"{kind}://me:tops3cret@127.0.0.1:1/db", f"{kind}://me@127.0.0.1:1/db?password=tops3cret"):
        with pytest.raises(UnavailableError) as raised:
            open_executor(url)
        assert "tops3cret" not in str(raised.value)
        assert f"{kind}://" in str(raised.value)
    with pytest.raises(SqlrlError) as failed:
        open_executor(f"{kind}://me:tops3cret@127.0.0.1:port/db")
    assert "tops3cret" not in str(failed.value)


@pytest.mark.parametrize(("kind", "package"), [("postgresql", "psycopg"), ("mysql", "pymysql")])
def test_a_missing_driver_is_named(kind: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, f"sqlrl.executors.servers.{kind}", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=re.escape(f"pip install 'sqlrl[{kind}]'")):
        open_executor(f"{kind}://me@127.0.0.1:1/db")


def test_an_unknown_scheme() -> None:
    with pytest.raises(UsageError, match="no executor for postgresq://; did you mean 'postgresql'"):
        open_executor("postgresq://x/y")


def test_any_other_dialect_says_what_does_not_hold(concerts: Path) -> None:
    url = f"sqlite+pysqlite:///{concerts}"
    with open_executor(url) as executor:
        assert executor.execute("select count(*) from singer").rows == ((30,),)
        assert executor.execute("delete from singer").outcome is Outcome.REFUSED
        assert executor.execute("select nothing").outcome is Outcome.INVALID
        assert sum(1 for _ in executor.stream("select 1 from singer a, singer b")) == 900
        assert "singer" in executor.describe()
        assert executor.walls["time-out"] != "held"
    with pytest.raises(SandboxError, match="walls that do not hold"):
        open_executor(url, require_walls=True)
    with pytest.raises(UsageError, match="tables goes with"):
        open_executor(url, tables=["singer"])
    with sqlite3.connect(concerts) as connection:
        assert connection.execute("select count(*) from singer").fetchone() == (30,)
    connection.close()


def test_a_child_makes_connections_of_its_own(opened: Opener) -> None:
    executor = opened()
    assert executor.execute("select 1").rows == ((1,),)
    child = os.fork()
    if not child:
        right = executor.execute("select 2").rows == ((2,),)
        os._exit(0 if right else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert executor.execute("select 3").rows == ((3,),)


def test_a_server_can_be_pickled(opened: Opener) -> None:
    server = opened()._group._server(opened().source)
    copy = pickle.loads(pickle.dumps(server))
    try:
        assert copy.run("select 1").rows == [(1,)]
    finally:
        copy.close()


def test_a_broken_view_and_a_name_with_a_line_end_cost_no_schema(server: Server, opened: Opener) -> None:
    quote = '"' if server.kind == "postgresql" else "`"
    odd = f"{quote}odd\nDROP TABLE x; --{quote}"
    server.ask(f"create table if not exists {odd} ({odd} int)", "concerts", "ordinary")
    if server.kind == "mysql":
        server.ask("create table gone (x int)", "concerts", "ordinary")
        server.ask("create view broken as select x from gone", "concerts", "ordinary")
        server.ask("drop table gone", "concerts", "ordinary")
    else:
        server.ask("create view broken as select 1 / (count(*) - count(*)) as x from singer", "concerts", "ordinary")
    try:
        parts = opened().describe(sample_rows=1).split("\n\n")
        (stadium,) = [part for part in parts if re.match(r"CREATE TABLE .?stadium.? ", part, re.IGNORECASE)]
        assert "-- 3 rows" in stadium
        (broken,) = [part for part in parts if "broken" in part.splitlines()[0]]
        assert "-- cannot be read: " in broken
        assert all("\n-- odd DROP TABLE x; --" in part for part in parts if "odd" in part)
    finally:
        server.ask("drop view broken", "concerts", "ordinary")
        server.ask(f"drop table {odd}", "concerts", "ordinary")
