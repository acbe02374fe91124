"""A description: a table's DDL with what a reader of it wants to know besides, as SQL comments beneath it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlrl.executors.base import Row
from sqlrl.executors.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["describe_table", "read_column_notes"]

WIDTH = 40  # characters of a sample value
_SPACE = re.compile(r"\s+")


def describe_table(
    ddl: str,
    count: int | None = None,
    sample: tuple[Sequence[str], Sequence[Row]] | None = None,
    notes: Mapping[str, str] | None = None,
) -> str:
    """The DDL, then comments: how many rows, what columns mean, and a few rows under their columns' names."""
    lines = [ddl.strip().rstrip(";") + ";"]
    if count is not None:
        lines.append(f"-- {count:,} row{'' if count == 1 else 's'}")
    lines += [f"-- {column}: {_one_line(text)}" for column, text in (notes or {}).items()]
    if sample is not None:
        columns, rows = sample
        lines.append("-- " + _one_line(", ".join(columns)))
        lines += ["-- " + ", ".join(_short(cell) for cell in row) for row in rows]
    return "\n".join(lines)


def read_column_notes(folder: str | Path) -> dict[str, dict[str, str]]:
    """table -> column -> what it means, table names in lower case, from BIRD's `database_description` folder: one CSV a
    table, with original_column_name, column_name, column_description, data_format and value_description."""
    import csv  # the engines in the workers import this module, and need none of these
    import io
    from pathlib import Path

    place = Path(folder)
    if not place.is_dir():
        raise DataError(f"there is no folder {place} of column descriptions")
    notes: dict[str, dict[str, str]] = {}
    for file in sorted(place.glob("*.csv")):
        text = file.read_bytes().decode("utf-8-sig", "replace")
        table = notes.setdefault(file.stem.lower(), {})
        for row in csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True):
            column = (row.get("original_column_name") or "").strip()
            parts = [_one_line(row.get(key) or "") for key in ("column_description", "value_description")]
            if not parts[0]:
                parts[0] = _one_line(row.get("column_name") or "")
            if column and any(parts):
                table[column] = "; ".join(part for part in parts if part)
    return notes


def _one_line(text: str) -> str:
    """A line break must not end the comment that the text stands in."""
    return _SPACE.sub(" ", text).strip()


def _short(cell: Any) -> str:
    text = "NULL" if cell is None else cell.hex() if isinstance(cell, bytes) else str(cell)
    text = _one_line(text)
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"
