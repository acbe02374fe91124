"""How many completions a second are judged, and at what cost, beside what others do, in one run.

python benchmarks/speed/executors.py --data DATA/spider [--json OUT.json] [--large-mb 200] [--rounds 3]
    [--official-spider test-suite-sql-eval/exec_eval.py] [--official-bird bird/llm/src/evaluation.py]

The load has GRPO's shape: groups of 16 completions a question, half of them right (the gold in other words), some
repeated, a tenth with errors. `floor` is a warm connection in this process, without any guard or limit: what SQLite
itself takes. The peers are patterns as published, written anew here: `thread + new connection, 2 processes` is how
BIRD's script executes (a connection for each item, prediction and gold run each time, a thread with a time-out),
`the same serially` is how DeepRetrieval's reward does. The official evaluators themselves run too where a path to
their checkouts is given (they import tqdm, nltk and func_timeout, which must be installed).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import resource
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from clock import time_of
from official import load_script

from sqlrl.executors import Gold, Limits, open_executor, open_executors
from sqlrl.executors.relations import Relation

GROUP = 16
SET = Relation("set")
Item = tuple[str, str, str]  # path, predicted, gold


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--data", required=True, help="folder with Spider's dev.json and database/")
    parser.add_argument("--json", help="write the figures there")
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--large-mb", type=int, default=200, help="size of the generated database; 0 leaves it out")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--official-spider", help="the file exec_eval.py of taoyds/test-suite-sql-eval")
    parser.add_argument("--official-bird", help="the file evaluation.py of BIRD's own scripts")
    parser.add_argument("--queries", type=int, default=0, help="look at memory over so many queries, too")
    given = parser.parse_args()
    figures: dict[str, Any] = {"seed": 0, "date": time.strftime("%Y-%m-%d"), "sqlite": sqlite3.sqlite_version}
    load = spiderload_script(Path(given.data), given.questions)
    figures["spider"] = compare("Spider's databases", load, given.rounds, officials=officials(given))
    with tempfile.TemporaryDirectory() as folder:
        if given.large_mb:
            path = make_large(Path(folder), given.large_mb)
            figures["large"] = compare(f"{given.large_mb} MB", largeload_script(path), given.rounds, distinct_only=True)
        figures["duckdb"] = compare_duckdb(Path(folder), given.rounds)
    if given.queries:
        figures["memory"] = watch_memory(spiderload_script(Path(given.data), 50), given.queries)
    if given.json:
        Path(given.json).write_text(json.dumps(figures, indent=1) + "\n")


# -- loads


def spiderload_script(data: Path, questions: int) -> list[Item]:
    items = json.loads((data / "dev.json").read_text())
    items = [item for item in items if item["db_id"] != "wta_1"]
    chosen = random.Random(0).sample(items, min(questions, len(items)))
    load: list[Item] = []
    for item in chosen:
        path = str(data / "database" / item["db_id"] / f"{item['db_id']}.sqlite")
        load += [(path, predicted, item["query"]) for predicted in group_of(item["query"])]
    return load


def group_of(gold: str) -> list[str]:
    """Sixteen completions: eight right in five wordings, six wrong that run, two that don't."""
    inner = gold.strip().rstrip(";")
    right = [
        inner,
        f"{inner} ",
        f"SELECT * FROM ({inner})",
        f"SELECT * FROM ({inner}) AS t",
        inner.replace(" FROM ", "  FROM "),
    ]
    wrong = [f"SELECT * FROM ({inner}) LIMIT {n}" for n in (0, 1, 2)] + [f"SELECT count(*) FROM ({inner})"]
    return (right * 2)[:8] + (wrong * 2)[:6] + [inner.replace("SELECT", "SELEC", 1), f"{inner} WHERE nowhere = 1"]


def make_large(folder: Path, megabytes: int) -> str:
    path = folder / "large.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("create table sales(id integer primary key, shop int, day int, paid real, note text)")
        generator = random.Random(0)
        rows = megabytes * 9_000
        connection.executemany(
            "insert into sales values (?, ?, ?, ?, ?)",
            ((i, i % 97, i % 365, generator.random(), "x" * generator.randint(40, 100)) for i in range(rows)),
        )
    connection.close()
    return str(path)


