"""The service: what the API's routes share: a connection behind a gate, that tells nothing of the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException

from sqlrl.executors.errors import UsageError
from sqlrl.layer.asynchrony import abandoned
from sqlrl.layer.retrieval import Retriever
from sqlrl.server.limits import Bounds, Gate
from sqlrl.server.readiness import Readiness
from sqlrl.server.replies import Discretion, answer_body, schema_body

if TYPE_CHECKING:
    from sqlrl.layer import Answer, Connection
    from sqlrl.server.bodies import Mark, Question
    from sqlrl.server.metrics import Metrics

__all__ = ["NO_POLICY", "Service"]

NO_POLICY = "no policy is configured here: queries can be run and explained, but none is written for a question"


class Service:
    """What the routes share: the connection, behind the gate, by the deadline, without what is nobody's business."""

    def __init__(
        self, connection: Connection | Retriever, bounds: Bounds, metrics: Metrics, answered: Path | None
    ) -> None:
        self.connection: Any = connection
        self.search = isinstance(connection, Retriever)
        self.metrics = metrics
        self.answered = answered
        self.gate = Gate(bounds, abandoned)
        self.discretion = Discretion(connection)
        self.readiness = Readiness(connection.answers)
        self.longest = connection.settings.deadline or 86_400.0
        self.walls = {} if self.search else dict(connection.walls)  # type: ignore[union-attr]
        self._schema: dict[str, Any] | None = None
        metrics.gauge("sqlrl_calls_in_flight", "Calls at the source or the policy.", lambda: self.gate.inside)
        metrics.gauge("sqlrl_calls_waiting", "Calls that wait for their turn.", lambda: self.gate.waiting)
        metrics.gauge(
            "sqlrl_calls_abandoned", "Calls that nobody awaits and that have not ended.", lambda: abandoned().total()
        )

    @property
    def schema(self) -> dict[str, Any]:
        """Tables and columns, or a search syntax."""
        if self._schema is None:
            syntax = {"tables": [], "description": self.connection.syntax} if self.search else None
            self._schema = syntax or schema_body(self.connection.schema)
        return self._schema

    def seconds(self, asked: float | None) -> float:
        """What a call may take."""
        return self.longest if asked is None else min(asked, self.longest)

    @asynccontextmanager
    async def turn(self, asked: float | None, who: str) -> AsyncIterator[float]:
        """A call's turn, and the seconds that are left of it."""
        async with self.gate.turn(self.seconds(asked), who) as left:
            yield left

    def told(self, call: str, answer: Answer) -> dict[str, Any]:
        """An answer as it goes out."""
        self.metrics.ended(call, answer.outcome.value)
        if answer.ok and answer.ran:
            self.readiness.seen(True)
        return answer_body(answer, self.discretion, charted=not self.search)

    async def ask(
        self, call: str, body: Question, who: str, left: float, say: Callable[[str], None] | None = None
    ) -> dict[str, Any]:
        """`ask`, or `generate`, which search engines call rewriting."""
        if self.search:
            asking = self.connection.aask if call == "ask" else self.connection.arewrite
            told = {"say": say} if say is not None else {}
            answer = await asking(body.question, who=who, deadline=left, **told)
            if body.evidence or body.history:
                unread = "evidence and history are for databases: a search engine is asked the question alone"
                answer = replace(answer, warnings=(*answer.warnings, unread))
            return self.told(call, answer)
        if self.connection.policy is None:
            raise HTTPException(404, NO_POLICY, {"x-code": "no_policy"})
        history = [(before.question, before.query) for before in body.history]
        how = {"evidence": body.evidence, "history": history, "who": who, "deadline": left}
        if call == "ask":
            return self.told(call, await self.connection.aask(body.question, say=say, **how))
        return self.told(call, await self.connection.agenerate(body.question, **how))

    async def mark(self, body: Mark, who: str) -> None:
        """Keep a mark. HTTPException where it cannot be kept."""
        from sqlrl.layer.marks import mark, mark_right

        file = self.answered
        if file is None or self.search:
            raise HTTPException(404, "marks are not kept here: the server was started without --answered FILE",
                                {"x-code": "no_marks"})  # fmt: skip
        try:
            if "answer" in body.model_fields_set:
                given = body.answer
                known = given if isinstance(given, (int, float, str, list)) else given.model_dump()
                await asyncio.to_thread(
                    mark, file, body.question, known, evidence=body.evidence, query=body.query or ""
                )
                return
            if body.query is None:
                raise UsageError("a mark has what the answer is, or the query whose result is right")
            async with self.turn(None, who) as left:
                answer = await self.connection.arun(body.query, who=who, deadline=left)
            right = replace(answer, question=body.question)
            await asyncio.to_thread(mark_right, file, right, evidence=body.evidence)
        except UsageError as error:
            words = str(error).replace(str(file), "the file of marks")
            raise HTTPException(422, self.discretion.text(words), {"x-code": "cannot_mark"}) from None
