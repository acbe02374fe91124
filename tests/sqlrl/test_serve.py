"""`sqlrl serve`, as a process: where it says that it serves, how it stops, and what it does not start with."""

from __future__ import annotations

import json
import os
import platform
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sqlrl.cli import main
from sqlrl.incumbent import TRAINED, Incumbent, Seat

ROOT = Path(__file__).parent.parent.parent
ENDLESS = "with recursive t(x) as (select 1 union all select x + 1 from t) select count(*) from t"
# About a second of work, which ends.
LONG = "with recursive t(x) as (select 1 union all select x + 1 from t limit 4000000) select max(x) from t"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("create table product(name text, price real)")
        connection.execute("insert into product values ('pen', 1.5)")
    connection.close()
    return path


@pytest.fixture
def start(shop: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], str]]]:
    """Starts `sqlrl serve` at a free port; gives the process and the URL that it prints."""
    running: list[subprocess.Popen[str]] = []

    def started(*more: str, **environment: str) -> tuple[subprocess.Popen[str], str]:
        words = [sys.executable, "-m", "sqlrl", "serve", str(shop), "--port", "0", "--workers", "1", *more]
        process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
            env={**os.environ, "SQLRL_TOKEN": "", "SQLRL_POLICY": "", **environment},
        )  # fmt: skip
        running.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("serving "), process.communicate(timeout=10)
        assert line.endswith("/\n")
        return process, line.split()[-1]

    yield started
    for process in running:
        process.kill()
        process.communicate()


def _run(url: str, query: str, **settings: Any) -> httpx.Response:
    return httpx.post(f"{url}api/run", json={"query": query}, timeout=30, trust_env=False, **settings)


def test_it_serves_and_stops(start: Callable[..., Any]) -> None:
    process, url = start()
    assert url.startswith("http://127.0.0.1:")
    assert _run(url, "select name from product").json()["rows"] == [["pen"]]
    assert httpx.get(url, trust_env=False).headers["content-type"].startswith("text/html")
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")


def test_the_policy_that_is_kept_answers(
    start: Callable[..., Any], shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    script = tmp_path / "kept.jsonl"
    said = '<answer>{"sql": "select name from product"}</answer>'
    script.write_text(json.dumps({"question": "what is there?", "completion": said}) + "\n")
    Seat.of(str(shop)).give(Incumbent(f"script:{script}", TRAINED, time.time()))
    process, url = start()
    asked = httpx.post(f"{url}api/ask", json={"question": "what is there?"}, timeout=30, trust_env=False).json()
    assert asked["rows"] == [["pen"]]
    process.send_signal(signal.SIGTERM)
    assert f"policy script:{script} (trained, " in process.communicate(timeout=10)[1]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_what_is_in_flight_gets_its_answer(start: Callable[..., Any], how: signal.Signals) -> None:
    process, url = start()
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(_run(url, LONG)))
    thread.start()
    _until_in_flight(url)
    process.send_signal(how)
    thread.join(30)
    _, err = process.communicate(timeout=20)
    assert found[0].json()["rows"] == [[4_000_000]]
    assert (process.returncode, err) == (0, "")


def test_what_does_not_end_in_time_is_told(start: Callable[..., Any], tmp_path: Path) -> None:
    script = tmp_path / "script.jsonl"
    script.write_text(json.dumps({"question": "endless", "completion": f"```sql\n{ENDLESS}\n```"}))
    process, url = start("--grace", "1", "--policy", f"script:{script}")
    found: list[Any] = []
    steps: list[Any] = []

    def ask() -> None:
        body = {"question": "the endless one"}
        steps.extend(httpx.post(f"{url}api/ask/stream", json=body, timeout=30, trust_env=False).iter_lines())

    streaming = threading.Thread(target=ask)
    streaming.start()
    _until_in_flight(url)
    thread = threading.Thread(target=lambda: found.append(_run(url, ENDLESS)))
    thread.start()
    _until_in_flight(url, 2)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    thread.join(30)
    _, err = process.communicate(timeout=20)
    assert time.monotonic() - began < 6
    assert (found[0].status_code, found[0].json()["error"]["code"]) == (503, "stopping")
    streaming.join(10)
    assert json.loads(steps[-1])["error"]["code"] == "stopping"
    assert (process.returncode, err) == (0, "")


def test_the_second_signal_ends_it_at_once(start: Callable[..., Any]) -> None:
    process, url = start("--grace", "60")
    body = json.dumps({"query": ENDLESS}).encode()
    head = f"POST /api/run HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    with socket.create_connection(("127.0.0.1", int(url.rstrip("/").rpartition(":")[2]))) as raw:
        raw.sendall(head.encode() + b"\r\n\r\n" + body)
        _until_in_flight(url)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert process.poll() is None
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=10)
    assert time.monotonic() - began < 5
    assert (process.returncode, err) == (0, "")


