"""An environment: the tools through which a policy looks at a database before it answers, in TRL's shape.

TRL's `environment_factory` makes instances, keeps them in a pool and calls `reset` before each rollout; every public
method besides is a tool, by its name, types and docstring. All instances share the executors of one `Judging`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlrl.executors.base import Outcome, Result
from sqlrl.executors.errors import SqlrlError
from sqlrl.observation import Caps, describe_block, harmless, observe, tables_in

if TYPE_CHECKING:
    from sqlrl.judging import Judging
    from sqlrl.prompts import Prompter

__all__ = ["Allowance", "Environment", "EnvironmentFactory"]

SAMPLE_ROWS = 3  # of a table that is described


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one rollout may spend. calls: of tools. seconds: processor time of all its queries together; the one that
    passes it is still run to its own limit. caps: of each observation."""

    calls: int = 4
    seconds: float = 10.0
    caps: Caps = field(default_factory=Caps)

    @classmethod
    def of(cls, prompter: Prompter, seconds: float) -> Allowance:
        """Two calls for each message but the last. seconds: of one query. A policy that is asked tersely sees little:
        its memory is small."""
        calls = 2 * max(1, prompter.turns - 1)
        small = Caps(rows=4, cell=24, characters=400)
        return cls(calls, calls * seconds, small if prompter.style == "terse" else Caps())


class Environment:
    """One rollout's tools over the database of its question; made by an EnvironmentFactory.

    A bad query is an observation, never an exception: the engine's error, a refusal with its reason, a time-out. What
    a rollout did stands in `queries` (each with how it ended) until the next `reset`.
    """

    _example_id: str
    _queries: list[tuple[str, Outcome]]
    _result: Result | None
    _calls: int
    _seconds: float
    _unavailable: bool

    def __init__(self, factory: EnvironmentFactory) -> None:
        self._factory = factory
        self.reset()

    @property
    def queries(self) -> Sequence[tuple[str, Outcome]]:
        """The queries that were run, with how each ended."""
        return tuple(self._queries)

    @property
    def calls(self) -> int:
        """Calls of tools so far, refused ones included."""
        return self._calls

    @property
    def seconds(self) -> float:
        """Processor time of the queries so far."""
        return self._seconds

    @property
    def unavailable(self) -> bool:
        """Whether a database did not answer: what the policy does after that is not its fault."""
        return self._unavailable

    @property
    def result(self) -> Result | None:
        """Of the last query; its first rows, as many as are shown."""
        return self._result

    def reset(self, example_id: str = "", **columns: Any) -> None:
        """Forget the last rollout; the next one is about this example's database. Further columns are not looked at."""
        self._example_id = example_id
        self._queries = []
        self._result = None
        self._calls = 0
        self._seconds = 0.0
        self._unavailable = False

    def run_sql(self, query: str) -> str:
        """
        Run one read-only SQL query and see the first rows of its result.

        Args:
            query: The SQL query, a single statement.

        Returns:
            The columns, the rows and how many there are, or what went wrong.
        """
        if (spent := self._spend()) is not None:
            return spent
        if not isinstance(query, str) or not query.strip():
            return "error: query must be SQL text"
        source = self._factory.source_of(self._example_id)
        if source is None:
            self._unavailable = True
            return "unavailable: the database is not here"
        caps = self._factory.allowance.caps
        result = self._factory.execute(source, query, caps.rows)
        # A query that the wall clock ended may have had little of the processor: it has spent its turn all the same.
        late = result.outcome is Outcome.TIMED_OUT
        self._seconds += max(result.seconds, self._factory.judging.limits.seconds) if late else result.seconds
        self._queries.append((query, result.outcome))
        self._result = result
        self._unavailable |= result.outcome is Outcome.UNAVAILABLE
        return observe(result, caps)

    def describe(self, table: str) -> str:
        """
        Show a table's columns with their types, and its first rows.

        Args:
            table: The table's name.

        Returns:
            The table's definition and some of its rows, or which tables there are.
        """
        if (spent := self._spend()) is not None:
            return spent
        source = self._factory.source_of(self._example_id)
        try:
            description = None if source is None else self._factory.description_of(source)
        except SqlrlError as error:
            logging.getLogger(__name__).warning("a schema cannot be described: %s", error)
            description = None
        if description is None:
            self._unavailable = True
            return "unavailable: the database is not here"
        block = describe_block(description, table) if isinstance(table, str) else None
        if block is None:
            return f"error: no such table; tables: {', '.join(map(harmless, tables_in(description)))}"
        text, most = harmless(block), self._factory.allowance.caps.characters
        return text if len(text) <= most else f"{text[: most - len('… [cut]')]}… [cut]"

    def _spend(self) -> str | None:
        """Count one call; the words for it where nothing is left to spend."""
        self._calls += 1
        allowance = self._factory.allowance
        if self._calls > allowance.calls:
            return f"refused: all {allowance.calls} calls are spent; answer now"
        if self._seconds >= allowance.seconds:
            return f"refused: the {allowance.seconds:g} seconds for queries are spent; answer now"
        return None


class EnvironmentFactory:
    """Makes environments over the databases of one `Judging`; TRL's `environment_factory`. Picklable.

    judging: whose executors run the queries, on the first instance of each example's database.
    """

    def __init__(self, judging: Judging, allowance: Allowance | None = None) -> None:
        self.judging = judging
        self.allowance = allowance or Allowance()
        self._descriptions: dict[str, str] = {}

    def __call__(self) -> Environment:
        return Environment(self)

    @property
    def tools(self) -> list[Callable[..., str]]:
        """The tools of an environment, in the order in which TRL tells a policy of them."""
        environment = self()
        return [environment.describe, environment.run_sql]

    def source_of(self, example_id: str) -> str | None:
        """The database that an example's queries run on, None where it is not known or not there."""
        return next(iter(self.judging.sources.get(example_id, ())), None)

    def execute(self, source: str, query: str, rows: int) -> Result:
        """Run one query for its first rows. An executor that fails is a result as well: UNAVAILABLE."""
        try:
            return self.judging.group.execute_many([(source, query)], limit=rows)[0]
        except SqlrlError as error:
            logging.getLogger(__name__).warning("a query could not be run: %s", error)
            return Result(outcome=Outcome.UNAVAILABLE, message="the database does not answer")

    def description_of(self, source: str) -> str:
        """The whole database with a few rows of each table. SqlrlError where it cannot be read."""
        if source not in self._descriptions:
            self._descriptions[source] = self.judging.group.describe(source, SAMPLE_ROWS)
        return self._descriptions[source]
