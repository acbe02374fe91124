"""How many predictions that a benchmark's own databases call right a synthesized suite refutes, and which.

    python benchmarks/speed/refuted.py SPIDER SUITE PREDICTIONS ... [--show 5]

SPIDER, SUITE: folders, as for --data. Both are asked by the `spider` judge, DISTINCT and all, on the validation
questions whose database the suite has. The golds themselves, as they stand and as the parser prints them, go first:
none may be refuted.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from sqlglot import errors, parse_one

from sqlrl.benchmarks.base import Example
from sqlrl.benchmarks.predictions import read_predictions
from sqlrl.benchmarks.spider import Spider
from sqlrl.executors.base import Limits
from sqlrl.judging import Judged, Judging


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("spider")
    parser.add_argument("suite")
    parser.add_argument("predictions", nargs="*")
    parser.add_argument("--show", type=int, default=5)
    options = parser.parse_args()
    original, suite = Spider(options.spider), Spider(options.suite)
    every = original.examples("validation")
    examples = [example for example in every if len(suite.sources(example)) > 0 and not _empty(original, example)]
    print(f"{len(examples):,} of {len(every):,} questions")
    golds = {example.id: example.gold.query or "" for example in every}
    printed = {identifier: _printed(query) for identifier, query in golds.items()}
    runs = [("golds", golds), ("golds, printed", printed)]
    for file in options.predictions:
        queries = read_predictions(Path(file), every)
        runs.append((Path(file).stem, dict(zip((example.id for example in every), queries, strict=True))))
    with (
        Judging.of(original, examples, "spider", limits=Limits(seconds=10)) as by_original,
        Judging.of(suite, examples, "spider", limits=Limits(seconds=10)) as by_suite,
    ):
        for name, predictions in runs:
            pairs = [(example, predictions.get(example.id)) for example in examples]
            _report(name, pairs, by_original.judge_all(pairs), by_suite.judge_all(pairs), options.show)


def _empty(benchmark: Spider, example: Example) -> bool:
    return bool(benchmark.faults().get(example.labels["database"]))


def _printed(query: str) -> str:
    try:
        return parse_one(query, read="sqlite").sql(dialect="sqlite")
    except errors.SqlglotError:
        return query


def _report(
    name: str,
    pairs: Sequence[tuple[Example, str | None]],
    before: Sequence[Judged],
    after: Sequence[Judged],
    show: int,
) -> None:
    right = sum(judged.verdict.correct for judged in before)
    refuted = [
        (example, query)
        for (example, query), one, other in zip(pairs, before, after, strict=True)
        if one.verdict.correct and not other.verdict.correct
    ]
    share = len(refuted) / right if right else 0.0
    print(f"{name}: right on the original {right:,}, refuted by the suite {len(refuted):,} ({share:.1%})")
    for example, query in refuted[:show]:
        print(f"    {example.id} {example.labels['database']}: {example.question}")
        print(f"        gold       {' '.join((example.gold.query or '').split())}")
        print(f"        predicted  {' '.join((query or '').split())}")


if __name__ == "__main__":
    main()
