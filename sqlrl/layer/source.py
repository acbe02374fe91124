"""A source as the layer holds it: an executor and the schema that it tells of, for all connections that stand on it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlrl.executors.base import Result
from sqlrl.executors.errors import SourceError, UsageError, nearest
from sqlrl.layer.catalogue import complete
from sqlrl.layer.functions import Functions
from sqlrl.layer.schema import Schema

if TYPE_CHECKING:
    from sqlrl.executors.groups import Member
    from sqlrl.layer.deadline import Deadline
    from sqlrl.layer.settings import Settings

__all__ = ["Source"]


class Source:
    """tables: the list that the executor was opened with; a name that is not there is an error here. notes: a folder of
    column descriptions."""

    def __init__(
        self, executor: Member[Any], settings: Settings, tables: Sequence[str] | None, notes: str | None
    ) -> None:
        self.executor = executor
        described = executor.describe(settings.sample_rows, row_counts=False, notes=notes)
        self.schema = complete(Schema.read(described, executor.dialect), executor.execute_many)
        for name in tables or ():
            if self.schema.table(name) is None:
                known = [table.name for table in self.schema.tables]
                raise UsageError(f"no table {name!r} in {executor.source}{nearest(name, known) if known else ''}")
        if not self.schema.tables:
            raise SourceError(f"{executor.source} has no tables")

    @cached_property
    def functions(self) -> Functions:
        """What a query may call where rows or columns are hidden; asked for when that is first wanted."""
        return Functions.of(self.executor.dialect, lambda query, rows: self.executor.execute(query, limit=rows))

    def run(self, queries: list[str], limit: int | None, deadline: Deadline | None) -> list[Result]:
        """One result for each query."""
        if deadline is None or deadline.seconds is None:
            return self.executor.execute_many(queries, limit=limit)

        async def gathered() -> list[Result]:
            return await asyncio.gather(*(self.executor.aexecute(query, limit=limit) for query in queries))

        return deadline.finish(gathered)
