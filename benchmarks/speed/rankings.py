"""What a ranking's measure costs: microseconds a query, ours beside pytrec_eval, which is trec_eval in C.

python benchmarks/speed/rankings.py

For each depth a ranking of as many of 20,000 documents, and 30 judged ones of which a third is relevant; every round
takes the contenders in turns, and all give the same figures. Then the answer in passages of a hundred words.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytrec_eval

from sqlrl.executors.answer_matching import AnswerMatcher
from sqlrl.executors.base import Gold
from sqlrl.executors.rankings import ndcg, score_ranking
from sqlrl.executors.relations import Relation

DEPTHS = (10, 100, 1_000, 3_000)
QUERIES = 50
ROUNDS = 7


def main() -> None:
    """Print a line for each depth and contender."""
    chance = random.Random(0)
    documents = [f"d{number:05}" for number in range(20_000)]
    for depth in DEPTHS:
        rankings = [chance.sample(documents, depth) for _ in range(QUERIES)]
        golds = [_judged(chance, documents, ranking) for ranking in rankings]
        rows = [[(name, float(-place)) for place, name in enumerate(ranking)] for ranking in rankings]
        runs = [dict(each) for each in rows]
        # Made once for all questions; one for each question is how a reward that knows one completion uses it.
        kept = pytrec_eval.RelevanceEvaluator(
            {str(place): gold for place, gold in enumerate(golds)}, {f"ndcg_cut.{depth}", f"recall.{depth}"}
        )

        def ours(measure: Any, rows: Any = rows, golds: Any = golds, depth: int = depth) -> list[float]:
            relation = Relation(measure=measure, depth=depth)
            return [score_ranking(relation, Gold(relevant=g), r, _none) for g, r in zip(golds, rows, strict=True)]

        def theirs(word: str, kept: Any = kept, runs: Any = runs, depth: int = depth) -> list[float]:
            found = kept.evaluate({str(place): run for place, run in enumerate(runs)})
            return [found[str(place)][f"{word}_{depth}"] for place in range(len(runs))]

        def anew(golds: Any = golds, runs: Any = runs, depth: int = depth) -> None:
            for gold, run in zip(golds, runs, strict=True):
                pytrec_eval.RelevanceEvaluator({"q": gold}, {f"ndcg_cut.{depth}"}).evaluate({"q": run})

        for mine, other in (("recall", "recall"), ("ndcg", "ndcg_cut")):
            assert all(abs(a - b) < 1e-9 for a, b in zip(ours(mine), theirs(other), strict=True))
        contenders: dict[str, Callable[[], Any]] = {
            "sqlrl recall": partial(ours, "recall"),
            "sqlrl nDCG": partial(ours, "ndcg"),
            "pytrec_eval, both, all at once": partial(theirs, "recall"),
            "pytrec_eval, nDCG, one by one": anew,
        }
        _show(f"k = {depth:,}", contenders)
    _show_answers(chance)
    assert ndcg(["a"], {"a": 1}, 1) == 1.0


def _show_answers(chance: random.Random) -> None:
    """100 words a passage, an answer in none of them, which is what costs most."""
    words = [f"{chance.choice('bcdfgh')}{chance.choice('aeiou')}{number}" for number in range(5_000)]
    plain = [" ".join(chance.choices(words, k=100)) + "." for _ in range(QUERIES)]
    accented = [text.replace("a", "á", 3) for text in plain]
    matcher = AnswerMatcher(["Nobody knows", "nothing at all"])
    _show(
        "a passage",
        {
            "answer matching, ASCII": lambda: [matcher.holds(text) for text in plain],
            "answer matching, accented": lambda: [matcher.holds(text) for text in accented],
        },
    )


def _show(title: str, contenders: dict[str, Callable[[], Any]]) -> None:
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, run in contenders.items():
            started = time.perf_counter()
            run()
            taken[name].append(1e6 * (time.perf_counter() - started) / QUERIES)
    for name, times in taken.items():
        spread = f"[{min(times):,.1f}, {max(times):,.1f}]"
        print(f"{title:10} {name:30} {statistics.median(times):9,.1f} us   {spread}")


def _judged(chance: random.Random, documents: list[str], ranking: list[str]) -> dict[str, int]:
    names = chance.sample(ranking, min(10, len(ranking))) + chance.sample(documents, 20)
    return {name: chance.choice((0, 0, 1, 2)) if place else 1 for place, name in enumerate(names)}


def _none(ids: Any) -> list[str]:
    raise AssertionError("no texts are asked for")


if __name__ == "__main__":
    main()
