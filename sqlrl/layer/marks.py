"""Marks: what people say of answers, that one is right or what it should be, as `sqlrl train --answered` reads it."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlrl.benchmarks.answers import read_answers
from sqlrl.executors.errors import DataError, UsageError
from sqlrl.layer.answer import Answer, distinct

__all__ = ["mark", "mark_right"]


def mark_right(file: str | Path, answer: Answer, *, evidence: str = "") -> None:
    """Keep that an answer's result is right. UsageError where it tells nothing, or not all of it is known."""
    if not answer.ok:
        raise UsageError("only an answer with a result can be right")
    if not answer.rows or all(cell is None for row in answer.rows for cell in row):
        raise UsageError("a result of nothing tells no right query from a wrong one: it cannot be marked")
    if answer.truncated:
        raise UsageError("there are more rows than were read: ask with more, or say what the answer is")
    rows = [[_cell(cell) for cell in row] for row in answer.rows]
    known: Any = {"columns": distinct(answer.columns), "rows": rows}
    kind = "whole"
    if len(answer.columns) == 1:
        known, kind = [cell for (cell,) in rows], "names"
        if len(known) == 1 and not isinstance(known[0], str):
            known, kind = known[0], "number"
    mark(file, answer.question, known, partial=kind, evidence=evidence, query=answer.query or "")


def mark(
    file: str | Path, question: str, known: Any, *, partial: str = "", evidence: str = "", query: str = ""
) -> None:
    """Keep what the answer to a question is: a number, a text, a list of them, or a table; see `read_answers`. What was
    kept for the same question before gives way. UsageError where it is none of these.

    The file is written beside and renamed, after it was read as training reads it; others may do the same meanwhile.
    """
    path = Path(file).expanduser()
    item: dict[str, Any] = {"question": question, "answer": known}
    item |= {key: value for key, value in (("partial", partial), ("evidence", evidence), ("query", query)) if value}
    with _alone(path):
        lines = _lines(path)
        kept = [line for line in lines if not _asks(line, question)]
        _write(path, [*kept, json.dumps(item, ensure_ascii=False)])


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8-sig").split("\n") if line.strip()]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}") from None


def _asks(line: str, question: str) -> bool:
    try:
        item = json.loads(line)
    except (ValueError, RecursionError):
        return False
    asked = item.get("question") if isinstance(item, dict) else None
    return isinstance(asked, str) and _plain(asked) == _plain(question)


def _plain(question: str) -> str:
    return " ".join(question.split()).casefold()


def _write(path: Path, lines: list[str]) -> None:
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    beside = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write("".join(f"{line}\n" for line in lines))
        try:
            read_answers(beside)
        except DataError as error:
            fault = str(error).removeprefix(f"{beside}, ")
            raise UsageError(f"{path} would not be read: {fault}") from None
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """No other process or thread marks in the same folder meanwhile."""
    import fcntl

    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _cell(cell: Any) -> Any:
    """What JSON has a word for."""
    if cell is None or isinstance(cell, (str, bool, int)):
        return cell
    if isinstance(cell, float) and cell - cell == 0:
        return cell
    if isinstance(cell, Decimal) and cell.is_finite():
        return float(cell)
    if isinstance(cell, (datetime.date, datetime.time)):
        return cell.isoformat(" ") if isinstance(cell, datetime.datetime) else cell.isoformat()
    raise UsageError(f"a cell of the kind {type(cell).__name__} cannot be marked")
