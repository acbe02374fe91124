"""What a description of a server's database shows is what its user may read, and no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from sqlrl.executors import Outcome, open_executor
from sqlrl.layer import Connection, connect
from tests.servers import Server

DATABASE = "privileges"
TABLES = """
create table house (id int primary key, town varchar(40) not null, secret_price int, unique (id, secret_price));
create table room (id int primary key, house_id int, size_m2 int, foreign key (house_id) references house (id));
create table safe (id int primary key, room_id int, code varchar(20), foreign key (room_id) references room (id));
create table key_to_safe (safe_id int, label varchar(20), primary key (safe_id, label),
  foreign key (safe_id) references safe (id));
create view large_room as select id, size_m2 from room where size_m2 > 20;
create view codes as select id, code from safe;
create view towns as select town, count(*) as houses from house group by town;
insert into house values (1, 'Aby', 4711);
insert into room values (1, 1, 30), (2, 1, 10);
insert into safe values (1, 1, '0815')
"""


def _said(server: Server, *statements: str) -> None:
    for statement in statements:
        server.ask(statement, DATABASE)


@pytest.fixture(params=["postgresql", "mysql"])
def server(request: pytest.FixtureRequest) -> Server:
    """With a role that may read some columns of `house`, all of `room`, two views, and nothing of the safe but the
    labels of its keys; it may write into more than that."""
    found: Server = request.getfixturevalue(request.param)
    if DATABASE in found.databases:
        return found
    found.databases.add(DATABASE)
    found.ask(f"create database {DATABASE}")
    _said(found, *TABLES.split(";"))
    if found.kind == "postgresql":
        found.ask("create role guest login")
        who = "guest"
    else:
        found.ask("create user guest@localhost")
        who = "guest@localhost"
    _said(
        found,
        f"grant select (id, town) on house to {who}",
        f"grant select on room to {who}",
        f"grant select on large_room to {who}",
        f"grant select on towns to {who}",
        f"grant insert on safe to {who}",
        f"grant select (label) on key_to_safe to {who}",
        f"grant insert (safe_id) on key_to_safe to {who}",
    )
    return found


@pytest.fixture
def shown(server: Server) -> Iterator[Any]:
    """(the description, an executor) for a user."""
    opened = []

    def by(user: str, **how: Any) -> tuple[str, Any]:
        executor = open_executor(server.url(DATABASE, user), workers=1, **how)
        opened.append(executor)
        return executor.describe(), executor

    yield by
    for executor in opened:
        executor.close()


def _names(text: str) -> list[str]:
    return re.findall(r"^CREATE (?:TABLE|VIEW) [`\"]?(\w+)", text, re.MULTILINE)


def test_only_what_may_be_read_is_shown(shown: Any) -> None:
    text, executor = shown("guest")
    assert _names(text) == ["house", "key_to_safe", "large_room", "room", "towns"]
    for hidden in ("secret_price", "safe_id", "code", "REFERENCES safe"):
        assert hidden not in text, hidden
    assert "CREATE VIEW large_room" in text
    for there in ("town", "label", "size_m2", "houses", "REFERENCES house"):
        assert there in text, there
    assert "PRIMARY KEY (safe_id" not in text
    # Everything that is shown can be read, and nothing else can.
    for query in ("select id, town from house", "select label from key_to_safe", "select id, size_m2 from large_room",
                  "select town, houses from towns", "select id, house_id, size_m2 from room"):  # fmt: skip
        assert executor.execute(query).outcome is Outcome.OK, query
    for query in ("select secret_price from house", "select code from safe", "select code from codes",
                  "select safe_id from key_to_safe", "select * from house"):  # fmt: skip
        assert executor.execute(query).outcome is Outcome.REFUSED, query


def test_samples_and_counts_are_of_what_may_be_read(server: Server) -> None:
    with open_executor(server.url(DATABASE, "guest"), workers=1) as executor:
        text = executor.describe(2, row_counts=True)
    assert "-- id, town\n-- 1, Aby" in text
    assert "4711" not in text
    assert "0815" not in text
    assert "cannot be read" not in text


def test_the_layer_knows_what_may_be_read(server: Server) -> None:
    shop = connect(server.url(DATABASE, "guest"), workers=1)
    assert isinstance(shop, Connection)
    with shop:
        columns = {table.name: [column.name for column in table.columns] for table in shop.schema.tables}
        assert columns == {
            "house": ["id", "town"], "key_to_safe": ["label"], "large_room": ["id", "size_m2"],
            "room": ["id", "house_id", "size_m2"], "towns": ["town", "houses"],
        }  # fmt: skip
        assert shop.run("select town from house").rows == (("Aby",),)
        # A name that is hidden is not suggested either.
        assert "secret" not in str(shop.run("select secret_prise from house").suggestions)


def test_what_is_revoked_is_gone_from_the_next_description(server: Server, shown: Any) -> None:
    who = "guest" if server.kind == "postgresql" else "guest@localhost"
    _said(server, f"revoke select on room from {who}", f"revoke select (town) on house from {who}")
    try:
        text, _ = shown("guest")
        assert _names(text) == ["house", "key_to_safe", "large_room", "towns"]
        assert "town " not in text.partition("CREATE TABLE key_to_safe")[0]
    finally:
        _said(server, f"grant select on room to {who}", f"grant select (town) on house to {who}")


def test_who_owns_all_of_it_sees_all_of_it(server: Server, shown: Any) -> None:
    if server.kind == "mysql":
        server.ask(f"grant all on {DATABASE}.* to ordinary@localhost")
        text, _ = shown("ordinary")
    else:
        _said(server, "grant select on all tables in schema public to ordinary")
        text, _ = shown("ordinary")
    assert _names(text) == ["codes", "house", "key_to_safe", "large_room", "room", "safe", "towns"]
    assert "secret_price" in text
    assert "FOREIGN KEY (safe_id) REFERENCES safe (id)" in text
    assert "PRIMARY KEY (safe_id, label)" in text


def test_mariadb_describes_views_whose_making_may_not_be_seen(mysql: Server, tmp_path: Any) -> None:
    """A user with SELECT alone may not SHOW CREATE VIEW."""
    mysql.ask("create database viewed")
    for statement in (
        "create table t (id int primary key, name varchar(10) not null, price decimal(8, 2), kind enum('a', 'b'))",
        "create view v as select id, upper(name) as loud, price * 2 as twice, kind from t",
        "create table gone (a int)", "create view broken as select a from gone", "drop table gone",
    ):  # fmt: skip
        mysql.ask(statement, "viewed")
    mysql.ask("grant select on viewed.* to reader@localhost")
    with open_executor(mysql.url("viewed", "reader"), workers=1) as executor:
        text = executor.describe(1, row_counts=True)
    assert "CREATE VIEW v (\n  id " in text
    assert re.search(r"loud VARCHAR\(10\)", text)
    assert re.search(r"twice DECIMAL\(", text)
    assert re.search(r"kind ENUM\('a', *'b'\)", text)
    assert "upper(" not in text
    assert "CREATE TABLE t (" in text


def test_a_role_to_act_as_is_who_is_asked_for(postgresql: Server, server: Server) -> None:
    if server.kind != "postgresql":
        return
    url = postgresql.url(DATABASE, postgresql.administrator)
    with open_executor(url, role="guest", workers=1) as executor:
        assert _names(executor.describe()) == ["house", "key_to_safe", "large_room", "room", "towns"]


def test_what_a_role_of_the_user_may_read_is_shown(server: Server) -> None:
    at = "" if server.kind == "postgresql" else "@localhost"
    _said(server, "create role readers", "grant select (code) on safe to readers", "grant select on codes to readers")
    server.ask(f"create {'role' if not at else 'user'} member{at}" + ("" if at else " login"))
    _said(server, f"grant readers to member{at}")
    if at:
        server.ask("set default role readers for member@localhost")
    with open_executor(server.url(DATABASE, "member"), workers=1) as executor:
        text = executor.describe(1)
        assert executor.execute("select code from safe").rows == (("0815",),)
    assert _names(text) == ["codes", "safe"]
    assert "room_id" not in text
    assert "-- code\n-- 0815" in text
