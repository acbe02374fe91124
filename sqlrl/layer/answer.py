"""An answer: a question's query and what it returned, or why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlrl.executors.base import Outcome, Row
from sqlrl.executors.errors import MissingExtraError
from sqlrl.layer.suggestions import Suggestion

if TYPE_CHECKING:
    import pandas
    import pyarrow

__all__ = ["Answer", "Attempt", "distinct"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One query that was written on the way, and how it ended. kind: "sample" or "repair". rows: how many came back.
    query: None where the policy wrote none; `message` then says what is wrong with its words."""

    kind: str
    query: str | None
    outcome: Outcome
    message: str = ""
    rows: int = 0
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "kind": self.kind, "query": self.query, "outcome": self.outcome.value, "message": self.message,
            "rows": self.rows, "seconds": round(self.seconds, 6),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """outcome: OK, also of a result without rows; REFUSED where the query may not be run, with the reason in `message`;
    INVALID where no attempt could be run; TIMED_OUT where the call's deadline or the query's time was over;
    UNAVAILABLE where policy or server do not answer. An answer that is not OK has no rows.

    query: as the policy wrote it, in the dialect of the source; None where there is none. truncated: there are more
    rows. confidence: the share of samples that agree with this result, None where only one was drawn. tables: those
    that the policy was told of. ran: False of `generate`, which runs nothing. seconds: wall time of the call.
    """

    question: str
    query: str | None = None
    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    outcome: Outcome = Outcome.OK
    message: str = ""
    truncated: bool = False
    confidence: float | None = None
    attempts: tuple[Attempt, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    warnings: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    ran: bool = True
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether there is a result, with or without rows."""
        return self.outcome is Outcome.OK

    def __bool__(self) -> bool:
        return self.ok

    def records(self) -> list[dict[str, Any]]:
        """The rows as one dict each; a column's name that comes again is numbered."""
        names = distinct(self.columns)
        return [dict(zip(names, row, strict=True)) for row in self.rows]

    def to_pandas(self) -> pandas.DataFrame:
        """The result as a pandas DataFrame."""
        try:
            import pandas
        except ImportError:
            raise MissingExtraError("pandas", "frames") from None
        return pandas.DataFrame([list(row) for row in self.rows], columns=distinct(self.columns))

    def to_arrow(self) -> pyarrow.Table:
        """The result as an Arrow table. A column whose cells are of kinds that Arrow has no common type for becomes
        text, as SQLite's may be."""
        try:
            import pyarrow
        except ImportError:
            raise MissingExtraError("pyarrow", "frames") from None
        columns = []
        for index in range(len(self.columns)):
            cells = [row[index] for row in self.rows]
            try:
                columns.append(pyarrow.array(cells))
            except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, OverflowError):
                columns.append(pyarrow.array([None if cell is None else str(cell) for cell in cells], pyarrow.string()))
        return pyarrow.Table.from_arrays(columns, names=distinct(self.columns))

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it; cells are as the executor gave them."""
        return {
            "question": self.question, "query": self.query, "outcome": self.outcome.value, "message": self.message,
            "columns": list(self.columns), "rows": [list(row) for row in self.rows], "truncated": self.truncated,
            "confidence": self.confidence, "attempts": [attempt.to_dict() for attempt in self.attempts],
            "suggestions": [str(each) for each in self.suggestions], "warnings": list(self.warnings),
            "tables": list(self.tables), "seconds": round(self.seconds, 6),
        }  # fmt: skip


def distinct(columns: Sequence[str]) -> list[str]:
    """Column names as keys of one object: a name that comes again is numbered."""
    names: list[str] = []
    taken: set[str] = set()
    for column in columns:
        name, number = column, 1
        while name in taken:
            number += 1
            name = f"{column}_{number}"
        names.append(name)
        taken.add(name)
    return names
