"""A connection: one source and one policy, and the questions that an app puts to them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sqlrl.executors import open_executor
from sqlrl.executors.base import Limits, Outcome, Result
from sqlrl.executors.errors import DataError, SqlrlError, UnavailableError, UsageError
from sqlrl.executors.search import SearchMember
from sqlrl.layer.answer import Answer
from sqlrl.layer.asynchrony import in_thread
from sqlrl.layer.audit import Audit
from sqlrl.layer.author import NO_POLICY, Author, check_question
from sqlrl.layer.catalogue import Catalogue
from sqlrl.layer.deadline import Deadline, LateError
from sqlrl.layer.explanation import Explanation, tables_of
from sqlrl.layer.frames import Frames, are_frames
from sqlrl.layer.inquiry import Inquiry
from sqlrl.layer.retrieval import Retriever
from sqlrl.layer.rowfilters import Filter, RefusedError, RowFilters
from sqlrl.layer.schema import Schema
from sqlrl.layer.settings import Settings
from sqlrl.layer.source import Source
from sqlrl.layer.suggestions import suggest

if TYPE_CHECKING:
    from sqlrl.policies import Policy

__all__ = ["Connection", "connect"]

_UNSET: Any = object()


def connect(
    source: Any,
    policy: str | Policy | None = None,
    *,
    tables: Sequence[str] | None = None,
    row_filters: Mapping[str, Filter] | None = None,
    columns: Mapping[str, Sequence[str]] | None = None,
    role: str | None = None,
    limits: Limits | None = None,
    workers: int | None = None,
    require_walls: bool = False,
    notes: str | None = None,
    audit: Any = None,
    device: str | None = None,
    **settings: Any,
) -> Connection | Retriever:
    """A source to put questions to: a path, a URL (see `open_executor`), or a pandas, polars or Arrow table, or a
    mapping of names to such. Of a search engine (bm25:///index), a `Retriever`.

    policy: who writes the queries: a run's folder, `hf:org/name`, `http://host/v1#model`, or an object with
    `generate`; without one there is `run` and `explain`. tables, role, limits, workers, require_walls: see
    `open_executor`. row_filters, columns: see `RowFilters`. notes: a folder of column descriptions, as BIRD has them.
    audit: a file, or a function that is given each entry. device: of a local policy. settings: see `Settings`.

    UsageError, SourceError, SandboxError, UnavailableError, MissingExtraError.
    """
    chosen = Settings.of(settings)
    frames = Frames(source) if are_frames(source) else None
    try:
        executor = open_executor(
            frames.source if frames is not None else source, limits=limits, workers=workers, tables=tables, role=role,
            require_walls=require_walls,
        )  # fmt: skip
    except BaseException:
        if frames is not None:
            frames.close()
        raise
    closing: list[Any] = [executor, *([frames] if frames is not None else [])]
    try:
        author = None
        if policy is not None:
            author = Author(policy, executor.dialect, device=device, timeout=chosen.deadline)
            closing.append(author)
        log = Audit(audit) if audit is not None else None
        closing += [log] if log is not None else []
        if isinstance(executor, SearchMember):
            if row_filters or columns or notes:
                raise UsageError("row filters, columns and notes are for databases: a search engine has none")
            return Retriever(executor, author, chosen, log, closing)
        held = Source(executor, chosen, tables, notes)
        guard = RowFilters(held.schema, row_filters, columns) if row_filters or columns else None
        return Connection(held, author, chosen, log, guard, closing)
    except BaseException:
        for each in closing:
            each.close()
        raise


class Connection:
    """Made by `connect`; a context manager. Every method may be called from many threads at once, and has a twin for
    asyncio whose name begins with `a`. source: as it may be shown, without a password."""

    def __init__(
        self, source: Source, author: Author | None, settings: Settings, audit: Audit | None,
        guard: RowFilters | None, closing: Sequence[Any] = (), who: str = "",
    ) -> None:  # fmt: skip
        self.source = source.executor.source
        self.dialect = source.executor.dialect
        self.settings = settings
        self.who = who
        self._source = source
        self._author = author
        self._audit = audit
        self._guard = guard
        self._closing = list(closing)
        if guard is not None:
            self._check_filters(guard)
        visible = source.schema if guard is None else guard.visible
        self._catalogue = Catalogue(
            visible, _name_of(self.source), lambda queries, end: self._execute(queries, None, end)
        )

    @property
    def schema(self) -> Schema:
        """The tables and columns that may be read."""
        return self._catalogue.schema

    @property
    def walls(self) -> dict[str, str]:
        """What stands between a query and all else; see `open_executor`."""
        return self._source.executor.walls

    @property
    def policy(self) -> str | None:
        """The name of the policy, None where there is none."""
        return self._author.name if self._author is not None else None

    @property
    def converses(self) -> bool:
        """Whether a question may refer to those of `history`: a policy that was taught by single ones leaves it out."""
        return self._author is not None and self._author.prompter.converses

    def ask(
        self, question: str, *, evidence: str = "", history: Sequence[tuple[str, str]] = (), who: str | None = None,
        deadline: float | None = _UNSET, say: Callable[[str], None] | None = None,
    ) -> Answer:  # fmt: skip
        """The answer to a question: a query is written, run, and repaired where it fails.

        evidence: what must be known besides. history: (question, query) pairs that went before. who: for the audit.
        deadline: seconds for the whole call; by default the connection's. say: is told of each step. A bad query, a
        refusal and a lack of time are answers too; UsageError where there is no policy, or no question.
        """
        return self._asked("ask", question, self._deadline(deadline), evidence, history, who, say)

    def generate(
        self, question: str, *, evidence: str = "", history: Sequence[tuple[str, str]] = (), who: str | None = None,
        deadline: float | None = _UNSET,
    ) -> Answer:  # fmt: skip
        """The query for a question, which is not run: `ran` is False. See `ask`."""
        return self._asked("generate", question, self._deadline(deadline), evidence, history, who, None)

    def run(self, query: str, *, who: str | None = None, deadline: float | None = _UNSET) -> Answer:
        """What a query returns, under the same limits, filters and walls as one that a policy wrote."""
        return self._ran(query, self._deadline(deadline), who)

    def explain(self, query: str, *, who: str | None = None, deadline: float | None = _UNSET) -> Explanation:
        """What a query would read, whether it could be run, and the engine's plan where it gives one."""
        return self._explained(query, self._deadline(deadline), who)

    async def aask(
        self, question: str, *, evidence: str = "", history: Sequence[tuple[str, str]] = (), who: str | None = None,
        deadline: float | None = _UNSET, say: Callable[[str], None] | None = None,
    ) -> Answer:  # fmt: skip
        """`ask` for asyncio. Cancelled, it begins nothing more. say: is called from another thread."""
        end = self._deadline(deadline)
        return await in_thread(lambda: self._asked("ask", question, end, evidence, history, who, say), end)

    async def agenerate(
        self, question: str, *, evidence: str = "", history: Sequence[tuple[str, str]] = (), who: str | None = None,
        deadline: float | None = _UNSET,
    ) -> Answer:  # fmt: skip
        """`generate` for asyncio."""
        end = self._deadline(deadline)
        return await in_thread(lambda: self._asked("generate", question, end, evidence, history, who, None), end)

    async def arun(self, query: str, *, who: str | None = None, deadline: float | None = _UNSET) -> Answer:
        """`run` for asyncio."""
        end = self._deadline(deadline)
        return await in_thread(lambda: self._ran(query, end, who), end)

    async def aexplain(self, query: str, *, who: str | None = None, deadline: float | None = _UNSET) -> Explanation:
        """`explain` for asyncio."""
        end = self._deadline(deadline)
        return await in_thread(lambda: self._explained(query, end, who), end)

    def answers(self, seconds: float = 5.0) -> bool:
        """Whether the source and one of its workers answer at all: for a server's health. No audit has it."""
        end = Deadline(seconds)
        try:
            (result,) = end.run(lambda: self._source.run(["SELECT 1"], 1, end))
        except SqlrlError:
            return False
        return result.outcome is Outcome.OK

    def scoped(
        self, who: str = "", *, row_filters: Mapping[str, Filter] | None = None,
        columns: Mapping[str, Sequence[str]] | None = None,
    ) -> Connection:  # fmt: skip
        """The same connection for one user: with further row filters and columns, never with fewer. It shares workers
        and policy, but no cell that it was told of; closing it closes nothing."""
        guard = self._guard
        if row_filters or columns:
            guard = guard.also(row_filters, columns) if guard else RowFilters(self._source.schema, row_filters, columns)
        return Connection(self._source, self._author, self.settings, self._audit, guard, (), who or self.who)

    def close(self) -> None:
        """End workers and connections. Closing twice does nothing."""
        for each in self._closing:
            each.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _deadline(self, seconds: float | None) -> Deadline:
        return Deadline(self.settings.deadline if seconds is _UNSET else seconds)

    def _asked(
        self, call: str, question: str, deadline: Deadline, evidence: str, history: Sequence[tuple[str, str]],
        who: str | None, say: Callable[[str], None] | None,
    ) -> Answer:  # fmt: skip
        author = self._author
        if author is None:
            raise UsageError(NO_POLICY)
        check_question(question, evidence, history)
        started = time.monotonic()
        inquiry = Inquiry(
            question, self.settings, self._catalogue, author.prompter,
            lambda prompt, count: author.write(prompt, count, self.settings, deadline),
            lambda queries: self._execute(queries, self.settings.rows, deadline), deadline, evidence, history, say,
        )  # fmt: skip
        try:
            answer = inquiry.answer() if call == "ask" else inquiry.write()
        except LateError as late:
            answer = _without(inquiry, Outcome.TIMED_OUT, str(late))
        except UnavailableError as error:
            answer = _without(inquiry, Outcome.UNAVAILABLE, str(error))
        answer = replace(answer, seconds=time.monotonic() - started)
        self._enter(call, who, answer)
        return answer

    def _ran(self, query: str, deadline: Deadline, who: str | None) -> Answer:
        started = time.monotonic()
        try:
            (result,) = deadline.run(lambda: self._execute([query], self.settings.rows, deadline))
        except LateError as late:
            result = Result(outcome=Outcome.TIMED_OUT, message=str(late))
        failed = result.outcome is Outcome.INVALID and self.settings.suggestions
        answer = Answer(
            "", query, result.columns, result.rows, result.outcome, result.message, result.truncated,
            suggestions=suggest(query, self.schema) if failed else (), warnings=result.warnings,
            seconds=time.monotonic() - started,
        )  # fmt: skip
        self._enter("run", who, answer)
        return answer

    def _explained(self, query: str, deadline: Deadline, who: str | None) -> Explanation:
        try:
            if not isinstance(query, str):
                raise RefusedError(f"a query is text, not {type(query).__name__}")
            sent = self._rewritten(query)
            plan = f"EXPLAIN QUERY PLAN {sent}" if self.dialect == "sqlite" else _without_rows(sent)
            (result,) = deadline.run(lambda: self._source.run([plan], 500, deadline))
        except RefusedError as refused:
            sent, result = query, Result(outcome=Outcome.REFUSED, message=str(refused))
        except LateError as late:
            sent, result = query, Result(outcome=Outcome.TIMED_OUT, message=str(late))
        lines = tuple(str(row[-1]) for row in result.rows) if self.dialect == "sqlite" else ()
        failed = result.outcome is Outcome.INVALID and self.settings.suggestions
        named = tables_of(query, self.schema) if isinstance(query, str) else ()
        explanation = Explanation(
            query, sent, named, lines, result.outcome, result.message,
            suggest(query, self.schema) if failed else (),
        )  # fmt: skip
        self._enter("explain", who, Answer("", query, outcome=result.outcome, message=result.message))
        return explanation

    def _rewritten(self, query: str) -> str:
        return query if self._guard is None else self._guard.rewrite(query, self._source.functions)

    def _execute(self, queries: list[str], limit: int | None, deadline: Deadline | None = None) -> list[Result]:
        """One result for each query, behind the row filters. What runs when the deadline is over is given up, where the
        executor can; a server ends it by its own limit. LateError."""
        results: list[Result | None] = [None] * len(queries)
        sent: list[tuple[int, str]] = []
        for index, query in enumerate(queries):
            try:
                sent.append((index, self._rewritten(query)))
            except RefusedError as refused:
                results[index] = Result(outcome=Outcome.REFUSED, message=str(refused))
        ran = self._source.run([query for _, query in sent], limit, deadline) if sent else []
        for (index, _), result in zip(sent, ran, strict=True):
            results[index] = result
        return [result for result in results if result is not None]

    def _check_filters(self, guard: RowFilters) -> None:
        probes = guard.probes()
        results = self._source.executor.execute_many(list(probes.values()))
        for key, result in zip(probes, results, strict=True):
            if result.outcome is not Outcome.OK:
                raise DataError(f"the row filter of {key} cannot be run: {result.message}")

    def _enter(self, call: str, who: str | None, answer: Answer) -> None:
        if self._audit is not None:
            self._audit.enter(
                who=self.who if who is None else who, call=call, source=self.source, policy=self.policy,
                question=answer.question, query=answer.query, outcome=answer.outcome.value, message=answer.message,
                rows=len(answer.rows), truncated=answer.truncated, seconds=round(answer.seconds, 6),
                attempts=[attempt.to_dict() for attempt in answer.attempts],
            )  # fmt: skip


def _without(inquiry: Inquiry, outcome: Outcome, message: str) -> Answer:
    """An answer to what came to no end, with how far it came."""
    return Answer(
        inquiry.question,
        inquiry.written,
        outcome=outcome,
        message=message,
        attempts=tuple(inquiry.attempts),
        tables=inquiry.shown,
    )


def _without_rows(query: str) -> str:
    return f"SELECT * FROM ({query.strip().rstrip(';')}\n) AS explained LIMIT 0"


def _name_of(source: str) -> str:
    """What a database is called: its file's, its folder's or its server's name for it."""
    from pathlib import PurePath

    return PurePath(source.partition("://")[2].partition("?")[0] or source).stem or "database"
