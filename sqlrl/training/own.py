"""own: what comes of one's own database with answered questions, tried on databases whose right queries are known.

Each question of Spider (or of a house of mini) is turned into what a person who can't write SQL would know of its
answer: a number, a list, a table of up to 20 rows, or the first five rows of more and how many there are; numbers to
two decimals. Training sees these files alone. The figures are the full golds' word on the test questions.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.benchmarks import load_benchmark
from sqlrl.benchmarks.answered import Answered
from sqlrl.benchmarks.judges.robust import orders_rows
from sqlrl.executors import Gold, Limits, Outcome, open_executor
from sqlrl.executors.errors import DataError
from sqlrl.judging import Judging
from sqlrl.runs import write_text
from sqlrl.training.comparison import ARMS, Comparison, compare, write_table

if TYPE_CHECKING:
    from sqlrl.executors import Result
    from sqlrl.training.run import Progress

__all__ = ["DATABASES", "Agreement", "Owned", "compare_own", "known_of", "own", "write_own"]

# Those of Spider with the most questions whose files are public, and a house of mini.
DATABASES = ("world_1", "flight_1", "car_1", "mini/shop")
LONG, SHOWN = 20, 5  # rows of an answer that a person writes down, and what is written down of a longer one


@dataclass(frozen=True, slots=True)
class Owned:
    """A database as its owner has it. answered, labelled: files of the same answers, the second with the golds, which
    the ceiling alone reads. lost: questions whose gold fails or returns nothing."""

    name: str
    source: str
    answered: Path
    labelled: Path
    questions: int
    lost: int


def own(name: str, folder: Path, data: str | None = None) -> Owned:
    """Write the answers of one database to `folder`. DataError where it has no questions."""
    benchmark, database = ("mini", name.removeprefix("mini/")) if name.startswith("mini/") else ("spider", name)
    loaded = load_benchmark(benchmark, data)
    splits = ("train", "validation", "test") if benchmark == "mini" else ("train", "validation")
    examples = [e for split in splits for e in loaded.examples(split) if e.labels["database"] == database]
    sources = loaded.sources(examples[0]) if examples else []
    if not sources:
        raise DataError(f"{benchmark} has no questions on a database {database!r} that is here")
    golds = [example.gold.query or "" for example in examples]
    with open_executor(sources[0], limits=Limits(seconds=30), workers=1) as executor:
        results = executor.execute_many(golds)
    lines: dict[str, dict[str, Any]] = {}
    for example, gold, result in zip(examples, golds, results, strict=True):
        known = known_of(result, orders_rows(gold))
        if known is not None:
            lines.setdefault(
                " ".join(example.question.split()).casefold(), {"question": example.question, **known, "query": gold}
            )
    folder.mkdir(parents=True, exist_ok=True)
    files = {kind: folder / f"{database}-{kind}.jsonl" for kind in ("answered", "labelled")}
    for kind, file in files.items():
        shown = [{k: v for k, v in line.items() if k != "query" or kind == "labelled"} for line in lines.values()]
        write_text(file, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in shown))
    return Owned(database, sources[0], files["answered"], files["labelled"], len(lines), len(examples) - len(lines))


def known_of(result: Result, ordered: bool) -> dict[str, Any] | None:
    """What a person would know of a result, as keys of a line of answers; None where that is nothing."""
    rows = [[round(cell, 2) if isinstance(cell, float) else cell for cell in row] for row in result.rows]
    cells = [cell for row in rows for cell in row]
    if result.outcome is not Outcome.OK or not rows or all(cell is None for cell in cells):
        return None
    if not all(cell is None or isinstance(cell, (str, int, float)) for cell in cells):
        return None
    if len(rows) > LONG:
        return {
            "answer": {"columns": list(result.columns), "rows": rows[:SHOWN]},
            "partial": "contains",
            "at_most": len(rows),
        }
    order = {"ordered": True} if ordered and len(rows) > 1 else {}
    if len(rows[0]) > 1 or None in cells:
        return {"answer": {"columns": list(result.columns), "rows": rows}, **order}
    if len(rows) == 1 and not isinstance(cells[0], str):
        return {"answer": cells[0]}
    return {"answer": cells, **order}


@dataclass(frozen=True, slots=True)
class Agreement:
    """What answers say of the test predictions beside what the full golds say. both, neither: they agree; answers: only
    the answers call it right; golds: only the golds do."""

    both: int
    neither: int
    answers: int
    golds: int


def compare_own(
    names: Sequence[str],
    seeds: Sequence[int],
    arms: Sequence[str],
    out: Path,
    progress: Progress,
    *,
    data: str | None = None,
    threads: int | None = None,
    settings: Mapping[str, Any] | None = None,
) -> tuple[Comparison, Agreement]:
    """Every arm on every database; the test questions of all of them together, judged by the golds.

    The arms learn from the answers alone, and the ceiling from the golds of the same questions.
    """
    items: dict[str, dict[int, list[dict[str, Any]]]] = {}
    spent: dict[str, dict[int, float]] = {}
    for name in names:
        owned = own(name, out / "answers", data)
        progress.say(f"{owned.name}: {owned.questions:,} questions with an answer, {owned.lost:,} without")
        found = compare(
            owned.source, seeds, arms, out / owned.name, progress, data=data, threads=threads,
            settings={**(settings or {}), "answered": str(owned.answered)},
            of_arm={"ceiling": {"answered": str(owned.labelled)}},
        )  # fmt: skip
        for arm, by_seed in found.items.items():
            for seed, judged in by_seed.items():
                items.setdefault(arm, {}).setdefault(seed, []).extend(_by_golds(owned, judged))
                costs = spent.setdefault(arm, {})
                costs[seed] = costs.get(seed, 0.0) + found.spent[arm][seed]
    said = Counter(
        (item["answered"], item["correct"])
        for by_seed in items.values()
        for judged in by_seed.values()
        for item in judged
    )
    agreement = Agreement(said[True, True], said[False, False], said[True, False], said[False, True])
    return Comparison("own", out, items, spent, {arm: {} for arm in items}), agreement


def _by_golds(owned: Owned, items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The items with the golds' verdict as "correct", and the answers' as "answered"."""
    answers = Answered(owned.source, owned.labelled)
    golds = {e.question: replace(e, gold=Gold(e.gold.query)) for e in answers.examples("test")}
    asked = [(golds[item["question"]], item["predicted"]) for item in items]
    sources = {example.id: [owned.source] for example in golds.values()}
    with Judging("robust", sources, limits=Limits(seconds=30), workers=1) as judging:
        judged = judging.judge_all(asked)
    return [
        {**item, "db_id": owned.name, "answered": bool(item["correct"]), "correct": word.verdict.correct}
        for item, word in zip(items, judged, strict=True)
    ]


def write_own(comparison: Comparison, agreement: Agreement, names: Sequence[str]) -> str:
    """Markdown: the comparison of all databases, then each by itself, then what partial answers are worth."""
    lines = [write_table(comparison), "| test questions right, mean of the seeds | " + " | ".join(names) + " |"]
    lines.append("|---|" + "--:|" * len(names))
    for arm in comparison.arms:
        cells = []
        for name in names:
            marks = [
                bool(item["correct"])
                for seed in comparison.seeds
                for item in comparison.items[arm][seed]
                if item["db_id"] == name.removeprefix("mini/")
            ]
            cells.append(f"{100 * sum(marks) / len(marks):.1f} % of {len(marks) // len(comparison.seeds)}")
        lines.append(f"| {ARMS[arm][1]} | {' | '.join(cells)} |")
    called = agreement.both + agreement.answers
    lines += [
        "",
        f"Of {called:,} predictions that the answers call right, the golds call {agreement.both:,} right; of "
        f"{agreement.both + agreement.golds:,} that the golds call right, the answers miss {agreement.golds:,}.",
    ]
    return "\n".join(lines) + "\n"
