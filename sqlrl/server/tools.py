"""Tools: what a language model may call, with which arguments, and what comes back, whatever protocol carries it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlrl.executors.address import SERVICES
from sqlrl.executors.base import Outcome
from sqlrl.executors.errors import UsageError, nearest
from sqlrl.layer.retrieval import Retriever
from sqlrl.server.excerpts import Excerpt, fault, marked, of_documents, of_rows
from sqlrl.server.replies import Discretion, whole

if TYPE_CHECKING:
    from sqlrl.executors.documents import Document
    from sqlrl.layer.answer import Answer
    from sqlrl.layer.connection import Connection
    from sqlrl.layer.schema import Schema, Table

__all__ = ["Parameter", "Say", "Tool", "tools_of"]

Say = Callable[[str], None]
LONG = 24_000  # characters of a schema that `describe` gives whole
_DOCUMENT = 20_000  # characters of a document that `fetch` gives

_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_MAYBE = {"type": ["string", "null"]}
_FLAG = {"type": "boolean"}
_COUNT = {"type": "integer", "minimum": 0}
_FACTS: dict[str, Any] = {
    "query": _MAYBE, "message": _TEXT, "suggestions": _TEXTS, "warnings": _TEXTS, "seconds": {"type": "number"},
    "outcome": {"type": "string", "enum": [each.value for each in Outcome]}, "truncated": _FLAG,
}  # fmt: skip
_ASKED: dict[str, Any] = {
    "question": _TEXT, "confidence": {"type": ["number", "null"]},
    "attempts": {"type": "array", "items": {"type": "object", "properties": {
        "query": _MAYBE, "outcome": _TEXT, "message": _TEXT,
    }}},
}  # fmt: skip
_ROWS = _FACTS | {
    "columns": _TEXTS, "rows": {"type": "array", "items": {"type": "array", "items": {}}}, "row_count": _COUNT,
    "cut_cells": _COUNT,
}  # fmt: skip
_DOCUMENT_KEYS: dict[str, Any] = {"id": _TEXT, "title": _TEXT, "text": _TEXT}
_FOUND = {"type": "object", "properties": _DOCUMENT_KEYS | {"score": {"type": "number"}}, "required": ["id", "score"]}
_DOCUMENTS = _FACTS | {"documents": {"type": "array", "items": _FOUND}, "cut_texts": _COUNT}


@dataclass(frozen=True, slots=True)
class Parameter:
    """kind: "text", "texts" or "count". most: characters of a text, texts of a list, or the greatest count."""

    name: str
    kind: str
    meaning: str
    most: int
    required: bool = False

    def schema(self) -> dict[str, Any]:
        """As JSON Schema has it."""
        kinds: dict[str, dict[str, Any]] = {
            "text": {"type": "string", "maxLength": self.most},
            "texts": {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": self.most},
            "count": {"type": "integer", "minimum": 1, "maximum": self.most},
        }
        return kinds[self.kind] | {"description": self.meaning}

    def read(self, value: Any) -> Any:
        """What was given. UsageError says what it should have been."""
        if self.kind == "count":
            if isinstance(value, float) and value.is_integer():  # JSON has one kind of number
                value = int(value)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= self.most:
                raise UsageError(f"{self.name} is a whole number from 1 to {self.most:,}")
            return value
        texts = [value] if self.kind == "text" else value
        if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
            raise UsageError(f"{self.name} is {'a text' if self.kind == 'text' else 'a list of texts'}")
        if any("\ud800" <= letter <= "\udfff" for each in texts for letter in each):
            raise UsageError(f"{self.name} holds half a character (a lone surrogate)")
        if not texts or len(value) > self.most:
            what = "characters" if self.kind == "text" else "texts"
            raise UsageError(f"{self.name} has {len(value):,} {what}; it may have up to {self.most:,}")
        if self.required and not all(each.strip() for each in texts):
            raise UsageError(f"{self.name} is empty")
        return value


@dataclass(frozen=True, slots=True)
class Tool:
    """run: is given the checked arguments and whom to tell of its steps. outside: whether it asks a service of others.
    output: JSON Schema's properties of what it gives."""

    name: str
    title: str
    meaning: str
    parameters: tuple[Parameter, ...]
    output: Mapping[str, Any]
    run: Callable[[dict[str, Any], Say], Awaitable[Excerpt]]
    outside: bool = False

    @property
    def input_schema(self) -> dict[str, Any]:
        """JSON Schema of the arguments."""
        return {
            "type": "object", "properties": {each.name: each.schema() for each in self.parameters},
            "required": [each.name for each in self.parameters if each.required], "additionalProperties": False,
        }  # fmt: skip

    @property
    def output_schema(self) -> dict[str, Any]:
        """JSON Schema of an excerpt's data."""
        return {"type": "object", "properties": dict(self.output), "required": sorted(self.output)}

    async def call(self, arguments: Mapping[str, Any] | None, say: Say) -> Excerpt:
        """What comes of a call; of wrong arguments, the fault."""
        known = {each.name: each for each in self.parameters}
        try:
            read = {}
            for name, value in (arguments or {}).items():
                if name not in known:
                    raise UsageError(f"{self.name} has no argument {name!r}{nearest(name, known)}")
                if value is not None or known[name].required:  # null is how some say that they leave it out
                    read[name] = known[name].read(value)
            for each in self.parameters:
                if each.required and each.name not in read:
                    raise UsageError(f"{self.name} needs the argument {each.name!r}: {each.meaning}")
        except UsageError as error:
            return fault(str(error))
        return await self.run(read, say)


