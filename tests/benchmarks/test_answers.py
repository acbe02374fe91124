"""Answers: every form that a line may have, and one clear line for one that it may not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sqlrl.benchmarks.answers import read_answers
from sqlrl.executors.errors import DataError


def _file(folder: Path, *lines: Any) -> Path:
    path = folder / "answered.jsonl"
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


@pytest.mark.parametrize(
    ("line", "known", "rows"),
    [
        ({"answer": 42}, "number", ((42,),)),
        ('{"question": "q", "answer": 42.50}', "number", (("42.50",),)),
        ({"answer": "Paris"}, "names", (("Paris",),)),
        ({"answer": ["a", 2]}, "names", (("a",), (2,))),
        ({"answer": [["a", 1], ["b", None]]}, "whole", (("a", 1), ("b", None))),
        ({"answer": {"columns": ["n"], "rows": [["a"]]}}, "whole", (("a",),)),
        ({"answer": {"columns": ["n"], "rows": [["a"]]}, "partial": "names"}, "names", (("a",),)),
        ({"answer": ["a"], "partial": "contains", "at_most": 9}, "contains", (("a",),)),
        ({"answer": "42", "partial": "number"}, "number", (("42",),)),
        ({"answer": {"csv": "t.csv"}, "ordered": True}, "whole", (("a", "1.50"), ("b", ""))),
    ],
)
def test_a_line_says_what_is_known(tmp_path: Path, line: Any, known: str, rows: Any) -> None:
    (tmp_path / "t.csv").write_text("name,price\na,1.50\nb,\n")
    (answer,) = read_answers(_file(tmp_path, line if isinstance(line, str) else {"question": "q", **line}))
    assert (answer.partial.known, answer.partial.rows) == (known, rows)
    assert answer.line == 1
    assert answer.gold.query is None


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{", "not JSON"),
        ("[1]", "not a JSON object"),
        ({"answer": 1}, 'no text "question"'),
        ({"question": "q"}, 'no "answer"'),
        ({"question": "q", "answer": 1, "anwser": 2}, "did you mean 'answer'"),
        ({"question": "q", "answer": []}, "an answer of nothing"),
        ({"question": "q", "answer": {"rows": []}}, "an answer of nothing"),
        ({"question": "q", "answer": [[1], [1, 2]]}, "one length"),
        ({"question": "q", "answer": [[[1]]]}, "a cell is"),
        ({"question": "q", "answer": {"columns": ["a", "b"], "rows": [[1]]}}, "another number of columns"),
        ({"question": "q", "answer": {"csv": "none.csv"}}, "none.csv cannot be read"),
        ({"question": "q", "answer": {"table": 1}}, "a table is"),
        ({"question": "q", "answer": "a", "partial": "number"}, "goes with one number"),
        ({"question": "q", "answer": [[1, 2]], "partial": "names"}, "one column, not 2"),
        ({"question": "q", "answer": 1, "partial": "some"}, "is one of number"),
        ({"question": "q", "answer": 1, "ordered": True}, '"ordered" goes with'),
        ({"question": "q", "answer": 1, "ordered": 1}, "true or false"),
        ({"question": "q", "answer": 1, "at_most": 3}, '"at_most" goes with'),
        ({"question": "q", "answer": [1, 2], "partial": "contains", "at_most": 1}, "no less than the 2 rows"),
        ({"question": "q", "answer": 1, "split": "dev"}, '"split" is one of'),
        ('{"question": "q", "answer": NaN}', "NaN is not a number"),
        ({"question": "P", "answer": 2}, "line 1 asks the same"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named(tmp_path: Path, line: Any, fault: str) -> None:
    with pytest.raises(DataError) as error:
        read_answers(_file(tmp_path, {"question": "p", "answer": 1}, "", line))
    assert ", line 3: " in str(error.value)
    assert fault in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_asked_twice_counts_once(tmp_path: Path) -> None:
    lines = [{"question": "How many?", "answer": 1}, {"question": "how  many?", "answer": 1}]
    assert len(read_answers(_file(tmp_path, *lines))) == 1


def test_a_file_of_nothing_or_none_is_said(tmp_path: Path) -> None:
    for path, fault in ((_file(tmp_path, ""), "no questions"), (tmp_path / "none.jsonl", "cannot be read")):
        with pytest.raises(DataError, match=fault):
            read_answers(path)
    (tmp_path / "latin.jsonl").write_bytes(b'{"question": "caf\xe9", "answer": 1}')
    with pytest.raises(DataError, match="UTF-8"):
        read_answers(tmp_path / "latin.jsonl")
