"""What a warm start costs and comes to: time, the grammar's own questions that were held out, and people's questions.

python benchmarks/speed/warmstart.py --data DATA world_1 car_1 mini/shop      # DATA: the root that holds spider/

Every database is given a policy as `sqlrl ask --warm-start` makes it, in a folder of its own. People's questions are
all of Spider's about the database, judged by their golds; of a house of mini, its test questions, whose words mean what
its owner says and no schema tells. Steps, seed and threads are those of the warm start unless --steps says otherwise.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import sqlrl
from sqlrl.benchmarks import load_benchmark
from sqlrl.benchmarks.answered import stem
from sqlrl.benchmarks.base import Example
from sqlrl.cli.terminal import Terminal
from sqlrl.incumbent import Incumbent, Seat
from sqlrl.judging import Judging
from sqlrl.layer import Connection
from sqlrl.training.warmstart import warm_start


def main() -> None:
    """Print a row for each database."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("databases", nargs="+")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = str(given.out.resolve() if given.out else folder)
        for name in given.databases:
            _measure(name, given.data, given.steps)


def _measure(name: str, data: Path, steps: int | None) -> None:
    source, asked = _questions(name, data)
    seat = Seat.of(source)
    started, spent = time.monotonic(), _processor()
    with Terminal() as terminal:
        made = warm_start(source, seat, terminal, sft_steps=steps)
    wall, processor = time.monotonic() - started, _processor() - spent
    print(f"{name}: {seat.tables} tables; {wall:.0f} s, {processor:.0f} processor-s; "
          f"the grammar's own, held out: {made.right} of {made.total}", flush=True)  # fmt: skip
    right = _right(source, asked, made)
    by: dict[str, list[bool]] = {}
    for example, is_right in zip(asked, right, strict=True):
        by.setdefault(example.labels["difficulty"], []).append(is_right)
    kinds = ", ".join(f"{kind} {sum(marks)} of {len(marks)}" for kind, marks in sorted(by.items()))
    print(f"  people's: {sum(right)} of {len(right)} ({sum(right) / len(right):.1%}); {kinds}", flush=True)


def _questions(name: str, data: Path) -> tuple[str, list[Example]]:
    """(the source, what people ask of it)."""
    if name.startswith("mini/"):
        benchmark, splits, database = load_benchmark("mini"), ["test"], name.removeprefix("mini/")
    else:
        benchmark, splits, database = load_benchmark("spider", data), ["train", "validation"], name
    asked = [e for split in splits for e in benchmark.examples(split) if e.labels["database"] == database]
    return benchmark.sources(asked[0])[0], asked


def _right(source: str, asked: list[Example], made: Incumbent) -> list[bool]:
    """As `ask` answers them, repairs included, by the golds."""
    labels = {"database": stem(source)}
    predicted = []
    connection = sqlrl.connect(source, made.policy, workers=1)
    assert isinstance(connection, Connection)
    with connection:
        for example in asked:
            answer = connection.ask(example.question, evidence=example.evidence)
            predicted.append((replace(example, labels=labels), answer.query))
    with Judging("robust", {example.id: [source] for example in asked}, workers=1) as judging:
        return [judged.verdict.correct for judged in judging.judge_all(predicted)]


def _processor() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


if __name__ == "__main__":
    main()