def tools_of(connection: Connection | Retriever) -> dict[str, Tool]:
    """By name, those that a source has; `ask` only where there is a policy to write queries."""
    discretion = Discretion(connection)
    if isinstance(connection, Retriever):
        made = _of_engine(connection, discretion)
    else:
        made = _of_database(connection, discretion)
    return {tool.name: tool for tool in made if tool.name != "ask" or connection.policy is not None}


def _of_database(connection: Connection, discretion: Discretion) -> list[Tool]:
    at_most = connection.settings.rows
    rows = Parameter("rows", "count", f"How many rows at most (by default {at_most:,}).", at_most)

    async def ask(given: dict[str, Any], say: Say) -> Excerpt:
        answer = await connection.aask(given["question"], evidence=given.get("evidence", ""), say=say)
        return of_rows(_discreet(answer, discretion), given.get("rows"))

    async def run_query(given: dict[str, Any], say: Say) -> Excerpt:
        answer = await connection.arun(given["query"])
        return of_rows(_discreet(answer, discretion), given.get("rows"))

    async def describe(given: dict[str, Any], say: Say) -> Excerpt:
        return _described(connection.schema, given.get("tables"), given.get("filter", ""))

    return [
        Tool(
            "ask", "Ask the database",
            "Answers a question in plain words from the database: a query is written for it and run, read-only. Gives "
            "the query beside its rows: see whether it is what was meant.",
            (Parameter("question", "text", "The question, complete in itself.", 10_000, required=True),
             Parameter("evidence", "text", "What must be known besides: meanings of words, codes, formulas.", 10_000),
             rows),
            _ROWS | _ASKED, ask,
        ),
        Tool(
            "run_query", "Run a query",
            f"Runs one read-only query in the dialect of {connection.dialect} and gives its rows. Whatever writes, or "
            "reads other than the tables that `describe` shows, is refused.",
            (Parameter("query", "text", f"One statement in the dialect of {connection.dialect}.", 100_000,
                       required=True), rows),
            _ROWS, run_query,
        ),
        Tool(
            "describe", "Describe the tables",
            "Tells which tables there are, with columns, types, keys and comments. Of a large database it gives names "
            "alone: then ask for some tables, or filter.",
            (Parameter("tables", "texts", "The names of the tables to tell of.", 200),
             Parameter("filter", "text", "Only tables in whose name, columns or comments this occurs.", 200)),
            {
                "dialect": _TEXT, "description": _TEXT, "truncated": _FLAG, "other_tables": _TEXTS,
                "tables": {"type": "array", "items": {"type": "object"}},
            }, describe,
        ),
    ]  # fmt: skip


