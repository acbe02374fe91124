"""Tokens: whose they are, and what a file of them may hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlrl.executors.errors import UsageError
from sqlrl.server.tokens import Tokens


def test_a_file_names_who_holds_what(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("# of our people\nann  aaaa\n\n  bbbb\n")
    tokens = Tokens.read(file)
    assert len(tokens) == 2
    assert tokens.find("Bearer aaaa") == "ann"
    assert tokens.find("BEARER  bbbb ") == ""
    for header in (None, "", "Bearer", "Bearer ", "Bearer ann", "Bearer aaaa bbbb", "Basic aaaa", "Bearer aaa", "aaaa"):
        assert tokens.find(header) is None


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "a b c\n", "ann tökén\n", "a x\nb x\n"])
def test_what_is_no_file_of_tokens(tmp_path: Path, text: str) -> None:
    file = tmp_path / "tokens"
    file.write_text(text)
    with pytest.raises(UsageError) as error:
        Tokens.read(file)
    assert "tökén" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        Tokens.read(tmp_path / "none")
    with pytest.raises(UsageError):
        Tokens.read(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="UTF-8"):
        Tokens.read(tmp_path / "binary")
