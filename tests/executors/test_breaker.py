"""Breakers: when a service is left alone, for how long, and who finds out whether it is back."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sqlrl.executors import Gold, Outcome, open_executor
from sqlrl.executors.breaker import FAILURES, Breaker
from sqlrl.executors.errors import UnavailableError
from sqlrl.executors.relations import Relation
from sqlrl.executors.search import SearchMember
from tests.engines import Subject, subject
from tests.loopback import Answer

GONE = Answer("gone", 503)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(tmp_path: Path, clock: Clock) -> Callable[..., Breaker]:
    return lambda service="host": Breaker(service, 1.0, tmp_path / "outages.sqlite", clock=clock)


def _failing(breaker: Breaker, clock: Clock, times: int = FAILURES, over: float = 12.0, requests: int = 2) -> None:
    for number in range(times):
        breaker.failed(f"request {number % requests}", "HTTP 503", clock.now)
        clock.now += over / (times - 1) if number < times - 1 else 0.0


def _left(breaker: Breaker) -> float:
    """Seconds up to which nobody is to ask."""
    with pytest.raises(UnavailableError, match="not asked: it failed") as raised:
        breaker.enter(1)
    return float(str(raised.value).partition("again in ")[2].partition(" s")[0])


def test_after_failures_in_a_row_nobody_asks(make: Callable[..., Breaker], clock: Clock) -> None:
    breaker, other = make(), make()  # of another process
    _failing(breaker, clock, FAILURES - 1)
    assert not breaker.enter(1)
    breaker.failed("request 9", "HTTP 502", clock.now)
    for each in (breaker, other):
        with pytest.raises(UnavailableError, match=r"failed 6 times in a row, again in 30 s; last: HTTP 502"):
            each.enter(1)
        with pytest.raises(UnavailableError, match="not asked"):
            each.check()
    assert not make("another host").enter(1)


def test_an_answer_begins_the_count_anew(make: Callable[..., Breaker], clock: Clock) -> None:
    breaker = make()
    for _ in range(5):
        _failing(breaker, clock, FAILURES - 1)
        breaker.answered()
    assert not breaker.enter(1)


def test_what_is_over_soon_is_ridden_out(make: Callable[..., Breaker], clock: Clock) -> None:
    breaker = make()
    _failing(breaker, clock, 50, over=9)
    assert not breaker.enter(1)


def test_one_query_that_a_service_chokes_on_is_no_outage(make: Callable[..., Breaker], clock: Clock) -> None:
    breaker = make()
    _failing(breaker, clock, 50, over=60, requests=1)
    assert not breaker.enter(1)
    breaker.failed("another", "HTTP 503", clock.now)
    assert _left(breaker) == 30


def test_one_caller_tries_and_a_failure_doubles_the_wait(make: Callable[..., Breaker], clock: Clock) -> None:
    breaker, other = make(), make()
    _failing(breaker, clock)
    for wait in (30, 60, 120, 240, 480, 900, 900):
        assert _left(other) == wait
        clock.now += wait + 0.1
        assert other.enter(5)
        assert _left(breaker) == 6  # while it tries, the others wait
        breaker.failed("an old one", "HTTP 503", clock.now)  # it began before all this
        other.failed("request", "HTTP 503", clock.now, tried=True)
    clock.now += 901
    assert breaker.enter(5)
    breaker.answered()
    assert not other.enter(1)
    other.check()
    _failing(breaker, clock)
    assert _left(breaker) == 30


def test_who_does_not_get_to_try_lets_the_next_one(make: Callable[..., Breaker], clock: Clock) -> None:
    breaker = make()
    _failing(breaker, clock)
    clock.now += 31
    assert breaker.enter(100)
    breaker.gave_up()
    assert make().enter(100)
    clock.now += 102  # it ended without a word
    assert breaker.enter(100)


def test_a_clock_that_is_set_back_does_not_silence_a_service(make: Callable[..., Breaker], clock: Clock) -> None:
    breaker = make()
    _failing(breaker, clock)
    clock.now -= 86_400
    assert breaker.enter(1)


def test_without_a_file_a_process_counts_for_itself(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").write_text("in the way")
    breaker = Breaker("host", 1.0, tmp_path / "file" / "outages.sqlite", clock=clock)
    _failing(breaker, clock)
    assert _left(breaker) == 30
    clock.now += 31
    assert breaker.enter(1)
    breaker.answered()
    breaker.check()


@pytest.fixture(params=["opensearch", "pubmed", "trials"])
def service(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Subject]:
    pytest.importorskip("opensearchpy" if request.param == "opensearch" else "httpx")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    for name in ("NCBI_API_KEY", "OPENSEARCH_USER"):
        monkeypatch.delenv(name, raising=False)
    with subject(request.param, tmp_path) as made:
        yield made


def opened(service: Subject, backoff_seconds: float) -> Any:
    source = service.source.replace("backoff_seconds=0.001", f"backoff_seconds={backoff_seconds:g}")
    engine = open_executor(source)
    assert isinstance(engine, SearchMember)
    return engine


def test_500_queries_during_an_outage_take_seconds(service: Subject) -> None:
    assert service.server is not None
    with opened(service, 0.02) as engine:
        assert engine.execute("aspirin").outcome is Outcome.OK
        before = len(service.server.asked)
        usual, service.server.answer = service.server.answer, lambda asked: GONE
        started = time.monotonic()
        results = engine.execute_many([f"word{number}" for number in range(500)])
        assert time.monotonic() - started < 5
        assert {result.outcome for result in results} == {Outcome.UNAVAILABLE}
        assert len(service.server.asked) - before < 100
        message = results[-1].message
        assert "is not asked: it failed" in message
        assert "again in" in message
        assert "503" in message
        gold = Gold(relevant={service.name(1): 1})
        pairs = [(f"other{number}", gold) for number in range(100)]
        compared = engine.compare_many(pairs, Relation(measure="recall", depth=0))
        assert {comparison.outcome for comparison in compared} == {Outcome.UNAVAILABLE}
        service.server.answer = usual
        for _ in range(100):  # it comes back by itself
            if engine.execute("aspirin later").outcome is Outcome.OK:
                break
            time.sleep(0.05)
        assert {each.outcome for each in engine.execute_many(["heart", "stroke", "asthma"])} == {Outcome.OK}


def test_who_waits_for_a_silent_service_is_told_at_once(service: Subject) -> None:
    assert service.server is not None
    with opened(service, 0.05) as engine:
        assert engine.execute("aspirin").outcome is Outcome.OK
        silent = Answer("", before=60)
        service.server.answer = lambda asked: silent if b"slow" in asked.body or "slow" in str(asked.values) else GONE
        ended: list[tuple[str, float]] = []

        def ask() -> None:
            result = engine.execute("slow")
            ended.append((result.message, time.monotonic()))

        waiting = threading.Thread(target=ask)
        waiting.start()
        time.sleep(0.1)
        engine.execute_many([f"word{number}" for number in range(40)])
        told = time.monotonic()
        waiting.join(20)
        assert len(ended) == 1
        assert "is not asked" in ended[0][0]
        assert ended[0][1] - told < 3


def test_other_processes_know(service: Subject) -> None:
    assert service.server is not None
    service.server.answer = lambda asked: GONE
    with opened(service, 1e-3) as engine:
        engine.execute_many([f"word{number}" for number in range(40)])
        time.sleep(0.05)
    source = service.source.replace("backoff_seconds=0.001", "backoff_seconds=1")
    with open_executor(source) as patient:  # whose cool-down is half a minute
        time.sleep(0.05)
        patient.execute("one try")
    before = len(service.server.asked)
    code = (
        "import sys; from sqlrl.executors import open_executor\n"
        "with open_executor(sys.argv[1]) as engine: print(engine.execute('anything').message)"
    )
    said = subprocess.run([sys.executable, "-c", code, source], capture_output=True, text=True, check=True)
    assert "is not asked: it failed" in said.stdout
    assert len(service.server.asked) == before


def test_a_query_that_is_invalid_is_an_answer(service: Subject) -> None:
    broken = "(" if service.kind != "pubmed" else "()"
    with opened(service, 0.001) as engine:
        for number in range(10):
            assert engine.execute(broken + " " * number).outcome is Outcome.INVALID
        assert engine.execute("aspirin").outcome is Outcome.OK
