"""What a terminal shows: lines that end between words, names that fit, and plain lines where no terminal is."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.text import Text

from sqlrl.cli.terminal import Terminal


def _shown(terminal: bool, width: int = 24) -> tuple[Terminal, io.StringIO]:
    shown, stream = Terminal(), io.StringIO()
    shown.out = Console(file=stream, force_terminal=terminal, width=width, color_system=None, highlight=False)
    return shown, stream


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("six words that are too many", ["six words that are too", "many"]),
        ("    set in as far as the first line", ["    set in as far as the", "    first line"]),
        ("see /a/path/that/nobody/may/break here", ["see", "/a/path/that/nobody/may/break", "here"]),
        ("short [red]", ["short [red]"]),
        ("", [""]),
        ("two\n\nlines", ["two", "", "lines"]),
    ],
)
def test_lines_end_between_words(line: str, lines: list[str]) -> None:
    shown, stream = _shown(True)
    shown.print(line)
    assert stream.getvalue().splitlines() == lines
    shown, stream = _shown(False)
    shown.print(Text(line))
    assert stream.getvalue() == f"{line}\n"


def test_styles_survive_a_line_end() -> None:
    shown, stream = Terminal(), io.StringIO()
    shown.out = Console(file=stream, force_terminal=True, width=8, color_system="standard", highlight=False)
    shown.print(Text("plain ").append("bold bold", style="bold"))
    assert stream.getvalue() == "plain\n\x1b[1mbold\x1b[0m\n\x1b[1mbold\x1b[0m\n"


def test_notes_stand_beneath_themselves() -> None:
    shown, stream = _shown(True)
    shown.notes(["what a reader must know [really]", "more"])
    assert [line.rstrip() for line in stream.getvalue().splitlines()] == [
        "", "note: what a reader must", "      know [really]", "note: more",
    ]  # fmt: skip
    shown, stream = _shown(False)
    shown.notes(["what a reader must know [really]"])
    assert stream.getvalue() == "\nnote: what a reader must know [really]\n"
    shown.notes([])
    assert stream.getvalue().count("\n") == 2
