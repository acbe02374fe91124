"""Evaluation from a policy or a file to figures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sqlrl.assessment import assess
from sqlrl.benchmarks import load_benchmark
from sqlrl.config import EvalConfig
from sqlrl.evaluation import evaluate
from sqlrl.executors.errors import UsageError
from sqlrl.golds import ceiling_of
from sqlrl.judging import Judging
from sqlrl.runs import Run
from sqlrl.training.run import Quiet


def test_a_scripted_policy_is_judged(shop: Path, script: Path, tmp_path: Path) -> None:
    config = EvalConfig("spider", data=str(shop), policy=f"script:{script}", out=str(tmp_path / "runs"), name="one")
    found = assess(config, Quiet())
    assert [item.judged.verdict.correct for item in found.items] == [True, False, True, False]
    assert [item.judged.outcome for item in found.items] == ["ok", "ok", "ok", "refused"]
    assert found.items[2].fault == "<think> is missing"
    assert found.summary.official.share == 0.5
    assert found.summary.ceiling is not None
    assert found.summary.ceiling.score.mean == 1.0
    assert found.summary.ceiling.empty == 1
    assert found.run is not None
    run = Run.open(tmp_path / "runs" / "one")
    assert run.summary()["evaluation"]["official"]["right"] == 2
    assert len(run.items()) == 4
    page = (run.folder / "report.html").read_text()
    assert "50.0 %" in page


def test_predictions_from_a_file_get_the_same_words(shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "predictions.json"
    path.write_text(json.dumps(["SELECT count(*) FROM product", "SELECT 1", "SELECT <", ""]))
    config = EvalConfig("spider", data=str(shop), predictions=str(path), judge="bird-ex")
    found = assess(config, Quiet(), keep=False)
    assert [item.judged.verdict.correct for item in found.items] == [True, False, False, True]
    # The last gold returns nothing, and so, officially, does an empty prediction.
    assert [item.judged.safe for item in found.items] == [True, False, False, False]
    assert found.summary.judge == "bird-ex"
    line = found.items[0].to_dict()
    assert list(line)[:10] == [
        "index", "id", "db_id", "predicted", "gold", "outcome", "correct", "score", "safe", "reason",
    ]  # fmt: skip
    assert [item.index for item in found.items] == [0, 1, 2, 3]


def test_empty_databases_are_official_and_not_safe(shop: Path, tmp_path: Path) -> None:
    import sqlite3

    path = shop / "spider" / "database" / "shop" / "shop.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("delete from product")
    connection.commit()
    connection.close()
    predictions = tmp_path / "p.txt"
    predictions.write_text("SELECT 0\nSELECT name FROM product\nSELECT name FROM product\nx\n")
    found = assess(EvalConfig("spider", data=str(shop), predictions=str(predictions)), Quiet(), keep=False)
    assert (found.summary.official.right, found.summary.official.total) == (3, 4)
    assert found.summary.safe.total == 0
    assert {item.judged.verdict.reason for item in found.items} == {"empty_database"}
    assert "shop (4)" in " ".join(found.notes)


def test_one_thing_is_judged_at_a_time(shop: Path) -> None:
    with pytest.raises(UsageError, match="either"):
        assess(EvalConfig("spider", data=str(shop)), Quiet())


@pytest.fixture
def hero(shop: Path) -> Path:
    """A second database beside the shop's, with the questions 2 and 4 moved to it."""
    root = shop / "spider"
    (root / "database" / "hero").mkdir()
    shutil.copy(root / "database" / "shop" / "shop.sqlite", root / "database" / "hero" / "hero.sqlite")
    items = json.loads((root / "dev.json").read_text())
    for place in (1, 3):
        items[place]["db_id"] = "hero"
    (root / "dev.json").write_text(json.dumps(items))
    return shop


