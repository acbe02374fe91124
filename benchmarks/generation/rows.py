"""Rows: what fills a house's tables, drawn by a seed. Two seeds give two instances of one schema."""

from __future__ import annotations

import hashlib
import os
import random
import sqlite3
from pathlib import Path

from sqlrl.benchmarks.generation.schema import House

__all__ = ["MAIN_ROWS", "fill", "write_database"]

MAIN_ROWS = 49
EVENT_ROWS = 120
QUIET = 12  # this many rows of the main table have no event


def write_database(house: House, folder: Path, seed: str) -> Path:
    """The SQLite file of one instance of `house` in `folder`, named by its content and made where it is not there."""
    connection = sqlite3.connect(":memory:")
    try:
        fill(connection, house, seed)
        content = hashlib.sha256("\n".join(connection.iterdump()).encode()).hexdigest()[:12]
        path = folder / f"{house.name}-{content}.sqlite"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            beside = path.with_name(f"{path.name}.{os.getpid()}.part")
            beside.unlink(missing_ok=True)
            copy = sqlite3.connect(beside)
            connection.backup(copy)
            copy.close()
            beside.replace(path)
        return path
    finally:
        connection.close()


def fill(connection: sqlite3.Connection, house: House, seed: str) -> None:
    """Make the tables of one instance. No two rows share a measure, so that no ranking has a tie."""
    generator = random.Random(f"{house.name}/{seed}")
    names = [f"{first} {second}" for first in house.names[0] for second in house.names[1]]
    generator.shuffle(names)
    first, second = (generator.sample(range(10, 1000), MAIN_ROWS) for _ in range(2))
    owners = [(index + 1, name, generator.choice(house.cities)) for index, name in enumerate(house.owners)]
    _, counts, leaves_out = house.state
    main = [
        (
            index + 1,
            names[index],
            generator.randint(1, len(owners)),
            generator.choice(house.category[1]),
            counts if generator.random() < 0.7 else leaves_out,
            first[index],
            second[index],
        )
        for index in range(MAIN_ROWS)
    ]
    with_events = generator.sample(range(1, MAIN_ROWS + 1), MAIN_ROWS - QUIET)
    events = [
        (index + 1, generator.choice(with_events), generator.choice(house.channel[1]), generator.randint(1, 90))
        for index in range(EVENT_ROWS)
    ]
    for statement in house.ddl():
        connection.execute(statement)
    for table, rows in ((house.owner, owners), (house.main, main), (house.event, events)):
        places = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {table.name} VALUES ({places})", rows)
    connection.commit()
