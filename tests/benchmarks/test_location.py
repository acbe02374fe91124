"""Where files are looked for, in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlrl.benchmarks.location import looked_for


def test_where_it_was_looked_is_said_in_few_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQLRL_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    names = [str(tmp_path / "data" / "beir" / "corpus.jsonl"), "beir/corpus.jsonl", "other/corpus.jsonl"]
    said = looked_for(names)
    assert said == (
        f"beir/corpus.jsonl, other/corpus.jsonl below {tmp_path / 'data'} or {tmp_path / 'cache' / 'sqlrl' / 'data'}"
    )
