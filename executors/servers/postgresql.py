"""PostgreSQL: a session whose guards the server itself holds, and a client that stops what the server does not.

Each query is the cursor of a read-only transaction: DECLARE takes a single SELECT and nothing that writes, and the
extended protocol a single statement. The server stops it in time, refuses to wait for locks, and forgets the session
afterwards (DISCARD ALL). Functions that it calls volatile may do more than read (sleep, lock, change settings, end
other sessions, read files) and are refused, but for a few known to be harmless.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import math
import re
import socket
import struct
import termios
import time
from collections.abc import Generator, Sequence
from typing import Any, ClassVar

import psycopg

from sqlrl.executors.base import Outcome, Row
from sqlrl.executors.errors import AccessError, QueryError, SandboxError, SourceError, UsageError
from sqlrl.executors.servers.reflection import Readable
from sqlrl.executors.servers.session import Pieces, Session, Tables, one_line, unavailable

__all__ = ["PostgreSQLSession"]

FIRST_ROWS, MORE_ROWS = 200, 2_000  # rows of the first piece, which is often all, and of those that follow
GRACE = 1.0  # seconds that the server's own time-out gets before the client steps in
LOCK_SECONDS = 2.0
IDLE_SECONDS = 600
HARMLESS = frozenset(
    [
        "bernoulli",
        "clock_timestamp",
        "gen_random_uuid",
        "pg_blocking_pids",
        "pg_database_size",
        "pg_indexes_size",
        "pg_is_in_recovery",
        "pg_relation_size",
        "pg_table_size",
        "pg_total_relation_size",
        "random",
        "random_normal",
        "system",
        "timeofday",
    ]
)
# Roles whose members reach the server's files, programs or other sessions.
MIGHTY = (
    "pg_checkpoint", "pg_execute_server_program", "pg_read_server_files", "pg_signal_backend", "pg_write_server_files"
)  # fmt: skip
TCP_RECEIVED = 128  # where Linux's tcp_info holds the bytes received
_REFUSED = ("25006", "42501")
_TIMED_OUT = {"57014": "out of time", "55P03": "it waits for a lock", "25P03": "the reader took too long"}
_TOO_LARGE = ("53100", "53200", "53400", "54000", "54001")
_UNAVAILABLE = ("08", "57P", "53300", "58")
_NO_ACCESS, _NOT_FOUND = "28", "3D"  # a password or user that is wrong; a database that is not there


class PostgreSQLSession(Session):
    """See `Session`. With a role, every transaction acts as that role and functions of the database's own are refused,
    since what they run could act as the user again."""

    dialect = "postgresql"
    parser = "postgres"
    driver_name = "postgresql+psycopg"
    guards: ClassVar[dict[str, str]] = {"read-only": "held", "time-out": "held", "session reset": "held"}

    def _engine(self) -> Any:
        import sqlalchemy as sa

        engine = super()._engine().execution_options(isolation_level="AUTOCOMMIT")

        @sa.event.listens_for(engine, "do_connect")
        def connect(_dialect: Any, _record: Any, _arguments: Any, keywords: dict[str, Any]) -> Any:
            given = keywords.pop("options", "")
            settings = {
                "default_transaction_read_only": "on",
                "statement_timeout": math.ceil(self.limits.seconds * 1_000),
                "lock_timeout": math.ceil(min(LOCK_SECONDS, self.limits.seconds) * 1_000),
                "idle_in_transaction_session_timeout": IDLE_SECONDS * 1_000,
                "standard_conforming_strings": "on",
                "cursor_tuple_fraction": 1,
            }
            options = " ".join([given, *(f"-c {name}={value}" for name, value in settings.items())])
            keywords = {"connect_timeout": 10, "application_name": "sqlrl", "client_encoding": "utf8", **keywords}
            return _Connection.connect(**keywords, options=options.strip(), prepare_threshold=None)

        return engine

    def _open(self) -> None:
        self.begin = "BEGIN READ ONLY"
        if self.settings.role is not None:
            self.begin += f"; SET LOCAL ROLE {_quoted(self.settings.role)}"
        self._begin(None)
        try:
            self._check_power()
            self._learn()
        finally:
            self._end()

    def _check_power(self) -> None:
        """SandboxError where the role could do more than read rows, whatever the transaction."""
        ((name, is_super, replicates, mighty),) = self._ask(
            "SELECT rolname, rolsuper, rolreplication, ARRAY(SELECT rolname::text FROM pg_roles AS mighty WHERE "
            "mighty.rolname = ANY(%s) AND pg_has_role(current_user, mighty.oid, 'MEMBER')) FROM pg_roles "
            "WHERE rolname = current_user",
            [list(MIGHTY)],
        )
        what = "a superuser" if is_super else "for replication" if replicates else f"in {mighty[0]}" if mighty else ""
        if what:
            raise SandboxError(
                f"{self.source}: the role {name} is {what}, and could do more than read: connect as an ordinary role, "
                "or give role= to act as one"
            )

    def _learn(self) -> None:
        """Which functions may do more than read, and which relations there are."""
        functions = self._ask(
            "SELECT DISTINCT proname, provolatile = 'v', pronamespace = 'pg_catalog'::regnamespace OR pronamespace = "
            "'information_schema'::regnamespace, typtype IN ('c', 'p') FROM pg_proc "
            "LEFT JOIN pg_type ON pg_type.oid = proargtypes[0]"
        )
        own = {name for name, _, built_in, _ in functions if not built_in}
        computed = {name.lower() for name, _, built_in, of_row in functions if of_row and not built_in}
        self.forbidden = frozenset({name for name, volatile, *_ in functions if volatile} - HARMLESS)
        operators = self._ask(
            "SELECT DISTINCT oprname, provolatile = 'v', lanname IN ('internal', 'c') FROM pg_operator "
            "JOIN pg_proc ON pg_proc.oid = oprcode JOIN pg_language ON pg_language.oid = prolang "
            "WHERE oprnamespace <> 'pg_catalog'::regnamespace"
        )
        self.forbidden_signs = frozenset(name for name, volatile, _ in operators if volatile)
        ((schema,),) = self._ask("SELECT current_schema()")
        relations = self._ask("SELECT DISTINCT lower(relname) FROM pg_class WHERE relkind <> 'i'")
        self.tables = Tables(
            (schema or "").lower(), frozenset(name for (name,) in relations), frozenset(own), frozenset(computed),
            frozenset(name for name, _, compiled in operators if not compiled),
        )  # fmt: skip
        if self.settings.role is not None:
            self.forbidden |= own
            self.forbidden_signs |= self.tables.operators

    def readable(self, schemas: Sequence[str]) -> Readable | None:
        """By what the server itself would decide by, for the role to act as where there is one."""
        self._begin(None)
        try:
            rows = self._ask(
                "SELECT nspname, relname, array_agg(attname::text) FROM pg_attribute JOIN pg_class ON pg_class.oid = "
                "attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE relkind = ANY('{r,p,v,m,f}') AND "
                "attnum > 0 AND NOT attisdropped AND nspname = ANY(%s) AND has_schema_privilege(pg_namespace.oid, "
                "'USAGE') AND has_column_privilege(pg_class.oid, attnum, 'SELECT') GROUP BY nspname, relname",
                [list(schemas)],
            )
        finally:
            self._finish()
        return {(schema, table): frozenset(columns) for schema, table, columns in rows}

    def _ask(self, text: str, values: list[Any] | None = None) -> list[Row]:
        rows: list[Row] = self.driver.execute(text, values).fetchall()
        return rows

    def _begin(self, rows: int | None) -> None:
        most = 2 * self.limits.bytes + (1 << 20)
        self.driver.guard(self.deadline + GRACE, most if rows is not None else None)
        self.driver.execute(self.begin)

    def _read(self, text: str, rows: int | None) -> Pieces:
        # Asking for binary results makes psycopg use the extended protocol, which takes a single statement.
        self.driver.execute(f"DECLARE sqlrl NO SCROLL CURSOR FOR {text}", binary=True)
        piece_rows = FIRST_ROWS
        left = math.inf if rows is None else rows
        while True:
            count = int(min(left, piece_rows))
            cursor = self.driver.execute(f"FETCH FORWARD {count} FROM sqlrl")
            piece = cursor.fetchall()
            yield tuple(column.name for column in cursor.description or ()), piece
            left -= len(piece)
            if len(piece) < count or not left:
                return
            piece_rows = MORE_ROWS
            self.look()

    def _end(self) -> None:
        self.driver.guard(time.monotonic() + self.limits.seconds + GRACE, None)
        self.driver.execute("ROLLBACK")
        self.driver.execute("DISCARD ALL")

    def ended(self, error: BaseException) -> QueryError:
        """By SQLSTATE."""
        state = getattr(error, "sqlstate", None) or ""
        message = self.clean(error)
        if self.driver.stopped is not None:
            self.broken = True
            return self.driver.stopped
        if state in _TIMED_OUT:
            return QueryError(Outcome.TIMED_OUT, _TIMED_OUT[state])
        if state in _REFUSED or "data-modifying statements" in message:
            return QueryError(Outcome.REFUSED, message)
        if state in _TOO_LARGE or "invalid memory alloc" in message:
            return QueryError(Outcome.TOO_LARGE, f"too large: {message}")
        lost = self.driver.closed or self.driver.broken or state.startswith(_UNAVAILABLE)
        return QueryError(Outcome.UNAVAILABLE if lost else Outcome.INVALID, message)

    def _not_opened(self, error: BaseException) -> Exception:
        words = one_line(str(error).partition("FATAL:")[2] or str(error), str(self.url.password or ""))
        state = getattr(error, "sqlstate", None) or ""
        if self.settings.role is not None and state in ("22023", "42704", "42501"):
            return UsageError(f"{self.source}: {words}")
        # A failed start of a connection has no SQLSTATE, only words.
        if state.startswith(_NO_ACCESS) or re.search(r"authentication|pg_hba|\brole\b.* does not exist", words):
            return AccessError(f"{self.source}: {words}")
        if state.startswith(_NOT_FOUND) or "does not exist" in words:
            return SourceError(f"{self.source}: {words}")
        return unavailable(self.source, words)


class _Connection(psycopg.Connection[Any]):
    """Stops by the clock and by the bytes that have come, which libpq alone never does: neither a server that does not
    answer nor a single row of a gigabyte can hold or fill this process."""

    deadline = math.inf
    most_bytes: int | None = None
    received = 0
    stopped: QueryError | None = None

    def guard(self, deadline: float, most_bytes: int | None) -> None:
        """From now on: until when to wait, and how much to take."""
        self.deadline, self.most_bytes, self.received = deadline, most_bytes, 0
        self.at_start = _received(self.pgconn.socket)

    def wait(self, gen: Any, *arguments: Any, **keywords: Any) -> Any:
        """See psycopg."""
        return super().wait(self._watched(gen), *arguments, **keywords)

    def _watched(self, gen: Any) -> Generator[Any, Any, Any]:
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                self._look()
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value

    def _look(self) -> None:
        if time.monotonic() > self.deadline:
            self._stop(QueryError(Outcome.TIMED_OUT, "out of time; the server did not stop by itself"))
        if self.most_bytes is None:
            return
        self.received += _waiting(self.pgconn.socket)
        if self.received > self.most_bytes:  # an estimate: the kernel knows more of TCP
            known = _received(self.pgconn.socket)
            if known is None or self.at_start is None or known - self.at_start > self.most_bytes:
                self._stop(QueryError(Outcome.TOO_LARGE, f"the result is larger than {self.most_bytes:,} bytes"))

    def _stop(self, why: QueryError) -> None:
        self.stopped = why
        self.deadline, self.most_bytes = math.inf, None
        with contextlib.suppress(Exception):
            self.cancel_safe(timeout=1.0)
        self.close()
        raise why


def _waiting(descriptor: int) -> int:
    """Bytes that have come and are not read yet."""
    count = array.array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, count)
    return count[0]


def _received(descriptor: int) -> int | None:
    """Bytes that ever came over a TCP connection; None where that is not known."""
    try:
        with socket.socket(fileno=socket.dup(descriptor)) as copy:
            information = copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_RECEIVED + 8)
        return int(struct.unpack_from("Q", information, TCP_RECEIVED)[0])
    except (AttributeError, OSError, struct.error):
        return None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
