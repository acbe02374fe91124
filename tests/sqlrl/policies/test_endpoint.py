"""The endpoint policy against a real HTTP server on this machine, with whatever can go wrong on the way."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from sqlrl.executors.errors import UnavailableError, UsageError
from sqlrl.policies import load_policy
from sqlrl.policies.endpoint import EndpointPolicy

pytest.importorskip("httpx")

PARTS = [{"type": "text", "text": "SELECT "}, {"type": "reasoning", "text": "hm"}, {"type": "text", "text": "1"}]


def _prompts(*questions: str) -> list[list[dict[str, str]]]:
    return [[{"role": "user", "content": question}] for question in questions]


_opened: list[Any] = []


@pytest.fixture(autouse=True)
def closed_at_the_end() -> Iterator[None]:
    yield
    while _opened:
        _opened.pop().close()


def _policy(server: Any, **settings: Any) -> EndpointPolicy:
    policy = EndpointPolicy(server.url, "small", **{"wait": 0.001, **settings})
    _opened.append(policy)
    return policy


def test_answers_come_in_the_order_of_the_questions(server: Any) -> None:
    policy = load_policy(f"{server.url}#small", seed=5)
    _opened.append(policy)
    assert policy.name == f"{server.url}#small"
    found = policy.generate(_prompts(*"abcdefghij"), temperature=0.5, max_tokens=7)
    assert found == [[f"{letter} 5"] for letter in "abcdefghij"]
    assert {body["model"] for body in server.asked} == {"small"}
    assert server.asked[0] | {"messages": []} == {
        "model": "small", "messages": [], "temperature": 0.5, "max_tokens": 7, "seed": 5,
    }  # fmt: skip


@pytest.mark.parametrize("at_most", [1, 2, 100])
def test_many_are_asked_for_until_they_are_there(server: Any, at_most: int) -> None:
    server.at_most = at_most
    assert _policy(server).generate(_prompts("q"), n=5) == [[f"q {i}" for i in range(5)]]


def test_no_more_requests_at_once_than_allowed(server: Any) -> None:
    at_once, most, lock = 0, 0, threading.Lock()

    def say(body: dict[str, Any]) -> list[str]:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.02)
        with lock:
            at_once -= 1
        return ["x"]

    server.say = say
    _policy(server, parallel=3).generate(_prompts(*"abcdefghijkl"))
    assert most == 3


def test_a_busy_server_is_asked_again(server: Any, fault: Any) -> None:
    server.faults = [
        fault(503, "busy"), fault(429, "slow down"), fault(500), fault(0), fault(200, "{" * 400, cut=100),
    ]  # fmt: skip
    policy = _policy(server)
    assert policy.generate(_prompts("q")) == [["q 0"]]
    assert len(server.asked) == 6
    assert (policy.usage.requests, policy.usage.retries) == (1, 5)


def test_a_reply_that_is_no_json_is_asked_for_again(server: Any, fault: Any) -> None:
    server.faults = [fault(200, '{"choices": [{"mess')]
    assert _policy(server).generate(_prompts("q")) == [["q 0"]]


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_waited_for_by_all(server: Any, fault: Any, form: str) -> None:
    value = "0.3" if form == "seconds" else formatdate(time.time() + 2, usegmt=True)
    server.faults = [fault(429, "later", {"Retry-After": value})]
    policy = _policy(server, parallel=1)
    assert policy.generate(_prompts("a", "b")) == [["a 0"], ["b 0"]]
    assert server.times[1] - server.times[0] > 0.25


def test_nobody_waits_for_an_hour(server: Any, fault: Any) -> None:
    server.faults = [fault(429, "quota used up", {"Retry-After": "3600"})]
    with pytest.raises(UnavailableError, match=r"asked again in 3,600 s: HTTP 429: quota used up"):
        _policy(server).generate(_prompts("q"))


def test_a_slow_reply_is_given_up(server: Any, fault: Any) -> None:
    server.faults = [fault(200, "{}", seconds=0.5)]
    assert _policy(server, timeout=0.1).generate(_prompts("q")) == [["q 0"]]


@pytest.mark.parametrize(
    ("status", "text", "message"),
    [
        (401, '{"error": {"message": "no such key", "code": "invalid_api_key"}}', r"401: no such key \(invalid_api"),
        (404, '{"message": "no model small"}', "refuses: HTTP 404: no model small"),
        (403, "<html>\n  no</html>", "HTTP 403: <html> no</html>"),
        (307, "", "refuses: HTTP 307: it is at another address"),
        (400, '{"error": {"message": "\\u001b[31mno\\u0007"}}', r"HTTP 400: \[31mno$"),
    ],
)
def test_what_asking_again_cannot_mend_is_said_at_once(
    server: Any, fault: Any, status: int, text: str, message: str
) -> None:
    server.faults = [fault(status, text)]
    with pytest.raises(UnavailableError, match=message):
        _policy(server).generate(_prompts("q"))
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "not a chat completion"),
        ("[" * 100_000, "not JSON"),
        ('{"error": {"message": "upstream is down"}}', "not a chat completion: upstream is down"),
        ('{"choices": null}', "not a chat completion"),
        ('{"choices": []}', "no comp"),
        ('{"choices": [{}]}', "not a chat completion"),
        ('{"choices": [{"message": {"content": 7}}]}', "not a chat completion"),
    ],
)
def test_what_a_busy_gateway_says_in_place_of_an_answer_is_asked_again(
    server: Any, fault: Any, text: str, message: str
) -> None:
    server.faults = [fault(200, text)]
    assert _policy(server).generate(_prompts("q")) == [["q 0"]]
    server.faults = [fault(200, text)] * 6
    with pytest.raises(UnavailableError, match=message):
        _policy(server).generate(_prompts("q"))
    assert len(server.asked) == 8


def test_an_answer_that_was_withheld_is_an_empty_one(server: Any, fault: Any) -> None:
    server.say = lambda body: fault(200, '{"choices": [{"finish_reason": "content_filter"}], "usage": "many"}')
    policy = _policy(server)
    assert policy.generate(_prompts("q")) == [[""]]
    assert policy.usage.uncounted == 1


def test_a_reply_that_drips_is_given_up_as_well(server: Any, fault: Any) -> None:
    server.faults = [fault(200, "{" + " " * 200, drip=0.02)]
    started = time.monotonic()
    assert _policy(server, timeout=0.2).generate(_prompts("q")) == [["q 0"]]
    assert time.monotonic() - started < 3


def test_a_reply_without_end_is_not_kept(server: Any, fault: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sqlrl.policies.connection.LARGEST_REPLY", 10_000)
    server.say = lambda body: fault(200, " " * 20_000)
    with pytest.raises(UnavailableError, match="larger than"):
        _policy(server).generate(_prompts("q"))


def _streamed(body: dict[str, Any]) -> str:
    pieces = [
        {"choices": [{"index": index, "delta": {"content": word}}]} for word in ("SELECT ", "1") for index in (1, 0)
    ]
    pieces.append({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}})
    return ": hello\n\n" + "".join(f"data: {json.dumps(piece)}\n\n" for piece in pieces[: 4 if body.get("n") else None])


def test_a_server_that_only_streams_is_read_in_pieces(server: Any, fault: Any) -> None:
    def say(body: dict[str, Any]) -> Any:
        if not body.get("stream"):
            return fault(400, '{"error": {"message": "this model must be used with stream=true"}}')
        return fault(200, _streamed(body) + "data: [DONE]\n\n", {"Content-Type": "text/event-stream"})

    server.say = say
    policy = _policy(server, parallel=1)
    assert policy.generate(_prompts("q"), n=2) == [["SELECT 1", "SELECT 1"]]
    assert policy.generate(_prompts("q", "r")) == [["SELECT 1"], ["SELECT 1"]]
    assert [body.get("stream") for body in server.asked] == [None, True, True, True]


def test_a_stream_that_is_cut_off_is_asked_for_again(server: Any, fault: Any) -> None:
    server.faults = [fault(200, _streamed({})), fault(200, 'data: {"choi')]
    assert _policy(server).generate(_prompts("q")) == [["q 0"]]
    assert len(server.asked) == 3
    server.say = lambda body: fault(200, 'data: {"error": {"message": "out of memory"}}\n\n')
    with pytest.raises(UnavailableError, match="out of memory"):
        _policy(server).generate(_prompts("q"))


def test_a_fault_ends_the_others_at_once(server: Any, fault: Any) -> None:
    """Those that wait for their next try included."""
    server.say = lambda body: fault(401, "no") if body["messages"][0]["content"] == "z" else fault(503, "busy")
    started = time.monotonic()
    with pytest.raises(UnavailableError, match="401"):
        _policy(server, wait=20).generate(_prompts(*"abcdez"))
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (400, '{"error": {"message": "too big", "code": "context_length_exceeded"}}'),
        (400, '{"message": "This model\'s maximum context length is 64 tokens."}'),
        (400, '{"error": {"message": "the request exceeds the available context size"}}'),
        (413, "Prompt is too long"),
    ],
)
def test_a_prompt_too_long_is_that_prompts_fault(server: Any, fault: Any, status: int, text: str) -> None:
    server.say = lambda body: fault(status, text) if body["messages"][0]["content"] == "long" else ["fine"]
    policy = _policy(server)
    assert policy.generate(_prompts("a", "long", "b")) == [["fine"], [""], ["fine"]]
    assert policy.usage.too_long == 1


def test_a_server_gets_what_it_takes(server: Any, fault: Any) -> None:
    """As reasoning models and small servers have it: another name for the limit, no temperature, no seed, no n."""

    def say(body: dict[str, Any]) -> Any:
        if "max_tokens" in body:
            return fault(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        for field in ("temperature", "seed"):
            if field in body:
                return fault(400, json.dumps({"error": {"message": f"'{field}' is not supported with this model"}}))
        return fault(400, "only one choice") if "n" in body else [str(body["max_completion_tokens"])]

    server.say = say
    policy = _policy(server)
    assert policy.generate(_prompts("a", "b"), n=2, max_tokens=9) == [["9", "9"], ["9", "9"]]
    assert sorted(policy.notes) == [
        "the server takes no seed: it was left out", "the server takes no temperature: it was left out",
    ]  # fmt: skip


def test_a_text_in_parts_is_put_together(server: Any, fault: Any) -> None:
    server.faults = [fault(200, json.dumps({"choices": [{"message": {"content": PARTS}}]}))]
    assert _policy(server).generate(_prompts("q")) == [["SELECT 1"]]


def test_nobody_there() -> None:
    """A wrong address is told sooner than a server that has gone."""
    policy = EndpointPolicy("http://127.0.0.1:9/v1", "small", wait=0.001)
    with pytest.raises(UnavailableError, match="does not answer"):
        policy.generate(_prompts("q"))
    assert policy.usage.retries == 2


def test_the_key_is_sent_and_never_shown(
    server: Any, fault: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SQLRL_API_KEY", "secret")
    policy = _policy(server, cache=tmp_path)
    policy.generate(_prompts("q"))
    assert server.keys == ["Bearer secret"]
    server.faults = [fault(401, "Incorrect key: secret")]
    with pytest.raises(UnavailableError) as error:
        policy.generate(_prompts("r"))
    assert "secret" not in str(error.value) + repr(policy) + policy.name
    assert all("secret" not in file.read_text() for file in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("word", "message"), [("http://localhost/v1", "names no model"), ("http://host:port/v1#m", "is no URL")]
)
def test_what_is_no_endpoint(word: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_policy(word)


def test_what_was_answered_is_not_asked_again(server: Any, tmp_path: Path) -> None:
    first = _policy(server, cache=tmp_path).generate(_prompts("a", "b"), n=3, temperature=0.7)
    asked = len(server.asked)
    policy = _policy(server, cache=tmp_path)
    assert policy.generate(_prompts("a", "b", "c"), n=3, temperature=0.7)[:2] == first
    assert len(server.asked) == asked + 1
    assert (policy.usage.cached, policy.usage.asked) == (6, 3)
    assert (policy.usage.cached_prompt_tokens, policy.usage.cached_completion_tokens) == (200, 60)


def test_more_samples_ask_for_the_new_ones_only(server: Any, tmp_path: Path) -> None:
    _policy(server, cache=tmp_path).generate(_prompts("a"), n=2, temperature=0.7)
    found = _policy(server, cache=tmp_path).generate(_prompts("a"), n=5, temperature=0.7)
    assert found == [[f"a {i}" for i in range(5)]]
    assert (server.asked[1]["n"], server.asked[1]["seed"]) == (3, 2)


@pytest.mark.parametrize(
    ("settings", "how"), [({"seed": 1}, {}), ({}, {"temperature": 0.1}), ({}, {"max_tokens": 9})]
)  # fmt: skip
def test_what_may_change_an_answer_asks_anew(
    server: Any, tmp_path: Path, settings: dict[str, Any], how: dict[str, Any]
) -> None:
    _policy(server, cache=tmp_path).generate(_prompts("a"))
    _policy(server, cache=tmp_path, **settings).generate(_prompts("a"), **how)
    _opened.append(EndpointPolicy(server.url, "other", cache=tmp_path))
    _opened[-1].generate(_prompts("a"))
    assert len(server.asked) == 3


def test_a_server_that_dies_leaves_what_it_said(server: Any, fault: Any, tmp_path: Path) -> None:
    server.say = lambda body: ["x"] if len(server.asked) < 6 else fault(0)
    with pytest.raises(UnavailableError):
        _policy(server, cache=tmp_path, parallel=1).generate(_prompts(*"abcdefgh"))
    server.say = lambda body: ["x"]
    policy = _policy(server, cache=tmp_path)
    assert policy.generate(_prompts(*"abcdefgh")) == [["x"]] * 8
    assert (policy.usage.cached, policy.usage.asked) == (5, 3)


def test_tokens_without_counts_are_told_apart(server: Any) -> None:
    server.counts, server.finish = False, "length"
    policy = _policy(server)
    policy.generate(_prompts("a", "b"))
    assert (policy.usage.uncounted, policy.usage.cut) == (2, 2)
