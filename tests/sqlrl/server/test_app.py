"""The API as programs use it: what each call gives, and every error in its one form."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from sqlrl.benchmarks.answers import read_answers
from sqlrl.server.tokens import Tokens

JSON = {"Content-Type": "application/json"}


def _error(response: httpx.Response, status: int, code: str) -> str:
    """The sentence of an error, whose form is checked."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    (error,) = response.json().values()
    assert set(error) == {"code", "message"}
    assert error["code"] == code
    assert error["message"]
    assert "Traceback" not in response.text
    assert "/tmp" not in response.text
    return str(error["message"])


def test_a_question_is_answered(serve: Callable[..., Any]) -> None:
    script = {"per country": "select country, count(*) as n from customer group by country order by n desc"}
    with serve(script).client() as client:
        response = client.post("/api/ask", json={"question": "how many per country?"})
        answer = response.json()
    assert response.status_code == 200
    assert answer["rows"] == [["Peru", 2], ["Norway", 1]]
    assert answer["columns"] == ["country", "n"]
    assert answer["chart"] == {"kind": "bar", "x": 0, "y": [1]}
    assert (answer["question"], answer["outcome"], answer["truncated"]) == ("how many per country?", "ok", False)
    assert [attempt["kind"] for attempt in answer["attempts"]] == ["sample"]
    assert set(answer) == {
        "question", "query", "outcome", "message", "columns", "rows", "truncated", "confidence", "attempts",
        "suggestions", "warnings", "tables", "seconds", "chart",
    }  # fmt: skip


def test_steps_come_before_the_answer(serve: Callable[..., Any]) -> None:
    served = serve({"broken": "select nowhere from customer"}, settings={"repairs": 1})
    with served.client().stream("POST", "/api/ask/stream", json={"question": "the broken one"}) as response:
        assert response.headers["content-type"] == "application/x-ndjson"
        lines = [json.loads(line) for line in response.iter_lines()]
    assert [set(line) for line in lines] == [{"step"}] * (len(lines) - 1) + [{"answer"}]
    assert lines[0]["step"] == "asking the policy"
    assert any("cannot be run" in line.get("step", "") for line in lines)
    assert lines[-1]["answer"]["outcome"] == "invalid"
    assert len(lines[-1]["answer"]["attempts"]) == 2


def test_a_conversation_is_sent_along(serve: Callable[..., Any]) -> None:
    seen: list[Any] = []

    class Policy:
        name, prompter = "listening", None

        def generate(self, prompts: Any, n: int = 1, **how: Any) -> list[list[str]]:
            seen.extend(prompts)
            return [['<think></think><answer>{"sql": "select 2"}</answer>'] * n]

    history = [{"question": "and before?", "query": "select 1"}]
    with serve(policy=Policy()).client() as client:
        body = {"question": "and now?", "history": history, "evidence": "now is a day", "deadline": 5}
        assert client.post("/api/ask", json=body).json()["rows"] == [[2]]
    text = json.dumps(seen)
    assert "and before?" in text
    assert "select 1" in text
    assert "now is a day" in text


def test_a_query_is_written_run_and_explained(serve: Callable[..., Any]) -> None:
    with serve({"names": "select name from customer"}).client() as client:
        written = client.post("/api/generate", json={"question": "all names"}).json()
        assert (written["query"], written["rows"], written["chart"]) == ("select name from customer", [], None)
        ran = client.post("/api/run", json={"query": written["query"]}).json()
        assert ran["rows"] == [["Ann"], ["Bo"], ["Cy"]]
        explained = client.post("/api/explain", json={"query": written["query"]}).json()
    assert explained["tables"] == ["customer"]
    assert explained["outcome"] == "ok"
    assert explained["plan"]


@pytest.mark.parametrize(
    ("query", "outcome"),
    [
        ("drop table customer", "refused"),
        ("select nmae from customer", "invalid"),
        ("select 1; select 2", "refused"),
        ("select * from nowhere", "invalid"),
    ],
)
def test_what_becomes_of_a_query_is_data(serve: Callable[..., Any], query: str, outcome: str) -> None:
    with serve().client() as client:
        response = client.post("/api/run", json={"query": query})
    assert response.status_code == 200
    assert response.json()["outcome"] == outcome
    assert response.json()["message"]
    assert response.json()["rows"] == []