def _of_engine(retriever: Retriever, discretion: Discretion) -> list[Tool]:
    at_most = retriever.settings.rows
    rows = Parameter("rows", "count", f"How many documents at most (by default {min(10, at_most)}).", at_most)
    outside = retriever.source.partition(":")[0] in SERVICES

    async def ask(given: dict[str, Any], say: Say) -> Excerpt:
        answer = await retriever.aask(given["question"], say=say)
        return of_documents(_discreet(answer, discretion), given.get("rows", min(10, at_most)))

    async def search(given: dict[str, Any], say: Say) -> Excerpt:
        answer = await retriever.arun(given["query"])
        return of_documents(_discreet(answer, discretion), given.get("rows", min(10, at_most)))

    async def fetch(given: dict[str, Any], say: Say) -> Excerpt:
        return _fetched(given["ids"], await retriever.afetch(given["ids"]))

    return [
        Tool(
            "ask", "Ask for documents",
            "Finds the documents for a question in plain words: a query is written for it and run. Best first.",
            (Parameter("question", "text", "The question, complete in itself.", 10_000, required=True), rows),
            _DOCUMENTS | _ASKED, ask, outside,
        ),
        Tool(
            "search", "Search",
            f"Finds the documents for a query, best first. {' '.join(retriever.syntax.split())}"[:4_000],
            (Parameter("query", "text", "The query, in the engine's syntax.", 100_000, required=True), rows),
            _DOCUMENTS, search, outside,
        ),
        Tool(
            "fetch", "Fetch documents",
            "Gives whole documents by the ids that a search has shown.",
            (Parameter("ids", "texts", "Ids of documents.", 50, required=True),),
            {
                "documents": {"type": "array", "items": {"type": "object", "properties": _DOCUMENT_KEYS}},
                "unknown": _TEXTS, "cut_texts": _COUNT,
            }, fetch, outside,
        ),
    ]  # fmt: skip


def _discreet(answer: Answer, discretion: Discretion) -> Answer:
    """An answer whose messages tell nothing of where things lie: a host's model may be anybody's."""
    return replace(
        answer,
        message=discretion.text(answer.message),
        warnings=tuple(map(discretion.text, answer.warnings)),
        attempts=tuple(replace(each, message=discretion.text(each.message)) for each in answer.attempts),
    )


def _described(schema: Schema, names: Sequence[str] | None, word: str) -> Excerpt:
    """The whole schema, some of it, or the names alone where it is long."""
    chosen = list(schema.tables)
    if names is not None:
        chosen = []
        for name in names:
            table = schema.table(name)
            if table is None:
                return fault(f"no table {name!r}{nearest(name, [each.name for each in schema.tables])}")
            chosen.append(table)
    if word.strip():
        chosen = [table for table in chosen if _mentions(table, word.strip().lower())]
    shown: list[Table] = []
    size = 0
    for table in chosen:
        size += len(table.text) + 2
        if shown and size > LONG:
            break
        shown.append(table)
    whole = len(shown) == len(chosen)
    if not whole and names is None:
        shown = []  # a part chosen by nothing but the alphabet would pass for all there is
    left = [_named(table) for table in chosen[len(shown) :]]
    description = "\n\n".join(table.text for table in shown)
    data = {
        "dialect": schema.dialect, "description": description, "truncated": not whole, "other_tables": left,
        "tables": [_table(table) for table in shown],
    }  # fmt: skip
    parts = [description] if shown else []
    if left:
        parts.append(f"{len(left):,} {'more ' if shown else ''}tables: {', '.join(left)}"[: 2 * LONG])
        parts.append("Ask for some of them by `tables`, or by `filter`.")
    if not chosen:
        return Excerpt(f"No table has {word.strip()!r} in its name, columns or comments.", data)
    return Excerpt(marked(parts), data)


def _mentions(table: Table, word: str) -> bool:
    return any(
        word in text.lower()
        for text in (_named(table), table.text, *(part for each in table.columns for part in (each.name, each.note)))
    )


def _named(table: Table) -> str:
    return f"{table.schema}.{table.name}" if table.schema else table.name


def _table(table: Table) -> dict[str, Any]:
    return {
        "name": _named(table), "view": table.view,
        "columns": [
            {"name": each.name, "type": each.kind, "key": each.key, "comment": each.note} for each in table.columns
        ],
        "foreign_keys": [
            {"columns": list(link.columns), "table": link.table, "referred": list(link.referred)}
            for link in table.links
        ],
    }  # fmt: skip


def _fetched(ids: Sequence[str], documents: Sequence[Document]) -> Excerpt:
    items = []
    cut = 0
    for document in documents:
        text = whole(document.text)
        long = len(text) > _DOCUMENT
        cut += long
        text = f"{text[:_DOCUMENT]}… ({len(text):,} characters)" if long else text
        items.append({"id": whole(document.id), "title": whole(document.title), "text": text})
    unknown = [name for name in ids if name not in {document.id for document in documents}]
    data = {"documents": items, "unknown": unknown, "cut_texts": cut}
    lines = [line for each in items for line in (f"{each['id']} | {each['title']}", each["text"], "")]
    parts = [f"There is no document {', '.join(map(repr, unknown))}."[:1_000]] if unknown else []
    parts += [marked(lines[:-1])] if items else []
    return Excerpt("\n".join(parts), data, failed=not items)
