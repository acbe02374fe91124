"""Who is blamed and who waits: stops of the whole job, slow neighbours, parents that reap, callers that leave."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sqlrl.executors import Gold, Limits, Outcome, open_executor, open_executors
from sqlrl.executors.errors import QueryError, SandboxError
from sqlrl.executors.groups import Member
from sqlrl.executors.relations import Relation
from sqlrl.executors.sandbox.crew import Crew

ENDLESS = "with recursive t(x) as (select 1 union all select x + 1 from t) select max(x) from t"
COUNTING = "with recursive t(x) as (select 1 union all select x + 1 from t where x < {0}) select max(x) from t"
# One function of C, in which SQLite looks at no deadline: only the kernel's stop ends it.
DEAF = "select instr(hex(zeroblob(4000000)), hex(zeroblob(2000000)) || '1')"


@pytest.fixture
def pair(concerts: Path) -> Iterator[Member]:
    """An executor of two workers, both of which have started."""
    with open_executor(str(concerts), limits=Limits(seconds=20), workers=2) as executor:
        executor.execute_many([COUNTING.format(50_000 + i) for i in range(20)])
        assert _wait_until(lambda: len(_crew(executor).workers) == 2 and all(w.ready for w in _crew(executor).workers))
        yield executor


def _crew(executor: Member) -> Crew:
    crew = executor._group._pool._crew  # type: ignore[attr-defined]
    assert isinstance(crew, Crew)
    return crew


def _wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


def _in_a_process(code: str, *, seconds: float = 60) -> str:
    """What a script prints that runs in a process of its own."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# -- stops


