"""Answers: questions with what is known to be right for them, read from a file of JSON lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlrl.executors.base import Gold, Partial, Row
from sqlrl.executors.errors import DataError, nearest
from sqlrl.executors.partial import read_cell

__all__ = ["KEYS", "Answer", "read_answers"]

KEYS = ("question", "answer", "partial", "ordered", "at_most", "evidence", "split", "query")
SPLITS = ("train", "validation", "test")
KINDS = ("number", "names", "contains", "whole")


@dataclass(frozen=True, slots=True)
class Answer:
    """One line. split: where the file says so, else empty. line: its number, from 1 on."""

    question: str
    gold: Gold
    evidence: str
    split: str
    line: int

    @property
    def partial(self) -> Partial:
        """What is known of the result."""
        assert self.gold.partial is not None
        return self.gold.partial


def read_answers(file: Path) -> list[Answer]:
    """The answers of a file, one JSON object a line:

    - "question": text.
    - "answer": a number or a text (42), a list of them (["a", "b"]), a table ({"columns": [...], "rows": [[...], ...]}
      or a list of lists), or {"csv": "file.csv"}, a table with a header in a file beside this one.
    - "partial": how much of the result that is: "number" (what a number is), "names" (what a text or a list is),
      "whole" (what a table is) or "contains" (some of the result's rows).
    - "ordered": true where rows or names must come in this order.
    - "at_most": of "contains", how many rows the result has at most (by default twice as many as are known).
    - "evidence": what must be known besides. "split": "train", "validation" or "test".
    - "query": one that gives the answer, for reports and for the ceiling of a comparison. No method of training reads
      it.

    A question that is asked twice with one answer counts once. DataError names the line of the first fault.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}") from None
    found: dict[str, Answer] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            answer = _read(_parsed(line), number, file.parent)
            known = found.setdefault(" ".join(answer.question.split()).casefold(), answer)
            if known.gold != answer.gold:
                raise _Fault(f"line {known.line} asks the same and has another answer")
        except _Fault as fault:
            raise DataError(f"{file}, line {number}: {fault}") from None
    if not found:
        raise DataError(f"{file} holds no questions")
    return list(found.values())


class _Fault(Exception):
    """What is wrong with a line."""


def _parsed(line: str) -> dict[str, Any]:
    def refuse(constant: str) -> Any:
        raise _Fault(f"{constant} is not a number that JSON has")

    try:
        # Numbers that are not whole stay text: how many decimals they are written with says how they were rounded.
        item = json.loads(line, parse_float=_Decimals, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise _Fault(f"not JSON: {error}") from None
    if not isinstance(item, dict):
        raise _Fault('not a JSON object, such as {"question": "how many orders?", "answer": 42}')
    return item


class _Decimals(str):
    """The text of a number that is not whole."""


def _read(item: Mapping[str, Any], number: int, folder: Path) -> Answer:
    for key in item:
        if key not in KEYS:
            raise _Fault(f"no key {key!r}{nearest(key, KEYS)}")
    question = item.get("question")
    if not isinstance(question, str) or not question.strip():
        raise _Fault('no text "question"')
    for key, kinds, what in (
        ("ordered", bool, "true or false"), ("evidence", str, "text"), ("split", str, "text"), ("query", str, "text"),
    ):  # fmt: skip
        if not isinstance(item.get(key, kinds()), kinds):
            raise _Fault(f'"{key}" is {what}, not {item[key]!r}')
    if item.get("split", "train") not in SPLITS:
        raise _Fault(f'"split" is one of {", ".join(SPLITS)}, not {item["split"]!r}')
    kind, rows = _rows(item.get("answer"), folder)
    said = item.get("partial", kind)
    if said not in KINDS:
        raise _Fault(f'"partial" is one of {", ".join(KINDS)}, not {said!r}')
    _check(said, rows, item)
    gold = Gold(item.get("query"), partial=Partial(said, rows, item.get("at_most", 0)), ordered=item.get("ordered"))
    return Answer(question, gold, item.get("evidence", ""), item.get("split", ""), number)


def _check(kind: str, rows: tuple[Row, ...], item: Mapping[str, Any]) -> None:
    """Whether what is known is of its kind."""
    if kind == "number" and not (
        len(rows) == 1 and len(rows[0]) == 1 and isinstance(read_cell(rows[0][0]), (int, float))
    ):
        raise _Fault('"partial": "number" goes with one number')
    if kind == "names" and len(rows[0]) != 1:
        raise _Fault(f'"partial": "names" goes with one column, not {len(rows[0])}')
    if item.get("ordered") and kind in ("number", "contains"):
        raise _Fault(f'"ordered" goes with "names" and "whole", not with "{kind}"')
    at_most = item.get("at_most", 0)
    if "at_most" in item and kind != "contains":
        raise _Fault(f'"at_most" goes with "contains", not with "{kind}"')
    if isinstance(at_most, bool) or not isinstance(at_most, int) or ("at_most" in item and at_most < len(rows)):
        raise _Fault(f'"at_most" is a whole number, no less than the {len(rows)} rows that are known, not {at_most!r}')


def _rows(answer: Any, folder: Path) -> tuple[str, tuple[Row, ...]]:
    """(what kind it is by its form, its rows)."""
    if answer is None:
        raise _Fault('no "answer"')
    if _is_cell(answer):
        return ("number" if _is_number(answer) else "names"), ((_cell(answer),),)
    if isinstance(answer, dict):
        return "whole", _csv(answer, folder) if "csv" in answer else _table(answer)
    if not isinstance(answer, list):
        raise _Fault(f'"answer" is a number, a text, a list or a table, not {answer!r}')
    if not answer:
        raise _Fault("an answer of nothing tells no right query from a wrong one: leave the question out")
    if all(isinstance(row, list) for row in answer):
        return "whole", _tuples(answer)
    return "names", _tuples([[name] for name in answer])


def _table(answer: Mapping[str, Any]) -> tuple[Row, ...]:
    if set(answer) - {"columns", "rows"} or not isinstance(answer.get("rows"), list):
        raise _Fault('a table is {"columns": [...], "rows": [[...], ...]} or {"csv": "file.csv"}')
    rows = _tuples(answer["rows"])
    columns = answer.get("columns", [""] * len(rows[0]))
    if not isinstance(columns, list) or len(columns) != len(rows[0]):
        raise _Fault(f"{len(rows[0])} cells a row, and another number of columns")
    return rows


def _tuples(rows: list[Any]) -> tuple[Row, ...]:
    if not rows:
        raise _Fault("an answer of nothing tells no right query from a wrong one: leave the question out")
    for row in rows:
        if not isinstance(row, list) or not row or len(row) != len(rows[0]):
            raise _Fault("the rows of a table are lists of one length")
        for cell in row:
            if not _is_cell(cell) and cell is not None:
                raise _Fault(f"a cell is a number, a text or null, not {cell!r}")
    return tuple(tuple(_cell(cell) for cell in row) for row in rows)


def _csv(answer: Mapping[str, Any], folder: Path) -> tuple[Row, ...]:
    if set(answer) != {"csv"} or not isinstance(answer["csv"], str):
        raise _Fault('a table in a file is {"csv": "file.csv"}')
    path = folder / answer["csv"]
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file, strict=True) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _Fault(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return _tuples(rows[1:])


def _is_cell(value: Any) -> bool:
    return isinstance(value, (str, int))


def _is_number(value: Any) -> bool:
    return isinstance(value, (_Decimals, int))


def _cell(value: Any) -> Any:
    """Text or a number of Python's own, as workers take them."""
    return str(value) if isinstance(value, str) else value
