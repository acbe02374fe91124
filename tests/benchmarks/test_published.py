"""Published figures: with a source each, and shown only beside what they can be set beside."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sqlrl.benchmarks import BENCHMARKS, JUDGES
from sqlrl.benchmarks.published import FIGURES, metric_of, published_for


def test_every_figure_says_where_it_stands() -> None:
    for figure in FIGURES:
        assert figure.benchmark.partition("/")[0] in BENCHMARKS
        assert figure.split in ("validation", "minidev", "test")
        assert 0 < figure.number < 100
        assert re.search(r", 20\d\d$", figure.source)
    rows = [(figure.benchmark, figure.split, figure.metric, figure.system, figure.how) for figure in FIGURES]
    assert len(set(rows)) == len(rows)


def test_the_readme_shows_these_figures() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "judging.md").read_text(encoding="utf-8")
    block = page.partition("<!-- published -->\n")[2].partition("\n<!-- /published -->")[0]
    shown = [line.strip("| ").split(" | ") for line in re.sub(r"\[(.*?)\]\(.*?\)", r"\1", block).splitlines()[2:]]
    assert shown == [
        [
            figure.benchmark, figure.split, figure.metric, figure.system, f"{figure.number:g}", figure.how,
            figure.source,
        ]
        for figure in FIGURES
        if figure.metric == "execution accuracy"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("benchmark", "split", "judge", "systems"),
    [
        ("spider", "validation", "spider", ["Claude 3.5 Sonnet", "GPT-4o", "DeepRetrieval 3B"]),
        ("spider", "validation", "robust", []),
        ("spider", "train", "spider", []),
        ("bird", "validation", "bird-ex", ["SQL-R1 7B", "Arctic-Text2SQL-R1 7B", "DeepEye-SQL 30B"]),
        ("mini", "test", "robust", []),
    ],
)
def test_only_the_same_metric_on_the_same_questions_is_shown(
    benchmark: str, split: str, judge: str, systems: list[str]
) -> None:
    assert [figure.system for figure in published_for(benchmark, split, judge)] == systems


def test_mini_dev_is_not_dev() -> None:
    mini, dev = (published_for("bird", split, "bird-ex") for split in ("minidev", "validation"))
    assert max(figure.number for figure in mini) == 47.8
    assert not {figure.system for figure in mini} & {figure.system for figure in dev}
    assert {metric_of("bird", judge) for judge in JUDGES} >= {"execution accuracy"}
