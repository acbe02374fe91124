"""The page of a run: whole, self-contained, and safe to open whatever a model wrote."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrl.config import TrainConfig, write_config
from sqlrl.policies.cache import Answer
from sqlrl.policies.usage import Usage
from sqlrl.report import draw_plots, headline, write_report
from sqlrl.report.charts import bars, dial, histogram, ranking, shifts, stack
from sqlrl.report.elements import Card, columns
from sqlrl.report.listing import embed, listing_of
from sqlrl.runs import Run

SCORE = {"right": 1, "total": 4, "share": 0.25, "interval": [0.05, 0.7]}
HOSTILE = "SELECT '</pre><script>alert(1)</script>' & \"x\""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run.create(tmp_path, "run", "mini")
    write_config(TrainConfig("mini"), run.folder / "config.yaml")
    return run


def _items(correct: bool) -> list[dict[str, object]]:
    return [
        {
            "id": f"q{i}", "db_id": "shop", "question": HOSTILE, "predicted": HOSTILE if i else None, "gold": HOSTILE,
            "correct": correct, "reason": "mismatch", "outcome": "ok",
        }
        for i in range(3)
    ]  # fmt: skip


def test_a_run_that_has_just_begun_has_a_page(run: Run) -> None:
    assert write_report(run).exists()
    assert "not come so far" in headline(run)[0]


@pytest.mark.parametrize("stages", [["sft"], ["grpo"], ["sft", "grpo"]])
def test_every_kind_of_run_has_its_plots(run: Run, stages: list[str]) -> None:
    pytest.importorskip("matplotlib")
    for stage in stages:
        for step in range(1, 6):
            sampled = {"sampled_reward": step / 10} if stage == "grpo" else {}
            run.append_metrics({"stage": stage, "step": step, "loss": 1 / step, **sampled})
        run.append_metrics({"stage": stage, "step": 5, "validation": SCORE})
    names = {path.stem for path in draw_plots(run)}
    assert names == {"accuracy"} | ({"loss"} if "sft" in stages else set()) | (
        {"reward"} if "grpo" in stages else set()
    )
    page = write_report(run).read_text()
    assert page.count("data:image/png;base64,") == len(names)
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)


def test_what_a_model_wrote_is_text_and_no_more(run: Run) -> None:
    run.write_items(_items(False), "items-0-sft.jsonl")
    run.write_items(_items(True), "items-1-rft.jsonl")
    run.write_summary(
        {"benchmark": "<b>mini", "stages": {"0-sft": {"validation": SCORE}, "1-rft": {"validation": SCORE}}}
    )
    page = write_report(run).read_text()
    assert page.count("<script") == 2
    assert page.count("</script") == 2
    assert "<b>mini" not in page
    assert "alert(1)" in page
    assert "3 of 3 validation questions were learnt" in page
    assert headline(run) == [
        "after sft: 25.0 % of 4 validation questions",
        "after rft: 25.0 % of 4 validation questions",
    ]


def test_the_page_lets_nothing_run_but_its_own_script(run: Run) -> None:
    page = write_report(run).read_text()
    (policy,) = re.findall(r'Content-Security-Policy" content="(.*?)">', page)
    for element, kind in (("script", "script-src"), ("style", "style-src")):
        (text,) = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy


@given(st.text() | st.sampled_from(["</script>", "<!--<script>", "]]>", "\u2028", "\x00", "&lt;/script&gt;"]))
def test_data_stays_data(text: str) -> None:
    embedded = embed({"query": text})
    assert not set("<>&\u2028\u2029") & set(embedded)
    assert json.loads(embedded) == {"query": text}


def test_a_page_carries_no_more_results_than_it_can() -> None:
    """Those of wrong answers first."""
    sample = {"predicted": {"columns": ["x"], "rows": [["y" * 60] * 10] * 10}}
    items = [{**_items(i % 2 == 0)[0], "id": str(i), "results": sample} for i in range(2_000)]
    listed = listing_of(items)["items"]
    with_results = [line for line in listed if "results" in line]
    assert 0 < len(with_results) < 1_000
    assert not any(line["correct"] for line in with_results)
    assert len(embed(listed)) < 6_000_000


def test_charts_lead_to_the_questions_they_count() -> None:
    page = bars("database", {"a&b <x>": {**SCORE, "mean": 0.25}})
    assert 'href="#database=a%26b+%3Cx%3E"' in page
    assert "<x>" not in page
    assert 'width="25.00%"' in page
    assert "mismatch" in stack("reason", {"match": 3, "mismatch": 1})
    assert histogram({"predicted": [0.0, 0.0]}) == ""
    drawn = histogram({"predicted": [0.001, 0.0011, 0.5], "gold": [1e-6]})
    assert "predicted, half within <b>1.1 ms</b>" in drawn
    assert "nan" not in drawn


def test_marks_above_one_stay_inside_the_drawing() -> None:
    score = {"right": 4, "total": 4, "share": 1.0, "mean": 1.2, "interval": [1.1, 1.25]}
    assert 'width="96.00%"' in bars("difficulty", {"easy": score})
    assert "120.0 %" in bars("difficulty", {"easy": score})
    assert "100.00%" in dial(score) or "96.00%" in dial(score)


MEASURED = {"right": 39, "total": 52, "share": 0.75, "mean": 0.75, "interval": [0.6, 0.85]}


def _evaluated(run: Run, **further: object) -> str:
    """The page of an evaluation of which only half of the questions could be judged."""
    run.write_items(_items(True))
    run.write_summary(
        {
            "benchmark": "bird", "split": "minidev", "asked": "http://host/v1#m",
            "evaluation": {
                "judge": "bird-ex", "official": MEASURED, "safe": MEASURED, "ceiling": MEASURED, "by": {}, "faults": {},
                "outcomes": {"ok": 52, "missing_database": 448}, "reasons": {"match": 39, "mismatch": 13,
                "missing_database": 448}, "unjudged": {"missing_database": 448},
            },
            **further,
        }
    )  # fmt: skip
    return re.sub(r'<script type="application/json".*', "", write_report(run).read_text(), flags=re.DOTALL)


def test_what_could_not_be_judged_is_no_share_of_the_verdicts(run: Run) -> None:
    page = _evaluated(run)
    assert "mismatch <b>13</b> <small>25.0 %</small>" in page
    assert "missing database: 448 questions could not be judged" in page
    assert "missing database <b>" not in page
    assert "Published" not in page
    assert "Asking the server" not in page


def test_published_figures_stand_around_our_own(run: Run) -> None:
    figure = {"metric": "execution accuracy", "how": "zero-shot", "source": "a paper, 2024"}
    published = [{**figure, "system": "<b>Weak", "number": 20.0}, {**figure, "system": "Strong", "number": 80.0}]
    page = _evaluated(run, published=published)
    card = page[page.index("Published execution accuracy") :]
    names = re.findall(r'class="name">(.*?)<small>', card)
    assert names == ["&lt;b&gt;Weak", "this run", "Strong"]
    assert "52 of the 500 questions" in card
    assert "Reported by others (a paper, 2024), not measured here" in card


def test_samples_votes_and_what_asking_took(run: Run) -> None:
    part = {"share": 0.6, "low": 0.5, "high": 0.7}
    samples = {
        "samples": 3, "questions": 52, "pass@1": part, "pass@3": {**part, "share": 0.9}, "voted": True, "empty": 2,
        "silent": 1, "agreement": [{"votes": 3, "right": 30, "of": 40}, {"votes": 0, "right": 0, "of": 12}],
    }  # fmt: skip
    usage = Usage(requests=1, seconds=[0.5], wall_seconds=2.0)
    usage.count(Answer("x", "length", 100, 20), cached=False)
    page = _evaluated(run, samples=samples, asking=usage.to_dict(1.0, 2.0))
    assert "3 samples a question and a vote" in page
    assert re.search(
        r"one sample \(pass@1\)<.*?60\.0 %.*?the vote of 3<.*?75\.0 %.*?any of 3 \(pass@3\)<.*?90\.0 %", page
    )
    assert 'href="#agreement=3+of+3"' in page
    assert 'href="#agreement=nothing+ran"' in page
    assert "2 times an empty result won, 1 times no sample ran" in page
    for words in (
        "100 in, 20 out",
        "US$ 0.0001 at US$ 1 in, 2 out",
        "0.50 a request (median)",
        "ended at --max-tokens",
    ):
        assert words in page


def test_the_first_of_several_samples_is_called_so(run: Run) -> None:
    part = {"share": 0.6, "low": 0.5, "high": 0.7}
    samples = {"samples": 2, "questions": 52, "pass@1": part, "pass@2": part, "voted": False, "agreement": []}
    page = _evaluated(run, samples=samples)
    assert "the first of 2 samples a question" in page
    assert "official, by vote" not in page
    assert "agree" not in page


def test_samples_stand_beside_each_question() -> None:
    vote = {"chosen": 0, "votes": 2, "voted": 3, "of": 5, "empty": False, "confidence": 0.4}
    items = [
        {**_items(True)[0], "samples": 5, "right_samples": 3, "vote": vote},
        {**_items(True)[1], "samples": 5, "right_samples": 0, "vote": {**vote, "votes": 0, "voted": 0}},
        _items(True)[2],
    ]
    listed = listing_of(items)["items"]
    assert [(line.get("agreeing"), line.get("right_samples")) for line in listed] == [
        ("2 of 5", "3 of 5"), ("nothing ran", "0 of 5"), (None, None),
    ]  # fmt: skip


def test_stages_are_set_side_by_side_by_label(run: Run) -> None:
    run.write_items(
        [{**item, "difficulty": "easy" if i else "hard"} for i, item in enumerate(_items(False))], "items-0-sft.jsonl"
    )
    run.write_summary({"benchmark": "mini", "stages": {"0-sft": {"validation": SCORE}}})
    page = write_report(run).read_text()
    assert "Validation accuracy by difficulty" in page
    assert page.index(">easy<") < page.index(">hard<")
    run.write_items(
        [{**item, "difficulty": "easy" if i else "hard"} for i, item in enumerate(_items(True))], "items-1-rft.jsonl"
    )
    run.write_summary({"benchmark": "mini", "stages": {"0-sft": {"validation": SCORE}, "1-rft": {"validation": SCORE}}})
    page = write_report(run).read_text()
    assert "By difficulty, per cent right before and after" in page
    assert "0.0 → 100.0" in page


def test_marks_between_wrong_and_right_are_shown_as_scores(run: Run) -> None:
    def answered(score: float) -> list[dict[str, object]]:
        return [{**item, "score": score, "concepts": str(i % 2)} for i, item in enumerate(_items(False))]

    run.write_items(answered(0.25), "items-0-sft.jsonl")
    run.write_summary({"benchmark": "cohen", "stages": {"0-sft": {"validation": SCORE}}})
    assert "Validation score by concepts" in write_report(run).read_text()
    run.write_items(answered(0.75), "items-1-grpo.jsonl")
    run.write_summary(
        {"benchmark": "cohen", "stages": {"0-sft": {"validation": SCORE}, "1-grpo": {"validation": SCORE}}}
    )
    page = write_report(run).read_text()
    assert "By concepts, mean score in per cent before and after" in page
    assert "25.0 → 75.0" in page
    assert "0 of 3 validation questions were learnt" in page


def test_shifts_lead_to_what_was_gained_and_lost() -> None:
    page = shifts("database", {"a&b": (0.5, 0.25, 0, 1, 4), "same": (1.0, 1.0, 0, 0, 4)})
    assert 'href="#database=a%26b&amp;verdict=lost">−1</a>' in page
    assert "verdict=gained" not in page
    assert ">−25.0<" in page
    assert page.count("shift same") == page.count("shift down") == 1


def test_our_own_figure_is_marked_in_a_ranking() -> None:
    page = ranking([("a", 0.2, "told", False), ("ours", 0.4, "", True), ("ours", 0.4, "", False)])
    assert page.count("told own") == 1


def test_columns_end_about_together() -> None:
    cards = [Card(name, "", height) for name, height in (("a", 1), ("b", 20), ("c", 2), ("d", 9))]
    left, right = (re.findall("<h2>(.)</h2>", half) for half in columns(cards).split("</div><div>"))
    assert (left, right) == (["a", "c", "d"], ["b"])
    assert columns([]) == ""
    assert columns(cards[:1]).count("<div>") == 1


def test_plots_of_an_evaluation_are_drawn_when_its_report_is_asked_for(run: Run) -> None:
    """Its page has charts of its own: to judge predictions nobody waits for files."""
    pytest.importorskip("matplotlib")
    score = {**SCORE, "mean": 0.25, "across_databases": None}
    evaluation = {"judge": "spider", "official": score, "safe": score, "outcomes": {"ok": 4}, "reasons": {"match": 1}}
    run.write_summary({"benchmark": "mini", "evaluation": {**evaluation, "by": {"kind": {"a": score, "b": score}}}})
    assert "Accuracy by kind" in write_report(run, plots=False).read_text()
    assert not (run.folder / "plots").exists()
    write_report(run)
    assert [path.name for path in (run.folder / "plots").iterdir()] == ["by-kind.png"]
