"""Streams: rows of any width, beside any number of open files."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sqlrl.executors import Limits, Outcome, open_executor
from sqlrl.executors.errors import QueryError
from sqlrl.executors.groups import Member

WIDE = {
    "sqlite": "with recursive t(x) as (select 1 union all select x + 1 from t where x < 60) select x, "
    "hex(zeroblob({0})) from t",
    "duckdb": "select i + 1 as x, repeat('00', {0}) from range(60) t(i)",
}


@pytest.fixture(params=["sqlite", "duckdb"])
def narrow(request: pytest.FixtureRequest, databases: dict[str, Path]) -> Iterator[Member]:
    """An executor of each engine, to which two megabytes are too much at once."""
    limits = Limits(seconds=20, bytes=2_000_000, memory_bytes=256 << 20)
    with open_executor(str(databases[str(request.param)]), limits=limits, workers=1) as executor:
        yield executor


def test_wide_rows_come_in_small_pieces(narrow: Member) -> None:
    """Together they are larger than both limits."""
    query = WIDE[narrow.dialect].format(400_000)
    assert narrow.execute(query).outcome is Outcome.TOO_LARGE
    rows = [(number, len(text)) for number, text in narrow.stream(query)]
    assert rows == [(number, 800_000) for number in range(1, 61)]


def test_a_row_that_is_too_wide_by_itself_is_said(narrow: Member) -> None:
    with pytest.raises(QueryError, match="a row is larger than 2,000,000 bytes") as error:
        list(narrow.stream(WIDE[narrow.dialect].format(1_100_000)))
    assert error.value.outcome is Outcome.TOO_LARGE


def test_text_that_grows_on_the_wire_is_cut_again(narrow: Member) -> None:
    """Six bytes for each character: a piece is larger than it seemed."""
    made = f"replace({{}}, '0', '{chr(1)}')"
    column = {"sqlite": "hex(zeroblob(100000))", "duckdb": "repeat('00', 100000)"}[narrow.dialect]
    query = WIDE[narrow.dialect].format(100_000).replace(column, made.format(column))
    rows = [(number, len(text)) for number, text in narrow.stream(query)]
    assert rows == [(number, 200_000) for number in range(1, 61)]


def test_a_stream_beside_a_thousand_open_files(databases: dict[str, Path]) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 1_400:
        pytest.skip("this system opens no thousand files")
    code = (
        "import os, resource\n"
        "from sqlrl.executors import open_executor\n"
        "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2000), hard))\n"
        "files = [os.open('/dev/null', os.O_RDONLY) for _ in range(1100)]\n"
        f"with open_executor({str(databases['sqlite'])!r}, workers=1) as executor:\n"
        "    assert executor.execute('select 1').rows == ((1,),)\n"
        "    stream = executor.stream('select count(*) from singer')\n"
        "    assert stream._worker is None or stream._worker.reading > 1024\n"
        "    print(list(stream))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[(30,)]\n", done.stderr
