"""Judges: the official rules, exactly, and our better default; each by its word on the command line."""

from __future__ import annotations

import importlib

from sqlrl.benchmarks.base import Judge
from sqlrl.executors.errors import UsageError, nearest

__all__ = ["JUDGES", "OFFICIAL", "RANKINGS", "is_ranking", "load_judge"]

# word -> (module, class, arguments); one module may serve several words
JUDGES: dict[str, tuple[str, str, dict[str, object]]] = {
    "robust": ("robust", "Robust", {}),
    "strict": ("robust", "Strict", {}),
    "cell-f1": ("robust", "CellF1", {}),
    "answered": ("answered", "Answered", {}),
    "spider": ("spider", "Spider", {}),
    "spider-strict": ("spider", "Spider", {"strict": True}),
    "spider-exec": ("spider", "Spider", {"written": True}),
    "bird-ex": ("bird", "BirdEX", {}),
    "bird-f1": ("bird", "BirdF1", {}),
    "bird-ves": ("bird", "BirdVES", {}),
    "spider2": ("spider2", "Spider2", {}),
    "recall": ("ranking", "Ranking", {"measure": "recall", "depth": 3_000}),
    "ndcg": ("ranking", "Ranking", {"measure": "ndcg", "depth": 10}),
    "ndcg-binary": ("ranking", "Ranking", {"measure": "ndcg-binary", "depth": 10}),
    "answer-rank": ("ranking", "Ranking", {"measure": "answer-rank", "depth": 20}),
}
RANKINGS = ("recall", "ndcg", "ndcg-binary", "answer-rank")  # those that judge what a search engine ranks
OFFICIAL = frozenset(JUDGES) - {
    "robust",
    "strict",
    "cell-f1",
    "answered",
    *RANKINGS,
}  # those that speak for a published script
_TAKES_NUMBER = {"bird-ves": "iterations", **dict.fromkeys(RANKINGS, "depth")}  # word -> the argument that an @ sets


def is_ranking(name: str) -> bool:
    """Whether the judge of that name, with or without its depth, judges rankings."""
    return name.partition("@")[0] in RANKINGS


def load_judge(name: str) -> Judge:
    """The judge of that name, or name@number: `bird-ves@20` times 20 runs, `recall@100` looks at the first 100
    documents. UsageError with the nearest where there is none."""
    word, mark, number = name.partition("@")
    if word not in JUDGES:
        raise UsageError(f"no judge {name!r}{nearest(word, JUDGES)}")
    module, factory, arguments = JUDGES[word]
    if mark:
        if word not in _TAKES_NUMBER:
            raise UsageError(f"the judge {word!r} takes no number, as {name!r} has it")
        if not (number.isascii() and number.isdigit() and int(number)):
            raise UsageError(f"{word}@N takes a whole number above 0, not {number!r}")
        arguments = {**arguments, _TAKES_NUMBER[word]: int(number)}
    judge: Judge = getattr(importlib.import_module(f"sqlrl.benchmarks.judges.{module}"), factory)(**arguments)
    return judge
