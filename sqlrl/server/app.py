"""The app: a connection, or a retriever, as an HTTP API with a page, for any server that speaks ASGI."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sqlrl import __version__
from sqlrl.executors.errors import SqlrlError, UsageError
from sqlrl.server.bodies import (
    About,
    AnswerBody,
    ErrorBody,
    ExplanationBody,
    Health,
    Kept,
    Mark,
    Query,
    Question,
    SchemaBody,
)  # fmt: skip
from sqlrl.server.guard import Guard
from sqlrl.server.limits import Bounds, BusyError
from sqlrl.server.metrics import Metrics
from sqlrl.server.pages import add_pages
from sqlrl.server.replies import as_json, error_body, explanation_body
from sqlrl.server.service import NO_POLICY, Service
from sqlrl.server.steps import Steps
from sqlrl.server.tokens import Tokens

if TYPE_CHECKING:
    from sqlrl.layer import Connection, Retriever

__all__ = ["make_app"]

_log = logging.getLogger("sqlrl.server")
_MEANINGS = {
    400: "What was sent is not JSON, or not HTTP.",
    401: "No token, or another one.",
    404: "There is no such thing here.",
    405: "Not by this method.",
    408: "The request came too slowly.",
    413: "The body is too long.",
    415: "The body is not called JSON.",
    422: "The body is not what is asked for.",
    429: "Too many requests.",
    500: "A bug.",
    503: "Busy, stopping, or what is needed does not answer.",
}
# What pydantic says in words of programmers -> in a reader's
_FAULTS = {
    "string_pattern_mismatch": "must have something to read in it, and no NUL",
    "string_unicode": "has half a character, which UTF-8 cannot hold",
    "extra_forbidden": "is not asked for here",
    "missing": "is missing",
}
_BUG = ("bug", "something went wrong at the server")
_OF_ALL = (400, 401, 404, 405, 408, 413, 429, 500, 503)


class _Json(JSONResponse):
    def render(self, content: Any) -> bytes:
        return as_json(content)


def make_app(
    connection: Connection | Retriever,
    *,
    tokens: Tokens | None = None,
    answered: str | Path | None = None,
    bounds: Bounds | None = None,
    hosts: Collection[str] | None = None,
    metrics: Metrics | None = None,
) -> Guard:
    """connection: stays the caller's to close. tokens: who may call; anybody without. answered: the file of marks,
    without which none are kept. hosts: the names that the server may be called by, None for any.
    """
    bounds, metrics, tokens = bounds or Bounds(), metrics or Metrics(), tokens or Tokens({})
    service = Service(connection, bounds, metrics, Path(answered).expanduser() if answered is not None else None)
    app = FastAPI(
        title="sqlrl", version=__version__, description="Questions and queries to one source, read-only.",
        docs_url=None, redoc_url=None, openapi_url="/api/openapi.json", redirect_slashes=False,
        default_response_class=_Json,
    )  # fmt: skip
    _add_errors(app, metrics)
    _add_health(app, service)
    _add_calls(app, service)
    add_pages(app)
    if tokens:
        _ask_for_token(app)
    routes = {route.path: route.methods or set() for route in app.routes if isinstance(route, Route)}
    public = {path for path in routes if path != "/metrics" and not path.startswith("/api")}
    guard = Guard(
        app, bounds=bounds, tokens=tokens, metrics=metrics, routes=routes, public=public, hosts=hosts
    )  # fmt: skip
    metrics.gauge("sqlrl_requests_in_flight", "Requests without an answer yet.", lambda: guard.requests)
    return guard


def _add_calls(app: FastAPI, service: Service) -> None:
    """What is done for a body that was posted."""

    @app.post("/api/ask", responses=_documented(AnswerBody, 415, 422))
    async def ask(body: Question, request: Request) -> Response:
        """Answer a question: a query is written, run, and repaired where it fails."""
        async with service.turn(body.deadline, request.state.who) as left:
            return _Json(await service.ask("ask", body, request.state.who, left))

    lines = {"description": "Lines of JSON: {step}, and a last one, {answer} or {error}.",
             "content": {"application/x-ndjson": {"schema": {"type": "string"}}}}  # fmt: skip

    @app.post(
        "/api/ask/stream",
        status_code=200,
        response_class=Response,
        responses=_documented(None, 415, 422) | {200: lines},
    )
    async def ask_in_steps(body: Question, request: Request) -> Response:
        """The same, as it comes about: a line of JSON for each step."""
        if service.connection.policy is None and not service.search:
            raise HTTPException(404, NO_POLICY, {"x-code": "no_policy"})
        who = request.state.who

        async def asked(left: float, say: Callable[[str], None]) -> dict[str, Any]:
            try:
                return {"answer": await service.ask("ask", body, who, left, say)}
            except SqlrlError as error:
                return error_body(*_fault_of(error)[1:])
            except Exception:  # whoever runs the server is told, and nobody else
                _log.exception("a bug: /api/ask/stream")
                return error_body(*_BUG)

        return Steps(service.gate, service.seconds(body.deadline), who, asked, service.discretion.text)

    @app.post("/api/generate", responses=_documented(AnswerBody, 415, 422))
    async def generate(body: Question, request: Request) -> Response:
        """Write the query for a question, and don't run it."""
        async with service.turn(body.deadline, request.state.who) as left:
            return _Json(await service.ask("generate", body, request.state.who, left))

    @app.post("/api/run", responses=_documented(AnswerBody, 415, 422))
    async def run(body: Query, request: Request) -> Response:
        """Run a query, read-only, under the same limits as one that was written for a question."""
        async with service.turn(body.deadline, request.state.who) as left:
            answer = await service.connection.arun(body.query, who=request.state.who, deadline=left)
        return _Json(service.told("run", answer))

    @app.post("/api/explain", responses=_documented(ExplanationBody, 415, 422))
    async def explain(body: Query, request: Request) -> Response:
        """Say what a query would read, and whether it could be run."""
        if service.search:
            raise HTTPException(404, "a search engine's queries are not explained", {"x-code": "no_explain"})
        async with service.turn(body.deadline, request.state.who) as left:
            found = await service.connection.aexplain(body.query, who=request.state.who, deadline=left)
        service.metrics.ended("explain", found.outcome.value)
        return _Json(explanation_body(found, service.discretion))

    @app.post("/api/mark", responses=_documented(Kept, 415, 422))
    async def mark(body: Mark, request: Request) -> Response:
        """Keep what the answer to a question is, for training."""
        await service.mark(body, request.state.who)
        return _Json({"kept": True})


