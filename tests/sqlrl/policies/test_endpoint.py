"""The endpoint policy against a real HTTP server on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sqlrl.executors.errors import UnavailableError, UsageError
from sqlrl.policies import load_policy
from sqlrl.policies.endpoint import EndpointPolicy

pytest.importorskip("httpx")


class Server:
    """Speaks chat completions; `faults` are answered first, one a request."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.faults: list[tuple[int, str]] = []
        self.at_most = 100
        lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    server.asked.append(body)
                    server.keys.append(self.headers.get("Authorization"))
                    fault = server.faults.pop(0) if server.faults else None
                question = body["messages"][-1]["content"]
                count = min(body.get("n", 1), server.at_most)
                choices = [{"message": {"content": f"{question} {body['seed'] + i}"}} for i in range(count)]
                status, text = fault or (200, json.dumps({"choices": choices}))
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.http.shutdown()
    thread.join()
    server.http.server_close()


def _prompts(*questions: str) -> list[list[dict[str, str]]]:
    return [[{"role": "user", "content": question}] for question in questions]


def test_answers_come_in_the_order_of_the_questions(server: Server) -> None:
    policy = load_policy(f"{server.url}#small", seed=5)
    assert policy.name == f"{server.url}#small"
    found = policy.generate(_prompts(*"abcdefghij"), temperature=0.5, max_tokens=7)
    assert found == [[f"{letter} 5"] for letter in "abcdefghij"]
    assert {body["model"] for body in server.asked} == {"small"}
    assert server.asked[0] | {"messages": []} == {
        "model": "small", "messages": [], "temperature": 0.5, "max_tokens": 7, "seed": 5,
    }  # fmt: skip


@pytest.mark.parametrize("at_most", [1, 2, 100])
def test_many_are_asked_for_until_they_are_there(server: Server, at_most: int) -> None:
    server.at_most = at_most
    found = EndpointPolicy(server.url, "small").generate(_prompts("q"), n=5)
    assert found == [[f"q {i}" for i in range(5)]]


def test_a_busy_server_is_asked_again(server: Server) -> None:
    server.faults = [(503, "busy"), (429, "slow down"), (500, "")]
    assert EndpointPolicy(server.url, "small", wait=0.001).generate(_prompts("q")) == [["q 0"]]
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ((401, "no key"), "HTTP 401: no key"),
        ((200, "[]"), "not a chat completion"),
        ((200, '{"choices": []}'), "no comp"),
        ((200, '{"choices": [{"message": {"content": 7}}]}'), "not a chat completion"),
    ],
)
def test_what_asking_again_cannot_mend_is_said_at_once(server: Server, fault: tuple[int, str], message: str) -> None:
    server.faults = [fault]
    with pytest.raises(UnavailableError, match=message):
        EndpointPolicy(server.url, "small", wait=0.001).generate(_prompts("q"))
    assert len(server.asked) == 1


def test_a_text_in_parts_is_put_together(server: Server) -> None:
    parts = [{"type": "text", "text": "SELECT "}, {"type": "reasoning", "text": "hm"}, {"type": "text", "text": "1"}]
    server.faults = [(200, json.dumps({"choices": [{"message": {"content": parts}}]}))]
    assert EndpointPolicy(server.url, "small").generate(_prompts("q")) == [["SELECT 1"]]


def test_nobody_there() -> None:
    with pytest.raises(UnavailableError, match="does not answer"):
        EndpointPolicy("http://127.0.0.1:9/v1", "small", wait=0.001).generate(_prompts("q"))


def test_the_key_is_sent_and_never_shown(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQLRL_API_KEY", "secret")
    policy = EndpointPolicy(server.url, "small", wait=0.001)
    policy.generate(_prompts("q"))
    assert server.keys == ["Bearer secret"]
    server.faults = [(400, "bad")]
    with pytest.raises(UnavailableError) as error:
        policy.generate(_prompts("q"))
    assert "secret" not in str(error.value) + repr(policy) + policy.name


def test_a_model_must_be_named() -> None:
    with pytest.raises(UsageError, match="names no model"):
        load_policy("http://localhost/v1")