@pytest.mark.parametrize("how", ["execute", "stream"])
def test_a_stop_of_the_whole_job_is_no_querys_fault(concerts: Path, how: str) -> None:
    """It lasts longer than any query may, and then all goes on."""
    ask = {
        "execute": "found = [r.rows[0][0] for r in executor.execute_many([slow.format(40000 + i) for i in range(60)])]",
        "stream": "found = [x for x, in executor.stream(numbers) if x % 500 or time.sleep(0.005) is None]",
    }
    code = (
        "import time\n"
        "from sqlrl.executors import open_executor, Limits\n"
        f"slow = {COUNTING!r}\n"
        "numbers = slow.format(50000).replace('max(x)', 'x')\n"
        f"with open_executor({str(concerts)!r}, limits=Limits(seconds=0.3), workers=2) as executor:\n"
        "    executor.execute('select 1')\n"
        "    print('ready', flush=True)\n"
        f"    {ask[how]}\n"
        "    print(len(found), sum(found))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.1)
        os.killpg(process.pid, signal.SIGSTOP)
        time.sleep(0.3 * 3.5 + 0.9)
        os.killpg(process.pid, signal.SIGCONT)
        rest = process.stdout.read()
    expected = {"execute": range(40_000, 40_060), "stream": range(1, 50_001)}[how]
    assert rest.split() == [str(len(expected)), str(sum(expected))]


def test_a_query_whose_worker_was_stopped_runs_once_more(concerts: Path) -> None:
    with open_executor(str(concerts), limits=Limits(seconds=0.3), workers=1) as executor:
        executor.execute("select 1")
        (worker,) = _crew(executor).workers
        os.kill(worker.launched.process.pid, signal.SIGSTOP)
        result = executor.execute("select count(*) from singer")
        assert (result.outcome, result.rows) == (Outcome.OK, ((30,),))


def test_a_worker_heeds_the_kernels_stop_whatever_its_parent_ignores(concerts: Path) -> None:
    code = (
        "import re, signal\n"
        "from sqlrl.executors import open_executor\n"
        "signal.signal(signal.SIGPROF, signal.SIG_IGN)\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPROF, signal.SIGTERM])\n"
        f"with open_executor({str(concerts)!r}, workers=1) as executor:\n"
        "    executor.execute('select 1')\n"
        "    (worker,) = executor._group._pool._crew.workers\n"
        "    status = open(f'/proc/{worker.launched.process.pid}/status').read()\n"
        "    masks = [int(re.search(rf'{name}:\\s*(\\w+)', status)[1], 16) for name in ('SigBlk', 'SigIgn')]\n"
        "    print([mask >> (signal.SIGPROF - 1) & 1 for mask in masks], masks[0])\n"
    )
    if not Path("/proc/self/status").exists():
        pytest.skip("no /proc here")
    assert _in_a_process(code) == "[0, 0] 0"


@pytest.mark.parametrize("reaping", ["signal.SIG_IGN", "reap"])
def test_deaths_are_named_right_where_their_status_is_lost(concerts: Path, tmp_path: Path, reaping: str) -> None:
    """SIGCHLD is ignored, or another part of the program reaps every child."""
    path = tmp_path / "t.sqlite"
    path.write_bytes(concerts.read_bytes())
    code = (
        "import os, signal, threading, time\n"
        "from sqlrl.executors import open_executor, Limits\n"
        "def reap(*_):\n"
        "    try:\n"
        "        while os.waitpid(-1, os.WNOHANG)[0]: pass\n"
        "    except ChildProcessError: pass\n"
        f"signal.signal(signal.SIGCHLD, {reaping})\n"
        f"path = {str(path)!r}\n"
        "with open_executor(path, limits=Limits(seconds=0.3), workers=1) as executor:\n"
        "    ask = lambda query: executor.execute(query).outcome.value\n"
        f"    found = [ask('select 1'), ask({DEAF!r}), ask('select 1')]\n"
        "    os.replace(path, path + '-old'); os.link(path + '-old', path + '-x')\n"
        "    open(path, 'wb').write(open(path + '-x', 'rb').read())\n"
        "    found.append(ask('select count(*) from singer'))\n"
        "with open_executor(path, limits=Limits(seconds=20), workers=1) as executor:\n"
        "    executor.execute('select 1')\n"
        "    crew, over = executor._group._pool._crew, threading.Event()\n"
        "    def kill():\n"
        "        while not over.wait(0.02):\n"
        "            for worker in list(crew.workers):\n"
        "                if worker.tasks:\n"
        "                    try: os.kill(worker.launched.process.pid, signal.SIGKILL)\n"
        "                    except ProcessLookupError: pass\n"
        "    killer = threading.Thread(target=kill)\n"
        "    killer.start()\n"
        f"    found.append(executor.execute({ENDLESS!r}).outcome.value)\n"
        "    over.set(); killer.join()\n"
        "    found.append(executor.execute('select 1').outcome.value)\n"
        "print(found)\n"
    )
    assert _in_a_process(code) == "['ok', 'timed_out', 'ok', 'ok', 'crashed', 'ok']"


# -- slow neighbours


def test_what_stands_behind_a_slow_query_goes_elsewhere(pair: Member) -> None:
    """All of it is answered while the slow one still runs."""
    crew = _crew(pair)
    for _ in range(2):  # both workers answer quickly, so that much is sent ahead
        pair.execute_many([f"select {i}" for i in range(500)])

    def ask() -> None:
        with pytest.raises(SandboxError, match="closed"):
            pair.execute_many([ENDLESS, *(f"select {i} + 1" for i in range(62))])

    asking = threading.Thread(target=ask)
    asking.start()
    assert _wait_until(lambda: any(worker.called_back for worker in crew.workers))
    (slow,) = (worker for worker in crew.workers if worker.called_back)
    assert _wait_until(lambda: all(task.settled for task in list(slow.tasks)[1:]))
    assert not slow.tasks[0].settled
    pair.close()
    asking.join(20)
    assert not asking.is_alive()


def test_called_back_tasks_run_once_and_their_answers_stay_in_order(pair: Member, concerts: Path) -> None:
    crew = _crew(pair)
    seen: set[int] = set()
    for round_ in range(4):
        queries = [COUNTING.format(1_000_000 + round_), *(f"select {i}, {round_}" for i in range(200))]
        results = pair.execute_many(queries)
        assert [result.rows for result in results[1:]] == [((i, round_),) for i in range(200)]
        assert results[0].rows == ((1_000_000 + round_,),)
        seen.update(worker.launched.process.pid for worker in crew.workers)
    assert len(seen) == 2  # nobody was killed for it


# -- callers that leave


def test_a_cancelled_query_gives_its_worker_back(pair: Member) -> None:
    async def ask() -> tuple[float, list[object]]:
        asked = [asyncio.ensure_future(pair.aexecute(ENDLESS)) for _ in range(20)]
        await asyncio.sleep(0.2)
        started = time.monotonic()
        for task in asked:
            task.cancel()
        ends = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ends)
        results = await asyncio.gather(*(pair.aexecute(f"select {i}, count(*) from singer") for i in range(50)))
        return time.monotonic() - started, [result.rows for result in results]

    took, rows = asyncio.run(ask())
    assert rows == [((i, 30),) for i in range(50)]
    assert took < 15  # the queries would have run for twenty seconds each
    assert not pair._group._pool._loans.lent  # type: ignore[attr-defined]


def test_many_more_tasks_of_asyncio_than_threads(pair: Member) -> None:
    async def ask() -> int:
        results = await asyncio.gather(*(pair.aexecute(f"select {i}", limit=5) for i in range(500)))
        assert [result.rows for result in results] == [((i,),) for i in range(500)]
        refused = await pair.aexecute("select '\0'")
        assert refused.outcome is Outcome.REFUSED
        return threading.active_count()

    before = threading.active_count()
    assert asyncio.run(ask()) <= before + 1


def test_asyncio_is_told_that_the_executor_was_closed(concerts: Path) -> None:
    executor = open_executor(str(concerts), limits=Limits(seconds=60), workers=1)

    async def ask() -> list[object]:
        asked = [asyncio.ensure_future(executor.aexecute(ENDLESS)) for _ in range(3)]
        await asyncio.sleep(0.2)
        await asyncio.to_thread(executor.close)
        return await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 10)

    assert [str(end) for end in asyncio.run(ask())] == ["the executor is closed"] * 3


