"""What the executor of a server database costs beside a bare loop over the driver, on the same connection settings.

    python benchmarks/speed/servers.py postgresql://reader@localhost/superhero queries.sql

queries.sql: a query a line (what follows a tab is left out, as in BIRD's gold files).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from sqlrl.executors import Gold, Outcome, open_executor
from sqlrl.executors.relations import Relation

ROUNDS = 5
DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "mariadb": "mysql+pymysql"}


def _best(what: Callable[[], object], count: int) -> float:
    """Microseconds a query, of the quickest round."""
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        what()
        taken.append(time.perf_counter() - started)
    return min(taken) / count * 1e6


def main(url: str, file: str) -> None:
    """Prints microseconds a query, each way."""
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    given = [line.partition("\t")[0] for line in lines]
    with open_executor(url) as executor:
        queries = [q for q, r in zip(given, executor.execute_many(given), strict=True) if r.outcome is Outcome.OK]
        engine = sa.create_engine(sa.make_url(url).set(drivername=DRIVERS[url.partition("://")[0]]))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            driver = connection.connection.driver_connection
            assert driver is not None

            def bare() -> None:
                for query in queries:
                    cursor = driver.cursor()
                    cursor.execute(query)
                    cursor.fetchall()

            print(f"{len(queries)} of {len(given)} queries run; microseconds a query, best of {ROUNDS} rounds")
            print(f"  driver alone     {_best(bare, len(queries)):8.0f}")
        one = _best(lambda: [executor.execute(query) for query in queries], len(queries))
        many = _best(lambda: executor.execute_many(queries), len(queries))
        pairs = [(query, Gold(query=query)) for query in queries]
        compared = _best(lambda: executor.compare_many(pairs, Relation("set")), len(queries))
        print(f"  execute          {one:8.0f}\n  execute_many     {many:8.0f}\n  compare_many     {compared:8.0f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
