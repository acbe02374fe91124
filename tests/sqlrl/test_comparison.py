"""Two evaluations side by side: the same questions, a paired test, and plain words where they don't belong together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sqlrl.comparison import Answers, compare, read_answers
from sqlrl.executors.errors import DataError, UsageError
from sqlrl.statistics import mcnemar


def _item(number: int, score: float | None, **more: Any) -> dict[str, Any]:
    return {
        "id": str(number), "question": f"question {number}", "db_id": f"db{number % 3}", "correct": score == 1,
        "score": score, "safe": score == 1, "reason": "match" if score == 1 else "mismatch", "gold": "SELECT 1",
        "predicted": "SELECT 2", "outcome": "ok", "difficulty": "easy" if number % 2 else "hard", **more,
    }  # fmt: skip


def _answers(name: str, scores: list[float | None], **what: str) -> Answers:
    return Answers(name, [_item(number, score) for number, score in enumerate(scores)], what)


def test_what_changed_is_counted_and_tested() -> None:
    before = _answers("a", [1, 1, 0, 0, 0, 0, 0, 0, 0, 1])
    after = _answers("b", [1, 0, 1, 1, 1, 1, 1, 1, 0, 1])
    found = compare(before, after)
    assert (found.every.total, found.every.gained, found.every.lost) == (10, 6, 1)
    assert found.every.difference == pytest.approx(0.5)
    assert found.interval[0] < 0.5 < found.interval[1]
    assert found.p == mcnemar(6, 1)
    assert found.graded_p is None
    assert found.across is None
    assert [pair.after["id"] for pair in found.lost] == ["1"]
    assert found.by["difficulty"]["hard"].gained == 3
    assert list(found.by["difficulty"]) == ["easy", "hard"]
    assert sum(change.total for change in found.by["database"].values()) == 10
    assert not found.notes
    assert json.loads(json.dumps(found.to_dict()))["lost"][0]["question"] == "question 1"


def test_marks_between_wrong_and_right_are_compared_as_they_are() -> None:
    found = compare(_answers("a", [0.5] * 12), _answers("b", [0.8] * 12))
    assert found.every.difference == pytest.approx(0.3)
    assert (found.every.gained, found.every.lost, found.p) == (0, 0, 1.0)
    assert found.graded_p is not None
    assert found.graded_p < 0.01


def test_the_same_answers_differ_by_nothing() -> None:
    found = compare(_answers("a", [1, 0, 1]), _answers("a", [1, 0, 1]))
    assert found.interval == (0, 0)
    assert found.p == 1


def test_questions_that_only_one_has_are_left_out_and_counted() -> None:
    found = compare(_answers("a", [1, 0, 1, None]), _answers("b", [1, 0, 1, 1, 0, 0]))
    assert found.every.total == 3
    assert found.alone == (0, 2)
    assert found.unjudged == 1


def test_the_same_number_of_another_benchmark_is_another_question() -> None:
    other = Answers("b", [_item(0, 1, question="something else")], {"benchmark": "bird"})
    with pytest.raises(UsageError, match=r"a \(spider\) and b \(bird\) have no question in common"):
        compare(_answers("a", [1], benchmark="spider"), other)
    with pytest.raises(UsageError, match="no question that both have a mark for"):
        compare(_answers("a", [None]), _answers("b", [1]))


def test_what_makes_them_unlike_is_said() -> None:
    before = _answers("a", [1, 0], judge="spider", databases="x")
    after = _answers("b", [1, 1], judge="strict", databases="y")
    after.items[0]["gold"] = "SELECT 3"
    notes = compare(before, after).notes
    assert notes[0].startswith("judge: spider before, strict after")
    assert "databases" in notes[1]
    assert "golds of 1 questions differ" in notes[2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no items"),
        ('{"id": 1}\n{"id": 2}\n', "line 1 is not a judged item"),
        ('{"id": 1, "correct": true, "score": "1"}\n', "a score is a number"),
        ('{"id": 1, "correct": true, "score": 1}\n' * 2, "is there twice"),
        ("[1]\n\n\n", "line 1 is not a judged item"),
        ("x\nx\nx\n", "line 1 is not JSON"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_answers(path)


def test_a_training_run_names_the_files_that_can_be_compared(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("benchmark: mini\n")
    (tmp_path / "items-start.jsonl").write_text(json.dumps(_item(0, 1)) + "\n")
    with pytest.raises(UsageError, match=r"name one of its files, items-start\.jsonl"):
        read_answers(tmp_path)
    assert len(read_answers(tmp_path / "items-start.jsonl").items) == 1
    with pytest.raises(UsageError, match="there is no run or file"):
        read_answers(tmp_path / "nothing")
