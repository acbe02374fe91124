"""What repair is worth through the layer: the same questions asked with 0, 1, 2 and 3 repairs of a trained policy.

python benchmarks/speed/repair.py mini --policy RUN                  # RUN: of `sqlrl train mini --policy tiny`
python benchmarks/speed/repair.py world_1 --policy RUN --data DATA   # people's questions of Spider about a database

A first attempt fails where it cannot be run; repair saves it where what is run in the end is right.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import sqlrl
from sqlrl.benchmarks import load_benchmark
from sqlrl.benchmarks.base import Example
from sqlrl.judging import Judging
from sqlrl.layer import Answer, Connection
from sqlrl.policies import Policy, load_policy

MOST = 3


def main() -> None:
    """Print a row for each number of repairs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what")
    parser.add_argument("--policy", required=True)
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    mini = given.what.partition("/")[0] == "mini"
    benchmark = load_benchmark(given.what if mini else "spider", None if mini else given.data)
    splits = ("test",) if mini else ("train", "validation")
    asked = [example for split in splits for example in benchmark.examples(split)]
    examples = [example for example in asked if mini or example.labels["database"] == given.what]
    policy = load_policy(given.policy)
    started = time.monotonic()
    with Judging.of(benchmark, examples, workers=1) as judging:
        answers = _asked(policy, examples, judging)
        for repairs, said in answers.items():
            verdicts = judging.judge_all(list(zip(examples, [answer.query for answer in said], strict=True)))
            right = [judged.verdict.correct for judged in verdicts]
            failed = [place for place, answer in enumerate(said) if answer.attempts[0].outcome.value != "ok"]
            run = sum(said[place].ok for place in failed)
            saved = sum(right[place] for place in failed)
            share = f"{sum(right)} of {len(right)} right ({sum(right) / len(right):.1%})"
            ends = f"first attempts that failed: {len(failed)}, of which run in the end {run}, right {saved}"
            print(f"{repairs} repairs: {share}; {ends}", flush=True)
    print(f"{time.monotonic() - started:.0f} s, load {os.getloadavg()[0]:.1f}")


def _asked(policy: Policy, examples: Sequence[Example], judging: Judging) -> dict[int, list[Answer]]:
    """Number of repairs -> the answers, in the order of the questions."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, example in enumerate(examples):
        places[example.labels["database"]].append(place)
    found: dict[int, list[Answer]] = {repairs: [Answer("")] * len(examples) for repairs in range(MOST + 1)}
    with tempfile.TemporaryDirectory() as folder:
        for database, those in places.items():
            # A database is called by its file's name, and the policy knows it by the house's.
            source = Path(folder) / f"{database}.sqlite"
            shutil.copyfile(judging.sources[examples[those[0]].id][0].partition("://")[2], source)
            for repairs, answers in found.items():
                connection = sqlrl.connect(str(source), policy, workers=1, repairs=repairs)
                assert isinstance(connection, Connection)
                with connection:
                    for place in those:
                        answers[place] = connection.ask(examples[place].question, evidence=examples[place].evidence)
    return found


if __name__ == "__main__":
    main()
