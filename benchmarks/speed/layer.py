"""What `ask` adds to the engine's own time: a scripted policy over databases of 20 and of 1,000 tables, warm.

python benchmarks/speed/layer.py --calls 300
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlrl
from sqlrl.policies.scripted import ScriptedPolicy

TABLES = (20, 1_000)
TARGETS = {20: 5.0, 1_000: 50.0}  # milliseconds
QUERY = "SELECT count(*) FROM customer_0 WHERE city_1 = 'Oslo 3'"
NOUNS = (
    "customer", "order", "product", "invoice", "supplier", "payment", "shipment", "employee", "branch", "account",
)  # fmt: skip
PARTS = ("name", "city", "state", "kind", "price", "amount", "weight", "created", "closed", "owner")
CELLS = ("Oslo", "Lima", "Bergen", "Quito", "Porto", "Lagos", "Osaka", "Perth", "Turin", "Hanoi")


def main() -> None:
    """Print one line for each number of tables and each way to ask."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--threads", type=int, default=8)
    arguments = parser.parse_args()
    policy = ScriptedPolicy({"how many": [f'<think></think><answer>{{"sql": "{QUERY}"}}</answer>']})
    with tempfile.TemporaryDirectory() as folder:
        for tables in TABLES:
            path = Path(folder, f"{tables}.sqlite")
            _make(path, tables)
            started = time.perf_counter()
            connection = sqlrl.connect(path, policy, workers=1)
            opened = time.perf_counter() - started
            started = time.perf_counter()
            connection.ask(_question(0))
            first = time.perf_counter() - started
            print(f"{tables:,} tables: opened in {opened:.2f} s, the first question in {first:.2f} s (cells are read)")
            executor = connection._source.executor
            own = _times(arguments.calls, lambda _, executor=executor: executor.execute(QUERY, limit=1_000))
            _show("the engine alone", own, own)
            for name, settings in (
                ("ask", {}),
                ("ask, no cells", {"values": 0}),
                ("ask, nothing but the query", {"values": 0, "schema_characters": None, "deadline": None}),
                ("ask, 5 samples", {"samples": 5}),
            ):
                with sqlrl.connect(path, policy, workers=1, **settings) as each:
                    each.ask(_question(0))
                    asked = _times(arguments.calls, lambda n, each=each: each.ask(_question(n)))
                    _show(name, asked, own, TARGETS[tables] if name == "ask" else None)
            with sqlrl.connect(path, policy, workers=1, row_filters={"customer_0": "id > 0"}) as each:
                each.ask(_question(0))
                _show("ask, a row filter", _times(arguments.calls, lambda n, each=each: each.ask(_question(n))), own)
            _many(connection, arguments.calls, arguments.threads)
            connection.close()


def _make(path: Path, tables: int) -> None:
    """Tables of ten columns and fifty rows, each with a foreign key to one before."""
    draw = random.Random(tables)
    with sqlite3.connect(path) as connection:
        for number in range(tables):
            name = f"{NOUNS[number % 10]}_{number}"
            columns = [f"{PARTS[index]}_{number % 7 + index} {'TEXT' if index < 4 else 'REAL'}" for index in range(9)]
            other = draw.randrange(max(1, number))
            link = f"{NOUNS[other % 10]}_{other}"
            connection.execute(
                f"CREATE TABLE {name}(id INTEGER PRIMARY KEY, {', '.join(columns)}, "
                f"other INTEGER REFERENCES {link}(id))"
            )
            rows = [
                [row, *(f"{draw.choice(CELLS)} {draw.randrange(20)}" for _ in range(4)),
                 *(draw.random() for _ in range(5)), row]
                for row in range(50)
            ]  # fmt: skip
            connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * 11)})", rows)
    connection.close()


def _question(number: int) -> str:
    return f"how many {NOUNS[number % 10]}s of {CELLS[number % 7]} {number % 20} have a {PARTS[number % 9]}?"


def _times(calls: int, call: Callable[[int], Any]) -> list[float]:
    """Milliseconds of each call."""
    taken = []
    for number in range(calls):
        started = time.perf_counter()
        result = call(number)
        taken.append(1e3 * (time.perf_counter() - started))
        assert result.outcome == "ok", result.message
    return taken


def _show(name: str, taken: list[float], own: list[float], target: float | None = None) -> None:
    middle, late = statistics.median(taken), sorted(taken)[int(0.95 * len(taken))]
    added = middle - statistics.median(own)
    wanted = f"   (target: {target:g} ms added)" if target is not None else ""
    print(f"  {name:28} {middle:8.2f} ms, 95 % within {late:8.2f}, adds {added:7.2f} ms{wanted}")


def _many(connection: sqlrl.Connection, calls: int, threads: int) -> None:
    """Questions a second of threads, and of tasks of one event loop."""

    def labour() -> None:
        for number in range(calls // threads):
            connection.ask(_question(number))

    started = time.perf_counter()
    at_work = [threading.Thread(target=labour) for _ in range(threads)]
    for thread in at_work:
        thread.start()
    for thread in at_work:
        thread.join()
    rate = calls // threads * threads / (time.perf_counter() - started)

    async def tasks() -> None:
        await asyncio.gather(*(connection.aask(_question(number)) for number in range(calls)))

    started = time.perf_counter()
    asyncio.run(tasks())
    print(f"  {threads} threads: {rate:,.0f} questions a second; asyncio: "
          f"{calls / (time.perf_counter() - started):,.0f}")  # fmt: skip


if __name__ == "__main__":
    main()
