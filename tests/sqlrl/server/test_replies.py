"""Cells as JavaScript reads them right, and words that tell nothing of the server."""

from __future__ import annotations

import datetime
import json
import math
import uuid
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrl.layer import Answer
from sqlrl.server.replies import Discretion, answer_body, as_json, cell


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (2**53, 2**53),
        (-(2**53) - 1, "-9007199254740993"),
        (math.inf, "inf"),
        (math.nan, "nan"),
        (b"\x00\xff", "00ff"),
        (Decimal("12.50"), 12.5),
        (Decimal("1234567890123456.78"), "1234567890123456.78"),
        (Decimal("1E+30"), "1E+30"),
        (Decimal("NaN"), "NaN"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (datetime.datetime(2026, 1, 2, 3, 4), "2026-01-02T03:04:00"),
        (datetime.timedelta(days=1, seconds=5), "1 day, 0:00:05"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ("\ud800x", "?x"),
        ([1, {"a": b"\x01"}], [1, {"a": "01"}]),
        (True, True),
        (None, None),
    ],
)
def test_cells(value: Any, plain: Any) -> None:
    assert cell(value) == plain
    assert type(cell(value)) is type(plain)


def test_a_number_that_python_does_not_write() -> None:
    assert cell(10**6000) == hex(10**6000)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary() | st.decimals()
    | st.dates() | st.datetimes() | st.times() | st.timedeltas() | st.uuids(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@given(VALUES)
def test_any_cell_is_json_that_loses_no_digit(value: Any) -> None:
    read = json.loads(as_json(cell(value)))
    assert read == cell(value)
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) and isinstance(read, (int, float)):
        assert Decimal(str(float(read))) == Decimal(str(value))


def _discretion(source: str, policy: str | None = None) -> Discretion:
    return Discretion(SimpleNamespace(source=source, policy=policy))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("/srv/data/shop.sqlite", "shop.sqlite"),
        ("shop.sqlite", "shop.sqlite"),
        ("sqlite:////srv/data/shop.db", "sqlite:///shop.db"),
        ("duckdb:///data/shop.duckdb", "duckdb:///shop.duckdb"),
        ("parquet:////srv/data/shop", "parquet:///shop"),
        ("postgresql://bob@db.internal:5432/shop?options=-cx", "postgresql://db.internal/shop"),
        ("mysql://bob@localhost/shop?read_default_file=/root/.my.cnf", "mysql://localhost/shop"),
        ("pubmed:?mode=cache", "pubmed:"),
        ("bm25:////srv/index", "bm25:///index"),
    ],
)
def test_a_source_is_shown_without_its_place(source: str, shown: str) -> None:
    assert _discretion(source).source == shown


@pytest.mark.parametrize(
    ("policy", "shown"),
    [
        ("http://10.0.0.5:8000/v1#org/model", "org/model"),
        ("runs/2026/best", "best"),
        ("script", "script"),
        (None, None),
    ],
)
def test_a_policy_is_shown_without_its_address(policy: str | None, shown: str | None) -> None:
    assert _discretion("shop.sqlite", policy).policy == shown


def test_words_of_others_are_looked_through() -> None:
    discretion = _discretion("sqlite:////srv/data/shop.db", "http://10.0.0.5:8000/v1#m")
    words = (
        "cannot open /srv/data/shop.db, nor /srv/data/other.db; http://10.0.0.5:8000/v1 and http://10.0.0.5:8000/v1#m"
    )
    told = discretion.text(words)
    assert told == "cannot open shop.db, nor other.db; the policy's server and m"
    answer = Answer("q", "select '/srv/data/shop.db'", message=words, warnings=(words,))
    body = answer_body(answer, discretion)
    assert (body["message"], body["warnings"]) == (told, [told])
    assert body["query"] == "select '/srv/data/shop.db'"  # who asks knows what was asked
