"""`sqlrl reproduce`: where its tables and pictures go."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlrl.cli.reproduce import Sheet, _document, _show
from sqlrl.cli.terminal import Terminal
from sqlrl.executors.errors import UsageError

PICTURE = b"\x89PNG"


@pytest.fixture
def sheets(tmp_path: Path) -> list[Sheet]:
    (tmp_path / "run").mkdir()
    table, picture = tmp_path / "run" / "table.md", tmp_path / "run" / "curve.png"
    table.write_text("new\n")
    picture.write_bytes(PICTURE)
    return [Sheet("reproduce mini", table, picture), Sheet("exploration mini", table)]


def _place(*names: str) -> str:
    return "".join(f"<!-- {name} -->\nold\n<!-- /{name} -->\n" for name in names)


def test_each_table_goes_where_the_document_has_a_place_for_it(sheets: list[Sheet], tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    readme, manual = tmp_path / "README.md", tmp_path / "docs" / "training.md"
    readme.write_text(_place("reproduce mini", "reproduce geoquery"))
    manual.write_text(_place("exploration mini"))
    with Terminal() as terminal:
        for document in (readme, manual):
            for sheet in sheets:
                _show(sheet, terminal, document)
    assert readme.read_text() == _place("reproduce mini").replace("old", "new") + _place("reproduce geoquery")
    assert manual.read_text() == _place("exploration mini").replace("old", "new")
    assert (tmp_path / "docs" / "mini.png").read_bytes() == PICTURE


def test_a_picture_lies_beside_a_document_among_the_docs(sheets: list[Sheet], tmp_path: Path) -> None:
    manual = tmp_path / "docs" / "search.md"
    manual.parent.mkdir()
    manual.write_text(_place("ablation cohen"))
    with Terminal() as terminal:
        _show(Sheet("ablation cohen", sheets[0].table, sheets[0].picture), terminal, manual)
    assert sorted(path.name for path in manual.parent.iterdir()) == ["ablation-cohen.png", "search.md"]


def test_a_document_without_a_place_is_told_before_anything_is_trained(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(_place("reproduce geoquery"))
    assert _document(str(readme), ["reproduce geoquery", "exploration geoquery"]) == readme
    with pytest.raises(UsageError, match=r"no place for the table: <!-- reproduce mini -->"):
        _document(str(readme), ["reproduce mini"])
