"""A catalogue: what a connection knows of its source: the schema, which tables fit a question, which cells it names.

Each part is made when it is first needed, and kept.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlrl.executors.base import Outcome
from sqlrl.layer.deadline import Deadline, LateError
from sqlrl.layer.pruning import Pruner
from sqlrl.layer.schema import Schema, place
from sqlrl.layer.values import Cell, Reading, Values

if TYPE_CHECKING:
    from sqlrl.executors.base import Result
    from sqlrl.layer.settings import Settings

__all__ = ["Catalogue", "complete"]

READING = 20.0  # seconds that one call spends on reading cells where it has no deadline
_PART = 0.4  # of a question's time, that it spends on reading them at most


class Catalogue:
    """schema: what may be known of it. name: of the database. read: runs queries by a deadline, as the connection's own
    are run, so that no cell is known here that a query could not read."""

    def __init__(self, schema: Schema, name: str, read: Callable[[list[str], Deadline], list[Result]]) -> None:
        self.schema = schema
        self.name = name
        self._read = read
        self._lock = threading.Lock()
        self._ranking = threading.Lock()
        self._reading: Reading | None = None
        self._pruner: Pruner | None = None
        self._values: Values | None = None

    @property
    def pruner(self) -> Pruner:
        """Ranks the tables of the whole schema."""
        with self._ranking:
            if self._pruner is None:
                self._pruner = Pruner(self.schema)
            return self._pruner

    def values(self, deadline: Deadline | None = None) -> Values:
        """All cells, or as many as there was time to read; the next call goes on."""
        with self._lock:
            if self._reading is None or not self._reading.done:
                self._reading = self._reading or Reading(self.schema)
                end = Deadline(READING) if deadline is None or deadline.left is None else deadline
                self._reading.go_on(lambda queries: end.run(lambda: self._read(queries, end)))
                self._values = self._reading.values()
            assert self._values is not None
            return self._values

    def about(self, question: str, settings: Settings, deadline: Deadline) -> tuple[Schema, list[Cell]]:
        """(the part of the schema that a prompt has room for, the cells that the question seems to name in it)."""
        cells: list[Cell] = []
        if settings.values:
            # Where a question has less time than reading takes, it is asked without some cells; the next one reads on.
            part = deadline.share(_PART)
            with contextlib.suppress(LateError):
                cells = deadline.share(0.5).run(lambda: self.values(part)).find(question, settings.values)
            deadline.check()
        schema = self.schema
        if settings.schema_characters is not None:
            best = {(cell.table, cell.column): cell.score for cell in reversed(cells)}
            schema = self.pruner.prune(question, settings.schema_characters, best)
        shown = {table.key: {column.name for column in table.columns} for table in schema.tables}
        return schema, [cell for cell in cells if cell.column in shown.get(cell.table, ())]


def complete(schema: Schema, read: Callable[[list[str]], list[Result]]) -> Schema:
    """With the columns of what the description does not tell them of, such as views: the engine knows them."""
    unknown = schema.without
    if not unknown:
        return schema
    results = read([f"SELECT * FROM {place(table, schema.dialect)} LIMIT 0" for table in unknown])
    return schema.with_columns(
        {
            table.key: result.columns
            for table, result in zip(unknown, results, strict=True)
            if result.outcome is Outcome.OK
        }
    )
