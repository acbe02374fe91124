"""Real servers for the tests: each is made in a folder of its own, listens on loopback, and is gone afterwards.

Where a server is not installed, its tests are skipped, and say so; with SQLRL_REQUIRE_SERVERS they fail.
"""

from __future__ import annotations

import contextlib
import getpass
import glob
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest

UNPRIVILEGED = "nobody"  # who runs the server where the tests are run by root
LONGEST_START = 60.0
_WHOLE_NUMBER = re.compile(r"\b(INTEGER|INT)\b", re.IGNORECASE)


@dataclass
class Server:
    """One running server. databases: those that were loaded; process: the server's own."""

    kind: str  # "postgresql" or "mysql"
    folder: Path
    port: int
    administrator: str
    databases: set[str] = field(default_factory=set)
    process: subprocess.Popen[bytes] | None = None

    def url(self, database: str, user: str = "ordinary") -> str:
        """ordinary: owns its databases and nothing else; reader: may only select there."""
        return f"{self.kind}://{user}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str | None = None, user: str | None = None) -> Any:
        """A connection of the driver's own, by default the administrator's."""
        user = user or self.administrator
        if self.kind == "postgresql":
            import psycopg

            return psycopg.connect(
                host=str(self.folder), port=self.port, user=user, dbname=database or "postgres", autocommit=True
            )
        import pymysql

        return pymysql.connect(
            unix_socket=str(self.folder / "socket"), user=user, database=database, autocommit=True, local_infile=False
        )

    def signal(self, number: int) -> None:
        """Send a signal to all of the server's processes, which PostgreSQL has many of."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for process in (self.process.pid, *map(int, children)):
            os.kill(process, number)

    def look(self) -> None:
        """Raises unless the server answers."""
        if self.kind == "mysql":
            (self.folder / "socket").stat()  # PyMySQL leaves its socket open where there is none
        self.ask("SELECT 1")

    def ask(self, text: str, database: str | None = None, user: str | None = None) -> list[tuple[Any, ...]]:
        """The rows of one statement, as the administrator unless a user is named."""
        with contextlib.closing(self.connect(database, user)) as connection, connection.cursor() as cursor:
            cursor.execute(text)
            return list(cursor.fetchall()) if cursor.description else []

    def load(self, database: str, file: Path) -> str:
        """Make a database of a SQLite file's tables once, owned by `ordinary`; its URL."""
        if database in self.databases:
            return self.url(database)
        self.ask(f"CREATE DATABASE {database}")
        if self.kind == "postgresql":
            self.ask(f"ALTER DATABASE {database} OWNER TO ordinary")
            self.ask("ALTER SCHEMA public OWNER TO ordinary", database)
        else:
            self.ask(f"GRANT ALL ON {database}.* TO ordinary@localhost")
            self.ask(f"GRANT SELECT ON {database}.* TO reader@localhost")
        with (
            contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as source,
            contextlib.closing(self.connect(database, "ordinary")) as target,
            target.cursor() as cursor,
        ):
            tables = source.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
            for _, sql in _referred_first(tables):
                cursor.execute(_WHOLE_NUMBER.sub("BIGINT", sql))  # SQLite's have 64 bits
            for name, _ in _referred_first(tables):
                rows = source.execute(f"SELECT * FROM {name}").fetchall()
                if self.kind == "mysql":
                    cursor.execute("SET foreign_key_checks = 0")
                places = ", ".join(["%s"] * len(rows[0])) if rows else ""
                for start in range(0, len(rows), 2_000):
                    cursor.executemany(f"INSERT INTO {name} VALUES ({places})", rows[start : start + 2_000])
            if self.kind == "postgresql":
                cursor.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
        self.databases.add(database)
        return self.url(database)


