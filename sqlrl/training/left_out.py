"""Left out: of the reviews of `cohen` one at a time; policies taught on questions that a machine made about the others'
documents, tried on the review itself and on made questions about its own words, beside searches that nobody taught.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.assessment import assess
from sqlrl.benchmarks import load_benchmark
from sqlrl.config import EvalConfig, TrainConfig
from sqlrl.executors import open_executor
from sqlrl.runs import Run, read_lines, write_lines
from sqlrl.statistics import bootstrap, permutation
from sqlrl.training.comparison import ARMS, equal_steps, finished, machine

if TYPE_CHECKING:
    from sqlrl.training.run import Progress

__all__ = ["DEPTH", "Found", "LeftOut", "leave_out", "write_left_out"]

DEPTH = 1_000  # documents that a reviewer looks through
_SPLITS = ("test", "made")
_UNTAUGHT = {"question": "the question as the query", "words": "any word of the question"}
_RANKED = "bm25"
_BRIEFLY = {"words": "any word", "warm": "the warm start", "control": "more SFT", _RANKED: "BM25"}


@dataclass(frozen=True, slots=True)
class Found:
    """What one query finds. recall, precision: of its first `DEPTH` documents, newest first. hits: all of them."""

    review: str
    query: str
    recall: float
    precision: float
    hits: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """found: arm -> split -> seed -> one for each question; what nobody taught has the seed 0 alone. spent: arm -> seed
    -> processor seconds, of what is trained for each review the mean."""

    found: Mapping[str, Mapping[str, Mapping[int, Sequence[Found]]]]
    spent: Mapping[str, Mapping[int, float]]

    def mean(self, arm: str, split: str, measure: Callable[[Found], float], seed: int | None = None) -> float:
        """Over questions, and over seeds unless one is named."""
        by_seed = self.found[arm][split]
        values = [measure(one) for s in by_seed if seed in (None, s) for one in by_seed[s]]
        return sum(values) / max(1, len(values))

    def recalls(self, arm: str, split: str) -> list[float]:
        """Of each question, the mean over the seeds."""
        by_seed = list(self.found[arm][split].values())
        return [
            sum(each) / len(each) for each in zip(*([one.recall for one in found] for found in by_seed), strict=True)
        ]

    def by_review(self, arm: str, split: str = "test") -> dict[str, float]:
        """Recall of each review, the mean over its questions and the seeds."""
        values: dict[str, list[float]] = {}
        for found in self.found[arm][split].values():
            for one in found:
                values.setdefault(one.review, []).append(one.recall)
        return {review: sum(each) / len(each) for review, each in values.items()}


def leave_out(
    reviews: Sequence[str], seeds: Sequence[int], arms: Sequence[str], out: Path, progress: Progress, *,
    data: str | None = None, threads: int | None = None, settings: Mapping[str, Any] | None = None,
) -> LeftOut:  # fmt: skip
    """One warm start a seed, and from it every arm without each review; then search with all of them. What is done is
    not done again.

    The warm start knows no word of any review, so more of the same, the control, is one for all of them as well.
    """
    shared = {"data": data, "threads": threads, "engine": "boolean", "recipe": "tiny-search", **(settings or {})}
    runs: dict[str, dict[int, dict[str, Run]]] = {}  # arm -> seed -> review
    spent: dict[str, dict[int, float]] = {}
    for seed in seeds:
        place = out / f"seed-{seed}"
        progress.say(f"seed {seed}: {ARMS['warm'][1]}")
        warm = _trained("cohen", "tiny", "warm", seed, place, progress, shared)
        runs.setdefault("warm", {})[seed] = dict.fromkeys(reviews, warm)
        spent.setdefault("warm", {})[seed] = _seconds(warm)
        start = str(warm.folder / "checkpoints" / "final")
        for arm in [arm for arm in ARMS if arm in arms and arm not in ("warm", "control", "ceiling")]:
            for review in reviews:
                progress.say(f"{review} left out, seed {seed}: {ARMS[arm][1]}")
                run = _trained(f"cohen/{review}", start, arm, seed, place / review, progress, shared)
                runs.setdefault(arm, {}).setdefault(seed, {})[review] = run
            costs = [_seconds(run) for run in runs[arm][seed].values()]
            spent.setdefault(arm, {})[seed] = sum(costs) / len(costs)
        if "control" in arms:
            progress.say(f"seed {seed}: {ARMS['control'][1]}")
            steps = {"sft_steps": equal_steps(warm, seed, spent)}
            control = _trained("cohen", start, "control", seed, place, progress, {**shared, **steps})
            runs.setdefault("control", {})[seed] = dict.fromkeys(reviews, control)
            spent.setdefault("control", {})[seed] = _seconds(control)
    found: dict[str, dict[str, dict[int, list[Found]]]] = {}
    for review in reviews:
        progress.say(f"{review}: searching")
        desk = _Desk(review, data, progress)
        for split in _SPLITS:
            each = [(word, 0, desk.found(split, f"{word}:", out / word)) for word in _UNTAUGHT]
            each.append((_RANKED, 0, desk.found(split, "question:", out / _RANKED, engine=_RANKED)))
            for arm, by_seed in runs.items():
                for seed, by_review in by_seed.items():
                    folder = by_review[review].folder
                    each.append((arm, seed, desk.found(split, str(folder / "checkpoints" / "final"), folder)))
            for arm, seed, of_arm in each:
                found.setdefault(arm, {}).setdefault(split, {}).setdefault(seed, []).extend(of_arm)
    return LeftOut(found, spent)


def _trained(
    benchmark: str, policy: str, arm: str, seed: int, place: Path, progress: Progress, settings: Mapping[str, Any]
) -> Run:
    config = TrainConfig(benchmark, policy=policy, method=ARMS[arm][0], seed=seed, out=str(place), name=arm, **settings)
    return finished(config, progress)


def _seconds(run: Run) -> float:
    return float(sum(stage.get("processor_seconds", 0) for stage in run.summary()["stages"].values()))


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where a review is searched for."""

    review: str
    data: str | None
    progress: Progress

    def found(self, split: str, policy: str, folder: Path, engine: str = "boolean") -> list[Found]:
        """What a policy's queries find; searched once, and kept in `folder`."""
        path = folder / f"found-{self.review}-{split}.jsonl"  # a warm start is asked for every review
        if not path.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            write_lines(path, map(asdict, self._measured(split, policy, engine)))
        return [Found(**line) for line in read_lines(path)]

    def _measured(self, split: str, policy: str, engine: str) -> list[Found]:
        """A query that cannot be run finds nothing."""
        name = f"cohen/{self.review}"
        asked = EvalConfig(name, data=self.data, engine=engine, policy=policy, split=split, no_cache=True)
        queries = [item.predicted for item in assess(asked, self.progress, keep=False).items]
        benchmark = load_benchmark(name, self.data, engine=engine)
        examples = benchmark.examples(split)
        (source,) = benchmark.sources(examples[0])
        with open_executor(source) as executor:
            results = executor.execute_many([query or "" for query in queries], limit=DEPTH)
        measured = []
        for example, query, result in zip(examples, queries, results, strict=True):
            relevant = example.gold.relevant or {}
            right = sum(row[0] in relevant for row in result.rows)
            hits = result.total if result.total is not None else len(result.rows)
            precision = right / len(result.rows) if result.rows else 0.0
            measured.append(Found(self.review, query or "", right / len(relevant), precision, hits))
        return measured