def largeload_script(path: str) -> list[Item]:
    golds = [
        "SELECT shop, sum(paid) FROM sales GROUP BY shop",
        "SELECT count(*) FROM sales WHERE day = 7",
        "SELECT max(paid) FROM sales WHERE shop = 3",
        "SELECT id FROM sales WHERE id BETWEEN 100 AND 200",
    ]
    return [(path, predicted, gold) for gold in golds for predicted in group_of(gold)[::2]]


def distinct(load: Sequence[Item]) -> list[Item]:
    """The same work with no two queries alike, so that nothing is saved by running one of them for several."""
    return [(path, f"{predicted} /* {i} */", gold) for i, (path, predicted, gold) in enumerate(load)]


# -- who judges


def ours(load: Sequence[Item], workers: int) -> Callable[[], list[bool]]:
    group = open_executors(
        sorted({f"sqlite:///{path}" for path, _, _ in load}), limits=Limits(seconds=30), workers=workers
    )
    tasks = [(f"sqlite:///{path}", predicted, Gold(query=gold)) for path, predicted, gold in load]
    group.compare_many(tasks[:GROUP], SET)  # the workers have started

    def run() -> list[bool]:
        return [comparison.equal for comparison in group.compare_many(tasks, SET)]

    run.close = group.close  # type: ignore[attr-defined]
    return run


def floor(load: Sequence[Item]) -> Callable[[], list[bool]]:
    connections = {path: sqlite3.connect(f"file:{path}?mode=ro", uri=True) for path, _, _ in load}
    for connection in connections.values():
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
    golds: dict[tuple[str, str], set[Any]] = {}

    def run() -> list[bool]:
        found = []
        for path, predicted, gold in load:
            if (path, gold) not in golds:
                golds[path, gold] = set(connections[path].execute(gold).fetchall())
            try:
                found.append(set(connections[path].execute(predicted).fetchall()) == golds[path, gold])
            except sqlite3.Error:
                found.append(False)
        return found

    return run


def _in_thread(item: Item) -> bool:
    """Prediction and gold on a new connection, in a thread that is waited for."""
    answer = [False]

    def work() -> None:
        path, predicted, gold = item
        connection = sqlite3.connect(path)
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        try:
            answer[0] = set(connection.execute(predicted).fetchall()) == set(connection.execute(gold).fetchall())
        except sqlite3.Error:
            pass
        finally:
            connection.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(30)
    return answer[0]


def serially(load: Sequence[Item]) -> Callable[[], list[bool]]:
    return lambda: [_in_thread(item) for item in load]


def two_processes(load: Sequence[Item]) -> Callable[[], list[bool]]:
    def run() -> list[bool]:
        with multiprocessing.get_context("fork").Pool(2) as pool:
            return pool.map(_in_thread, load, chunksize=1)

    return run


def officials(given: argparse.Namespace) -> list[tuple[str, Callable[[Sequence[Item]], Callable[[], list[bool]]]]]:
    """The official evaluators that a path was given to."""
    found: list[tuple[str, Callable[[Sequence[Item]], Callable[[], list[bool]]]]] = []
    if given.official_spider:
        spider = load_script(given.official_spider)
        found.append(
            (
                "Spider's own eval_exec_match",
                lambda load: (
                    lambda: [
                        bool(spider.eval_exec_match(path, predicted, gold, False, True, False))
                        for path, predicted, gold in load
                    ]
                ),
            )
        )
    if given.official_bird:
        bird = load_script(given.official_bird)

        def judge(load: Sequence[Item]) -> Callable[[], list[bool]]:
            def run() -> list[bool]:
                bird.exec_result = []
                pairs = [(predicted, gold) for _, predicted, gold in load]
                bird.run_sqls_parallel(pairs, [path for path, _, _ in load], num_cpus=2, meta_time_out=30.0)
                return [bool(each["res"]) for each in sorted(bird.exec_result, key=lambda each: each["sql_idx"])]

            return run

        found.append(("BIRD's own run_sqls_parallel, 2 processes", judge))
    return found


# -- measuring


