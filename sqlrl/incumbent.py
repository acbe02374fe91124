"""An incumbent: the policy that answers for a schema where none is named, until a better one takes its place."""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from sqlrl.benchmarks.answered import absolute, stem
from sqlrl.benchmarks.location import cache_folder
from sqlrl.executors import open_executor
from sqlrl.executors.base import Limits
from sqlrl.executors.errors import DataError, UsageError
from sqlrl.executors.names import fold
from sqlrl.executors.source import is_server
from sqlrl.layer.catalogue import complete
from sqlrl.layer.dialects import UnreadableError, parse
from sqlrl.layer.schema import Schema, Table
from sqlrl.runs import write_text

__all__ = ["TRAINED", "WARM", "Incumbent", "Seat", "fingerprint"]

WARM, TRAINED = "warm start", "trained"
_FILE = "incumbent.json"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Incumbent:
    """policy: as `load_policy` takes it. kind: WARM, or TRAINED on answers. since: seconds since 1970. right, total: of
    the questions that it was last judged on, before it took the seat."""

    policy: str
    kind: str
    since: float
    right: int = 0
    total: int = 0

    @property
    def is_there(self) -> bool:
        """Whether what it names is still on this machine; what is not on this machine always is."""
        return "://" in self.policy or self.policy.startswith(("hf:", "script:")) or Path(self.policy).is_dir()

    def described(self, now: float | None = None) -> str:
        """Which it is and how old, in words for a reader."""
        judged = f", {self.right:,} of {self.total:,} right when it was made" if self.total else ""
        return f"{self.policy} ({self.kind}, {_age((time.time() if now is None else now) - self.since)}{judged})"


@dataclass(slots=True)
class Seat:
    """The place of one schema's incumbent: a folder in the user's cache, named by database and schema. source: without
    a password. before: earlier incumbents, the latest first; their files are left alone."""

    folder: Path
    source: str
    schema: str
    tables: int
    incumbent: Incumbent | None = None
    before: list[Incumbent] = field(default_factory=list)

    @classmethod
    def of(cls, source: str, *, tables: Sequence[str] | None = None, role: str | None = None) -> Self:
        """The seat for a database as it is now, with what is kept of it. tables, role: see `open_executor`."""
        whole = source if is_server(source) else absolute(source)
        with open_executor(whole, limits=Limits(seconds=10.0), workers=1, tables=tables, role=role) as executor:
            schema = complete(
                Schema.read(executor.describe(0, row_counts=False), executor.dialect), executor.execute_many
            )
            shown = executor.source
        name, mark = stem(source), fingerprint(schema)
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")[:40] or "database"
        # The name is in the prompts of a small policy, so another name is another policy.
        key = hashlib.sha256(json.dumps([name, mark]).encode()).hexdigest()[:12]
        seat = cls(cache_folder() / "policies" / f"{plain}-{key}", shown, mark, len(schema.tables))
        seat._read()
        return seat

    @property
    def present(self) -> Incumbent | None:
        """Who answers: the incumbent, or the latest before it that is still there; None for nobody."""
        every = [*([self.incumbent] if self.incumbent else []), *self.before]
        return next((each for each in every if each.is_there), None)

    def stale(self) -> Incumbent | None:
        """The latest incumbent of this database under another schema."""
        found: list[Incumbent] = []
        for file in sorted(self.folder.parent.glob(f"*/{_FILE}")):
            try:
                kept = json.loads(file.read_text(encoding="utf-8"))
                if kept["source"] == self.source and kept["schema"] != self.schema and kept["incumbent"]:
                    found.append(Incumbent(**kept["incumbent"]))
            except (OSError, ValueError, KeyError, TypeError):
                continue  # not ours, or of another version: it says nothing of this database
        return max(found, key=lambda each: each.since, default=None)

    def give(self, incumbent: Incumbent) -> None:
        """Seat another, and remember those before it that are still there."""
        last = [self.incumbent] if self.incumbent is not None else []
        before = [each for each in [*last, *self.before] if each.is_there and each.policy != incumbent.policy]
        self._keep(incumbent, before)

    def give_back(self) -> Incumbent:
        """Seat the latest before. UsageError where there is none."""
        left = [each for each in self.before if each.is_there]
        if not left:
            raise UsageError(f"no policy answered for {self.source} before this one")
        back, *rest = left
        self._keep(back, rest)
        return back

    @contextmanager
    def held(self) -> Iterator[None]:
        """By one process at a time. UsageError where another one is making a policy for this schema."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / ".lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(f"another process is making a policy for {self.source}: wait for it") from None
            self._read()
            yield

    def _keep(self, incumbent: Incumbent, before: list[Incumbent]) -> None:
        kept: Mapping[str, Any] = {
            "version": _VERSION, "source": self.source, "schema": self.schema, "tables": self.tables,
            "incumbent": asdict(incumbent), "before": [asdict(each) for each in before],
        }  # fmt: skip
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.folder / _FILE, json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
        self.incumbent, self.before = incumbent, before

    def _read(self) -> None:
        file = self.folder / _FILE
        try:
            kept = json.loads(file.read_text(encoding="utf-8"))
            self.incumbent = Incumbent(**kept["incumbent"])
            self.before = [Incumbent(**each) for each in kept["before"]]
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{file} cannot be read: {' '.join(str(error).split())}; remove it to begin anew") from None


def fingerprint(schema: Schema) -> str:
    """A hash of tables, columns, types and keys, whatever their order, spelling of types and comments."""
    tables = sorted(
        [
            table.key,
            sorted([fold(column.name), " ".join(column.kind.lower().split())] for column in table.columns),
            sorted([[*map(fold, link.columns)], fold(link.table), [*map(fold, link.referred)]] for link in table.links),
            _primary(table, schema.dialect),
        ]
        for table in schema.tables
    )
    return hashlib.sha256(json.dumps([schema.dialect, tables]).encode()).hexdigest()


def _primary(table: Table, dialect: str) -> list[str]:
    """The columns of the primary key, as the DDL declares it."""
    from sqlglot import exp

    try:
        trees = parse("\n".join(line for line in table.text.split("\n") if not line.startswith("--")), dialect)
    except UnreadableError:
        return []
    found: set[str] = set()
    for tree in trees:
        for key in tree.find_all(exp.PrimaryKey) if tree is not None else ():
            found |= {fold(column.name) for column in key.expressions}
        for mark in tree.find_all(exp.PrimaryKeyColumnConstraint) if tree is not None else ():
            column = mark.find_ancestor(exp.ColumnDef)
            found |= {fold(column.name)} if column is not None else set()
    return sorted(found)


def _age(seconds: float) -> str:
    for size, one in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        count = int(seconds // size)
        if count:
            return f"{count:,} {one}{'s' if count > 1 else ''} old"
    return "new"
