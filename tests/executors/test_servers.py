"""Each hostile query ends as data on a real server, in time, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sqlrl.executors import Limits, Outcome, open_executor
from sqlrl.executors.groups import Member
from tests.executors.test_attacks import ANSWERED_WITHIN, FITTING, FOLDER
from tests.servers import Server

ATTACKS = {
    kind: [
        pytest.param(attack, id=attack["id"])
        for attack in map(json.loads, (FOLDER / f"{kind}.jsonl").read_text(encoding="utf-8").splitlines())
    ]
    for kind in ("postgresql", "mysql")
}
OWN = {
    "postgresql": [
        "create sequence if not exists numbering",
        "create or replace function forget_singers() returns int language plpgsql as "
        "'begin delete from singer; return 1; end'",
        "create or replace function forget_singers_stable() returns int stable language plpgsql as "
        "'begin delete from singer; return 1; end'",
        "create or replace procedure forget() language plpgsql as 'begin delete from singer; end'",
    ],
    "mysql": [
        "create sequence if not exists numbering",
        "create or replace function forget_singers() returns int begin delete from singer; return 1; end",
        "create or replace function keep_variable() returns int begin set @kept = 1; return 1; end",
        "create or replace procedure forget() begin delete from singer; end",
    ],
}
LEFT = {  # what a query could leave in a session, or in the server
    "postgresql": "select current_setting('statement_timeout'), current_setting('default_transaction_read_only'), "
    "current_user::text, (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()), "
    "(select count(*) from pg_prepared_statements), (select last_value from numbering)",
    "mysql": "select @a, @kept, @@max_statement_time, @@tx_read_only, @@autocommit, last_insert_id(), "
    "(select next_not_cached_value from numbering)",
}


@pytest.fixture(scope="module")
def opened(concerts: Path) -> Iterator[Any]:
    """server -> an executor of its concerts, as the role that owns them."""
    found: dict[str, Member] = {}

    def of(server: Server) -> Member:
        if server.kind not in found:
            url = server.load("concerts", concerts)
            for statement in OWN[server.kind]:
                server.ask(statement, "concerts", "ordinary")
            executor = open_executor(url, limits=Limits(seconds=1, bytes=16 << 20), workers=1)
            assert isinstance(executor, Member)
            found[server.kind] = executor
        return found[server.kind]

    yield of
    for executor in found.values():
        executor.close()


def _attack(server: Server, executor: Member, attack: dict[str, Any]) -> None:
    canary = server.folder / "canary"
    canary.mkdir(exist_ok=True)
    canary.chmod(0o777)
    left = LEFT[server.kind].replace("last_insert_id()", "0")
    before = (executor.execute(left).rows, server.ask("select * from singer order by 1", "concerts"))
    started = time.monotonic()
    result = executor.execute(attack["sql"].replace("{CANARY}", str(canary)))
    assert time.monotonic() - started < ANSWERED_WITHIN
    fitting = set(FITTING[attack["expect"]])
    for word, outcomes in FITTING.items():
        if "alt acceptable" in attack["note"] and word in attack["note"].partition("alt acceptable")[2]:
            fitting |= outcomes
    assert result.outcome in fitting, result
    assert result.outcome is Outcome.OK or (result.message and "\n" not in result.message)
    assert os.listdir(canary) == []
    after = (executor.execute(left).rows, server.ask("select * from singer order by 1", "concerts"))
    assert after == before
    assert executor.execute("select count(*) from singer").rows == ((30,),)


@pytest.mark.parametrize("attack", ATTACKS["postgresql"])
def test_an_attack_on_postgresql(attack: dict[str, Any], postgresql: Server, opened: Any) -> None:
    _attack(postgresql, opened(postgresql), attack)


@pytest.mark.parametrize("attack", ATTACKS["mysql"])
def test_an_attack_on_mysql(attack: dict[str, Any], mysql: Server, opened: Any) -> None:
    _attack(mysql, opened(mysql), attack)
