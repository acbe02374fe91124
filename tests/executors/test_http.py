"""Polite HTTP: turns shared by processes, attempts that help, deadlines that hold, replies that are kept."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrl.executors.errors import MissingExtraError, SourceError, UnavailableError, UsageError
from sqlrl.executors.http import ATTEMPTS, GarbledError, PoliteClient, Reply, Request, form
from sqlrl.executors.pace import Pace
from sqlrl.executors.replies import Replies
from tests.loopback import Answer, Asked, Loopback, serving

ROOT = Path(__file__).parent.parent.parent
GET = Request("GET", "x")


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serving(lambda asked: Answer(b"fine")) as server:
        yield server


@pytest.fixture
def client(server: Loopback, tmp_path: Path) -> Iterator[PoliteClient]:
    pace = Pace("test", 1000, tmp_path / "pace.sqlite")
    client = PoliteClient("Test", server.url, pace, backoff_seconds=0.001, largest_reply=1000, secrets=["s3cret", ""])
    yield client
    client.close()


def read(reply: Reply) -> bytes:
    if reply.body == b"garbled":
        raise GarbledError("garbled")
    return reply.body


def ask(client: PoliteClient, seconds: float = 10) -> bytes:
    return client.ask(GET, read, time.monotonic() + seconds)


def test_a_reply_is_read(client: PoliteClient, server: Loopback) -> None:
    assert ask(client) == b"fine"
    assert server.asked[0].path == "/x"
    assert server.asked[0].headers["user-agent"] == "sqlrl"


@pytest.mark.parametrize(
    "bad",
    [
        Answer(b"busy", 500),
        Answer(b"busy", 503, {"Retry-After": "0"}),
        Answer(b"slow down", 429),
        Answer(b"slow down", 429, {"Retry-After": "0.01"}),
        Answer(b"when?", 503, {"Retry-After": "tomorrow"}),
        Answer(b"half", missing=100),
        Answer(b"no gzip", headers={"Content-Encoding": "gzip"}),
        Answer(b"garbled"),
    ],
    ids=str,
)
def test_what_passes_is_asked_again(client: PoliteClient, server: Loopback, bad: Answer) -> None:
    server.say_first([bad, bad])
    assert ask(client) == b"fine"
    assert len(server.asked) == 3


@pytest.mark.parametrize("bad", [Answer(b"busy s3cret", 500), Answer(b"garbled"), Answer(b"h", missing=9)], ids=str)
def test_what_does_not_pass_is_an_outage_after_some_attempts(
    client: PoliteClient, server: Loopback, bad: Answer
) -> None:
    server.answer = lambda asked: bad
    with pytest.raises(UnavailableError, match="Test does not answer: ") as raised:
        ask(client)
    assert len(server.asked) == ATTEMPTS
    assert "s3cret" not in str(raised.value)


def test_retry_after_is_waited_for_by_all(client: PoliteClient, server: Loopback, tmp_path: Path) -> None:
    server.say_first([Answer(b"", 429, {"Retry-After": "0.3"})])
    assert ask(client) == b"fine"
    assert server.asked[1].at - server.asked[0].at >= 0.3
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    server.say_first([Answer(b"", 503, {"Retry-After": moment})])
    with pytest.raises(UnavailableError, match="HTTP 503"):  # at once: it is further away than the deadline
        ask(client, 5)
    assert len(server.asked) == 3
    with pytest.raises(UnavailableError, match="the next turn is"):  # and other processes' clients wait as well
        Pace("test", 1000, tmp_path / "pace.sqlite").take(5)


@pytest.mark.parametrize("answer", [Answer(b"x" * 500, drip=0.05), Answer(b"x", before=30)], ids=["drip", "silence"])
def test_the_deadline_holds(client: PoliteClient, server: Loopback, answer: Answer) -> None:
    server.answer = lambda asked: answer
    started = time.monotonic()
    with pytest.raises(UnavailableError, match=r"no whole answer within 0\.3 s"):
        ask(client, 0.3)
    assert time.monotonic() - started < 5


def test_the_deadline_holds_where_headers_drip(client: PoliteClient, tmp_path: Path) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        done = threading.Event()

        def drip() -> None:
            connection, _ = listening.accept()
            with connection:
                for letter in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100:
                    try:
                        connection.send(bytes([letter]))
                    except OSError:
                        break
                    if done.wait(0.05):
                        break

        thread = threading.Thread(target=drip)
        thread.start()
        slow = PoliteClient("Slow", f"http://127.0.0.1:{listening.getsockname()[1]}", client.pace)
        with pytest.raises(UnavailableError, match="no whole answer within"):
            ask(slow, 0.3)
        slow.close()
        done.set()
        thread.join()


def test_a_reply_that_never_ends_is_left(client: PoliteClient, server: Loopback) -> None:
    server.answer = lambda asked: Answer(b"x" * 5000)
    with pytest.raises(UnavailableError, match="more than 1,000 bytes"):
        ask(client)
    assert len(server.asked) == 1


def test_a_redirect_is_not_followed(client: PoliteClient, server: Loopback) -> None:
    server.answer = lambda asked: Answer(b"", 302, {"Location": f"{server.url}/x"})
    with pytest.raises(UnavailableError, match=r"redirects to 127\.0\.0\.1"):
        ask(client)
    assert len(server.asked) == 1


def test_a_service_that_is_not_there(client: PoliteClient) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    gone = PoliteClient("Gone", f"http://127.0.0.1:{port}", client.pace, backoff_seconds=0.001)
    with pytest.raises(UnavailableError, match="Gone does not answer: "):
        ask(gone)
    gone.close()


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'sqlrl\[live\]'"):
        PoliteClient("Test", "http://host", Pace("test", 1, tmp_path / "pace.sqlite"))


def test_closed_and_asked_again(client: PoliteClient) -> None:
    assert ask(client) == b"fine"
    client.close()
    client.close()
    assert ask(client) == b"fine"


def test_many_threads_ask_side_by_side(client: PoliteClient, server: Loopback) -> None:
    together = threading.Barrier(8)

    def answer(asked: Asked) -> Answer:
        together.wait(timeout=20)  # nobody is answered before all have asked
        return Answer(b"fine")

    server.answer = answer
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda _: ask(client, 30), range(8))) == [b"fine"] * 8


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ("ftp://x", "http://host"),
        ("http://", "http://host"),
        ("https://me:hidden@host", "user or password"),
        ("http://host:port", "no URL"),
        ("http://host?x=1", "http://host"),
    ],
)
def test_what_is_no_base_says_so(base: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words) as raised:
        PoliteClient("Test", base, Pace("test", 1, tmp_path / "pace.sqlite"))
    assert "hidden" not in str(raised.value)


@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))))
def test_a_value_stays_one_value(pairs: list[tuple[str, str]]) -> None:
    read_back = parse_qsl(form(pairs), keep_blank_values=True, max_num_fields=1000)
    assert read_back == pairs
    assert not set(form(pairs)) & set('+# "<>')


TAKE = """
import sys
from pathlib import Path
from sqlrl.executors.pace import Pace
pace = Pace("shared", 1.05, Path(sys.argv[1]), clock=lambda: 0.0)
print(*(round(pace.take(800)) for _ in range(100)))
"""


def test_processes_share_a_pace(tmp_path: Path) -> None:
    """Where time stands still, the turns are 0, 1, 2 ...: each is had once, and none is left out."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", TAKE, str(tmp_path / "p.sqlite")], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    turns = [[int(turn) for turn in process.communicate()[0].split()] for process in running]
    assert sorted(turns[0] + turns[1]) == list(range(200))
    assert all(each == sorted(each) for each in turns)


