"""An observation: what a policy is shown of a result, short, one row a line, and with nothing in it that acts.

A database's text comes from anybody. Shown to a policy, `<|im_end|>` in a cell would end the message that it stands in,
since chat templates are rendered to text before they are tokenized: marks of that kind are parted by a space.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlrl.executors.base import Outcome, Result

__all__ = ["Caps", "describe_block", "harmless", "observe", "tables_in"]

# <|im_end|>, </tool_response>, <answer>, <｜end｜>, [INST], [/TOOL_RESULTS], <<SYS>>
_MARKS = re.compile(r"<(?=[|/\uff5c<A-Za-z_])|\[(?=/?[A-Z_]+\])")
_SPACE = re.compile(r"\s+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
_BLOCK = re.compile(r"\n\n(?=CREATE\b)", re.IGNORECASE)
_NAME = r'(?:"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|[^\s"`\[\](.;]+)'
_NAMED = re.compile(
    r"CREATE\s+(?:\w+\s+){0,4}?(?:TABLE|VIEW)\s+(?:IF\s+NOT\s+EXISTS\s+)?"
    rf"(?:{_NAME}\s*\.\s*)*({_NAME})",
    re.IGNORECASE,
)
_WORDS = {
    Outcome.INVALID: "error",
    Outcome.REFUSED: "refused",
    Outcome.TIMED_OUT: "timed out",
    Outcome.TOO_LARGE: "too large",
    Outcome.CRASHED: "crashed",
    Outcome.UNAVAILABLE: "unavailable",
}


@dataclass(frozen=True, slots=True)
class Caps:
    """How much of a result is shown. rows: the first ones. cell, characters: of one cell, and of the whole."""

    rows: int = 10
    cell: int = 60
    characters: int = 1_200


def observe(result: Result, caps: Caps | None = None) -> str:
    """The columns, the rows, and in brackets how many there are; or how the query ended and the engine's own words.

    Every row is one line and every line that is not data is the first or the last: a cell cannot pass for either.
    """
    caps = caps or Caps()
    if result.outcome is not Outcome.OK:
        word = _WORDS[result.outcome]
        return _cut(f"{word}: {_line(result.message)}" if result.message else word, caps.characters)
    shown = result.rows[: caps.rows]
    lines = [" | ".join(_cell(name, caps.cell) for name in result.columns)]
    lines += [" | ".join(_cell(value, caps.cell) for value in row) for row in shown]
    room = caps.characters - len("[the first 000000 rows, cut; there are more]")
    kept = _fitting(lines, room)
    cut = len(kept) < len(lines) or any(len(line) > room for line in lines[:1])
    rows = max(0, len(kept) - 1)
    return "\n".join([*kept, f"[{_count(rows, len(result.rows), result, cut)}]"])


def describe_block(description: str, table: str) -> str | None:
    """Of a description of a whole database, the part on `table`; None where there is no such table. Case is ignored."""
    wanted = _bare(table).lower()
    for block in _BLOCK.split(description):
        if _name(block).lower() == wanted:
            return block.strip()
    return None


def tables_in(description: str) -> list[str]:
    """The tables and views that a description tells of."""
    return [name for block in _BLOCK.split(description) if (name := _name(block))]


def harmless(text: str) -> str:
    """`text` with marks that a chat template or a parser of answers would read as its own parted by a space."""
    return _MARKS.sub(lambda mark: f"{mark.group()} ", _CONTROL.sub("\ufffd", text))


def _count(shown: int, had: int, result: Result, cut: bool) -> str:
    if not result.rows:
        return "no rows"
    more = result.truncated or shown < had
    total = result.total if result.total is not None else None if result.truncated else had
    if not more:
        words = f"{shown} row{'' if shown == 1 else 's'}"
    elif total is not None:
        words = f"the first {shown} of {total} rows"
    else:
        words = f"the first {shown} rows; there are more"
    return f"{words}, cut" if cut else words


def _fitting(lines: Sequence[str], room: int) -> list[str]:
    """As many whole lines as fit, the first of them cut where it alone does not."""
    kept: list[str] = []
    left = room
    for line in lines:
        if len(line) + 1 > left:
            break
        kept.append(line)
        left -= len(line) + 1
    return kept or [_cut(line, max(1, room)) for line in lines[:1]]


def _cell(value: Any, width: int) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return _cut(f"x'{value[:width].hex()}'", width)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return f"{value:.1f}"
    return _cut(_line(f"{value:.6g}" if isinstance(value, float) else str(value)[: 4 * width]), width)


def _line(text: str) -> str:
    return harmless(_SPACE.sub(" ", text).strip())


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _name(block: str) -> str:
    found = _NAMED.match(block.strip())
    return _bare(found.group(1)) if found else ""


def _bare(name: str) -> str:
    name = name.strip().rstrip(";")
    if len(name) > 1 and (name[0], name[-1]) in (('"', '"'), ("`", "`"), ("[", "]")):
        return name[1:-1].replace('""', '"')
    return name