def test_questions_on_some_databases(hero: Path, tmp_path: Path) -> None:
    path = tmp_path / "predictions.json"
    path.write_text(
        json.dumps({"0": "x", "1": "SELECT name FROM product WHERE price < 3", "2": "x", "3": "DELETE FROM product"})
    )
    config = EvalConfig("spider", data=str(hero), predictions=str(path), databases="hero", judge="bird-f1")
    found = assess(config, Quiet(), keep=False)
    assert [(item.index, item.example.id) for item in found.items] == [(1, "validation-1"), (3, "validation-3")]
    assert (found.summary.official.right, found.summary.official.total) == (1, 2)
    assert found.notes == [
        "1 prediction was refused as not a single reading query: the official script would have run it"
    ]
    path.write_text(json.dumps(["SELECT name FROM product LIMIT 3", "SELECT random()"]))
    found = assess(config, Quiet(), keep=False)
    assert found.summary.official.mean == pytest.approx(0.4)
    assert [item.judged.verdict.reason for item in found.items] == ["partial", "refused"]
    assert "a function that is not allowed" in found.notes[0]
    with pytest.raises(UsageError, match="no question is on a database 'heroo'; did you mean 'hero'"):
        assess(EvalConfig("spider", data=str(hero), predictions=str(path), databases="shop,heroo"), Quiet())


def test_what_the_scripts_driver_refuses_too_is_told_apart(hero: Path, tmp_path: Path) -> None:
    path = tmp_path / "predictions.json"
    config = EvalConfig("spider", data=str(hero), predictions=str(path), databases="hero", judge="bird-ex")
    for predictions, words in (
        (["SELECT 1; SELECT 2", "DELETE FROM product"],
         "2 predictions were refused as not a single reading query, 1 of which the official script's driver refuses as "
         "well: the official script would have run the others"),
        (["SELECT 1; SELECT 2", "SELECT '\0'"],
         "2 predictions were refused as not a single reading query: the official script cannot run them"),
    ):  # fmt: skip
        path.write_text(json.dumps(predictions))
        assert assess(config, Quiet(), keep=False).notes == [words]


def test_our_own_judges_have_no_script_to_differ_from(hero: Path, tmp_path: Path) -> None:
    path = tmp_path / "predictions.txt"
    path.write_text("DROP TABLE product\nDROP TABLE product\n")
    for judge, count in (("robust", 0), ("spider", 1)):
        config = EvalConfig("spider", data=str(hero), predictions=str(path), databases="hero", judge=judge)
        assert len(assess(config, Quiet(), keep=False).notes) == count


@pytest.mark.parametrize("judge", ["spider", "robust", "bird-f1"])
def test_the_ceiling_is_what_running_the_golds_again_gives(shop: Path, judge: str) -> None:
    benchmark = load_benchmark("spider", shop)
    examples = benchmark.examples("validation")
    queries = ["SELECT count(*) FROM product", "SELECT 1", "SELECT <", "SELECT name FROM product; DELETE FROM product"]
    with Judging.of(benchmark, examples, judge) as judging:
        close, plain = (evaluate(examples, judging, predictions=queries, closely=closely) for closely in (True, False))
        assert any(item.judged.gold_verdict for item in close)
        assert not any(item.judged.gold_verdict for item in plain)
        assert ceiling_of(close, judging) == ceiling_of(plain, judging)


@pytest.mark.parametrize("wanted", [True, False])
def test_results_are_kept_unless_they_are_not_wanted(shop: Path, tmp_path: Path, wanted: bool) -> None:
    path = tmp_path / "predictions.txt"
    path.write_text("SELECT 7\nSELECT 1\nSELECT <\nSELECT 2\n")
    found = assess(EvalConfig("spider", data=str(shop), predictions=str(path), results=wanted), Quiet(), keep=False)
    assert ("results" in found.items[0].to_dict()) is wanted
    if wanted:
        assert found.items[0].to_dict()["results"]["predicted"]["rows"] == [[7]]