def _referred_first(tables: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Tables in an order in which no foreign key refers to one that is not there yet."""
    names = {name.lower() for name, _ in tables}
    placed: list[tuple[str, str]] = []
    waiting = list(tables)
    while waiting:
        done = {name.lower() for name, _ in placed}
        ready = [
            (name, sql)
            for name, sql in waiting
            if not any(f"REFERENCES {other} " in sql for other in names - done - {name.lower()})
        ]
        placed += ready or waiting
        waiting = [table for table in waiting if table not in placed]
    return placed


def _missing(what: str) -> NoReturn:
    reason = f"{what} is not installed (Debian: apt-get install {what})"
    if os.environ.get("SQLRL_REQUIRE_SERVERS"):
        pytest.fail(reason)
    pytest.skip(reason)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _own(folder: str) -> list[str]:
    """Give a folder to who will run the server; what its commands begin with."""
    if os.getuid() != 0:
        return []
    shutil.chown(folder, UNPRIVILEGED)
    return ["setpriv", f"--reuid={UNPRIVILEGED}", "--regid=nogroup", "--clear-groups"]


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"{command}: {done.stdout[-2_000:]}{done.stderr[-2_000:]}")


def _wait_for(ready: Callable[[], object], process: subprocess.Popen[bytes], log: Path) -> None:
    """Until `ready` no longer raises."""
    until = time.monotonic() + LONGEST_START
    while True:
        try:
            ready()
            return
        except Exception as error:
            if process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"no server: {error}: {log.read_text(errors='replace')[-2_000:]}")
            time.sleep(0.05)


@contextlib.contextmanager
def _running(command: Sequence[str], server: Server) -> Iterator[None]:
    log = server.folder / "log"
    with open(log, "wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        server.process = process
    try:
        _wait_for(server.look, process, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def start_postgresql() -> Iterator[Server]:
    """A PostgreSQL server with the roles `ordinary` and `reader`."""
    pytest.importorskip("psycopg")
    found = shutil.which("postgres") or next(iter(sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))[::-1]), None)
    if found is None:
        _missing("postgresql")
    programs = Path(found).parent
    with tempfile.TemporaryDirectory(prefix="sqlrl-pg-", ignore_cleanup_errors=True) as folder:
        as_user = _own(folder)
        server = Server("postgresql", Path(folder), _free_port(), "postgres")
        data = f"{folder}/data"
        _run(
            [*as_user, str(programs / "initdb"), "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8",
             "--locale=C.UTF-8", "--no-sync"]
        )  # fmt: skip
        settings = {
            "listen_addresses": "127.0.0.1", "port": server.port, "unix_socket_directories": folder, "fsync": "off",
            "max_connections": 40, "shared_buffers": "16MB", "autovacuum": "off",
        }  # fmt: skip
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with _running([*as_user, str(programs / "postgres"), "-D", data, *options], server):
            for role in ("ordinary", "reader"):
                server.ask(f"CREATE ROLE {role} LOGIN")
            yield server


@contextlib.contextmanager
def start_mysql() -> Iterator[Server]:
    """A MariaDB server with the users `ordinary` and `reader`."""
    pytest.importorskip("pymysql")
    found = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin")
    install = shutil.which("mariadb-install-db")
    if found is None or install is None:
        _missing("mariadb-server")
    with tempfile.TemporaryDirectory(prefix="sqlrl-my-", ignore_cleanup_errors=True) as folder:
        as_user = _own(folder)
        server = Server("mysql", Path(folder), _free_port(), "root")
        user = UNPRIVILEGED if as_user else getpass.getuser()
        common = ["--no-defaults", f"--user={user}", f"--datadir={folder}/data"]
        _run([install, *common, "--auth-root-authentication-method=normal", "--skip-test-db"])
        options = [
            f"--socket={folder}/socket", f"--port={server.port}", "--bind-address=127.0.0.1",
            f"--pid-file={folder}/pid",
            "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0",
            f"--tmpdir={folder}",
        ]  # fmt: skip
        with _running([found, *common, *options], server):
            for name in ("ordinary", "reader"):
                server.ask(f"CREATE USER {name}@localhost")
            yield server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """The session's PostgreSQL server."""
    with start_postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def mysql() -> Iterator[Server]:
    """The session's MariaDB server."""
    with start_mysql() as server:
        yield server
