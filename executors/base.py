"""What every executor takes and gives: queries in, results out, and never an exception for a bad query.

A database and a search engine are the same thing here: something that takes a query and gives back rows. A ranked list
of documents is a relation of two columns, document id and score, best first.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, runtime_checkable

from sqlrl.executors.errors import UsageError

if TYPE_CHECKING:
    from sqlrl.executors.relations import Relation

__all__ = ["Comparison", "Executor", "Gold", "Limits", "Outcome", "Partial", "Result", "Row", "check_count"]

Row = tuple[Any, ...]


class Outcome(enum.StrEnum):
    """How a query ended. Only OK equals anything; all but UNAVAILABLE are the query's own doing."""

    OK = "ok"
    INVALID = "invalid"  # the engine's own error: syntax, unknown column
    REFUSED = "refused"  # policy: not a single read-only query, a forbidden function
    TIMED_OUT = "timed_out"
    TOO_LARGE = "too_large"  # rows, bytes or memory past the limit
    CRASHED = "crashed"  # killed its worker twice
    UNAVAILABLE = "unavailable"  # the service's fault, not the query's: worth no reward, neither good nor bad


@dataclass(frozen=True, slots=True)
class Limits:
    """What one query may use. `seconds` is processor time; a wall-clock stop stands at three and a half times that."""

    seconds: float = 5.0
    rows: int = 100_000
    bytes: int = 64 << 20
    memory_bytes: int = 1 << 30

    def __post_init__(self) -> None:
        # The upper bounds are what timers, SQLite's integers and addresses hold.
        for name, most in (("seconds", 1e6), ("rows", 2**31 - 2), ("bytes", 1 << 40), ("memory_bytes", 1 << 46)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float) if name == "seconds" else int):
                kind = "a number" if name == "seconds" else "a whole number"
                raise UsageError(f"Limits.{name} is {kind}, not {value!r}")
            if not 0 < value <= most:
                raise UsageError(f"Limits.{name} must be above 0 and at most {most:,.0f}, not {value!r}")


@dataclass(frozen=True, slots=True)
class Result:
    """What one query gave.

    columns: names, in order. rows: tuples; for search (document id, score), best first. seconds: processor time of the
    query where the executor knows it, else wall time. truncated: `limit` cut the rows. total: how many there were in
    all, where known. warnings: what the engine took differently from how it was written.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    outcome: Outcome = Outcome.OK
    message: str = ""
    seconds: float = 0.0
    truncated: bool = False
    total: int | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Partial:
    """What a person knows of the right result, and how much of it that is; see `PartialMatcher` for when it is met.

    known: "number" (one cell), "names" (the values of one column), "contains" (some of the rows), "whole" (all rows, as
    they were written down). rows: a tuple for each row; a number may be text, which keeps the decimals it was written
    with. most_rows: of "contains", how many rows a right result has at most; 0 for twice as many as are known.
    """

    known: Literal["number", "names", "contains", "whole"]
    rows: tuple[Row, ...]
    most_rows: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", _rows(self.rows, "Partial.rows"))
        if not self.rows or not self.rows[0]:
            raise UsageError("Partial.rows has at least one row of at least one cell")


@dataclass(frozen=True, slots=True)
class Gold:
    """What is known to be right; at least one of its fields. UsageError for what none of them can be.

    query: a query whose result is right. rows: the result itself, with cells of the types that executors give: None,
    bool, int, float, str, bytes, Decimal, date, datetime, time, timedelta, UUID, and lists, tuples and dicts of these.
    relevant: {document id: grade}. answers: strings of which a right document contains one. partial: what a person
    knows of the right result. For judges that are told so with each question: ordered, whether rows must come in the
    gold's order (None: the judge's own rule); columns, which of the gold's columns count (all where empty).
    """

    query: str | None = None
    rows: tuple[Row, ...] | None = None
    relevant: Mapping[str, float] | None = None
    answers: tuple[str, ...] | None = None
    partial: Partial | None = None
    ordered: bool | None = None
    columns: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if all(getattr(self, name) is None for name in ("query", "rows", "relevant", "answers", "partial")):
            raise UsageError("Gold needs a query, rows, relevant documents, answers or a partial result")
        if self.query is not None and not isinstance(self.query, str):
            raise UsageError(f"Gold.query is text, not {type(self.query).__name__}")
        if self.relevant is not None and not isinstance(self.relevant, Mapping):
            raise UsageError(f"Gold.relevant is a mapping of grades, not {type(self.relevant).__name__}")
        if self.answers is not None and (isinstance(self.answers, str) or not isinstance(self.answers, Sequence)):
            raise UsageError(f"Gold.answers is a sequence of texts, not {type(self.answers).__name__}")
        if self.partial is not None and not isinstance(self.partial, Partial):
            raise UsageError(f"Gold.partial is a Partial, not {type(self.partial).__name__}")
        if self.rows is not None:
            object.__setattr__(self, "rows", _rows(self.rows, "Gold.rows"))


def _rows(given: Any, name: str) -> tuple[Row, ...]:
    """Rows as tuples, all of one width. UsageError where they are none."""
    if isinstance(given, (str, bytes)) or not isinstance(given, Sequence):
        raise UsageError(f"{name} is a sequence of rows, not {type(given).__name__}")
    for row in given:
        if not isinstance(row, (list, tuple)):
            raise UsageError(f"{name} has a row that is neither a tuple nor a list, but {type(row).__name__}")
        if len(row) != len(given[0]):
            raise UsageError(f"{name} has rows of {len(given[0])} and of {len(row)} cells")
    return tuple(map(tuple, given))


def check_count(value: Any, name: str, least: int = 0) -> None:
    """UsageError unless a value is None or a whole number that is not less than `least`."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= least):
        return
    raise UsageError(f"{name} must be {least} or more (a whole number), not {value!r}")


