"""Bodies: what requests and answers are made of, as checks and as the OpenAPI document has them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

__all__ = [
    "About",
    "AnswerBody",
    "ErrorBody",
    "ExplanationBody",
    "Health",
    "Kept",
    "Mark",
    "Query",
    "Question",
    "SchemaBody",
]  # fmt: skip

# No NUL: no engine takes one. At least one character that shows.
_SHOWN = r"[^\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
_WORDS = rf"^[^\x00]*{_SHOWN}[^\x00]*$"
_CHARACTERS = r"^[^\x00]*$"

QuestionText = Annotated[str, StringConstraints(min_length=1, max_length=10_000, pattern=_WORDS)]
QueryText = Annotated[str, StringConstraints(min_length=1, max_length=100_000, pattern=_WORDS)]
Evidence = Annotated[str, StringConstraints(max_length=20_000, pattern=_CHARACTERS)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e300, le=1e300)]
Text = Annotated[str, StringConstraints(max_length=10_000, pattern=_CHARACTERS)]
MarkedCell = bool | int | Number | Text | None


class _Given(BaseModel):
    """Nothing that is not asked for, and each thing of its own kind: the text "1" is no number."""

    model_config = ConfigDict(extra="forbid", strict=True)


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Before(_Given):
    """A question of the same conversation, and the query that answered it."""

    question: QuestionText
    query: QueryText


class Question(_Given):
    """deadline: seconds for the whole answer; more than the server's own count as that."""

    question: QuestionText
    evidence: Evidence = ""
    history: Annotated[list[Before], Field(max_length=20)] = []
    deadline: Seconds | None = None


class Query(_Given):
    """A query in the source's own dialect."""

    query: QueryText
    deadline: Seconds | None = None


class MarkedTable(_Given):
    """A result, whole."""

    columns: Annotated[list[Text], Field(min_length=1, max_length=100)]
    rows: Annotated[
        list[Annotated[list[MarkedCell], Field(min_length=1, max_length=100)]],
        Field(min_length=1, max_length=1_000),
    ]


Known = int | Number | Text | Annotated[list[MarkedCell], Field(min_length=1, max_length=1_000)] | MarkedTable


def _nothing() -> Any:
    """Not `null`, which is no answer: that there is none."""
    return None


_ONE_OF_BOTH: Any = {
    "anyOf": [
        {"required": ["answer"]},
        {"required": ["query"], "properties": {"query": {"type": "string"}}},
    ]
}


class Mark(_Given):
    """What the answer to a question should be; without `answer`, that the result of `query` is right."""

    model_config = ConfigDict(json_schema_extra=_ONE_OF_BOTH)

    question: QuestionText
    query: QueryText | None = None
    answer: Known = Field(default_factory=_nothing)
    evidence: Evidence = ""


class Chart(_Said):
    """Columns by their index."""

    kind: Literal["bar", "line", "scatter"]
    x: int
    y: list[int]


Ending = Literal["ok", "invalid", "refused", "timed_out", "too_large", "crashed", "unavailable"]


class AttemptBody(_Said):
    """A query that was written on the way."""

    kind: str
    query: str | None
    outcome: Ending
    message: str
    rows: int
    seconds: float


class AnswerBody(_Said):
    """outcome: whether there is a result; all others say in `message` why there is none."""

    question: str
    query: str | None
    outcome: Ending
    message: str
    columns: list[str]
    rows: list[list[Any]]
    truncated: bool
    confidence: float | None
    attempts: list[AttemptBody]
    suggestions: list[str]
    warnings: list[str]
    tables: list[str]
    seconds: float
    chart: Chart | None


class ExplanationBody(_Said):
    """What a query would read; plan: in the engine's words."""

    query: str
    executed: str
    tables: list[str]
    plan: list[str]
    outcome: Ending
    message: str
    suggestions: list[str]


class ColumnBody(_Said):
    """key: whether it belongs to the primary key."""

    name: str
    type: str
    key: bool
    comment: str


class TableBody(_Said):
    """A table or view."""

    name: str
    comment: str
    columns: list[ColumnBody]


class SchemaBody(_Said):
    """description: as a policy is told; of a search engine, its syntax."""

    tables: list[TableBody]
    description: str


class About(_Said):
    """rows: of an answer at most. deadline: seconds for a call at most. marks: whether marks are kept. converses:
    whether a question may refer to those of `history`. walls: what stands between a query and all else."""

    version: str
    source: str
    dialect: str
    kind: Literal["database", "search"]
    policy: str | None
    rows: int
    deadline: float | None
    marks: bool
    converses: bool
    walls: dict[str, str]


class Kept(_Said):
    """A mark that was kept."""

    kept: Literal[True]


class Health(_Said):
    """Whether the process lives, or can answer."""

    status: Literal["ok", "unavailable"]


class Fault(_Said):
    """code: a word for programs. message: a sentence for people."""

    code: str
    message: str


class ErrorBody(_Said):
    """Why a call was not taken."""

    error: Fault
