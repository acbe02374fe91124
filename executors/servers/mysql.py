"""MariaDB and MySQL: a session that the server holds to reading, stops in time, and forgets after each query.

The session and each transaction are read-only (a statement that ends the transaction by itself finds the session's
setting), the server stops a query in time and after so many rows, and MariaDB also at so much memory. What these
servers would still let a SELECT do (sleep, lock, read and write files, set variables) is refused by its words.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence
from typing import Any, ClassVar

import pymysql
from pymysql.cursors import SSCursor

from sqlrl.executors.base import Outcome, Row
from sqlrl.executors.errors import AccessError, QueryError, SandboxError, SourceError, UsageError
from sqlrl.executors.servers.reflection import Readable, Reflection, Told
from sqlrl.executors.servers.session import ROWS_A_PIECE, Pieces, Session, Tables, size_of, unavailable

__all__ = ["MySQLSession"]

GRACE = 1.0  # seconds that the server's own time-out gets before the client steps in
LOCK_SECONDS = 2
ALL_ROWS = 2**64 - 1
RESET_CONNECTION = 0x1F
# Global privileges that no transaction takes back. Those on data alone are harmless in one that only reads.
HARMLESS = frozenset(
    [
        "alter",
        "alter routine",
        "create",
        "create routine",
        "create temporary tables",
        "create view",
        "delete",
        "delete history",
        "drop",
        "event",
        "execute",
        "index",
        "insert",
        "lock tables",
        "process",
        "references",
        "select",
        "show databases",
        "show view",
        "trigger",
        "update",
        "usage",
        "binlog monitor",
        "monitor",
        "replication client",
        "slave monitor",
        "show_routine",
    ]
)
UNREADABLE_MODES = frozenset(
    ["ANSI", "ANSI_QUOTES", "DB2", "MAXDB", "MSSQL", "NO_BACKSLASH_ESCAPES", "ORACLE", "POSTGRESQL"]
)
_GRANT = re.compile(r"GRANT (.*?) ON (\S+) TO ", re.IGNORECASE)
_TIMED_OUT = {1205: "it waits for a lock", 1317: "out of time", 1969: "out of time", 3024: "out of time"}
_REFUSED = (1044, 1142, 1143, 1227, 1370, 1792, 1836)
_TOO_LARGE = (1037, 1038, 1041, 1104, 1114, 1135, 1153, 1301)
_UNAVAILABLE = (1040, 1053, 1152, 1158, 1159, 1160, 1161, 1203, 1226, 1927, 2003, 2006, 2013, 2055)
_UNTOLD = (1142, 1143)  # SHOW denied on a table, on a column
_NO_ACCESS = (1045, 1698)  # a password or user that is wrong
_NOT_FOUND = (1044, 1049)  # a database that is not there, or that a user without any right in it may not know of


class MySQLSession(Session):
    """See `Session`."""

    dialect = "mysql"
    parser = "mysql"
    driver_name = "mysql+pymysql"
    guards: ClassVar[dict[str, str]] = {"read-only": "held", "time-out": "held", "session reset": "held"}

    def _engine(self) -> Any:
        import sqlalchemy as sa

        engine = super()._engine().execution_options(isolation_level="AUTOCOMMIT")

        @sa.event.listens_for(engine, "do_connect")
        def connect(_dialect: Any, _record: Any, _arguments: Any, keywords: dict[str, Any]) -> Any:
            keywords = {"connect_timeout": 10, "charset": "utf8mb4", **keywords}
            keywords.pop("client_flag", None)  # no several statements at once
            return pymysql.connect(**keywords, read_timeout=self.limits.seconds + 2 * GRACE, local_infile=False)

        return engine

    def _open(self) -> None:
        if self.settings.role is not None:
            raise UsageError("role goes with postgresql://: MariaDB and MySQL keep a user's privileges whatever role")
        ((version, modes),) = self._ask("SELECT version(), @@sql_mode")
        seconds = self.limits.seconds
        kept = [mode for mode in modes.split(",") if mode and mode.upper() not in UNREADABLE_MODES]
        settings = {
            "sql_mode": "'" + ",".join(kept) + "'",
            "lock_wait_timeout": LOCK_SECONDS,
            "innodb_lock_wait_timeout": LOCK_SECONDS,
        }
        if "mariadb" in version.lower():
            settings |= {
                "max_statement_time": seconds,
                "tx_read_only": 1,
                "max_session_mem_used": max(self.limits.memory_bytes, 8 << 20),
            }
        else:
            settings |= {"max_execution_time": math.ceil(seconds * 1_000), "transaction_read_only": 1}
        self.limiting = "SET SESSION " + ", ".join(f"{name}={value}" for name, value in settings.items())
        self._limit(None)
        self._check_power()
        self._learn()

    def _check_power(self) -> None:
        """SandboxError where the user could do more than read rows, whatever the transaction."""
        for (grant,) in self._ask("SHOW GRANTS"):
            found = _GRANT.match(grant)
            if found is None or found[2] != "*.*":
                continue
            for privilege in found[1].split(","):
                if privilege.strip().lower() not in HARMLESS:
                    raise SandboxError(
                        f"{self.source}: the user has {privilege.strip()} on *.*, and could do more than read: "
                        "connect as a user with SELECT on one database"
                    )

    def _learn(self) -> None:
        ((schema,),) = self._ask("SELECT database()")
        if schema is None:
            raise UsageError(f"{self.source} names no database: mysql://user@host/database")
        functions = self._ask("SELECT routine_name FROM information_schema.routines WHERE routine_schema = database()")
        self.tables = Tables(
            schema.lower(),
            frozenset(name.lower() for (name,) in self._ask("SELECT table_name FROM information_schema.tables")),
            frozenset(name.lower() for (name,) in functions),
        )

    def readable(self, schemas: Sequence[str]) -> Readable | None:
        """By the information schema, which names the privileges on each column."""
        found: dict[tuple[str, str], set[str]] = {}
        for schema, table, column in self._ask(
            "SELECT table_schema, table_name, column_name FROM information_schema.columns WHERE table_schema IN %s AND "
            "find_in_set('select', privileges)",
            [list(schemas)],
        ):
            found.setdefault((schema, table), set()).add(column)
        return found

    def told(self, error: BaseException | None, schema: str, table: str) -> Reflection | None:
        """How a view was made may be asked with SHOW VIEW alone, and a table with a privilege on all of it. The
        information schema tells what is known of single columns."""
        if error is None or not error.args or error.args[0] not in _UNTOLD:
            return None
        columns = self._ask(
            "SELECT column_name, column_type, is_nullable = 'YES', column_key = 'PRI' FROM information_schema.columns "
            "WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position",
            [schema, table],
        )
        links: dict[str, dict[str, Any]] = {}
        for name, column, other_schema, other, referred in self._ask(
            "SELECT constraint_name, column_name, referenced_table_schema, referenced_table_name, "
            "referenced_column_name FROM information_schema.key_column_usage WHERE table_schema = %s AND table_name = "
            "%s AND referenced_table_name IS NOT NULL ORDER BY constraint_name, ordinal_position",
            [schema, table],
        ):
            link = links.setdefault(
                name,
                {
                    "constrained_columns": [], "referred_table": other, "referred_columns": [],
                    "referred_schema": None if other_schema == schema else other_schema,
                },
            )  # fmt: skip
            link["constrained_columns"].append(column)
            link["referred_columns"].append(referred)
        return Reflection(
            tuple(Told(name, _kind(kind), bool(nullable)) for name, kind, nullable, _ in columns),
            tuple(name for name, _, _, is_key in columns if is_key),
            tuple(links.values()),
        )

    def _ask(self, text: str, values: Sequence[Any] | None = None) -> list[Row]:
        with self.driver.cursor() as cursor:
            cursor.execute(text, values)
            return list(cursor.fetchall())

    def _limit(self, rows: int | None) -> None:
        # One row more than wanted tells that there were more; a LIMIT of the query's own stands above this.
        self._ask(f"{self.limiting}, sql_select_limit={ALL_ROWS if rows is None else rows}")

    def _begin(self, rows: int | None) -> None:
        self._limit(rows)
        self._ask("START TRANSACTION READ ONLY")

    def _read(self, text: str, rows: int | None) -> Pieces:
        cursor = self.driver.cursor(SSCursor)
        ended = False
        size = 0
        try:
            cursor.execute(text)
            columns = tuple(column[0] for column in cursor.description or ())
            piece: list[Row] = []
            while (row := cursor.fetchone()) is not None:
                piece.append(row)
                size += size_of([row])
                if len(piece) == ROWS_A_PIECE or size > self.limits.bytes:
                    self.look()
                    yield columns, piece
                    piece, size = [], 0
            ended = True
            yield columns, piece
        except pymysql.Error:
            ended = True
            raise
        finally:
            if not ended:
                self._abandon()
            cursor.close()

    def _abandon(self) -> None:
        """Leave a result that was not read to its end. The server would send all of it, and PyMySQL read all of it."""
        self.broken = True
        self.driver._result.unbuffered_active = False
        self.driver._force_close()

    def _end(self) -> None:
        self._ask("ROLLBACK")
        # PyMySQL has no name for this command, which takes back settings, variables, locks and temporary tables.
        self.driver._execute_command(RESET_CONNECTION, "")
        self.driver._read_ok_packet()

    def ended(self, error: BaseException) -> QueryError:
        """By the server's number."""
        message = self.clean(error)
        if isinstance(error, pymysql.Error) and len(error.args) > 1:
            message = self.clean(Exception(error.args[1]))
        code = error.args[0] if error.args else None
        if code in _TIMED_OUT:
            return QueryError(Outcome.TIMED_OUT, _TIMED_OUT[code])
        if code == 2013 and time.monotonic() > self.deadline:
            self.broken = True  # what the server's own stop does not end, KILL would not either
            return QueryError(Outcome.TIMED_OUT, "out of time; the server did not stop by itself")
        if code in _REFUSED or (code == 1290 and "mem" not in message):
            return QueryError(Outcome.REFUSED, message)
        if code in _TOO_LARGE or code == 1290:
            return QueryError(Outcome.TOO_LARGE, f"too large: {message}")
        lost = code in _UNAVAILABLE or isinstance(error, pymysql.InterfaceError | OSError) or not self.driver.open
        return QueryError(Outcome.UNAVAILABLE if lost else Outcome.INVALID, message)

    def _not_opened(self, error: BaseException) -> Exception:
        code = error.args[0] if error.args else None
        words = self.clean(Exception(error.args[-1])) if error.args else self.clean(error)
        if code in _NO_ACCESS:
            return AccessError(f"{self.source}: {words}")
        if code in _NOT_FOUND:
            return SourceError(f"{self.source}: {words}")
        return unavailable(self.source, words)


def _kind(text: str) -> str:
    """A column's type in the words that SQLAlchemy has for it: without a number's display width."""
    word, bracket, rest = text.partition("(")
    word = word.upper()
    if word.endswith("INT"):
        return f"{'INTEGER' if word == 'INT' else word}{rest.partition(')')[2].upper()}"
    inside, closed, more = rest.rpartition(")")
    return f"{word}{bracket}{inside}{closed}{more.upper()}"
