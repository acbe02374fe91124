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


# As BIRD's mini-dev: ids that are numbers, but not positions, and one that two questions share.
NUMBERED = [
    Example(identifier, f"question {i}", Gold(query="SELECT 1"), labels={"database": database})
    for i, (identifier, database) in enumerate(
        [("717", "hero"), ("2", "hero"), ("5", "shop"), ("137", "shop"), ("137", "shop"), ("1", "hero")]
    )
]
WHOLE = ["a", "b", "c", "d", "e", "f"]
HERO = [0, 1, 5]


def _read(tmp_path: Path, value: object, chosen: list[int] | None = None, match: str | None = None) -> list[str]:
    path = tmp_path / ("x.jsonl" if isinstance(value, str) else "x.json")
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return read_predictions(path, NUMBERED, chosen=chosen, match=match)


def test_keys_that_count_up_are_positions_whatever_the_ids(tmp_path: Path) -> None:
    shuffled = {str(place): WHOLE[place] for place in (3, 1, 0, 5, 4, 2)}
    assert _read(tmp_path, shuffled) == WHOLE
    assert _read(tmp_path, shuffled, HERO) == ["a", "b", "f"]  # counted before the databases are chosen
    assert _read(tmp_path, {"0": "a", "1": "b", "2": "f"}, HERO) == ["a", "b", "f"]
    assert _read(tmp_path, {"0": "a", "1": "b", "2": "f"}, HERO, "position") == ["a", "b", "f"]


def test_other_keys_are_ids_every_one(tmp_path: Path) -> None:
    by_id = {"1": "f", "2": "b", "5": "c", "137": "d", "717": "a"}
    assert _read(tmp_path, by_id) == ["a", "b", "c", "d", "d", "f"]
    assert _read(tmp_path, by_id, HERO) == ["a", "b", "f"]
    assert _read(tmp_path, {"1": "f", "2": "b", "717": "a"}, HERO, "id") == ["a", "b", "f"]
    with pytest.raises(DataError, match=r"the key '9' is the id of no question here, and the keys are not .* 0 to 5"):
        _read(tmp_path, {"9": "f", "2": "b", "717": "a"})
    with pytest.raises(DataError, match=r"no prediction for 1$"):
        _read(tmp_path, {"2": "b", "717": "a"}, HERO)
    with pytest.raises(DataError, match="no prediction for 5 and 2 more"):
        _read(tmp_path, {"1": "f", "2": "b", "717": "a"})


def test_match_decides_where_both_could_be_meant(tmp_path: Path) -> None:
    by_id = {"1": "f", "2": "b", "5": "c", "137": "d", "717": "a", "9": "e"}
    assert _read(tmp_path, by_id, None, "position") == ["f", "b", "c", "d", "a", "e"]  # as BIRD's script: file order
    with pytest.raises(DataError, match=r"'0' is the id of no question here$"):
        _read(tmp_path, {str(place): "x" for place in range(6)}, None, "id")
    with pytest.raises(DataError, match="no ids to be matched by"):
        _read(tmp_path, WHOLE, None, "id")
    with pytest.raises(UsageError, match="--match is id or position"):
        _read(tmp_path, WHOLE, None, "ids")


def test_lines_with_index_and_question_id(tmp_path: Path) -> None:
    items = [
        {"index": place, "question_id": int(NUMBERED[place].id), "predicted": WHOLE[place]}
        for place in (5, 3, 0, 4, 1, 2)
    ]

    def lines(chosen: list[int]) -> str:
        return "".join(json.dumps(item) + "\n" for item in items if item["index"] in chosen)

    assert _read(tmp_path, lines([*range(6)])) == WHOLE
    for match in (None, "id", "position"):
        assert _read(tmp_path, lines(HERO), HERO, match) == ["a", "b", "f"]
    # An id that two questions share is the first, then the next.
    assert _read(tmp_path, lines([*range(6)]), None, "id") == WHOLE


def test_a_value_that_is_no_text_is_no_query_in_birds_form(tmp_path: Path) -> None:
    values = ["SELECT 1\t----- bird -----\thero", 0, None, " x ", "a\t----- bird -----\tb\t----- bird -----\tc", "f"]
    read = _read(tmp_path, {str(place): value for place, value in enumerate(values)})
    assert read == ["SELECT 1", "", "", " x ", values[4], "f"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.json", "[" * 100_000, "is not JSON: it is nested too deep"),
        ("x.json", "[" + "1" * 5_000 + "]", "is not JSON"),
        ("x.json", '{"0": "a", "0": "b", "1": "c"}', "the key '0' is there twice"),
        ("x.csv", 'sql\n"' + "x" * 200_000 + '"\n', "field larger"),
        ("x.jsonl", '{"index": "²", "sql": "a"}\n', "1 items for 3 questions"),
        ("x.jsonl", '{"index": "' + "9" * 5_000 + '", "sql": "a"}\n', "is outside 0 to 2"),
        ("x.jsonl", '{"question_id": 7, "sql": "a"}\n' * 3, "'7' is the id of no question here"),
        ("x.json", '{"0": "a", "2": "c"}', r"not the positions 0 to 2: 1 is missing"),
        ("x.json", '{"0": "a", "1": "b", "2": "c", "3": "d"}', r"not the positions 0 to 2: there are 4"),
    ],
)  # fmt: skip
def test_what_no_reader_expects_is_said_in_a_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(DataError, match=message) as found:
        read_predictions(path, EXAMPLES)
    assert len(str(found.value)) < 400


def test_question_ids_that_count_up_are_positions_where_they_are_no_ids(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps({"question_id": i, "sql": QUERIES[i]}) + "\n" for i in (2, 0, 1)))
    assert read_predictions(path, EXAMPLES) == QUERIES
    with pytest.raises(DataError, match="is the id of no question here"):
        read_predictions(path, EXAMPLES, match="id")
    path.write_text("".join(json.dumps({"question_id": 7, "id": None, "sql": query}) + "\n" for query in QUERIES))
    assert read_predictions(path, EXAMPLES, match="position") == QUERIES


def test_a_last_prediction_may_be_empty(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("SELECT 1\nSELECT 2\n\n")
    assert read_predictions(path, EXAMPLES) == ["SELECT 1", "SELECT 2", ""]
    path.write_text("SELECT 1\nSELECT 2\nSELECT 3\n\n \n")
    assert read_predictions(path, EXAMPLES) == ["SELECT 1", "SELECT 2", "SELECT 3"]
    path.write_text("SELECT 1\nSELECT 2\n")
    with pytest.raises(DataError, match="2 lines"):
        read_predictions(path, EXAMPLES)


def test_spiders_lines_end_at_their_first_tab(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("SELECT 1\tshop\n  SELECT\t2\tshop\nSELECT 3\tanother\n")
    assert read_predictions(path, EXAMPLES, to_first_tab=True) == ["SELECT 1", "SELECT", "SELECT 3"]
    assert read_predictions(path, EXAMPLES) == ["SELECT 1", "  SELECT\t2", "SELECT 3\tanother"]


def test_lines_of_a_table_end_at_line_ends_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("sql\nSELECT '\u2028'\nSELECT '\x0b'\nSELECT '\x85'\n", encoding="utf-8")
    assert read_predictions(path, EXAMPLES) == ["SELECT '\u2028'", "SELECT '\x0b'", "SELECT '\x85'"]