def test_a_call_ends_by_its_deadline(serve: Callable[..., Any]) -> None:
    from tests.sqlrl.server.conftest import ENDLESS

    with serve({"endless": ENDLESS}).client() as client:
        for path, body in (("run", {"query": ENDLESS}), ("ask", {"question": "the endless one"})):
            answer = client.post(f"/api/{path}", json={**body, "deadline": 0.3}).json()
            assert answer["outcome"] == "timed_out"
            assert answer["seconds"] < 5
        assert client.post("/api/run", json={"query": "select 7"}).json()["rows"] == [[7]]


def test_what_is_served_is_told_without_its_place(serve: Callable[..., Any], shop: Path) -> None:
    with serve({}, settings={"rows": 5}).client() as client:
        about = client.get("/api/about")
        schema = client.get("/api/schema").json()
        cut = client.post("/api/run", json={"query": "select id from orders"}).json()
        message = client.post("/api/run", json={"query": f"select * from '{shop}'"}).text
    told = about.json()
    assert (told["source"], told["dialect"], told["kind"], told["policy"]) == (
        "shop.sqlite",
        "sqlite",
        "database",
        "said",
    )
    assert (told["rows"], told["deadline"], told["marks"], told["converses"]) == (5, 20.0, False, True)
    assert told["walls"]
    assert str(shop.parent) not in about.text
    assert "no such table: shop.sqlite" in message
    assert (len(cut["rows"]), cut["truncated"], cut["chart"]) == (5, True, None)
    customer = next(table for table in schema["tables"] if table["name"] == "customer")
    assert customer["columns"][:2] == [
        {"name": "id", "type": "INTEGER", "key": True, "comment": ""},
        {"name": "name", "type": "TEXT", "key": False, "comment": ""},
    ]
    assert "CREATE TABLE" in schema["description"]


def test_without_a_policy_queries_still_run(serve: Callable[..., Any]) -> None:
    with serve().client() as client:
        assert client.get("/api/about").json()["policy"] is None
        for path in ("ask", "ask/stream", "generate"):
            assert "no policy" in _error(client.post(f"/api/{path}", json={"question": "why?"}), 404, "no_policy")
        assert client.post("/api/run", json={"query": "select 1"}).json()["outcome"] == "ok"


def test_marks_are_kept_as_training_reads_them(serve: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "answered.jsonl"
    served = serve({}, answered=file)
    with served.client() as client:
        assert client.get("/api/about").json()["marks"]
        for mark in (
            {"question": "how many?", "query": "select count(*) from customer"},
            {"question": "who?", "answer": ["Ann", "Bo"]},
            {"question": "what share?", "answer": 0.5, "evidence": "of all", "query": "select 0.5"},
            {"question": "which?", "answer": {"columns": ["n", "c"], "rows": [["Ann", 1], ["Bo", None]]}},
        ):
            response = client.post("/api/mark", json=mark)
            assert (response.status_code, response.json()) == (200, {"kept": True}), response.text
    kept = {answer.gold.query or answer.partial.known: answer.partial.rows for answer in read_answers(file)}
    assert kept["select count(*) from customer"] == ((3,),)
    assert kept["names"] == (("Ann",), ("Bo",))
    assert kept["whole"] == (("Ann", 1), ("Bo", None))
    assert len(kept) == 4


@pytest.mark.parametrize(
    "mark",
    [
        {"query": "select name from customer where 0"},
        {"query": "drop table customer"},
        {"query": None},
        {},
        {"answer": {"columns": ["a", "b"], "rows": [[1]]}},
        {"answer": {"csv": "/etc/passwd"}},
        {"answer": None},
        {"answer": []},
        {"answer": [[1, 2]]},
        {"answer": 1e999},
        {"answer": "a\0b"},
        {"answer": True},
    ],
)
def test_what_says_nothing_is_not_kept(serve: Callable[..., Any], tmp_path: Path, mark: dict[str, Any]) -> None:
    file = tmp_path / "answered.jsonl"
    with serve({}, answered=file).client() as client:
        response = client.post("/api/mark", content=json.dumps({"question": "what?", **mark}), headers=JSON)
    _error(response, 422, response.json()["error"]["code"])
    assert not file.exists()


def test_marks_need_a_file(serve: Callable[..., Any]) -> None:
    with serve({}).client() as client:
        _error(client.post("/api/mark", json={"question": "what?", "answer": 1}), 404, "no_marks")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "body_invalid"),
        (b"{", 400, "json"),
        (b"\xff\xfe", 400, "json"),
        (b"[" * 100_000, 400, "json"),
        (b'{"query": ' + b"1" * 10_000 + b"}", 400, "json"),
        (b"[]", 422, "body_invalid"),
        (b"null", 422, "body_invalid"),
        (b'{"query": 1}', 422, "body_invalid"),
        (b'{"query": ""}', 422, "body_invalid"),
        (b'{"query": " \\n"}', 422, "body_invalid"),
        (b'{"query": "select \\u0000"}', 422, "body_invalid"),
        (b'{"query": "select \\ud800"}', 422, "body_invalid"),
        (b'{"query": "select 1", "deadline": 0}', 422, "body_invalid"),
        (b'{"query": "select 1", "deadline": NaN}', 422, "body_invalid"),
        (b'{"query": "select 1", "deadline": "1"}', 422, "body_invalid"),
        (b'{"query": "select 1", "rows": 5}', 422, "body_invalid"),
        (b'{"query": "select 1", "\\ud800": 5}', 422, "body_invalid"),
        (b'{"query": "' + b"x" * 100_001 + b'"}', 422, "body_invalid"),
    ],
)
def test_a_wrong_body_is_told_apart(serve: Callable[..., Any], content: bytes, status: int, code: str) -> None:
    with serve().client() as client:
        message = _error(client.post("/api/run", content=content, headers=JSON), status, code)
    assert "pattern" not in message


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_another_site_cannot_post_a_form(serve: Callable[..., Any], kind: str) -> None:
    with serve().client() as client:
        response = client.post("/api/run", content=b'{"query": "select 1"}', headers={"Content-Type": kind})
        _error(response, 415, "kind")
        preflight = client.options("/api/run", headers={"Origin": "http://evil.example"})
    assert "access-control-allow-origin" not in preflight.headers


