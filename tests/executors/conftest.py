"""The database that the tests of executors ask: concerts, singers, stadiums."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

SCHEMA = """
create table stadium(Stadium_ID int primary key, Location text, Name text, Capacity int, Highest int, Lowest int,
  Average int);
create table singer(Singer_ID int primary key, Name text, Country text, Song_Name text, Song_release_year text, Age int,
  Is_male text);
create table concert(concert_ID int primary key, concert_Name text, Theme text, Stadium_ID text, Year text);
"""


@pytest.fixture(scope="session")
def concerts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a database with thirty singers, three stadiums and six concerts."""
    path = tmp_path_factory.mktemp("databases") / "concerts.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(SCHEMA)
        connection.executemany(
            "insert into singer values (?,?,?,?,?,?,?)",
            [
                (
                    i,
                    f"Singer {i}",
                    ("France", "Netherlands", "Chad")[i % 3],
                    f"Song {i}",
                    str(1990 + i % 5),
                    20 + i,
                    "T",
                )
                for i in range(30)
            ],
        )
        connection.executemany(
            "insert into stadium values (?,?,?,?,?,?,?)",
            [(i, f"Town {i}", f"Stadium {i}", 1000 * (i + 1), 900, 100, 500.5) for i in range(3)],
        )
        connection.executemany(
            "insert into concert values (?,?,?,?,?)",
            [(i, f"Concert {i}", None if i % 2 else "Free", str(i % 3), str(2014 + i % 2)) for i in range(6)],
        )
    connection.close()
    return path


@pytest.fixture(scope="session")
def databases(concerts: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The concerts in a file of each engine."""
    import duckdb

    path = tmp_path_factory.mktemp("both") / "concerts.duckdb"
    with sqlite3.connect(concerts) as source, duckdb.connect(str(path)) as target:
        for name, sql in source.execute("select name, sql from sqlite_master where type = 'table'").fetchall():
            target.execute(sql)
            rows = source.execute(f"select * from {name}").fetchall()
            target.executemany(f"insert into {name} values ({', '.join('?' * len(rows[0]))})", rows)
    source.close()
    return {"sqlite": concerts, "duckdb": path}
