"""Completions whose query names the documents of a shelf, in our form and in the authors' own, for golden values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlrl.benchmarks.base import Example
from sqlrl.executors.base import Gold
from sqlrl.prompts import Prompter
from sqlrl.rewards import ExecutionReward, load_preset
from sqlrl.rewards.shelf import OnShelf
from tests.sqlrl.rewards.cases import FORMS

GOLDEN = Path(__file__).parent / "golden_search.json"
GOLDS = {
    "twenty": Gold(relevant=dict.fromkeys(map(str, range(1, 21)), 1)),
    "thirteen": Gold(relevant=dict.fromkeys(map(str, range(1, 14)), 1)),
    "one": Gold(relevant={"7": 1}),
    "graded": Gold(relevant={"1": 3, "2": 2, "3": 2, "4": 1, "5": 1}),  # by falling grade, as the authors take it to be
    "answers": Gold(answers=("Number 1", "number 4000")),
    "accented": Gold(answers=("NUMBER 2",)),
}
# The relevant documents to find, and what stands before them.
FOUND = ("1-20", "1-14", "1-13", "1-10", "1-9", "1-8", "1-6", "1-5", "1-4", "1-3", "1-2", "1", "7", "5 4 3 2 1", "3 1")
BEFORE = (0, 1, 3, 4, 5, 9, 10, 18, 19, 20, 48, 49, 50, 98, 99, 100, 500, 998, 999, 1000, 1001, 2998, 2999, 3000)
NOT_JSON = ("number 1", '{"query": }', '{"quest": "1"}', '["1"]', '{"query": 5}', "7", '{"query": null}')
MEASURES = {
    "deepretrieval-pubmed": "recall", "deepretrieval-nq": "answer-rank", "deepretrieval-squad": "answer-rank",
    "deepretrieval-beir": "ndcg",
}  # fmt: skip


@dataclass(frozen=True)
class SearchCase:
    """gold: its name in GOLDS. answer: what stands between the tags."""

    gold: str
    answer: str
    form: str = "whole"

    @property
    def said(self) -> str:
        thinking, answer = "<think>documents</think>", f"<answer>{self.answer}</answer>"
        return {
            "whole": thinking + answer,
            "no answer": thinking + self.answer,
            "two answers": thinking + answer + answer,
            "unclosed": thinking + answer.removesuffix("</answer>"),
            "no thinking": answer,
            "thinking last": answer + thinking,
        }[self.form]


def _asking(query: str) -> str:
    return json.dumps({"query": query})


def search_cases(measure: str) -> Iterator[SearchCase]:
    """All for one measure, always the same."""
    names = [name for name, gold in GOLDS.items() if (gold.answers is not None) == (measure == "answer-rank")]
    for name in names:
        for place, found in enumerate(FOUND if measure != "answer-rank" else ("1-20", "7 2-4", "3")):
            for before in BEFORE[place % 3 :: 3] if measure != "answer-rank" else BEFORE:
                others = f"5001-{5000 + before} " if before else ""
                yield SearchCase(name, _asking(others + found))
        yield SearchCase(name, _asking("5001-5040"))
        yield SearchCase(name, _asking("what is this?"))
        for answer in NOT_JSON if measure != "ndcg" else NOT_JSON[:4]:  # the rest raises there, or is worth 0
            yield SearchCase(name, answer)
        for form in FORMS:
            if form not in ("whole", "no query"):
                yield SearchCase(name, _asking("1-20"), form)


def target(gold: Gold) -> dict[str, Any]:
    """As the authors' data has it."""
    relevant = gold.relevant or {}
    return {"target": list(gold.answers or relevant), "score": list(relevant.values())}


def pay(preset: str, some: list[SearchCase], judge: str | None = None) -> list[float | None]:
    """What ours earns them."""
    examples = [Example(name, "Which documents?", GOLDS[name]) for name in {case.gold: None for case in some}]
    with OnShelf(judge or load_preset(preset).judge, [example.id for example in examples]) as judging:
        reward = ExecutionReward(preset, Prompter(answer_key="query"), examples, judging)
        return reward(None, [case.said for case in some], [case.gold for case in some])