def test_turns_by_the_clock(tmp_path: Path) -> None:
    now = [1000.0]
    pace = Pace("s", 2, tmp_path / "p.sqlite", clock=lambda: now[0])
    assert pace.take(9) == 0
    assert pace.take(9) == pytest.approx(0.525)
    with pytest.raises(UnavailableError, match=r"the next turn is 1\.05 s away"):
        pace.take(1)
    assert pace.take(2) == pytest.approx(1.05)  # what was refused was not taken
    assert Pace("other", 2, tmp_path / "p.sqlite", clock=lambda: now[0]).take(0) == 0
    pace.pause(100)
    assert pace.take(200) == pytest.approx(100)
    now[0] -= 5000  # the clock is set back
    assert pace.take(1) == 0


def test_a_pace_that_cannot_be_shared(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="pace of requests cannot be kept"):
        Pace("s", 1, tmp_path / "file" / "p.sqlite")
    (tmp_path / "p.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(SourceError, match="pace of requests cannot be kept"):
        Pace("s", 1, tmp_path / "p.sqlite")


def test_replies_are_kept_by_their_question(tmp_path: Path) -> None:
    kept = Replies(tmp_path / "r")
    assert kept.get({"query": "a"}) is None
    kept.put({"query": "a", "depth": 3}, {"ids": ["1"], "é": "\ud800"})
    kept.put({"query": "b", "depth": 3}, [])
    kept.close()
    again = Replies(tmp_path / "r", writable=False)
    assert again.get({"depth": 3, "query": "a"}) == {"ids": ["1"], "é": "\ud800"}
    assert again.get({"query": "b", "depth": 3}) == []
    assert again.get({"query": "a", "depth": 4}) is None
    with pytest.raises(SourceError):
        again.put({"query": "c"}, 1)
    again.close()
    assert Replies(tmp_path / "none", writable=False).get({"query": "a"}) is None
    assert not (tmp_path / "none").exists()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # that is what is tested
def test_replies_outlive_a_fork(tmp_path: Path) -> None:
    kept = Replies(tmp_path)
    kept.put({"n": 0}, 0)
    child = os.fork()
    if not child:
        try:
            kept.put({"n": 1}, kept.get({"n": 0}) + 1)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert kept.get({"n": 1}) == 1
    kept.close()


def test_a_file_that_holds_no_replies(tmp_path: Path) -> None:
    (tmp_path / "replies.sqlite").write_bytes(b"something else" * 100)
    with pytest.raises(SourceError, match="replies cannot be kept"):
        Replies(tmp_path)
