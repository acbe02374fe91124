"""What goes wrong around the queries: workers killed, parents dead or forked, files replaced, streams left behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sqlrl.executors import Gold, Limits, Outcome, Result, open_executor, open_executors
from sqlrl.executors.errors import QueryError, SandboxError, UsageError
from sqlrl.executors.groups import Member
from sqlrl.executors.relations import Relation

TICKS = os.sysconf("SC_CLK_TCK")
ENDLESS = "with recursive t(x) as (select 1 union all select x + 1 from t) select max(x) from t"
ENDLESS_ROWS = {
    "sqlite": "with recursive t(x) as (select 1 union all select x + 1 from t) select x from t",
    "duckdb": "select i from range(1000000000000) t(i)",
}


def _stat(process: int) -> list[str]:
    """The fields after the name: state, parent, ...; empty where there is no such process."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _children(parent: int) -> set[int]:
    """The living children of a process."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        fields = _stat(int(entry.name))
        if fields and int(fields[1]) == parent and fields[0] != "Z":
            found.add(int(entry.name))
    return found


def _gone(process: int) -> bool:
    return _stat(process)[:1] in ([], ["Z"])


def _processor_ticks(process: int) -> int:
    fields = _stat(process)
    return int(fields[11]) + int(fields[12]) if fields else 0


def _wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def _write_sqlite(path: Path, number: int) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("create table t as select ? as n", (number,))
    connection.close()


def _write_duckdb(path: Path, number: int) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"create table t as select {number} as n")


def _write_parquet(path: Path, number: int) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"copy (select {number} as n) to '{path}' (format parquet)")


def _write_csv(path: Path, number: int) -> None:
    path.write_text(f"n\n{number}\n")


WRITERS = {"sqlite": _write_sqlite, "duckdb": _write_duckdb, "parquet": _write_parquet, "csv": _write_csv}


@pytest.fixture(params=["sqlite", "duckdb"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine in turn."""
    return str(request.param)


@pytest.fixture
def shared(engine: str, databases: dict[str, Path]) -> Iterator[Member]:
    """An executor of two workers with time enough on a busy machine."""
    with open_executor(str(databases[engine]), limits=Limits(seconds=10), workers=2) as executor:
        executor.execute("select 1")
        yield executor


# -- workers that die


@pytest.mark.parametrize("queries", [500, pytest.param(5_000, marks=pytest.mark.slow)])
def test_workers_killed_at_random_cost_nobody_an_answer(shared: Member, queries: int) -> None:
    """One is killed in each batch, so that no query can meet two deaths that are not its own."""
    chance = random.Random(7)
    crew = shared._group._pool._crew
    for start in range(0, queries, 50):
        asked = [f"select count(*), {i} from singer where age < {20 + i % 31}" for i in range(start, start + 50)]
        assert _wait_until(lambda: any(worker.ready for worker in [*crew.workers, *crew.spares]))
        victim = chance.choice([worker.launched.process for worker in [*crew.workers, *crew.spares] if worker.ready])
        killer = threading.Timer(chance.random() / 50, victim.kill)
        killer.start()
        results = _within(lambda asked=asked: shared.execute_many(asked), 45)  # type: ignore[misc]
        killer.join()
        assert [result.rows for result in results] == [((i % 31, i),) for i in range(start, start + 50)], results
        assert _wait_until(lambda victim=victim: victim.pid not in _workers_of(shared))  # type: ignore[misc]


def _workers_of(executor: Member) -> set[int]:
    crew = executor._group._pool._crew
    return {worker.launched.process.pid for worker in [*crew.workers, *crew.spares]}


def test_the_last_query_of_all_gets_a_fresh_worker_too(shared: Member) -> None:
    """It must not wait for one while all others are idle and none of them is new."""
    slow = "with recursive t(x) as (select 1 union all select x + 1 from t where x < {0}) select max(x) from t"
    few = 20_000 if shared.dialect == "sqlite" else 600
    for many, steps in ((60, few), (1, 100 * few), (1, 100 * few)):
        asked = [slow.format(steps + i) for i in range(many)]
        killer = threading.Timer(0.15, _kill_one_at_work, (shared,))
        killer.start()
        results = _within(lambda asked=asked: shared.execute_many(asked), 45)  # type: ignore[misc]
        killer.join()
        assert [result.rows for result in results] == [((steps + i,),) for i in range(many)]


