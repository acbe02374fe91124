"""The README shows what is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from sqlrl.cli import COMMANDS, cli

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^\$ sqlrl (.*?)(?:  +#.*)?$", README, re.MULTILINE)


def test_every_command_is_shown() -> None:
    assert {line.split()[0] for line in SHOWN} == set(COMMANDS)


@pytest.mark.parametrize("line", SHOWN)
def test_what_is_shown_can_be_typed(line: str) -> None:
    """Every command parses: known options, known arguments."""
    words = shlex.split(line)
    with click.Context(cli) as context:
        command = cli.get_command(context, words[0])
        assert command is not None
        command.make_context(words[0], words[1:], parent=context, resilient_parsing=False)


def test_the_tree_names_files_that_exist() -> None:
    block = README.partition("## The tree\n\n```\n")[2].partition("```")[0]
    floor = ""
    for line in block.splitlines():
        if not line.startswith(" "):
            floor = line.split()[0]
            assert (ROOT / floor).is_dir()
            continue
        for name in line[2:].partition("  ")[0].split():
            assert (ROOT / floor / name).exists(), f"{floor}{name}"


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert ((ROOT / page).parent / target).exists(), target