def test_a_server_of_this_machine_has_no_other_name(serve: Callable[..., Any]) -> None:
    with serve({}).client() as client:
        for name in ("evil.example", "evil.example:80", "", "127.0.0.1.evil.example"):
            _error(client.get("/api/about", headers={"Host": name}), 400, "host")
        for name in ("localhost", "LOCALHOST:1", "127.0.0.1:80"):
            assert client.get("/api/about", headers={"Host": name}).status_code == 200


def test_a_token_guards_all_but_page_and_health(serve: Callable[..., Any]) -> None:
    served = serve({}, tokens=Tokens({"s3cret": "", "other": "ann"}))
    with served.client() as client:
        for path in ("/api/about", "/api/schema", "/api/openapi.json", "/metrics", "/api/nothing", "/api", "/nothing",
                     "//api/about", "/api%2Fabout", "/API/about", "/healthz/../api/about"):  # fmt: skip
            response = client.get(path)
            _error(response, 401, "token")
            assert response.headers["www-authenticate"] == "Bearer"
        for path in ("/", "/healthz", "/readyz"):
            assert client.get(path).status_code == 200
        for shown in (
            "Bearer nothing",
            "Bearer s3cre",
            "Bearer s3cret2",
            "Basic s3cret",
            "Bearer",
            "s3cret",
            "Bearer é",
        ):
            response = client.get("/api/about", headers={"Authorization": shown.encode("latin-1")})
            _error(response, 401, "token")
        for shown in ("Bearer s3cret", "bearer other"):
            assert client.get("/api/about", headers={"Authorization": shown}).status_code == 200
        document = client.get("/api/openapi.json", headers={"Authorization": "Bearer other"}).json()
    assert document["paths"]["/api/ask"]["post"]["security"] == [{"token": []}]
    assert "security" not in document["paths"]["/healthz"]["get"]


def test_who_asks_is_in_the_audit(serve: Callable[..., Any]) -> None:
    log: list[Any] = []
    served = serve({"all": "select 1"}, tokens=Tokens({"a": "ann", "b": ""}), settings={"audit": log.append})
    with served.client() as client:
        for token in ("a", "b"):
            client.post("/api/ask", json={"question": "all"}, headers={"Authorization": f"Bearer {token}"})
            client.post("/api/run", json={"query": "select 1"}, headers={"Authorization": f"Bearer {token}"})
    assert [entry["who"] for entry in log] == ["ann", "ann", "127.0.0.1", "127.0.0.1"]


