"""A revision is of the content: the same for the same data wherever it lies, another when one row is."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from sqlrl.benchmarks.base import Example
from sqlrl.benchmarks.location import cache_folder
from sqlrl.benchmarks.revision import Revision, revision_of
from sqlrl.executors.base import Gold


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def _database(path: Path, rows: int) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(path) as connection:
        connection.execute("create table t(x)")
        connection.executemany("insert into t values (?)", [(i,) for i in range(rows)])
    connection.close()
    return f"sqlite:///{path}"


def _revision(*urls: str, question: str = "how many?") -> Revision:
    example = Example("1", question, Gold(query="SELECT 1"), labels={"database": "d"})
    return revision_of([example], {"1": urls})


def test_it_is_of_the_content_and_not_of_the_place(tmp_path: Path) -> None:
    here, there = _database(tmp_path / "a" / "d.sqlite", 3), _database(tmp_path / "b" / "e.sqlite", 3)
    assert _revision(here) == _revision(there)
    assert _revision(here).files == 1
    other = _revision(_database(tmp_path / "c.sqlite", 4))
    assert other.databases != _revision(here).databases
    assert other.questions == _revision(here).questions
    asked = _revision(here, question="how many are there?")
    assert asked.questions != _revision(here).questions
    assert asked.short != _revision(here).short
    assert _revision(here, there) == _revision(there, here)


def test_a_file_is_read_again_when_it_changes_and_only_then(tmp_path: Path) -> None:
    url = _database(tmp_path / "d.sqlite", 3)
    path = tmp_path / "d.sqlite"
    before, times = _revision(url), path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert _revision(url) == before, "size and time are what they were"
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns + 1))
    assert _revision(url) != before


def test_the_library_that_wrote_a_database_is_no_part_of_it(tmp_path: Path) -> None:
    url = _database(tmp_path / "d.sqlite", 3)
    before = _revision(url)
    content = bytearray((tmp_path / "d.sqlite").read_bytes())
    content[96:100] = b"\0\1\2\3"
    (tmp_path / "e.sqlite").write_bytes(content)
    assert _revision(f"sqlite:///{tmp_path / 'e.sqlite'}") == before


def test_a_folder_counts_with_all_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "lake"
    folder.mkdir()
    (folder / "a.csv").write_text("x\n1\n")
    before = _revision(f"csv:///{folder}")
    (folder / "b.csv").write_text("x\n1\n")
    after = _revision(f"csv:///{folder}")
    assert (before.files, after.files) == (1, 2)
    assert before.databases != after.databases


def test_questions_without_a_database_are_counted() -> None:
    found = _revision()
    assert (found.databases, found.files, found.missing) == ("", 0, 1)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"x": 3}'])
def test_a_cache_that_cannot_be_read_is_no_obstacle(tmp_path: Path, content: str) -> None:
    url = _database(tmp_path / "d.sqlite", 3)
    before = _revision(url)
    (cache_folder() / "revisions.json").write_text(content)
    assert _revision(url) == before
