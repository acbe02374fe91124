"""A list of JSON objects, read one by one wherever the file is cut."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sqlrl.benchmarks import json_items as module
from sqlrl.benchmarks.json_items import json_items
from sqlrl.executors.errors import DataError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=4), max_size=5)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    items=OBJECTS, chunk=st.integers(1, 40), indent=st.none() | st.integers(0, 2), name=st.sampled_from(["", "data"])
)
def test_as_the_whole_file_read_at_once(
    items: list[dict[str, Any]], chunk: int, indent: int | None, name: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(module, "_CHUNK", chunk)
    whole: Any = {"before": [1], name: items, "after": 12.5} if name else items
    (tmp_path / "a.json").write_text(json.dumps(whole, indent=indent), encoding="utf-8")
    assert [item for _, item in json_items(tmp_path / "a.json")] == items


def test_one_object_nothing_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('\ufeff {"a": 1, "b": [2]} ', encoding="utf-8")
    assert list(json_items(path)) == [(1, {"a": 1, "b": [2]})]
    path.write_text(" \n")
    assert list(json_items(path)) == []
    path.write_text("{}")
    assert list(json_items(path)) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[{"a": 1}, {"a": ', "after 1 items"),
        ('[{"a": 1} {"a": 2}]', "after 1 items"),
        ('[{"a": 1}, 7]', "item 2: not a JSON object"),
        ("[{}] x", "something follows the end"),
        ('{"studies": [{}]', "ends too early"),
        ('{"studies": [{}', "ends too early"),
        ("word", "after 0 items"),
    ],
)
def test_what_is_no_json_says_where(text: str, line: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match=line):
        list(json_items(tmp_path / "a.json"))
    (tmp_path / "a.json").write_bytes(b'[{"a": "\xff"}]')
    with pytest.raises(DataError, match="cannot be read"):
        list(json_items(tmp_path / "a.json"))
