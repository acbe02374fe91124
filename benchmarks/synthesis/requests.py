"""Requests: which databases are to be made, each with its schema and the queries that are asked of it."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlglot import errors, tokens

from sqlrl.benchmarks.spider import Spider
from sqlrl.benchmarks.synthesis.catalogue import read_catalogue, statements_of
from sqlrl.benchmarks.synthesis.hints import read_hints
from sqlrl.benchmarks.synthesis.reading import read_query
from sqlrl.benchmarks.synthesis.schema import Schema, read_schema, schema_of_source
from sqlrl.executors.errors import DataError, UsageError, nearest

__all__ = ["Asked", "Request", "read_statements", "request_of", "requests_of_spider"]

_REMARK = re.compile(r"^\s*--[ \t]*(.*?)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asked:
    """A query, and the question that it answers where that is known."""

    query: str
    question: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One database. original: a file with rows of its own, if there is one."""

    schema: Schema
    asked: tuple[Asked, ...]
    original: Path | None = None

    @property
    def name(self) -> str:
        return self.schema.name

    @property
    def queries(self) -> Counter[str]:
        """Query -> how many questions it answers, in the order of the questions."""
        return Counter(asked.query for asked in self.asked)

    def key(self, **settings: Any) -> str:
        """What decides the outcome, in short: the same key makes the same rows."""
        original = None
        if self.original is not None:
            original = hashlib.sha256(self.original.read_bytes()).hexdigest()
        content = [self.schema.statements, [asked.query for asked in self.asked], original, sorted(settings.items())]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def requests_of_spider(spider: Spider, splits: Sequence[str], databases: Sequence[str] = ()) -> list[Request]:
    """A request for each database of the splits, or for those named. Its schema is the file's where there is one, else
    what `tables.json` says of it. DataError where neither is there."""
    asked: dict[str, list[Asked]] = {}
    files: dict[str, Path] = {}
    for split in splits:
        for example in spider.examples(split):
            for url in spider.sources(example)[:1]:
                files[example.labels["database"]] = Path(url.removeprefix("sqlite:///"))
            asked.setdefault(example.labels["database"], []).append(Asked(example.gold.query or "", example.question))
    for name in databases:
        if name not in asked:
            raise UsageError(f"{' and '.join(splits)} ask nothing of a database {name!r}{nearest(name, asked)}")
    wanted = {name: asked[name] for name in databases or sorted(asked)}
    faults = spider.faults()
    catalogue: dict[str, dict[str, Any]] = {}
    for file in (spider.folder / "tables.json", spider.folder / "test_tables.json"):
        for name, item in (read_catalogue(file) if file.exists() else {}).items():
            catalogue.setdefault(name, item)
    requests = []
    for name, questions in wanted.items():
        if name in files:
            schema = schema_of_source(f"sqlite:///{files[name]}", name)
            requests.append(Request(schema, tuple(questions), None if faults.get(name) else files[name]))
        elif name in catalogue:
            requests.append(Request(_listed(catalogue[name], name, questions), tuple(questions)))
        else:
            raise DataError(f"{name} has no file below {spider.folder} and no entry in tables.json")
    return requests


def request_of(target: str, queries: str) -> Request:
    """The request for one's own schema. target: a file of CREATE statements, or an SQLite database, of whose rows
    nothing is read. queries: a file of queries with a semicolon after each; a remark before one is its question."""
    path = Path(target).expanduser()
    name = re.sub(r"\W+", "_", Path(target.partition("://")[2] or target).stem) or "database"
    if path.suffix.lower() in (".sql", ".ddl") and "://" not in target:
        schema = read_schema([asked.query for asked in read_statements(path)], name)
    else:
        schema = schema_of_source(target, name)
    asked = read_statements(Path(queries).expanduser())
    if not asked:
        raise DataError(f"{queries} holds no query")
    return Request(schema, tuple(asked))


def read_statements(file: Path) -> list[Asked]:
    """The statements of a file, each with the remarks before it."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file} cannot be read: {error}") from None
    try:
        found = tokens.Tokenizer(dialect="sqlite").tokenize(text)
    except errors.TokenError as error:
        raise DataError(f"{file} cannot be read: {' '.join(str(error).split())}") from None
    statements: list[Asked] = []
    start, last = 0, None
    for token in found:
        if token.token_type is tokens.TokenType.SEMICOLON:
            statements += _statement(text[start : token.start], last is not None)
            start, last = token.end + 1, None
        else:
            last = token
    return statements + _statement(text[start:], last is not None)


def _statement(text: str, is_statement: bool) -> list[Asked]:
    if not is_statement:
        return []
    remarks, rest = [], text.lstrip()
    while rest.startswith("--"):
        line, _, rest = rest.partition("\n")
        remarks += _REMARK.findall(line)
        rest = rest.lstrip()
    return [Asked(rest.strip(), " ".join(remarks))]


def _listed(item: dict[str, Any], name: str, questions: Sequence[Asked]) -> Schema:
    """A listed schema. The list leaves out of keys what the queries tell: they are read twice."""
    schema = read_schema(statements_of(item), name)
    readings = [read_query(query, schema) for query in dict.fromkeys(asked.query for asked in questions)]
    counted = read_hints(schema, [reading for reading in readings if reading is not None]).counted
    return read_schema(statements_of(item, counted), name)
