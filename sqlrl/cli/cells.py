"""Cells: rows as a terminal shows them and as JSON has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["cell_text", "distinct", "plain", "show_table"]

LEAST_WIDTH = 6  # of a column: where there are too many for that, each row is a table of its own


def show_table(terminal: Any, columns: Sequence[str], shown: Sequence[Sequence[Any]]) -> None:
    """Rows under their columns' names, numbers to the right."""
    right = [bool(shown) and all(_is_number(row[i]) or row[i] is None for row in shown) for i in range(len(columns))]
    names = [cell_text(name) for name in columns]
    texts = [[cell_text(cell) for cell in row] for row in shown]
    if len(columns) > max(1, terminal.width // LEAST_WIDTH):
        for number, row in enumerate(texts, 1):
            terminal.table([f"row {number:,}", ""], list(zip(names, row, strict=True)), right=[False, False])
    else:
        terminal.table(names, texts, right=right)


def distinct(columns: Sequence[str]) -> list[str]:
    """Column names as keys of one object: a name that comes again is numbered."""
    names: list[str] = []
    for column in columns:
        name, number = column, 1
        while name in names:
            number += 1
            name = f"{column}_{number}"
        names.append(name)
    return names


def plain(cell: Any) -> Any:
    """What JSON has a word for: text for dates and decimals, hexadecimal digits for bytes, null for not-a-number."""
    if cell is None or isinstance(cell, (bool, int)):
        return cell
    if isinstance(cell, str):
        return cell.encode("utf-8", "replace").decode("utf-8")
    if isinstance(cell, float):
        return cell if cell - cell == 0 else None
    if isinstance(cell, bytes):
        return cell.hex()
    if isinstance(cell, (list, tuple)):
        return [plain(item) for item in cell]
    if isinstance(cell, dict):
        return {str(key): plain(value) for key, value in cell.items()}
    return cell.isoformat() if hasattr(cell, "isoformat") else str(cell)


def _is_number(cell: Any) -> bool:
    from decimal import Decimal

    return isinstance(cell, (int, float, Decimal)) and not isinstance(cell, bool)


def cell_text(cell: Any) -> str:
    """A cell on one line of a table, without the control characters that would drive the terminal."""
    import json

    if cell is None:
        return "NULL"
    if isinstance(cell, (list, tuple, dict)):
        cell = json.dumps(plain(cell), ensure_ascii=False)
    text = cell.hex() if isinstance(cell, bytes) else str(cell)
    return "".join(c if c.isprintable() else "\ufffd" for c in " ".join(text.split()))