def _add_health(app: FastAPI, service: Service) -> None:
    """What is there to be read."""
    connection = service.connection

    @app.get("/healthz", responses=_documented(Health))
    async def alive() -> Response:
        """The process lives."""
        return _Json({"status": "ok"})

    @app.get("/readyz", responses=_documented(Health) | {503: {"description": "Not now.", "model": Health}})
    async def ready() -> Response:
        """Whether the source answers."""
        answers = await service.readiness.ready()
        return _Json({"status": "ok" if answers else "unavailable"}, 200 if answers else 503)

    text = {"description": "Prometheus's text form.", "content": {"text/plain": {"schema": {"type": "string"}}}}

    @app.get("/metrics", status_code=200, response_class=Response, responses=_documented(None) | {200: text})
    async def metrics() -> Response:
        """What the server did so far."""
        return PlainTextResponse(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/api/about", responses=_documented(About))
    async def about() -> Response:
        """What this server serves."""
        settings = connection.settings
        return _Json({
            "version": __version__, "source": service.discretion.source, "dialect": connection.dialect,
            "kind": "search" if service.search else "database", "policy": service.discretion.policy,
            "rows": settings.rows, "deadline": settings.deadline,
            "marks": service.answered is not None and not service.search,
            "converses": not service.search and connection.converses, "walls": service.walls,
        })  # fmt: skip

    @app.get("/api/schema", responses=_documented(SchemaBody))
    async def schema() -> Response:
        """Tables and columns that may be read, or a search engine's syntax."""
        return _Json(service.schema)


def _add_errors(app: FastAPI, metrics: Metrics) -> None:
    """Every error in one form, without a word of how the server is made."""

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        code = headers.pop("x-code", "") or {400: "json", 404: "not_found", 405: "method"}.get(
            error.status_code, "error"
        )
        words = error.detail if code != "not_found" else f"there is no {request.url.path} here"
        if code == "json":
            words = "the body cannot be read as JSON"
        return _Json(error_body(code, words or HTTPStatus(error.status_code).phrase), error.status_code, headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            return _Json(error_body("json", "the body cannot be read as JSON"), 400)
        place = ".".join(str(part) for part in first["loc"][1:5])
        words = _FAULTS.get(first["type"], first["msg"])
        return _Json(error_body("body_invalid", f"{place}: {words}" if place else words), 422)

    @app.exception_handler(BusyError)
    async def busy(request: Request, error: BusyError) -> Response:
        metrics.rejected(error.reason)
        headers = {"retry-after": str(int(error.after))}
        return _Json(
            error_body("busy", "the server has as many calls as it can take: ask again in a moment"), 503, headers
        )

    @app.exception_handler(SqlrlError)
    async def failed(request: Request, error: SqlrlError) -> Response:
        status, code, words = _fault_of(error)
        return _Json(error_body(code, words), status)

    @app.exception_handler(Exception)
    async def bug(request: Request, error: Exception) -> Response:
        return _Json(error_body(*_BUG), 500)


def _fault_of(error: SqlrlError) -> tuple[int, str, str]:
    """(status, code, sentence). What else is wrong than the call is told to whoever runs the server."""
    if isinstance(error, UsageError):
        return 422, "body_invalid", str(error)
    _log.error("%s: %s", type(error).__name__, error)
    return 503, "unavailable", "the source or the policy cannot be used at the moment"


def _documented(model: Any, *more: int) -> dict[int | str, dict[str, Any]]:
    """The answers of a route, errors among them."""
    found: dict[int | str, dict[str, Any]] = {}
    if model is not None:
        found[200] = {"description": "The answer.", "model": model}
    for status in (*_OF_ALL, *more):
        found[status] = {"description": _MEANINGS[status], "model": ErrorBody}
    return found


def _ask_for_token(app: FastAPI) -> None:
    """Say in the document which routes ask for a token."""
    document = app.openapi()
    document.setdefault("components", {})["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for path, methods in document["paths"].items():
        if path.startswith("/api/") or path == "/metrics":
            for operation in methods.values():
                operation["security"] = [{"token": []}]
