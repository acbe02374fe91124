"""Published figures: what others report on a benchmark, each with its source; nothing here was measured by us.

Prompts, databases' revisions and scripts differ from paper to paper, so a figure says where ours stands, not by how
much it is better.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FIGURES", "Published", "metric_of", "published_for"]

# the official judge of a benchmark -> the metric that papers report by it
_METRICS = {
    ("spider", "spider"): "execution accuracy",
    ("bird", "bird-ex"): "execution accuracy",
    ("bird", "bird-f1"): "soft F1",
    ("bird", "bird-ves"): "R-VES",
}


@dataclass(frozen=True, slots=True)
class Published:
    """One figure, in per cent. benchmark, split: as `load_benchmark` and its examples have them. system: who wrote the
    queries, with the model's size where it has one. how: what sets the figure apart, where that is known. source:
    where it stands, with the year."""

    benchmark: str
    split: str
    metric: str
    system: str
    number: float
    how: str
    source: str


_DEEPRETRIEVAL = "arXiv 2503.00223, 2025"
_ARCTIC = "arXiv 2505.20315 and its model card, 2025"
_DAIL = "arXiv 2308.15363 and its README, 2023"
_DEEPEYE = "arXiv 2510.17586, 2025"
_SQL_R1 = "arXiv 2504.08600v1, 2025"
_MINI_DEV = "README of bird-bench/mini_dev, 2024"

_MINI_DEV_ROWS = (  # system, execution accuracy, soft F1, R-VES: SQLite
    ("Mixtral 8x7B", 21.60, 22.95, 20.41),
    ("Llama-3-8B-Instruct", 24.40, 27.87, 23.27),
    ("Phi-3-medium-128k-instruct", 30.60, 35.33, 29.54),
    ("GPT-3.5-turbo", 38.00, 41.84, 37.33),
    ("Llama-3-70B-Instruct", 40.80, 44.38, 39.02),
    ("GPT-4-turbo", 45.80, 50.08, 44.79),
    ("GPT-4", 47.80, 52.69, 45.91),
)

FIGURES: tuple[Published, ...] = (
    Published("spider", "validation", "execution accuracy", "Claude 3.5 Sonnet", 66.05, "sets of rows", _DEEPRETRIEVAL),
    Published("spider", "validation", "execution accuracy", "GPT-4o", 73.50, "sets of rows", _DEEPRETRIEVAL),
    Published("spider", "validation", "execution accuracy", "DeepRetrieval 3B", 74.85, "sets of rows", _DEEPRETRIEVAL),
    Published("spider", "test", "execution accuracy", "DAIL-SQL, GPT-4", 86.2, "few-shot", _DAIL),
    Published("spider", "test", "execution accuracy", "DAIL-SQL, GPT-4", 86.6, "few-shot, vote", _DAIL),
    Published("spider", "test", "execution accuracy", "SQL-R1 7B", 88.6, "", _SQL_R1),
    Published("spider", "test", "execution accuracy", "Arctic-Text2SQL-R1 7B", 88.8, "", _ARCTIC),
    Published("spider", "test", "execution accuracy", "DeepEye-SQL 30B", 89.8, "several steps, vote", _DEEPEYE),
    Published("bird", "validation", "execution accuracy", "SQL-R1 7B", 66.6, "", _SQL_R1),
    Published("bird", "validation", "execution accuracy", "Arctic-Text2SQL-R1 7B", 68.9, "", _ARCTIC),
    Published("bird", "validation", "execution accuracy", "DeepEye-SQL 30B", 73.5, "several steps, vote", _DEEPEYE),
    *(
        Published("bird", "minidev", metric, system, numbers[place], "zero-shot", _MINI_DEV)
        for place, metric in enumerate(("execution accuracy", "soft F1", "R-VES"))
        for system, *numbers in _MINI_DEV_ROWS
    ),
)


def metric_of(benchmark: str, judge: str) -> str | None:
    """The metric of the literature that a judge gives the official figure of; None where it gives none."""
    return _METRICS.get((benchmark.partition("/")[0], judge))


def published_for(benchmark: str, split: str, judge: str) -> list[Published]:
    """What others report by the same metric on the same split, lowest first; nothing for another judge or subset.

    benchmark: as `Benchmark.name` has it.
    """
    metric = metric_of(benchmark, judge)
    named = [
        figure
        for figure in FIGURES
        if (figure.benchmark, figure.split, figure.metric) == (benchmark, split, metric)
    ]  # fmt: skip
    return sorted(named, key=lambda figure: figure.number)
