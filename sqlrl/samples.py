"""Samples: the first rows of what the two queries of an item returned, cut to what a reader can take in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlrl.evaluation import Item
    from sqlrl.executors.base import Result
    from sqlrl.judging import Judging

__all__ = ["with_results"]

ROWS, COLUMNS, CHARACTERS = 10, 12, 60
SLOW = 2.0  # processor seconds: what took longer is not run a second time to be looked at
_BATCH = 256


def with_results(
    items: Sequence[Item], judging: Judging, *, advance: Callable[[int], None] | None = None
) -> list[Item]:
    """The items with a sample of each result, of the instance on which a wrong prediction is first wrong.

    Queries are run as the judge prepared them. The gold of a right answer is not run: it returned the same.
    """
    found: list[Item] = []
    for start in range(0, len(items), _BATCH):
        part = items[start : start + _BATCH]
        wanted = [
            (index, side, source, query)
            for index, item in enumerate(part)
            for side, source, query in _queries(item, judging)
        ]
        results = judging.group.execute_many([(s, query) for _, _, s, query in wanted], limit=ROWS) if wanted else []
        samples: list[dict[str, Any]] = [{} for _ in part]
        for (index, side, _, _), result in zip(wanted, results, strict=True):
            if result.outcome.value == "ok":
                samples[index][side] = _sample(result)
        found += [replace(item, results=sample) for item, sample in zip(part, samples, strict=True)]
        if advance is not None:
            advance(len(part))
    return found


def _queries(item: Item, judging: Judging) -> list[tuple[str, str, str]]:
    """(side, source, query) of what is worth running again."""
    sources, judged = judging.sources[item.example.id], item.judged
    if not sources or item.example.gold.query is None:
        return []
    source = sources[min(judged.instance, len(sources) - 1)]
    predicted, gold = judging.judge.prepare(item.predicted or "", item.example.gold)
    wanted = []
    if item.predicted and judged.outcome == "ok" and judged.seconds <= SLOW:
        wanted.append(("predicted", source, predicted))
    if not judged.verdict.correct and judged.gold_outcome == "ok" and judged.gold_seconds <= SLOW:
        wanted.append(("gold", source, gold.query or ""))
    return wanted


def _sample(result: Result) -> dict[str, Any]:
    columns = [_cut(name) for name in result.columns[:COLUMNS]]
    rows = [[_cell(value) for value in row[:COLUMNS]] for row in result.rows[:ROWS]]
    sample: dict[str, Any] = {"columns": columns, "rows": rows}
    if len(result.columns) > COLUMNS:
        sample["hidden_columns"] = len(result.columns) - COLUMNS
    if result.truncated or len(result.rows) > ROWS:
        sample["more"] = True
    return sample


def _cell(value: Any) -> Any:
    """None, a number that JSON can hold exactly, or text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 2**53:
        return value
    if isinstance(value, float) and value - value == 0:  # neither infinite nor not a number
        return value
    if isinstance(value, bytes):
        return _cut(f"{len(value):,} bytes: {value[:16].hex(' ')}")
    return _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= CHARACTERS else text[: CHARACTERS - 1] + "…"
