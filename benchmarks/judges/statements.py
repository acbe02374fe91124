"""Statements: what the official scripts do where a prediction holds none."""

from __future__ import annotations

import re

__all__ = ["is_nothing", "or_nothing"]

# What SQLite reads as nothing at all. A vertical tab is a space only behind another one.
_NOTHING = re.compile(r"(?:[ \t\n\f\r][ \t\n\v\f\r]*+|\ufeff|--[^\n]*+|/\*(?=.)(?:(?!\*/).)*+(?:\*/|$)|;)*+", re.DOTALL)


def is_nothing(query: str) -> bool:
    """Whether the text holds no statement at all, as SQLite reads it: space, comments and semicolons."""
    return _NOTHING.fullmatch(query) is not None


def or_nothing(query: str) -> str:
    """The query, or one that returns nothing where the text has no statement: that is what SQLite gives a script that
    runs such a text, and nothing is what an empty gold asks for."""
    return "SELECT NULL WHERE 0" if is_nothing(query) else query
