"""A list of tables means by its names what the engine means by them: letters beyond ASCII are never another's case."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from sqlrl.executors import Outcome, open_executor
from sqlrl.executors.groups import Member
from sqlrl.executors.names import fold

# Each is told apart from the others by both engines, and by some rule of Unicode is a case of one of them.
NAMES = [
    "É", "é", "E\u0301", "İ", "i\u0307", "ı", "i1", "ß", "ẞ", "ss", "\u212a", "k", "ſ", "s", "Σ", "ς", "σ", "ﬀ", "ff",
]  # fmt: skip
VARIANTS = sorted({form for name in NAMES for form in (name, name.upper(), name.lower(), name.casefold())})


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A table of each name, with the name's place in the list in it."""
    folder = tmp_path_factory.mktemp("names")
    paths = {"sqlite": folder / "names.sqlite", "duckdb": folder / "names.duckdb"}
    with sqlite3.connect(paths["sqlite"]) as lite, duckdb.connect(str(paths["duckdb"])) as duck:
        for number, name in enumerate(NAMES):
            for connection in (lite, duck):
                connection.execute(f'create table "{name}" as select {number} as n')  # type: ignore[attr-defined]
    lite.close()
    return paths


@pytest.fixture(scope="module", params=itertools.product(("sqlite", "duckdb"), (0, 1)), ids=str)
def restricted(request: pytest.FixtureRequest, databases: dict[str, Path]) -> Iterator[tuple[Member, list[str]]]:
    """An executor with every other name in its list, and these names."""
    engine, start = request.param
    listed = NAMES[start::2]
    with open_executor(databases[engine], workers=1, tables=listed) as executor:
        yield executor, listed


@pytest.mark.parametrize(
    "form", ['select n from "{}"', "select n from {}", 'with x as (select n from main."{}") from x']
)
def test_no_name_opens_another(restricted: tuple[Member, list[str]], form: str) -> None:
    executor, listed = restricted
    readable = {fold(name): ((NAMES.index(name),),) for name in listed}
    form = form.replace(") from x", ") select n from x") if executor.dialect == "sqlite" else form
    for name in VARIANTS:
        result = executor.execute(form.format(name))
        if fold(name) in readable:
            assert result.rows == readable[fold(name)], (name, result)
        else:
            assert result.outcome in (Outcome.REFUSED, Outcome.INVALID), (name, result)


def test_what_is_described_is_what_is_listed(restricted: tuple[Member, list[str]]) -> None:
    executor, listed = restricted
    described = executor.describe()
    assert described.count("CREATE TABLE") == described.count("-- 1 row") == len(listed), described


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_case_and_the_main_schema_are_no_part_of_a_listed_name(databases: dict[str, Path], engine: str) -> None:
    with open_executor(databases[engine], workers=1, tables=["MAIN.SS", "K"]) as executor:
        for query in ("select n from sS", "select n from Main.ss", 'select n from "SS"', 'select n from main."Ss"'):
            assert executor.execute(query).rows == ((NAMES.index("ss"),),), query
        assert executor.execute("select n from K").rows == ((NAMES.index("k"),),)
        assert executor.execute('select n from "\u212a"').outcome is Outcome.REFUSED
        assert executor.execute('with "\u212a" as (select 1 as n) select n from "\u212a", k').outcome is not Outcome.OK


def test_only_the_letters_of_ascii_are_folded() -> None:
    everything = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x3000 + 0xE000)]))
    assert [one for one, other in zip(everything, fold(everything), strict=True) if one != other] == [
        chr(code) for code in range(ord("A"), ord("Z") + 1)
    ]
