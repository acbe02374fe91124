"""A catalogue: what a connection knows of its source: the schema, which tables fit a question, which cells it names.

Each part is made when it is first needed and kept; `forget` has all of it made anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlrl.executors.base import Outcome
from sqlrl.layer.pruning import Pruner
from sqlrl.layer.schema import Schema, place
from sqlrl.layer.values import Cell, Values

if TYPE_CHECKING:
    from sqlrl.executors.base import Result
    from sqlrl.layer.deadline import Deadline
    from sqlrl.layer.settings import Settings

__all__ = ["Catalogue", "complete"]


class Catalogue:
    """schema: what may be known of it. name: of the database. read: runs queries as the connection's own are run, so
    that no cell is known here that a query could not read."""

    def __init__(self, schema: Schema, name: str, read: Callable[[list[str]], list[Result]]) -> None:
        self.schema = schema
        self.name = name
        self._read = read
        self._lock = threading.Lock()
        self._pruner: Pruner | None = None
        self._values: Values | None = None

    @property
    def pruner(self) -> Pruner:
        with self._lock:
            if self._pruner is None:
                self._pruner = Pruner(self.schema)
            return self._pruner

    def values(self, deadline: Deadline | None = None) -> Values:
        """All cells. Read under a deadline, they are kept only where there was time for all of them."""
        with self._lock:
            if self._values is not None:
                return self._values
            values = Values.read(self.schema, self._read, deadline)
            if deadline is None or deadline.left != 0.0:
                self._values = values
            return values

    def about(self, question: str, settings: Settings, deadline: Deadline) -> tuple[Schema, list[Cell]]:
        """(the part of the schema that a prompt has room for, the cells that the question seems to name in it)."""
        cells: list[Cell] = []
        if settings.values:
            cells = deadline.run(lambda: self.values(deadline)).find(question, settings.values)
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
