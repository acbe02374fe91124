"""Where a search engine is, as people write it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sqlrl.executors import open_executor, open_executors
from sqlrl.executors.address import INDEX, is_search, parse_address
from sqlrl.executors.errors import SourceError, UsageError
from sqlrl.executors.source import is_server


@pytest.fixture
def index(tmp_path: Path) -> Path:
    (tmp_path / INDEX).write_text(json.dumps({"engine": "bm25"}))
    return tmp_path


def test_an_index_by_url_by_relative_path_and_bare(
    index: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(index.parent)
    for written in (f"bm25:///{index}", f"bm25://{index}", f"bm25:///{index.name}", str(index), index.name):
        found = parse_address(written)
        assert (found.scheme, found.path, found.source) == ("bm25", str(index), written)
        assert is_search(written)


def test_options(index: Path) -> None:
    assert parse_address(f"bm25:///{index}?a=1&b=x%26y").options == {"a": "1", "b": "x&y"}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("bm26:///x", "did you mean 'bm25'"),
        ("bm25:///x?mode=live&mode=replay", "given twice"),
        ("bm25:///x?mode", "name=value"),
    ],
)
def test_what_is_no_address_says_why(source: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_address(source)


def test_a_folder_that_is_no_index_or_another_engines(index: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="an index for bm25, not for dense"):
        parse_address(f"dense:///{index}")
    with pytest.raises(SourceError, match="is no index"):
        parse_address(f"bm25:///{tmp_path}/elsewhere")
    (index / INDEX).write_text("[")
    with pytest.raises(SourceError, match="cannot be read"):
        parse_address(str(index))


def test_databases_are_no_search_engines_and_do_not_mix_with_them(index: Path) -> None:
    for source in ("sqlite:///a.db", "postgresql://host/b", "shop.sqlite"):
        assert not is_search(source)
    assert is_server("postgresql://host/b")
    assert not is_server(f"bm25:///{index}")
    with pytest.raises(UsageError, match="not both"):
        open_executors([str(index), "sqlite:///a.db"])
    with pytest.raises(UsageError, match="for databases"):
        open_executor(str(index), tables=["a"])
