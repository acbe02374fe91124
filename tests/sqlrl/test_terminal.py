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


def test_markdown_is_drawn_on_a_terminal_and_left_to_programs_as_it_is() -> None:
    table = "| arm | right |\n|---|--:|\n| GRPO | **81.2** |\n"
    shown, stream = _shown(True)
    shown.markdown(table)
    assert "|" not in stream.getvalue()
    assert [line.split() for line in stream.getvalue().splitlines() if "GRPO" in line] == [["GRPO", "81.2"]]
    shown, stream = _shown(False)
    shown.markdown(table)
    assert stream.getvalue() == f"{table}\n"


@pytest.mark.parametrize("brief", [False, True])
def test_bars_end_before_a_result_and_brief_ones_leave_nothing(brief: bool) -> None:
    shown, stream = Terminal(brief=brief), io.StringIO()
    both = Console(file=stream, force_terminal=True, width=70, color_system=None, highlight=False)
    shown.out = shown.err = both
    shown.start("judging", 2)(2, "")
    shown.verbatim("a line as wide as it likes [really] " * 3)
    last = stream.getvalue().rpartition("judging")[2]
    assert ("\x1b[2K" in last) == brief  # the bar's line is wiped
    assert last.endswith("a line as wide as it likes [really] " * 3 + "\n")
