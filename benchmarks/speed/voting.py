"""What the layer's vote over several queries is worth, and what its confidence tells, on recorded predictions.

python benchmarks/speed/voting.py --data DATA      # the root that holds spider/ and predictions/spider_dev/

Nobody's model is asked: a policy replays what others' systems wrote for Spider's dev questions, one file a sample.
Every file comes first once, so that no figure hangs on which of them wins a tie. Judged by execution, as Spider's
script does; questions on databases without rows are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlrl
from sqlrl.benchmarks import load_benchmark
from sqlrl.benchmarks.base import Example
from sqlrl.benchmarks.predictions import read_predictions
from sqlrl.judging import Judging
from sqlrl.layer import Answer, Connection
from sqlrl.prompts import Prompter

FILES = ("GPT4_zero_shot.csv", "CodeX_few-shot.csv", "TA-SQL_spider_predict_dev.sql", "DAIL-SQL+GPT-4.txt")
JUDGE = "spider"
Marked = list[tuple[float, bool]]  # (confidence, whether the answer is right)


class Replay:
    """A policy that says what it was given, whatever it is asked."""

    name = "replay"

    def __init__(self) -> None:
        self.prompter: Prompter | None = Prompter(style="terse", thinking=False)
        self.queries: Sequence[str] = ()

    def generate(
        self, prompts: Sequence[Any], n: int = 1, temperature: float = 0.0, max_tokens: int = 512
    ) -> list[list[str]]:
        """The first n."""
        return [[f"<answer>{json.dumps({'sql': query})}</answer>" for query in self.queries[:n]] for _ in prompts]


def main() -> None:
    """Print accuracy by the number of samples, then how right answers are by their confidence."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    data: Path = parser.parse_args().data
    benchmark = load_benchmark("spider", data / "spider")
    examples = benchmark.examples("validation")
    files = [
        read_predictions(data / "predictions" / "spider_dev" / name, examples, to_first_tab=True) for name in FILES
    ]
    started = time.monotonic()
    with Judging.of(benchmark, examples, JUDGE, workers=1) as judging:
        verdicts = Verdicts(judging)
        verdicts.learn(examples, files)
        kept = [place for place, example in enumerate(examples) if verdicts.counts(example)]
        print(f"{len(kept):,} questions of {len(examples):,}; judge {JUDGE}; load {os.getloadavg()[0]:.1f}")
        for name, queries in zip(FILES, files, strict=True):
            right = sum(verdicts.right(examples[place], queries[place]) for place in kept)
            print(f"  {name:32} {right / len(kept):.1%}")
        for count in range(2, len(files) + 1):
            marked: Marked = []
            for first in range(len(files)):
                order = [*files[first:], *files[:first]][:count]
                marked += _voted([examples[place] for place in kept], [[f[place] for f in order] for place in kept],
                                 judging, verdicts)  # fmt: skip
            alone = sum(verdicts.right(examples[p], queries[p]) for p in kept for queries in files)
            alone_share = alone / len(kept) / len(files)
            print(f"{count} samples: one alone {alone_share:.1%}, voted {_share(marked):.1%}, "
                  f"AUC of confidence {auc(marked):.3f}")  # fmt: skip
            by = defaultdict(list)
            for confidence, right in marked:
                by[confidence].append((confidence, right))
            for confidence, those in sorted(by.items()):
                print(f"  confidence {confidence:4.0%}: {len(those) / len(marked):6.1%} of the answers, "
                      f"{_share(those):.1%} right")  # fmt: skip
    print(f"{time.monotonic() - started:.0f} s")


class Verdicts:
    """Whether a query is right, each asked once."""

    def __init__(self, judging: Judging) -> None:
        self.judging = judging
        self._known: dict[tuple[str, str | None], tuple[bool, bool]] = {}

    def learn(self, examples: Sequence[Example], files: Sequence[Sequence[str]]) -> None:
        """Of whole files at once."""
        asked = [(example, queries[place]) for queries in files for place, example in enumerate(examples)]
        for (example, query), judged in zip(asked, self.judging.judge_all(asked), strict=True):
            self._known[example.id, query] = (judged.verdict.correct, judged.safe is not None)

    def counts(self, example: Example) -> bool:
        """Whether the database has rows to tell right from wrong by."""
        return any(safe for (name, _), (_, safe) in self._known.items() if name == example.id)

    def right(self, example: Example, query: str | None) -> bool:
        """A query as it was recorded."""
        return self._known[example.id, query][0]


def _voted(
    examples: Sequence[Example], queries: Sequence[Sequence[str]], judging: Judging, verdicts: Verdicts
) -> Marked:
    """(confidence, right) of each question as `ask` answers it, one connection a database."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, example in enumerate(examples):
        places[judging.sources[example.id][0]].append(place)
    marked: Marked = [(0.0, False)] * len(examples)
    for source, those in places.items():
        policy = Replay()
        count = len(queries[those[0]])
        connection = sqlrl.connect(source, policy, workers=1, samples=count, repairs=0, values=0, suggestions=False)
        assert isinstance(connection, Connection)
        with connection:
            for place in those:
                policy.queries = queries[place]
                answer = connection.ask(examples[place].question)
                marked[place] = (answer.confidence or 0.0, verdicts.right(examples[place], _written(answer, policy)))
    return marked


def _written(answer: Answer, policy: Replay) -> str:
    """The recorded query that was voted for; spaces around it may have gone."""
    return next((each for each in policy.queries if each.strip() == (answer.query or "").strip()), policy.queries[0])


def _share(marked: Marked) -> float:
    return sum(right for _, right in marked) / len(marked)


def auc(marked: Marked) -> float:
    """How often a right answer has more confidence than a wrong one; ties count half."""
    sizes: dict[float, list[int]] = defaultdict(lambda: [0, 0])
    for confidence, right in marked:
        sizes[confidence][right] += 1
    wrong_below = pairs = 0.0
    for _, (below, above) in sorted(sizes.items()):
        pairs += above * (wrong_below + below / 2)
        wrong_below += below
    every_right = sum(count for _, count in sizes.values())
    return pairs / (every_right * wrong_below) if every_right and wrong_below else float("nan")


if __name__ == "__main__":
    main()
