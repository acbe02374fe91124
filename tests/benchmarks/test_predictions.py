"""Predictions in every form that people keep them in."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from sqlrl.benchmarks.base import Example
from sqlrl.benchmarks.predictions import read_predictions
from sqlrl.executors.base import Gold
from sqlrl.executors.errors import DataError, UsageError

EXAMPLES = [Example(f"q-{i}", f"question {i}", Gold(query="SELECT 1"), labels={"database": "shop"}) for i in range(3)]
QUERIES = ["SELECT 1", "SELECT 'a,\"b\"'", "SELECT 3"]


def _write(path: Path, form: str) -> None:
    if form == "lines":
        path.write_text("\n".join(QUERIES) + "\n")
    elif form == "crlf":
        path.write_bytes("\r\n".join(QUERIES).encode())
    elif form == "bom":
        path.write_text("\n".join(QUERIES), encoding="utf-8-sig")
    elif form == "tabbed":
        path.write_text("".join(f"{query}\tshop\n" for query in QUERIES))
    elif form == "list":
        path.write_text(json.dumps(QUERIES))
    elif form == "bird":
        path.write_text(json.dumps({str(i): f"{q}\t----- bird -----\tshop" for i, q in enumerate(QUERIES)}))
    elif form == "by-id":
        path.write_text(json.dumps({f"q-{i}": q for i, q in reversed(list(enumerate(QUERIES)))}))
    elif form == "jsonl":
        path.write_text("".join(json.dumps({"index": i, "predicted": QUERIES[i]}) + "\n" for i in (2, 0, 1)))
    elif form == "ids":
        path.write_text("".join(json.dumps({"id": f"q-{i}", "SQL": QUERIES[i]}) + "\n" for i in (1, 2, 0)))
    else:
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["Question", "Predicted SQL"])
            writer.writerows(["?", query] for query in QUERIES)


@pytest.mark.parametrize(
    ("form", "suffix"),
    [
        ("lines", "txt"), ("crlf", "sql"), ("bom", "txt"), ("tabbed", "txt"), ("list", "json"), ("bird", "json"),
        ("by-id", "json"), ("jsonl", "jsonl"), ("ids", "jsonl"), ("csv", "csv"),
    ],
)  # fmt: skip
def test_every_form_gives_the_same(tmp_path: Path, form: str, suffix: str) -> None:
    path = tmp_path / f"predictions.{suffix}"
    _write(path, form)
    assert read_predictions(path, EXAMPLES) == QUERIES


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.txt", "SELECT 1\n", "1 lines for 3 questions"),
        ("x.txt", "a\nb\nc\nd\n", "4 lines for 3 questions"),
        ("x.json", "[1, 2", "not JSON"),
        ("x.json", '["a", "b", 3]', "text, not int"),
        ("x.json", "3", "neither"),
        ("x.jsonl", '{"index": 0, "sql": "a"}\n{"index": 0, "sql": "a"}\n', "twice"),
        ("x.jsonl", '{"index": 9, "sql": "a"}\n', "outside"),
        ("x.jsonl", '{"index": 1, "sql": "a"}\n', "no prediction for q-0 and 1 more"),
        ("x.jsonl", '{"index": 1, "text": "a"}\n', "none of the keys"),
        ("x.jsonl", '{"id": "zz", "sql": "a"}\n' * 3, "'zz' is the id of no question here"),
        ("x.jsonl", '{"id": "q-0", "sql": "a"}\n{"sql": "b"}\n{"id": "q-2", "sql": "c"}\n', "item 2 has neither"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_predictions(path, EXAMPLES)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file"):
        read_predictions(tmp_path / "x.txt", EXAMPLES)


def test_empty_predictions_are_wrong_and_not_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("SELECT 1\n\nSELECT 3\n")
    assert read_predictions(path, EXAMPLES) == ["SELECT 1", "", "SELECT 3"]