def write_left_out(found: LeftOut, reviews: Sequence[str]) -> str:
    """As Markdown: all reviews, then each by itself, then what the policies wrote."""
    names = {_RANKED: "BM25, ranked, asked with the question", **_UNTAUGHT, **{arm: ARMS[arm][1] for arm in ARMS}}
    arms = [arm for arm in names if arm in found.found]
    seeds = sorted(found.spent["warm"])
    columns = [
        "", f"recall@{DEPTH:,}", "by seed", f"precision@{DEPTH:,}", "documents found", "characters",
        "made questions: recall", "precision", "processor-s",
    ]  # fmt: skip
    lines = ["| " + " | ".join(columns) + " |", "|---|" + "--:|" * (len(columns) - 1)]
    for arm in arms:
        mean = partial(found.mean, arm)
        taught = arm in found.spent
        each = [f"{100 * mean('test', _recall, seed):.1f}" for seed in seeds] if taught else []
        cells = [
            names[arm],
            f"**{100 * mean('test', _recall):.1f} %**",
            ", ".join(each),
            f"{100 * mean('test', _precision):.1f} %",
            f"{mean('test', _hits):,.0f}",
            f"{mean('test', _length):.0f}",
            f"{100 * mean('made', _recall):.1f} %",
            f"{100 * mean('made', _precision):.1f} %",
            f"{sum(found.spent[arm].values()) / len(seeds):,.0f}" if taught else "",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    made = len(found.found["question"]["made"][0])
    lines += [
        "",
        f"{_count(len(reviews), 'review')}, each left out in its turn; {made:,} made questions about their own words. "
        "Of a ranked search the best, of a Boolean one the newest documents count.",
        "",
        _tests(found, arms),
        "",
        "| recall of | " + " | ".join(reviews) + " |",
        "|---|" + "--:|" * len(reviews),
    ]
    for arm in arms:
        recalls = found.by_review(arm)
        lines.append(f"| {names[arm]} | " + " | ".join(f"{100 * recalls[review]:.0f}" for review in reviews) + " |")
    last = "grpo" if "grpo" in arms else arms[-1]
    lines += ["", f"What {names[last]} asks, seed {seeds[0]}:", "", "```"]
    lines += [f"{one.review}: {one.query}" for one in found.found[last]["test"][seeds[0]]]
    lines += ["```", "", f"`sqlrl reproduce cohen`, seeds {', '.join(map(str, seeds))}; {machine()}."]
    return "\n".join(lines) + "\n"


def _tests(found: LeftOut, arms: Sequence[str]) -> str:
    """The last taught arm against the others: by review, and by made question; of each the mean over seeds."""
    last = "grpo" if "grpo" in arms else arms[-1]
    others = [arm for arm in ("words", "warm", "control", _RANKED) if arm in arms and arm != last]
    name = ARMS.get(last, ("", last))[1]
    lines = []
    for split, what in (("test", "paired by review"), ("made", "on the made questions, paired by question")):
        mine = found.recalls(last, split)
        parts = []
        for other in others:
            changes = [new - old for new, old in zip(mine, found.recalls(other, split), strict=True)]
            low, high = bootstrap(changes)
            parts.append(
                f"against {_BRIEFLY[other]} {100 * sum(changes) / len(changes):+.1f} points ({100 * low:+.1f} to "
                f"{100 * high:+.1f}, p {_small(permutation(changes))})"
            )
        lines.append(f"{name}, {what}: {'; '.join(parts)}.")
    return "\n\n".join(lines) + " 95 % intervals by bootstrap, p by permutation."


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _small(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _recall(one: Found) -> float:
    return one.recall


def _precision(one: Found) -> float:
    return one.precision


def _hits(one: Found) -> float:
    return one.hits


def _length(one: Found) -> float:
    return len(one.query)