def compare(
    name: str, load: list[Item], rounds: int, distinct_only: bool = False, officials: Sequence[Any] = ()
) -> dict[str, Any]:
    apart = distinct(load)
    contenders: list[tuple[str, Callable[[], list[bool]]]] = [
        ("floor: warm connection, unguarded", floor(apart)),
        ("sqlrl, 2 workers, all distinct", ours(apart, 2)),
        ("sqlrl, 1 worker, all distinct", ours(apart, 1)),
        ("thread + new connection, 2 processes", two_processes(apart)),
        ("the same serially", serially(apart)),
    ]
    if not distinct_only:
        contenders.insert(3, ("sqlrl, 2 workers, as sampled", ours(load, 2)))
    contenders += [(label, make(apart)) for label, make in officials]
    print(f"\n{name}: {len(load):,} completions, median of {rounds} rounds taken in turns [least, most]")
    answers = [contender() for _, contender in contenders]  # warm, and all agree
    agree = [sum(a == b for a, b in zip(answers[0], answer, strict=True)) for answer in answers]
    taken: dict[str, list[tuple[float, float]]] = {label: [] for label, _ in contenders}
    for _ in range(rounds):
        for label, contender in contenders:
            taken[label].append(time_of(contender))
    figures: dict[str, Any] = {}
    for (label, contender), same in zip(contenders, agree, strict=True):
        speeds = sorted(len(load) / wall for wall, _ in taken[label])
        cost = statistics.median(cpu for _, cpu in taken[label]) / len(load) * 1e6
        figures[label] = {"per_second": speeds, "cpu_us": cost, "agree": same, "of": len(load)}
        print(
            f"  {label:41} {statistics.median(speeds):9,.0f} /s [{speeds[0]:,.0f}, {speeds[-1]:,.0f}]  "
            f"{cost:8,.0f} us of processor each   agrees on {same:,}"
        )
        getattr(contender, "close", lambda: None)()
    return figures


def compare_duckdb(folder: Path, rounds: int) -> dict[str, Any]:
    import duckdb

    path = str(folder / "numbers.duckdb")
    with duckdb.connect(path) as connection:
        connection.execute("create table numbers as select i as n, i % 7 as kind from range(1000) t(i)")
    gold = "SELECT kind, count(*) FROM numbers GROUP BY kind"
    queries = [f"SELECT kind, count(*) FROM numbers WHERE n >= {i % 20} GROUP BY kind /* {i} */" for i in range(400)]

    def fresh() -> list[bool]:
        found = []
        for query in queries[:40]:
            with duckdb.connect(path, read_only=True, config={"threads": 1}) as connection:
                found.append(set(connection.execute(query).fetchall()) == set(connection.execute(gold).fetchall()))
        return found

    figures: dict[str, Any] = {}
    print(f"\nDuckDB: median of {rounds} rounds")
    with open_executor(f"duckdb:///{path}", workers=2) as executor:
        pairs = [(query, Gold(query=gold)) for query in queries]

        def run() -> list[bool]:
            return [comparison.equal for comparison in executor.compare_many(pairs, SET)]

        run()
        for label, contender, count in (
            ("sqlrl, 2 workers, all distinct", run, 400),
            ("fresh connection each", fresh, 40),
        ):
            taken = [time_of(contender) for _ in range(rounds)]
            speeds = sorted(count / wall for wall, _ in taken)
            figures[label] = {"per_second": speeds, "cpu_us": statistics.median(c for _, c in taken) / count * 1e6}
            print(f"  {label:41} {statistics.median(speeds):9,.0f} /s [{speeds[0]:,.0f}, {speeds[-1]:,.0f}]")
    return figures


def watch_memory(load: list[Item], queries: int) -> dict[str, Any]:
    """Megabytes of this process and of its workers after every tenth of so many queries."""
    import subprocess

    group = open_executors(sorted({f"sqlite:///{path}" for path, _, _ in load}), workers=2)
    tasks = [(f"sqlite:///{path}", predicted, Gold(query=gold)) for path, predicted, gold in load]
    marks: list[tuple[int, float]] = []
    done = 0
    print(f"\nmemory over {queries:,} queries")
    while done < queries:
        batch = [(s, f"{q} /* {done + i} */", g) for i, (s, q, g) in enumerate(tasks)]
        group.compare_many(batch, SET)
        done += len(batch)
        if done * 10 // queries > len(marks):
            pids = subprocess.run(
                ["pgrep", "-P", str(multiprocessing.current_process().pid)], capture_output=True, text=True
            )
            sizes = [_resident("self"), *(_resident(pid) for pid in pids.stdout.split())]
            marks.append((done, sum(sizes)))
            print(f"  {done:10,}  {sum(sizes):6,.0f} MB in all, this process {sizes[0]:,.0f}")
    group.close()
    return {"marks": marks}


def _resident(process: str) -> float:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
    except OSError:
        return 0.0


if __name__ == "__main__":
    sys.exit(main())
