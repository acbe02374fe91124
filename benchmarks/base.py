"""What is asked and what is right: examples, the benchmarks that hold them, and the judges that decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from sqlrl.executors.base import Comparison, Gold

if TYPE_CHECKING:
    from sqlrl.executors.groups import Group
    from sqlrl.executors.relations import Relation

__all__ = ["Benchmark", "Demonstration", "Example", "Judge", "Verdict"]


@dataclass(frozen=True, slots=True)
class Example:
    """One question and what is known to be right for it.

    id: unique in its benchmark. evidence: what the asker knows besides (BIRD's external knowledge). context: what the
    executor must know (max_date, exclude_ids). labels: what results are counted by (database, difficulty, held_out);
    `labels["database"]` is always there for SQL.
    """

    id: str
    question: str
    gold: Gold
    evidence: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A question with a query to imitate: what a warm start learns from. The query need not be this house's reading.

    thought: what a policy that thinks first should write before the query. alternatives: queries by other readings, to
    try where a look at the result shows that it cannot be meant.
    """

    example: Example
    query: str
    thought: str = ""
    alternatives: tuple[str, ...] = ()


@runtime_checkable
class Benchmark(Protocol):
    """Named examples in splits, and the sources that their queries run against."""

    name: str
    splits: tuple[str, ...]  # train, validation, test, and others of its own; training never reads test
    judges: tuple[str, ...]  # names; the first is the default
    answer_key: str  # the key of the JSON answer: "sql", or "query" for search
    shares: tuple[str, ...]  # what training and held-out splits share by design: "databases", "queries"

    def examples(self, split: str) -> list[Example]:
        """The examples of a split, always in the same order. UsageError for a split that it lacks."""

    def demonstrations(self) -> list[Demonstration]:
        """The labelled part, for the warm start; empty where there is none."""

    def sources(self, example: Example) -> list[str]:
        """The source URLs to run against; several are several instances of one schema, and a right query is right on
        each. Empty where the database is missing."""

    def faults(self, group: Group[Any] | None = None) -> Mapping[str, str]:
        """Database -> what is wrong with it: "missing" (no file), "unreadable" (a file that is no database) or "empty"
        (a schema without a row). group: executors to look with, where they have every database that must be looked
        into."""

    def notes(self) -> list[str]:
        """What a reader of a score must know: missing or empty databases by name with the questions lost, dropped
        examples, revision."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judge's word on one prediction.

    score: what the judge gives, None where nobody's answer can be judged (the service was unavailable). correct: full
    mark. reason: one word: match, mismatch, partial (a score between the two), empty_gold, untimed, empty_database,
    gold_failed, or the outcome of the predicted query (invalid, refused, timed_out, too_large, crashed, unavailable),
    or format.
    """

    score: float | None
    correct: bool
    reason: str


@runtime_checkable
class Judge(Protocol):
    """A rule that says when a predicted query is right. It never touches a database itself."""

    name: str

    def prepare(self, predicted: str, gold: Gold) -> tuple[str, Gold]:
        """The queries to run in their place; most judges change nothing, Spider's does."""

    def relation(self, gold: Gold) -> Relation:
        """How the two results must relate."""

    def verdict(self, comparisons: Sequence[Comparison]) -> Verdict:
        """The word on one prediction from its comparisons, one for each instance of the database."""