def _until_in_flight(url: str, count: int = 1) -> None:
    for _ in range(500):
        if f"sqlrl_calls_in_flight {count}" in httpx.get(f"{url}metrics", trust_env=False).text:
            return
        time.sleep(0.02)
    raise AssertionError("no call came in")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what is set is glibc's")
def test_what_large_answers_took_is_given_back(start: Callable[..., Any]) -> None:
    wide = "with recursive t(x) as (select 1 union all select x + 1 from t limit 900) select hex(zeroblob(4000)) from t"
    _, url = start()
    before = _memory(url)
    for _ in range(10):
        assert len(_run(url, wide).json()["rows"]) == 900
    assert _memory(url) < before + 25e6


def _memory(url: str) -> float:
    text = httpx.get(f"{url}metrics", trust_env=False).text
    return float(text.partition("\nprocess_resident_memory_bytes ")[2].split()[0])


def test_tokens_of_a_file_and_of_the_environment(start: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("ann aaaa\n")
    for given, token in (({"SQLRL_TOKEN": "bbbb"}, "bbbb"), ({}, "aaaa")):
        _, url = start(*([] if given else ["--token-file", str(tmp_path / "tokens")]), **given)
        assert _run(url, "select 1").status_code == 401
        assert _run(url, "select 1", headers={"Authorization": f"Bearer {token}"}).json()["rows"] == [[1]]


def test_other_machines_are_served_where_that_is_said(start: Callable[..., Any]) -> None:
    _, url = start("--host", "0.0.0.0", "--no-token")
    port = url.rstrip("/").rpartition(":")[2]
    answer = _run(f"http://127.0.0.1:{port}/", "select 1", headers={"Host": "shop.example"})
    assert answer.json()["rows"] == [[1]]


def test_a_name_that_is_allowed(start: Callable[..., Any]) -> None:
    _, url = start("--allow-host", "Shop.example")
    assert _run(url, "select 1", headers={"Host": "shop.example"}).status_code == 200
    assert _run(url, "select 1", headers={"Host": "evil.example"}).status_code == 400


def test_a_proxy_s_word_counts_where_it_is_trusted(start: Callable[..., Any], tmp_path: Path) -> None:
    audit = tmp_path / "audit.jsonl"
    for more in ([], ["--proxy", "127.0.0.1"]):
        _, url = start("--audit", str(audit), *more)
        assert _run(url, "select 1", headers={"X-Forwarded-For": "10.1.2.3"}).status_code == 200
    assert [json.loads(line)["who"] for line in audit.read_text().splitlines()] == ["127.0.0.1", "10.1.2.3"]


def test_the_newer_address_of_this_machine(start: Callable[..., Any]) -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")
    _, url = start("--host", "::1")
    assert url.startswith("http://[::1]:")
    assert _run(url, "select 1").json()["rows"] == [[1]]


def test_what_it_does_not_start_with(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").write_text("")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for words, said in (
            (["--port", port], "in use"),
            (["--host", "0.0.0.0"], "--no-token"),
            (["--host", "nowhere.invalid"], "no address of this machine"),
            (["--host", "192.0.2.1"], "cannot serve at"),
            (["--token-file", str(tmp_path / "none")], "cannot be read"),
            (["--token-file", str(tmp_path / "empty")], "no token"),
            (["--timeout", "0"], "--timeout"),
            (["--timeout", "nan"], "--timeout"),
            (["--tables", ","], "--tables"),
            (["--tables", "nowhere"], "nowhere"),
            (["--proxy", "all"], "--proxy"),
            (["--answered", str(tmp_path / "none" / "answered.jsonl")], "--answered"),
            (["--answered", str(tmp_path)], "--answered"),
            (["--audit", str(tmp_path)], "audit"),
            (["--policy", "ftp://x"], "no policy"),
            (["--port", "70000"], "--port"),
        ):
            with pytest.raises(SystemExit) as left:
                main(["serve", str(shop), "--port", "0", *words])
            out, err = capsys.readouterr()
            assert (left.value.code, out) == (2, ""), words
            assert said in err
            assert err.count("\n") == 1, err
    with pytest.raises(SystemExit) as left:
        main(["serve", str(tmp_path / "none.sqlite"), "--port", "0"])
    assert left.value.code == 2


def test_a_missing_package_names_its_extra(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(SystemExit) as left:
        main(["serve", str(shop)])
    assert left.value.code == 2
    assert "pip install 'sqlrl[serve]'" in capsys.readouterr().err
