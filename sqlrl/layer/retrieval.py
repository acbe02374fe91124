"""A retriever: a search engine and a policy that rewrites questions as its queries; documents come back, best first."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sqlrl.answers import extract
from sqlrl.benchmarks.base import Example
from sqlrl.executors.base import Gold, Outcome, Result
from sqlrl.executors.errors import SqlrlError, UnavailableError
from sqlrl.layer.answer import Answer
from sqlrl.layer.asynchrony import in_thread
from sqlrl.layer.author import Author, check_question
from sqlrl.layer.deadline import Deadline, LateError
from sqlrl.layer.pico import Pico

if TYPE_CHECKING:
    from sqlrl.executors.documents import Document
    from sqlrl.executors.search import SearchMember
    from sqlrl.layer.audit import Audit
    from sqlrl.layer.settings import Settings

__all__ = ["COLUMNS", "Retriever"]

Asked = str | Mapping[str, str]  # a question, or a PICO by its parts
COLUMNS = ("id", "score", "title", "text")


class Retriever:
    """Made by `connect`; a context manager, for threads and for asyncio as a `Connection` is. An answer's rows are
    (document id, score, title, text). Without a policy, or where it writes no query, the question is the query.

    A question may be a PICO, for a systematic review: {"population": ..., "intervention": ..., "comparison": ...,
    "outcome": ...}, or text with these names or their letters before the parts. It is put as training puts it.
    """

    def __init__(
        self, executor: SearchMember, author: Author | None, settings: Settings, audit: Audit | None,
        closing: Sequence[Any],
    ) -> None:  # fmt: skip
        self.source = executor.source
        self.dialect = executor.dialect
        self.settings = settings
        self._executor = executor
        self._author = author
        self._audit = audit
        self._closing = list(closing)

    @property
    def policy(self) -> str | None:
        """The name of the policy, None where there is none."""
        return self._author.name if self._author is not None else None

    @property
    def syntax(self) -> str:
        """What a query may be made of, as a policy is told."""
        return self._executor.describe()

    def ask(
        self, question: Asked, *, who: str = "", deadline: float | None = None, say: Callable[[str], None] | None = None
    ) -> Answer:
        """The documents for a question; `query` is how it was rewritten. deadline: by default the connection's. say: is
        told of each step."""
        return self._asked("ask", question, self._deadline(deadline), who, say)

    def rewrite(self, question: Asked, *, who: str = "", deadline: float | None = None) -> Answer:
        """The query for a question, which is not run."""
        return self._asked("rewrite", question, self._deadline(deadline), who)

    def run(self, query: str, *, who: str = "", deadline: float | None = None) -> Answer:
        """The documents that a query of yours finds."""
        return self._ran(query, self._deadline(deadline), who)

    def fetch(self, ids: Sequence[str], *, deadline: float | None = None) -> list[Document]:
        """The whole documents, in the order of `ids`; what is unknown is left out. LateError, UnavailableError."""
        end = self._deadline(deadline)
        return end.run(lambda: self._executor.fetch(list(ids)))

    async def aask(
        self, question: Asked, *, who: str = "", deadline: float | None = None, say: Callable[[str], None] | None = None
    ) -> Answer:
        """`ask` for asyncio. say: is called from another thread."""
        end = self._deadline(deadline)
        return await in_thread(lambda: self._asked("ask", question, end, who, say), end)

    async def arewrite(self, question: Asked, *, who: str = "", deadline: float | None = None) -> Answer:
        """`rewrite` for asyncio."""
        end = self._deadline(deadline)
        return await in_thread(lambda: self._asked("rewrite", question, end, who), end)

    async def arun(self, query: str, *, who: str = "", deadline: float | None = None) -> Answer:
        """`run` for asyncio."""
        end = self._deadline(deadline)
        return await in_thread(lambda: self._ran(query, end, who), end)

    async def afetch(self, ids: Sequence[str], *, deadline: float | None = None) -> list[Document]:
        """`fetch` for asyncio."""
        end = self._deadline(deadline)
        return await in_thread(lambda: end.run(lambda: self._executor.fetch(list(ids))), end)

    def answers(self, seconds: float = 5.0) -> bool:
        """Whether the index answers at all: for a server's health. A service of others is not asked for that."""
        if self.source.startswith(("pubmed:", "trials:")):
            return True
        try:
            result = Deadline(seconds).run(lambda: self._executor.execute("a", limit=1))
        except SqlrlError:
            return False
        return result.outcome not in (Outcome.UNAVAILABLE, Outcome.CRASHED)

    def close(self) -> None:
        """Give back index and policy. Closing twice does nothing."""
        for each in self._closing:
            each.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _deadline(self, seconds: float | None) -> Deadline:
        return Deadline(self.settings.deadline if seconds is None else seconds)

    def _ran(self, query: str, deadline: Deadline, who: str) -> Answer:
        return self._entered("run", who, self._found("", query, deadline, time.monotonic()))

    def _asked(
        self, call: str, question: Asked, deadline: Deadline, who: str, say: Callable[[str], None] | None = None
    ) -> Answer:
        pico = Pico.of(question)
        if pico is not None:
            question = pico.text
        check_question(question)
        assert isinstance(question, str)
        started = time.monotonic()
        warnings: tuple[str, ...] = ()
        told = say or _nobody
        if self._author is not None:
            told("asking the policy")
        try:
            query, fault = self._query(question, pico, deadline)
            warnings = (f"the question is the query: {fault}",) if fault else ()
        except LateError as late:
            answer = Answer(question, outcome=Outcome.TIMED_OUT, message=str(late))
        except UnavailableError as error:
            answer = Answer(question, outcome=Outcome.UNAVAILABLE, message=str(error))
        else:
            answer = Answer(question, query, ran=False)
            if call == "ask":
                told(f"searching for {query}")
                answer = self._found(question, query, deadline, started)
        answer = replace(answer, warnings=(*warnings, *answer.warnings), seconds=time.monotonic() - started)
        return self._entered(call, who, answer)

    def _query(self, question: str, pico: Pico | None, deadline: Deadline) -> tuple[str, str]:
        """(the query, why the policy gave none)."""
        author = self._author
        plain = question if pico is None else pico.words
        if author is None:
            return plain, ""
        prompter = author.prompter
        if pico is not None and getattr(author.policy, "prompter", None) is None:
            prompter = replace(prompter, asks="pico")  # one that was taught is asked as it was taught
        example = Example("", question, Gold(query=""))
        described = self._executor.describe() if prompter.needs_description else ""
        prompt = prompter.messages(example, described)
        (completion,) = deadline.run(lambda: author.write(prompt, 1, self.settings, deadline))
        found = extract(completion, prompter)
        return (plain, found.fault) if found.query is None else (found.query, "")

    def _found(self, question: str, query: str, deadline: Deadline, started: float) -> Answer:
        try:
            result, rows = deadline.run(lambda: self._search(query))
        except LateError as late:
            result, rows = Result(outcome=Outcome.TIMED_OUT, message=str(late)), ()
        return Answer(
            question, query, COLUMNS if result.outcome is Outcome.OK else (), rows, result.outcome, result.message,
            result.truncated, warnings=result.warnings, seconds=time.monotonic() - started,
        )  # fmt: skip

    def _search(self, query: str) -> tuple[Result, tuple[tuple[Any, ...], ...]]:
        result = self._executor.execute(query, limit=self.settings.rows)
        if result.outcome is not Outcome.OK:
            return result, ()
        documents = {document.id: document for document in self._executor.fetch([row[0] for row in result.rows])}
        rows = []
        for name, score in result.rows:
            document = documents.get(name)
            rows.append((name, score, document.title if document else "", document.text if document else ""))
        return result, tuple(rows)

    def _entered(self, call: str, who: str, answer: Answer) -> Answer:
        if self._audit is not None:
            self._audit.enter(
                who=who, call=call, source=self.source, policy=self._author.name if self._author else None,
                question=answer.question, query=answer.query, outcome=answer.outcome.value, message=answer.message,
                rows=len(answer.rows), truncated=answer.truncated, seconds=round(answer.seconds, 6), attempts=[],
            )  # fmt: skip
        return answer


def _nobody(words: str) -> None:
    """For steps that nobody wants to be told of."""