def test_an_audit_that_fails_leaves_no_answer(serve: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    from sqlrl.executors.errors import DataError

    def full(entry: Any) -> None:
        raise DataError("the audit log /tmp/secret cannot be written")

    with serve({}, settings={"audit": full}).client() as client:
        _error(client.post("/api/run", json={"query": "select 1"}), 503, "unavailable")
        lines = client.post("/api/ask/stream", json={"question": "why?"}).text.splitlines()
    assert json.loads(lines[-1])["error"]["code"] == "unavailable"
    assert "cannot be written" in caplog.text


def test_a_bug_is_told_to_nobody_who_asks(serve: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> str:
        raise ZeroDivisionError("in /tmp/secret")

    with serve({"boom": broken, "ok": "select 1"}).client() as client:
        _error(client.post("/api/ask", json={"question": "boom"}), 500, "bug")
        lines = client.post("/api/ask/stream", json={"question": "boom"}).text.splitlines()
        assert json.loads(lines[-1])["error"]["code"] == "bug"
        assert client.post("/api/ask", json={"question": "ok"}).json()["rows"] == [[1]]
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "PROPFIND"])
def test_other_methods_are_told_what_would_do(serve: Callable[..., Any], method: str) -> None:
    with serve({}).client() as client:
        response = client.request(method, "/api/run")
        _error(response, 405, "method")
        assert response.headers["allow"] == "POST"
        _error(client.request(method, "/api/about"), 405, "method")
        _error(client.get("/api/ask"), 405, "method")
        _error(client.get("/nothing/here"), 404, "not_found")


def test_every_answer_has_the_headers_that_keep_a_page_safe(serve: Callable[..., Any]) -> None:
    with serve({}).client() as client:
        for path in ("/", "/healthz", "/api/about", "/api/nothing", "/nothing"):
            headers = client.get(path).headers
            assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert (headers.get("cache-control") == "no-store") == (path not in ("/", "/healthz"))
            assert "server" not in headers
        page = client.get("/")
        assert client.get("/", headers={"If-None-Match": page.headers["etag"]}).status_code == 304


def test_metrics_count_what_happened(serve: Callable[..., Any]) -> None:
    served = serve({"all": "select 1"})
    with served.client() as client:
        client.post("/api/ask", json={"question": "all"})
        client.post("/api/run", json={"query": "select nope"})
        client.post("/api/run", content=b"{}", headers={"Content-Type": "text/plain"})
        client.get("/made-up")
        text = client.get("/metrics").text
    assert 'sqlrl_requests_total{route="/api/ask",method="POST",status="200"} 1' in text
    assert 'sqlrl_requests_total{route="other",method="GET",status="404"} 1' in text
    assert 'sqlrl_outcomes_total{call="run",outcome="invalid"} 1' in text
    assert 'sqlrl_rejected_total{reason="kind"} 1' in text
    assert 'sqlrl_request_seconds_bucket{route="/api/ask",le="+Inf"} 1' in text
    assert "sqlrl_calls_in_flight 0" in text
    assert "made-up" not in text


def test_readiness_is_the_source_s(serve: Callable[..., Any]) -> None:
    served = serve({})
    with served.client() as client:
        assert client.get("/readyz").json() == {"status": "ok"}
        served.connection.close()
        served.until(lambda: client.get("/readyz").status_code == 503)
        assert client.get("/readyz").json() == {"status": "unavailable"}
        assert client.get("/healthz").status_code == 200


def test_the_app_stands_in_another_one(shop: Path) -> None:
    """Mounted, a path has a part in front that is not ours: what is guarded stays guarded."""
    import asyncio

    from fastapi import FastAPI

    from sqlrl.layer import connect
    from sqlrl.server.app import make_app

    async def run(connection: Any) -> None:
        outer = FastAPI()
        outer.mount("/shop", make_app(connection, tokens=Tokens({"s3cret": ""})))
        transport = httpx.ASGITransport(outer)
        async with httpx.AsyncClient(transport=transport, base_url="http://any.example/shop") as client:
            for path in ("/api/about", "/metrics", "/nothing"):
                _error(await client.get(path), 401, "token")
            assert (await client.get("/healthz")).json() == {"status": "ok"}
            assert (await client.get("/")).status_code == 200
            client.headers["Authorization"] = "Bearer s3cret"
            answer = await client.post("/api/run", json={"query": "select count(*) from customer"})
            assert answer.json()["rows"] == [[3]]
            _error(await client.post("/api/run", content=b"x" * (1 << 20) + b"x", headers=JSON), 413, "body")

    with connect(shop, workers=1) as connection:
        asyncio.run(run(connection))
