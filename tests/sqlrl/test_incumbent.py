"""Who answers for a schema: by tables, columns, types and keys, and by nothing else; given, given back, gone stale."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from sqlrl.executors.errors import DataError, UsageError
from sqlrl.incumbent import TRAINED, WARM, Incumbent, Seat, fingerprint
from sqlrl.layer.schema import Schema

FIRST = "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT);"
SECOND = "CREATE TABLE b (k int REFERENCES a (id), y real, PRIMARY KEY (k, y));"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "sqlrl" / "policies"


def _database(path: Path, *ddl: str) -> str:
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.executescript("".join(ddl))
    connection.close()
    return str(path)


def _mark(*ddl: str) -> str:
    return fingerprint(Schema.read("\n\n".join(ddl), "sqlite"))


def test_a_fingerprint_is_of_names_types_and_keys() -> None:
    plain = _mark(FIRST, SECOND)
    for same in (
        (SECOND, FIRST),
        (FIRST.replace("TEXT", "text"), SECOND),
        (FIRST.replace("(id", "(\n  id").replace("TABLE a", 'TABLE "A"'), SECOND),
        (f"{FIRST}\n-- x: what it is", SECOND),
    ):
        assert _mark(*same) == plain, same
    for other in (
        (FIRST,),
        (FIRST.replace(" x ", " z "), SECOND),
        (FIRST.replace("TEXT", "REAL"), SECOND),
        (FIRST.replace(" PRIMARY KEY", ""), SECOND),
        (FIRST, SECOND.replace("(k, y)", "(k)")),
        (FIRST, SECOND.replace(" REFERENCES a (id)", "")),
        (FIRST, SECOND.replace("a (id)", "a (x)")),
    ):
        assert _mark(*other) != plain, other


def test_a_seat_is_found_again_until_the_schema_or_the_name_changes(tmp_path: Path, cache: Path) -> None:
    source = _database(tmp_path / "shop.db", FIRST)
    seat = Seat.of(source)
    assert (seat.present, seat.tables, seat.folder.parent) == (None, 1, cache)
    seat.give(Incumbent(str(tmp_path), WARM, 0.0, 7, 10))
    found = Seat.of(f"sqlite:///{source}").present
    assert found is not None
    assert found.described(now=90_000.0) == f"{tmp_path} (warm start, 1 day old, 7 of 10 right when it was made)"
    _database(tmp_path / "shop.db", FIRST, "INSERT INTO a VALUES (1, 'new rows change nothing')")
    assert Seat.of(source).present == found
    assert Seat.of(_database(tmp_path / "other.db", FIRST)).present is None
    _database(tmp_path / "shop.db", FIRST, SECOND)
    changed = Seat.of(source)
    assert changed.present is None
    assert changed.stale() == found
    assert Seat.of(_database(tmp_path / "third.db", SECOND, FIRST)).stale() is None


def test_the_one_before_is_kept_and_comes_back(tmp_path: Path) -> None:
    source = _database(tmp_path / "shop.db", FIRST)
    every = [Incumbent(str(tmp_path / name), TRAINED, float(index)) for index, name in enumerate("abc")]
    for each in every:
        Path(each.policy).mkdir()
        Seat.of(source).give(each)
    seat = Seat.of(source)
    assert (seat.incumbent, seat.before) == (every[2], [every[1], every[0]])
    Path(every[2].policy).rmdir()
    assert Seat.of(source).present == every[1]
    Path(every[1].policy).rmdir()
    assert Seat.of(source).give_back() == every[0]
    with pytest.raises(UsageError, match="no policy answered"):
        Seat.of(source).give_back()


def test_a_policy_elsewhere_is_always_there() -> None:
    assert Incumbent("http://localhost:1/v1#model", TRAINED, 0.0).is_there
    assert not Incumbent("/nowhere/at/all", TRAINED, 0.0).is_there


@pytest.mark.parametrize("text", ["", "{}", '{"incumbent": {"policy": "x"}, "before": []}', '{"incumbent": 3}'])
def test_a_broken_file_is_one_line(tmp_path: Path, text: str) -> None:
    source = _database(tmp_path / "shop.db", FIRST)
    seat = Seat.of(source)
    seat.give(Incumbent(str(tmp_path), WARM, 0.0))
    (seat.folder / "incumbent.json").write_text(text)
    with pytest.raises(DataError, match="remove it to begin anew"):
        Seat.of(source)


def test_one_process_at_a_time(tmp_path: Path) -> None:
    source = _database(tmp_path / "shop.db", FIRST)
    with Seat.of(source).held(), pytest.raises(UsageError, match="another process"), Seat.of(source).held():
        pass


def test_a_password_is_not_kept(tmp_path: Path) -> None:
    seat = Seat.of(_database(tmp_path / "shop.db", FIRST))
    seat.give(Incumbent(str(tmp_path), WARM, 0.0))
    assert set(json.loads((seat.folder / "incumbent.json").read_text())) == {
        "version", "source", "schema", "tables", "incumbent", "before",
    }  # fmt: skip
