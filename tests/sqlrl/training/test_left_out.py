"""Reviews left out one at a time: real trainings, of a few steps, on a corpus made in the form of the real one."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from sqlrl.training.left_out import DEPTH, Found, LeftOut, leave_out, write_left_out
from sqlrl.training.run import Quiet

pytest.importorskip("trl")
pytest.importorskip("tantivy")
pytestmark = pytest.mark.filterwarnings("ignore")
COLUMNS = (
    "record_id",
    "pubmedID",
    "title",
    "authors",
    "abstract",
    "year",
    "label_included",
    "label_abstract_screening",
)
DRUGS = {"ADHD": ("methylphenidate", "atomoxetine"), "Opiods": ("morphine", "fentanyl", "codeine", "oxycodone")}
ILLS = {"ADHD": ("adhd", "tics"), "Opiods": ("pain", "cancer", "migraine", "arthritis", "sciatica", "fractures")}


@pytest.fixture
def reviews(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "cohen_2006"
    folder.mkdir()
    number = 0
    for review, drugs in DRUGS.items():
        with open(folder / f"{review}.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for drug in drugs:
                for ill in ILLS[review]:
                    for copy in range(30):
                        number += 1
                        text = f"A {'randomized' if copy % 2 else 'single'} study: {drug}, {drug}; {ill} and {ill}."
                        writer.writerow(
                            [
                                number,
                                number,
                                f"Remarks of reader{copy} on {drug} in {ill}",
                                "",
                                text,
                                2001.0,
                                copy % 2,
                                copy % 2,
                            ]
                        )
    return folder


@pytest.mark.slow
def test_each_review_is_left_out_in_its_turn_and_what_is_done_is_not_done_again(reviews: Path, tmp_path: Path) -> None:
    settings = {"max_steps": 3, "questions": 4, "num_generations": 4, "grpo_samples": 4, "workers": 1, "limit": 64}
    names = list(DRUGS)

    def run() -> LeftOut:
        return leave_out(
            names, [0, 1], ["control", "grpo"], tmp_path / "out", Quiet(), data=str(reviews), threads=1,
            settings=settings,
        )  # fmt: skip

    found = run()
    assert set(found.found) == {"bm25", "question", "words", "warm", "control", "grpo"}
    for arm, by_split in found.found.items():
        assert set(by_split["test"]) == ({0, 1} if arm in ("warm", "control", "grpo") else {0})
        assert [one.review for one in by_split["test"][0]] == names
        assert len(by_split["made"][0]) > 4
    assert found.mean("bm25", "test", lambda one: one.recall) > 0.3
    assert 0 < found.mean("words", "test", lambda one: one.precision) <= 1
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.jsonl")}
    assert run() == found
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.jsonl")} == kept
    table = write_left_out(found, names)
    assert "| BM25, ranked, asked with the question |" in table
    assert "| recall of | ADHD | Opiods |" in table


def test_means_are_over_seeds_and_reviews() -> None:
    def one(review: str, recall: float) -> Found:
        return Found(review, "x", recall, recall / 2, DEPTH)

    found = LeftOut({"grpo": {"test": {0: [one("A", 0.2), one("B", 0.4)], 1: [one("A", 0.6), one("B", 1.0)]}}}, {})
    assert found.mean("grpo", "test", lambda x: x.recall) == pytest.approx(0.55)
    assert found.mean("grpo", "test", lambda x: x.precision, 0) == pytest.approx(0.15)
    assert found.recalls("grpo", "test") == pytest.approx([0.4, 0.7])
    assert found.by_review("grpo") == pytest.approx({"A": 0.4, "B": 0.7})
