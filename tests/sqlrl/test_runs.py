"""The run folder: names, whole files, torn lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlrl.executors.errors import DataError, UsageError
from sqlrl.runs import Run, write_text


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    run = Run.create(tmp_path, "first", "mini")
    assert run.folder == tmp_path / "first"
    with pytest.raises(UsageError, match="already there"):
        Run.create(tmp_path, "first", "mini")


def test_names_by_time_never_clash(tmp_path: Path) -> None:
    assert len({Run.create(tmp_path, None, "mini/2").folder for _ in range(5)}) == 5


@pytest.mark.parametrize("name", ["a/b", "..", "", "  "])
def test_a_name_stays_below_its_parent(tmp_path: Path, name: str) -> None:
    if name:
        with pytest.raises(UsageError, match="plain file name"):
            Run.create(tmp_path, name, "mini")


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"config\.yaml"):
        Run.open(tmp_path)
    with pytest.raises(UsageError, match="no run"):
        Run.open(tmp_path / "nowhere")


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    run = Run.create(tmp_path, "torn", "mini")
    run.append_metrics({"step": 1})
    with (run.folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 2, "lo')
    assert run.metrics() == [{"step": 1}]
    (run.folder / "metrics.jsonl").write_text('{"step": 1\n{"step": 2}\n{"step": 3}\n')
    with pytest.raises(DataError, match="line 1"):
        run.metrics()


def test_items_keep_any_text(tmp_path: Path) -> None:
    run = Run.create(tmp_path, "items", "mini")
    items = [{"predicted": "SELECT '\u2028' \udcff", "n": 1}, {"predicted": None}]
    run.write_items(items)
    assert run.items() == items
    assert [path.name for path in run.folder.iterdir()] == ["items.jsonl"]


def test_half_a_character_does_not_lose_the_rest(tmp_path: Path) -> None:
    run = Run.create(tmp_path, "items", "mini")
    run.write_items([{"predicted": "SELECT '\ud800'"}, {"predicted": "SELECT 1"}])
    assert run.items() == [{"predicted": "SELECT '?'"}, {"predicted": "SELECT 1"}]


def test_writing_leaves_the_old_file_where_it_fails(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_text(target, "old")
    with pytest.raises(TypeError):
        write_text(target, 3)  # type: ignore[arg-type]
    assert target.read_text() == "old"


@pytest.mark.parametrize(
    ("stem", "end"),
    [
        ("mini/2-sft+rft", "-mini-2-sft+rft"),
        ("eval-questions:postgresql://ann:s/e@cret@host:5432/shop", "-eval-questions-postgresql-host-5432-shop"),
        ("questions:sqlite:////a/b/shop.db-sft", "-questions-sqlite-a-b-shop.db-sft"),
        ("/x" * 400 + "/shop.db-sft", "-x-x-shop.db-sft"),
    ],
)
def test_a_run_is_named_without_a_password_and_within_bounds(tmp_path: Path, stem: str, end: str) -> None:
    name = Run.create(tmp_path, None, stem).folder.name
    assert name.endswith(end)
    assert "cret" not in name
    assert len(name) < 120