def test_an_interrupted_caller_leaves_a_pool_that_works(concerts: Path) -> None:
    """Ctrl-C amid many queries, amid one, amid waiting for a stream: the next answer is right, and nobody is left."""
    code = (
        "import os, signal, threading, time\n"
        "from sqlrl.executors import open_executor, Limits\n"
        f"slow, endless = {COUNTING!r}, {ENDLESS!r}\n"
        f"executor = open_executor({str(concerts)!r}, limits=Limits(seconds=30), workers=2)\n"
        "calls = [lambda: executor.execute_many([slow.format(200000 + i) for i in range(2000)]),\n"
        "         lambda: executor.execute(endless), lambda: executor.stream(endless), lambda: executor.walls]\n"
        "for number, call in enumerate(calls * 2):\n"
        "    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "    try:\n"
        "        call()\n"
        "        time.sleep(5)\n"
        "    except KeyboardInterrupt:\n"
        "        pass\n"
        "    else:\n"
        "        raise SystemExit('not interrupted')\n"
        "    started = time.monotonic()\n"
        "    assert executor.execute(f'select {number}').rows == ((number,),)\n"
        "    assert time.monotonic() - started < 15\n"
        "deadline = time.monotonic() + 10\n"
        "while executor._group._pool._loans.lent and time.monotonic() < deadline: time.sleep(0.01)\n"
        "assert not executor._group._pool._loans.lent\n"
        "executor.close()\n"
        "def parent_of(process):\n"
        "    try: return open(f'/proc/{process}/stat').read().rpartition(')')[2].split()[1]\n"
        "    except OSError: return ''  # somebody else's process, which has ended meanwhile\n"
        "print([p for p in os.listdir('/proc') if p.isdigit() and parent_of(p) == str(os.getpid())])\n"
    )
    assert _in_a_process(code) == "[]"


def test_closing_tells_everybody_who_waits(concerts: Path) -> None:
    """Whatever they wait for; and it has ended when it returns, for the second who closes as well."""
    for _ in range(3):
        executor = open_executor(str(concerts), limits=Limits(seconds=60), workers=2)
        ends: list[str] = []

        def wait(call: Callable[[], object], ends: list[str] = ends) -> None:
            try:
                call()
                ends.append("answered")
            except (SandboxError, QueryError) as error:
                ends.append(str(error))

        calls: list[Callable[[], object]] = [
            lambda executor=executor: executor.execute(ENDLESS),  # type: ignore[misc]
            lambda executor=executor: executor.execute_many([ENDLESS, "select 1"]),  # type: ignore[misc]
            lambda executor=executor: executor.compare_many([(ENDLESS, Gold(query="select 1"))], Relation("set")),  # type: ignore[misc]
            lambda executor=executor: executor.stream(ENDLESS),  # type: ignore[misc]
            lambda executor=executor: executor.describe(),  # type: ignore[misc]
        ]
        threads = [threading.Thread(target=wait, args=(call,), daemon=True) for call in calls]
        for thread in threads:
            thread.start()
        _wait_until(lambda executor=executor: executor._group._pool._crew is not None)  # type: ignore[misc]
        closers = [threading.Thread(target=executor.close, daemon=True) for _ in range(3)]
        for thread in [*closers, *threads]:
            if thread in closers:
                thread.start()
            thread.join(20)
            assert not thread.is_alive()
            assert executor._group._pool._thread is None  # type: ignore[attr-defined]
        assert len(ends) == len(calls)
        assert all(
            "closed" in end or end in ("answered", "crashed: the worker died while rows were read") for end in ends
        ), ends


# -- copies


@pytest.mark.parametrize("make", [lambda each: pickle.loads(pickle.dumps(each)), copy.deepcopy])
def test_a_copy_has_workers_of_its_own(concerts: Path, make: Callable[[Member], Member]) -> None:
    with open_executor(str(concerts), limits=Limits(seconds=20, rows=7), workers=1, tables=["singer"]) as executor:
        assert executor.execute("select 1").rows == ((1,),)
        twin = make(executor)
        executor.close()
        with twin:
            assert twin.execute("select count(*) from singer").rows == ((30,),)
            assert twin.execute("select count(*) from concert").outcome is Outcome.REFUSED
            assert twin.execute("select * from singer").outcome is Outcome.TOO_LARGE
            assert twin.source == executor.source
        with pytest.raises(SandboxError, match="closed"):
            twin.execute("select 1")


def test_a_group_is_pickled_with_its_sources(concerts: Path) -> None:
    with open_executors([str(concerts)], workers=1) as group, pickle.loads(pickle.dumps(group)) as twin:
        assert twin.sources == group.sources
        assert twin.execute_many([(group.sources[0], "select 7")])[0].rows == ((7,),)


def test_a_stream_is_not_pickled(pair: Member) -> None:
    with pair.stream("select 1") as stream, pytest.raises(TypeError, match="a stream of rows cannot be pickled"):
        pickle.dumps(stream)