@dataclass(frozen=True, slots=True)
class Comparison:
    """How one predicted query's result relates to what is known to be right.

    score: what the relation gives, 0 to 1; 0 unless both outcomes are OK. equal: score is the relation's full mark.
    predicted_rows, gold_rows: counts (predicted_rows is a lower bound where reading stopped early, because nothing
    that followed could have matched). message: the engine's words where `outcome` is not OK, else where `gold_outcome`
    is not. seconds, gold_seconds: processor time of each; 0 where the result was already known.
    timings: where the relation asks for timed runs and the results are equal, processor seconds of (predicted, gold) in
    each; empty where a run failed.

    Where the comparison was asked to look closely: gold_score, what the relation gives the gold's result beside itself
    (None where it is not sure to be the same again); excerpts, the first rows of "predicted", and of "gold" unless the
    two are equal, of those that ended OK (see `sqlrl.executors.excerpts`).
    """

    outcome: Outcome
    gold_outcome: Outcome = Outcome.OK
    score: float = 0.0
    equal: bool = False
    predicted_rows: int = 0
    gold_rows: int = 0
    seconds: float = 0.0
    gold_seconds: float = 0.0
    message: str = ""
    timings: tuple[tuple[float, float], ...] = ()
    gold_score: float | None = None
    excerpts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@runtime_checkable
class Executor(Protocol):
    """Runs queries against one source, and compares what they return where the rows are."""

    source: str
    dialect: str  # "sqlite", "duckdb", "postgresql", "mysql", "words", "pubmed", "essie", "lucene"

    def describe(self) -> str:
        """What a model must know to write a query: a schema, or a search syntax."""

    def execute(self, query: str, *, limit: int | None = None, context: Mapping[str, Any] | None = None) -> Result:
        """Run one query. Never raises for a bad query; `limit`, 0 or more, keeps the first rows only and sets
        `truncated`. UsageError for another limit."""

    def execute_many(
        self, queries: Sequence[str], *, limit: int | None = None, context: Mapping[str, Any] | None = None
    ) -> list[Result]:
        """Run many, in parallel where the executor can; results in the order of the queries."""

    def compare_many(
        self,
        pairs: Sequence[tuple[str, Gold]],
        relation: Relation | Sequence[Relation],
        *,
        context: Mapping[str, Any] | None = None,
    ) -> list[Comparison]:
        """Compare each predicted query's result with its gold, by one relation or by one for each pair."""

    def stream(self, query: str) -> Iterator[Row]:
        """The rows of one query, as they come, for people and files. Raises QueryError where it ends badly."""

    async def aexecute(self, query: str, *, limit: int | None = None) -> Result:
        """`execute` for asyncio."""

    def close(self) -> None:
        """Give back processes, connections and files. Closing twice does nothing."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None: ...