def _kill_one_at_work(executor: Member) -> None:
    for worker in executor._group._pool._crew.workers:
        if worker.tasks and worker.jobs:
            os.kill(worker.launched.process.pid, signal.SIGKILL)
            return


def _within(call: Callable[[], list[Result]], seconds: float) -> list[Result]:
    """What a call gives, or a failure where it hangs."""
    given: list[Result] = []
    thread = threading.Thread(target=lambda: given.extend(call()), daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "it hangs"
    return given


def test_a_query_that_ends_its_worker_is_tried_twice_and_its_neighbours_are_right(shared: Member) -> None:
    shared.execute_many([f"select {i}" for i in range(20)])
    others = _children(os.getpid()) - _workers_of(shared)
    patience = max(map(_processor_ticks, _workers_of(shared))) + TICKS  # a start costs less, the endless query more
    killed: set[int] = set()
    over = threading.Event()

    def kill_whoever_works_long() -> None:
        while not over.wait(0.05):
            for worker in _children(os.getpid()) - others - killed:
                if _processor_ticks(worker) > patience:
                    os.kill(worker, signal.SIGKILL)
                    killed.add(worker)

    killer = threading.Thread(target=kill_whoever_works_long)
    killer.start()
    try:
        asked = [f"select {i}" for i in range(10)] + [ENDLESS] + [f"select {i}" for i in range(10, 20)]
        results = shared.execute_many(asked)
    finally:
        over.set()
        killer.join()
    culprit = results.pop(10)
    assert (culprit.outcome, culprit.rows) == (Outcome.CRASHED, ())
    assert culprit.message
    assert [result.rows for result in results] == [((i,),) for i in range(20)]
    assert len(killed) == 2
    assert shared.execute("select count(*) from singer").rows == ((30,),)


@pytest.mark.parametrize("busy", ["select 1", ENDLESS])
def test_no_worker_outlives_its_parent(engine: str, databases: dict[str, Path], busy: str) -> None:
    code = (
        "import threading, time\n"
        "from sqlrl.executors import open_executor, Limits\n"
        f"executor = open_executor({str(databases[engine])!r}, workers=2, limits=Limits(seconds=60))\n"
        "executor.execute('select 1')\n"
        f"stream = iter(executor.stream({ENDLESS_ROWS[engine]!r}))\n"
        "next(stream)\n"
        f"threading.Thread(target=executor.execute, args=({busy!r},), daemon=True).start()\n"
        "time.sleep(0.1)\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        workers = _children(process.pid)
        process.kill()
        process.wait()
        assert len(workers) >= 2  # one at work and one lent to the stream
        assert _wait_until(lambda: all(map(_gone, workers)), 3)


# -- sources that change


@pytest.mark.parametrize("kind", sorted(WRITERS))
def test_a_replaced_file_is_served_anew_and_never_as_it_was(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    path = folder / f"t.{kind}"
    WRITERS[kind](path, 0)
    source = f"{kind}:///{folder if kind in ('parquet', 'csv') else path}"
    with open_executor(source, limits=Limits(seconds=10), workers=2) as executor:
        executor.execute_many([f"select n, {i} from t" for i in range(40)])  # both workers have opened it
        for number in range(1, 4):
            WRITERS[kind](tmp_path / f"new-{number}", number)
            os.replace(tmp_path / f"new-{number}", path)
            found = executor.execute_many([f"select n, {i} from t" for i in range(20)])
            assert [result.rows for result in found] == [((number, i),) for i in range(20)], found
            assert list(executor.stream("select n from t")) == [(number,)]


def test_a_replaced_file_is_found_by_every_worker_of_a_large_pool(tmp_path: Path) -> None:
    """One query meets all the workers that know the old file, one after the other, and is not blamed for their ends."""
    path = tmp_path / "t.sqlite"
    _write_sqlite(path, 0)
    slow = "with recursive t(x) as (select 1 union all select x + 1 from t where x < 200000) select max(x)"
    with open_executor(str(path), limits=Limits(seconds=10), workers=5) as executor:
        executor.execute_many([f"{slow} + {i} from t" for i in range(40)])
        assert _wait_until(lambda: len(_workers_of(executor)) == 6)
        time.sleep(0.5)
        _write_sqlite(tmp_path / "new", 1)
        os.replace(tmp_path / "new", path)
        result = executor.execute("select n from t")
        assert (result.outcome, result.rows) == (Outcome.OK, ((1,),))


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_database_changed_in_place_is_read_as_it_is_now(journal: str, tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    _write_sqlite(path, 0)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute(f"pragma journal_mode={journal}")
    try:
        with open_executor(f"sqlite:///{path}", limits=Limits(seconds=10), workers=2) as executor:
            for number in range(1, 6):
                writer.execute("update t set n = ?", (number,))
                time.sleep(0.02)  # past the grain of the file system's clock
                found = executor.execute_many([f"select n, {i} from t" for i in range(10)])
                assert [result.rows for result in found] == [((number, i),) for i in range(10)], found
    finally:
        writer.close()


# -- many at once


def test_threads_share_an_executor(shared: Member) -> None:
    def ask(number: int) -> list[object]:
        return [shared.execute(f"select {number * 10 + i}, count(*) from singer").rows for i in range(10)]

    with ThreadPoolExecutor(64) as threads:
        found = list(threads.map(ask, range(64)))
    assert found == [[((number * 10 + i, 30),) for i in range(10)] for number in range(64)]


def test_tasks_of_asyncio_share_an_executor(shared: Member) -> None:
    async def ask_all() -> list[object]:
        results = await asyncio.gather(*(shared.aexecute(f"select {i}") for i in range(64)))
        return [result.rows for result in results]

    assert asyncio.run(ask_all()) == [((i,),) for i in range(64)]


def test_parent_and_children_of_a_fork_each_get_their_own_answers(engine: str, databases: dict[str, Path]) -> None:
    code = (
        "import os, threading, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "from sqlrl.executors import open_executor, Limits\n"
        f"executor = open_executor({str(databases[engine])!r}, workers=1, limits=Limits(seconds=10))\n"
        "def ask(first, last):\n"
        "    for i in range(first, last):\n"
        "        found = executor.execute(f'select {i}, count(*) from singer').rows\n"
        "        assert found == ((i, 30),), found\n"
        "    done.append(first)\n"
        "done = []\n"
        "ask(0, 3)\n"
        f"stream = executor.stream({ENDLESS_ROWS[engine]!r})\n"
        "rows = iter(stream)\n"
        "first = next(rows)[0]\n"
        "asking = threading.Thread(target=ask, args=(100, 400))\n"
        "asking.start()\n"
        "children = []\n"
        "for number in range(3):\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        try:\n"
        "            done.clear()\n"
        "            ask(1000 * (number + 1), 1000 * (number + 1) + 20)\n"
        "            executor.close()\n"
        "        finally:\n"
        "            os._exit(0 if done else 1)\n"
        "    children.append(child)\n"
        "assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]\n"
        "asking.join()\n"
        "ask(500, 503)\n"
        "assert done == [0, 100, 500], done\n"
        "assert [next(rows)[0] for _ in range(5000)] == list(range(first + 1, first + 5001))\n"
        "stream.close()\n"
        "executor.close()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# -- streams


def test_a_stream_left_half_way_leaves_no_process(shared: Member, engine: str) -> None:
    pool = shared._group._pool
    for leave in ("close", "forget"):
        stream = shared.stream(ENDLESS_ROWS[engine])
        rows = iter(stream)
        assert len([next(rows) for _ in range(1_500)]) == 1_500
        (lent,) = (worker.process.pid for worker in pool._loans.lent)
        if leave == "close":
            stream.close()
        del stream, rows
        gc.collect()
        assert _wait_until(lambda process=lent: _gone(process))  # type: ignore[misc]
        assert not pool._loans.lent
    assert shared.execute("select count(*) from singer").rows == ((30,),)


def test_streams_run_beside_other_queries(shared: Member, engine: str) -> None:
    streams = [shared.stream(ENDLESS_ROWS[engine]) for _ in range(2)]
    rows = [iter(stream) for stream in streams]
    first = next(rows[0])[0]
    assert next(rows[1])[0] == first
    for start in range(first + 1, first + 3_001, 300):
        found = shared.execute_many([f"select {start + i}, count(*) from singer" for i in range(10)])
        assert [result.rows for result in found] == [((start + i, 30),) for i in range(10)]
        for each in rows:
            assert [next(each)[0] for _ in range(300)] == list(range(start, start + 300))
    for stream in streams:
        stream.close()


def test_closing_the_executor_ends_an_open_stream(engine: str, databases: dict[str, Path]) -> None:
    executor = open_executor(str(databases[engine]), limits=Limits(seconds=30), workers=1)
    rows = iter(executor.stream(ENDLESS_ROWS[engine]))
    next(rows)
    executor.close()
    started = time.monotonic()
    with pytest.raises((QueryError, SandboxError)):
        sum(1 for _ in rows)
    assert time.monotonic() - started < 10


def _ends_of(calls: Sequence[Callable[[], object]], meanwhile: Callable[[], None]) -> list[BaseException | None]:
    """What each call raised, all begun in threads of their own before `meanwhile`; TimeoutError where one hangs."""
    ends: list[BaseException | None] = [TimeoutError()] * len(calls)

    def watch(index: int) -> None:
        try:
            calls[index]()
            ends[index] = None
        except Exception as error:
            ends[index] = error

    threads = [threading.Thread(target=watch, args=(index,), daemon=True) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    meanwhile()
    for thread in threads:
        thread.join(5)
    return ends


def test_closing_the_executor_ends_waiting_for_a_stream(engine: str, databases: dict[str, Path]) -> None:
    """As well before the first row as while it waits for a worker."""
    executor = open_executor(str(databases[engine]), limits=Limits(seconds=60), workers=1)
    executor.execute("select 1")
    ends = _ends_of([lambda: executor.stream(ENDLESS)] * 3, executor.close)
    assert all(isinstance(end, (QueryError, SandboxError)) for end in ends), ends


def test_closing_the_executor_ends_waiting_for_results(engine: str, databases: dict[str, Path]) -> None:
    executor = open_executor(str(databases[engine]), limits=Limits(seconds=60), workers=1)
    executor.execute("select 1")
    ends = _ends_of([lambda: executor.execute(ENDLESS)] * 3, executor.close)
    assert all(isinstance(end, SandboxError) for end in ends), ends
    with pytest.raises(SandboxError):
        executor.execute("select 1")


# -- a full disk


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes; the test fills it."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no small file system: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_no_matter(
    engine: str, databases: dict[str, Path], full_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = full_disk / databases[engine].name
    path.write_bytes(databases[engine].read_bytes())
    with pytest.raises(OSError, match="No space"):
        (full_disk / "filler").write_bytes(bytes(4 << 20))
    for name in ("TMPDIR", "SQLITE_TMPDIR", "TEMP"):
        monkeypatch.setenv(name, str(full_disk))
    monkeypatch.chdir(full_disk)
    sorting = {
        "sqlite": "with recursive t(x) as (select 1 union all select x + 1 from t where x < 1000000) "
        "select x, hex(zeroblob(200)) from t order by x * 7919 % 1000003, 2 limit 1",
        "duckdb": "select i, repeat('x', 400) from range(3000000) t(i) order by hash(i), 2 offset 2999999",
    }
    with open_executor(str(path), limits=Limits(seconds=3, memory_bytes=256 << 20), workers=1) as executor:
        result = executor.execute(sorting[engine])
        assert result.outcome in (Outcome.OK, Outcome.TOO_LARGE, Outcome.TIMED_OUT), result
        assert executor.execute("select count(*) from singer").rows == ((30,),)
    assert sorted(entry.name for entry in full_disk.iterdir()) == sorted(["filler", path.name])


# -- who runs it


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else; the whole suite is unprivileged here")
@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_every_wall_holds_for_an_unprivileged_user(engine: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    import json
    import shutil
    import tempfile

    root = Path(__file__).parents[2]
    folder = Path(tempfile.mkdtemp(prefix="sqlrl-nobody-"))
    try:
        folder.chmod(0o755)
        path = folder / f"t.{engine}"
        WRITERS[engine](path, 7)
        path.chmod(0o644)
        code = (
            f"import json, os, sys; sys.path[:0] = {[str(root), *sys.path[1:]]!r}\n"
            "from sqlrl.executors import open_executor\n"
            f"with open_executor({str(path)!r}, require_walls=True) as executor:\n"
            "    result = executor.execute('select n from t')\n"
            "    print(json.dumps([os.getuid(), result.rows, executor.walls]))\n"
        )
        own, system = os.path.realpath(sys.executable), f"/usr/bin/python3.{sys.version_info.minor}"
        python = system if own.startswith("/root/") and os.path.exists(system) else own
        try:
            done = subprocess.run(
                [python, "-c", code], user=65534, group=65534, extra_groups=[], cwd="/", capture_output=True, text=True,
                env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}, timeout=60,
            )  # fmt: skip
        except PermissionError:
            pytest.skip("this interpreter is not open to others")
        if "No module named" in done.stderr:
            pytest.skip("this checkout is not open to others")
        assert done.returncode == 0, done.stderr
        user, rows, walls = json.loads(done.stdout)
        assert (user, rows) == (65534, [[7]])
        assert set(walls.values()) == {"held"}, walls
    finally:
        shutil.rmtree(folder)


def test_a_pool_that_could_start_nothing_starts_when_it_is_asked_again(databases: dict[str, Path]) -> None:
    """Workers that are killed before they said hello fail those who wait, not those who come later."""
    from sqlrl.executors.sandbox import crew as module

    with open_executor(str(databases["sqlite"]), workers=1) as executor:
        pool = executor._group._pool
        launch = module.launch

        def stillborn(place: object) -> object:
            launched = launch(place)  # type: ignore[arg-type]
            launched.process.kill()
            return launched

        module.launch = stillborn  # type: ignore[assignment]
        try:
            with pytest.raises(SandboxError):
                executor.execute("select 1")
        finally:
            module.launch = launch
        assert _wait_until(lambda: pool._thread is None)
        assert executor.execute("select 1").rows == ((1,),)


@pytest.mark.parametrize("kind", sorted(WRITERS))
def test_a_file_that_is_gone_is_nobodys_fault(kind: str, tmp_path: Path) -> None:
    """However it is asked for; and when another comes in its place, that is read."""
    path = tmp_path / f"t.{kind}"
    WRITERS[kind](path, 7)
    ask, gold = "select n from t", Gold(query="select n from t")
    with open_executor(str(path), limits=Limits(seconds=10), workers=1) as executor:
        assert executor.execute(ask).rows == ((7,),)
        path.unlink()
        result = executor.execute(ask)
        assert (result.outcome, result.message) == (Outcome.UNAVAILABLE, "its file is gone")
        (comparison,) = executor.compare_many([(ask, gold)], Relation("set"))
        assert (comparison.outcome, comparison.equal) == (Outcome.UNAVAILABLE, False)
        with pytest.raises(QueryError, match="its file is gone"):
            executor.stream(ask)
        WRITERS[kind](path, 8)
        assert executor.execute(ask).rows == ((8,),)


@pytest.mark.parametrize("place", ["replaced", "in place"])
@pytest.mark.parametrize("kind", sorted(WRITERS))
def test_a_change_is_seen_though_time_and_size_stay(kind: str, place: str, tmp_path: Path) -> None:
    """Neither the rows nor a gold that is kept are those of before."""
    path, other = tmp_path / f"t.{kind}", tmp_path / "other"
    WRITERS[kind](path, 7)
    WRITERS[kind](other, 8)
    times = (1_700_000_000_000_000_000,) * 2
    os.utime(path, ns=times)
    gold = Gold(query="select n from t")
    with open_executor(str(path), limits=Limits(seconds=10), workers=1) as executor:
        assert executor.compare_many([("select 7", gold)], Relation("set"))[0].equal
        assert path.stat().st_size == other.stat().st_size
        time.sleep(0.02)  # past the grain of the file system's clock
        if place == "replaced":
            os.utime(other, ns=times)
            os.replace(other, path)
        else:
            path.write_bytes(other.read_bytes())
            os.utime(path, ns=times)
        assert path.stat().st_mtime_ns == times[1]
        found = executor.compare_many([("select 7", gold), ("select 8", gold)], Relation("set"))
        assert [comparison.equal for comparison in found] == [False, True]
        assert executor.execute("select n from t").rows == ((8,),)


# -- somebody else who writes


def test_a_writers_lock_is_nobodys_fault_and_is_forgotten(tmp_path: Path) -> None:
    """While he has written and not yet committed, nothing can be read; before and after, all is as it was."""
    path = tmp_path / "t.sqlite"
    _write_sqlite(path, 7)
    ask, gold = "select n from t", Gold(query="select n from t")
    writer = sqlite3.connect(path, isolation_level=None)
    try:
        with open_executor(str(path), limits=Limits(seconds=0.5), workers=1) as executor:
            assert executor.execute(ask).rows == ((7,),)
            writer.execute("begin exclusive")
            assert executor.execute(ask).rows == ((7,),)
            writer.execute("update t set n = 8")
            result = executor.execute(ask)
            assert (result.outcome, result.message) == (Outcome.UNAVAILABLE, "somebody is writing to the database")
            (comparison,) = executor.compare_many([(ask, gold)], Relation("set"))
            assert (comparison.outcome, comparison.score) == (Outcome.UNAVAILABLE, 0.0)
            with pytest.raises(QueryError, match="somebody is writing"):
                executor.stream(ask)
            writer.execute("rollback")
            assert executor.compare_many([(ask, gold)], Relation("set"))[0].equal
            assert executor.execute(ask).rows == ((7,),)
    finally:
        writer.close()


def test_a_log_that_another_took_the_place_of_is_read(tmp_path: Path) -> None:
    """The walls of a worker that has not opened it yet are about the log that there was."""
    path, other = tmp_path / "t.sqlite", tmp_path / "u.sqlite"
    WRITERS["sqlite"](other, 5)

    def writer(statement: str) -> Any:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.executescript(f"pragma journal_mode=wal; {statement}")
        return contextlib.closing(connection)

    sources = [f"sqlite:///{path}", f"sqlite:///{other}"]
    with writer("create table t(n); insert into t values (1)"):
        group = open_executors(sources, workers=1)
        assert group.execute_many([(sources[1], "select n from t")])[0].rows == ((5,),)
    with group, writer("insert into t values (2)"):
        assert group.execute_many([(sources[0], "select n from t")])[0].rows == ((1,), (2,))


DIE_WRITING = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("create table t(n)")
connection.execute("pragma cache_size=1")
connection.execute("begin")
connection.executemany("insert into t values (?)", [("x" * 900,)] * 500)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_dead_writer_left_is_named(tmp_path: Path) -> None:
    """Half a transaction is not read, and no fault of the query."""
    path = tmp_path / "t.sqlite"
    subprocess.run([sys.executable, "-c", DIE_WRITING, str(path)])
    with open_executor(str(path), workers=1) as executor:
        result = executor.execute("select count(*) from t")
        assert (result.outcome, "a writer has died" in result.message) == (Outcome.UNAVAILABLE, True)
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("select count(*) from t")
        assert executor.execute("select count(*) from t").rows == ((0,),)


def test_a_log_without_its_index_is_named(tmp_path: Path) -> None:
    """As where a database was copied with its log alone."""
    path, copy = tmp_path / "t.sqlite", tmp_path / "copy.sqlite"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript("pragma journal_mode=wal; create table t(n); insert into t values (1)")
        for ending in ("", "-wal"):
            shutil.copy(f"{path}{ending}", f"{copy}{ending}")
    with open_executor(str(copy), workers=1) as executor:
        result = executor.execute("select n from t")
        assert (result.outcome, "copy.sqlite-shm" in result.message) == (Outcome.UNAVAILABLE, True)
        with contextlib.closing(sqlite3.connect(copy)) as connection:
            connection.execute("select n from t").fetchall()
            assert executor.execute("select n from t").rows == ((1,),)
        assert executor.execute("select n from t").rows == ((1,),)


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_opening_leaves_the_callers_own_locks(engine: str, tmp_path: Path) -> None:
    """A process that closes a file gives up the locks that it has on it by other descriptors."""
    path = tmp_path / f"t.{engine}"
    connection: Any
    if engine == "sqlite":
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("create table t(n)")
        connection.execute("begin immediate")
        write = f"import sqlite3; sqlite3.connect({str(path)!r}, timeout=0).execute('create table u(n)')"
    else:
        connection = duckdb.connect(str(path))
        connection.execute("create table t(n int)")
        write = f"import duckdb; duckdb.connect({str(path)!r})"
    with contextlib.closing(connection):
        open_executor(f"{engine}:///{path}").close()
        other = subprocess.run([sys.executable, "-c", write], capture_output=True, text=True)
        assert "lock" in other.stderr


@pytest.mark.parametrize("fails", [False, True])
def test_what_was_written_amid_a_query_is_read_once_more(fails: bool, tmp_path: Path) -> None:
    """A reader without a lock may have seen half of it, or what looks like a broken file."""
    from sqlrl.executors.sqlite import SQLiteEngine

    path = tmp_path / "t.sqlite"
    _write_sqlite(path, 7)
    connection = SQLiteEngine(Limits(), [str(path)]).open(str(path))
    fetch, calls = connection._fetch, []

    def interrupted(query: str, rows: int) -> object:
        found = fetch(query, rows)
        if not calls:
            calls.append(query)
            time.sleep(0.02)  # past the grain of the file system's clock
            with sqlite3.connect(path) as writer:
                writer.execute("update t set n = 8")
            writer.close()
            if fails:
                raise sqlite3.DatabaseError("database disk image is malformed")
        return found

    connection._fetch = interrupted  # type: ignore[method-assign, assignment]
    assert connection.run("select n from t", 10) == (("n",), [(8,)])
    connection.close()


def test_a_log_that_began_again_gives_no_stale_gold(tmp_path: Path) -> None:
    """Of the same size, and the file itself untouched."""
    path = tmp_path / "t.sqlite"
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("pragma journal_mode=wal")
    writer.execute("create table t as select 1 as n")
    query, relation = "select n from t", Relation("list")
    try:
        for number in (2, 3):
            writer.execute("update t set n = ?", (number,))
        writer.execute("pragma wal_checkpoint(passive)")
        with open_executor(str(path), workers=1) as executor:
            for number in (777, 778, 779):
                assert executor.compare_many([(query, Gold(query=query))], relation)[0].equal
                writer.execute("update t set n = ?", (number,))
    finally:
        writer.close()


def test_a_pool_has_a_worker_at_least(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    _write_sqlite(path, 7)
    for workers in (0, -1):
        with pytest.raises(UsageError, match="workers must be 1 or more"):
            open_executor(str(path), workers=workers)


# -- sources of many files, limits past what a machine holds


def test_a_group_of_thousands_of_files(tmp_path: Path) -> None:
    """Their names are longer together than one argument of a process may be."""
    from sqlrl.executors import open_executors

    first = tmp_path / f"{'a' * 100}-0.sqlite"
    _write_sqlite(first, 7)
    paths = [first, *(tmp_path / f"{'a' * 100}-{number}.sqlite" for number in range(1, 1_500))]
    for path in paths[1:]:
        os.link(first, path)
    with open_executors([f"sqlite:///{path}" for path in paths], workers=1) as group:
        results = group.execute_many([(source, "select n from t") for source in group.sources[::100]])
        assert {result.rows for result in results} == {((7,),)}, results[0]
        assert group.walls["landlock"] == "held" or sys.platform != "linux"


def test_a_table_of_a_hundred_csv_files(tmp_path: Path) -> None:
    folder = tmp_path / "shop" / "sales"
    folder.mkdir(parents=True)
    for number in range(100):
        _write_csv(folder / f"{number}.csv", number)
    with open_executor(f"csv:///{tmp_path / 'shop'}", workers=1) as executor:
        result = executor.execute("select count(*), sum(n) from sales")
        assert result.rows == ((100, 4950),), result


def test_limits_that_no_machine_holds_are_refused() -> None:
    for wrong in ({"seconds": float("inf")}, {"seconds": float("nan")}, {"rows": 2**31}, {"bytes": 0}):
        with pytest.raises(UsageError, match="must be above 0 and at most"):
            Limits(**wrong)  # type: ignore[arg-type]


def test_a_text_is_no_list_of_tables(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    _write_sqlite(path, 7)
    with pytest.raises(UsageError, match="tables is a list of names"):
        open_executor(str(path), tables="ok")


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_an_executor_that_nobody_holds_ends_its_workers(databases: dict[str, Path], engine: str) -> None:
    """A stream holds it as well."""
    others = _children(os.getpid())
    for _ in range(3):
        assert open_executor(str(databases[engine]), workers=1).execute("select 1").rows == ((1,),)
    rows = iter(open_executor(str(databases[engine]), workers=1).stream("select 1 union all select 2"))
    assert list(rows) == [(1,), (2,)]
    del rows
    assert _wait_until(lambda: _children(os.getpid()) <= others)
