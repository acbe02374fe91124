"""Frames in and out, and what is said where their packages are missing."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from sqlrl.executors.errors import MissingExtraError
from sqlrl.layer.answer import Answer
from sqlrl.layer.frames import Frames

ANSWER = Answer("", "q", ("a", "a"), ((1, "x"), (2, None)))


def test_an_answer_becomes_a_frame_of_either_kind() -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    assert list(ANSWER.to_pandas().columns) == ["a", "a_2"]
    assert ANSWER.to_arrow().to_pydict() == {"a": [1, 2], "a_2": ["x", None]}


@pytest.mark.parametrize("package", ["pandas", "pyarrow"])
def test_a_missing_package_is_named_with_its_extra(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"{package} is not installed: pip install 'sqlrl\[frames\]'"):
        ANSWER.to_pandas() if package == "pandas" else ANSWER.to_arrow()


def test_a_frame_that_cannot_be_written_for_want_of_a_package_says_so_too() -> None:
    class Frame:
        def to_parquet(self, path: Any, index: bool) -> None:
            raise ImportError("no engine for parquet")

    with pytest.raises(MissingExtraError, match=r"pip install 'sqlrl\[frames\]'"):
        Frames(Frame())
