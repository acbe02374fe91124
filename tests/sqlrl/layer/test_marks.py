"""Marks: what is said of answers, in the form that training reads."""

from __future__ import annotations

import contextlib
import datetime
import json
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sqlrl.benchmarks.answers import read_answers
from sqlrl.executors import Outcome
from sqlrl.executors.errors import UsageError
from sqlrl.layer import Answer
from sqlrl.layer.marks import mark, mark_right


def _answer(columns: tuple[str, ...], *rows: tuple[Any, ...], **more: Any) -> Answer:
    return Answer("how many?", "select 1", columns, rows, **more)


@pytest.mark.parametrize(
    ("answer", "kind", "rows"),
    [
        (_answer(("n",), (7,)), "number", ((7,),)),
        (_answer(("n",), (Decimal("1.50"),)), "number", (("1.5",),)),
        (_answer(("n",), ("a",), (None,)), "names", (("a",), (None,))),
        (_answer(("n",), ("a",), ("b",)), "names", (("a",), ("b",))),
        (_answer(("a", "a"), ("x", 1), ("y", None)), "whole", (("x", 1), ("y", None))),
        (_answer(("d", "t"), (datetime.date(2026, 1, 2), True)), "whole", (("2026-01-02", True),)),
    ],
)
def test_a_right_answer_is_kept_as_its_kind(tmp_path: Path, answer: Answer, kind: str, rows: Any) -> None:
    file = tmp_path / "answered.jsonl"
    mark_right(file, answer)
    (kept,) = read_answers(file)
    assert (kept.partial.known, kept.partial.rows, kept.gold.query) == (kind, rows, "select 1")


@pytest.mark.parametrize(
    "answer",
    [
        _answer(("n",)),
        _answer(("n",), (None,)),
        _answer(("n",), (1,), truncated=True),
        _answer((), outcome=Outcome.REFUSED),
        _answer(("n", "b"), (1, b"x")),
        _answer(("n",), (float("nan"),)),
    ],
)
def test_what_tells_nothing_is_not_kept(tmp_path: Path, answer: Answer) -> None:
    with pytest.raises(UsageError):
        mark_right(tmp_path / "answered.jsonl", answer)
    assert list(tmp_path.iterdir()) == []


def test_lines_of_others_stay_and_the_same_question_gives_way(tmp_path: Path) -> None:
    file = tmp_path / "answered.jsonl"
    file.write_text('{"question": "a?", "answer": 1, "split": "test"}\n\n{"question": "B ?", "answer": ["x"]}')
    mark(file, "b  ?", 5)
    assert [json.loads(line) for line in file.read_text().splitlines()] == [
        {"question": "a?", "answer": 1, "split": "test"}, {"question": "b  ?", "answer": 5},
    ]  # fmt: skip
    with pytest.raises(UsageError, match="would not be read"):
        mark(file, "c?", {"rows": "none"})
    assert len(read_answers(file)) == 2
    with pytest.raises(UsageError, match="cannot be written"):
        mark(tmp_path / "none" / "answered.jsonl", "c?", 1)


def test_many_may_mark_at_once(tmp_path: Path) -> None:
    file = tmp_path / "answered.jsonl"
    threads = [threading.Thread(target=mark, args=(file, f"question {n}?", n + 1)) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.partial.rows[0][0] for answer in read_answers(file)) == list(range(1, 25))


@given(
    st.text(max_size=30),
    st.one_of(st.text(max_size=9), st.integers(), st.lists(st.one_of(st.text(max_size=5), st.integers()), max_size=4)),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_file_can_always_be_read(tmp_path: Path, question: str, known: Any) -> None:
    file = tmp_path / "answered.jsonl"
    mark(file, "first?", 1)
    with contextlib.suppress(UsageError):
        mark(file, question, known)
    assert read_answers(file)
