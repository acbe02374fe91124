"""Names: how SQLite and DuckDB compare those of tables, and what a list of tables means to them."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["fold", "fold_all"]

_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def fold(name: str) -> str:
    """Equal for names that these engines take for one: only the letters of ASCII have no case, so É is not é, nor the
    Kelvin sign a k."""
    return name.translate(_LOWER)


def fold_all(tables: Sequence[str] | None) -> frozenset[str] | None:
    """The names of a list of tables, folded; None for no list. Those of the main schema may be given with it."""
    return None if tables is None else frozenset(fold(name).removeprefix("main.") for name in tables)
