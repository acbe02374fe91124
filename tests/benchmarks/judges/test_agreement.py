"""Every rule beside an independent reading of it, on many random pairs of results."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest

from sqlrl.benchmarks.judges import load_judge
from sqlrl.executors.base import Gold, Row
from sqlrl.executors.relations import matcher_for

FEW, MANY = 3_000, 100_000
ORDERED = Gold(query="SELECT a FROM t ORDER BY a")
UNORDERED = Gold(query="SELECT a FROM t")
CELLS: list[Any] = [None, 0, 1, 1.0, 1.5, 2, 3, "1", "None", "a", "b", "", b"a"]
NUMBERS: list[Any] = [
    0,
    1,
    2,
    10,
    1.0,
    1.004,
    1.02,
    2.5,
    -1,
    1e9,
    1e9 + 5,
    None,
    "True",
    "NA",
    "2",
    "2.0",
    "a",
    "10",
    "007",
    "inf",
]


def pair(chance: random.Random, cells: list[Any]) -> tuple[list[Row], list[Row]]:
    """A gold and a prediction: another result altogether, or the gold turned, nudged, repeated, cut."""

    def fresh(width: int) -> list[Row]:
        few = chance.sample(cells, chance.randint(1, 4))  # few values, so that rows come together by chance
        return [tuple(chance.choice(few) for _ in range(width)) for _ in range(chance.choice([0, 1, 1, 2, 3, 4, 5]))]

    width = chance.randint(1, 4)
    gold = fresh(width)
    if chance.random() < 0.3:
        return fresh(chance.choice([width, width, width + 1])), gold
    rows = list(gold)
    for change in chance.sample(["rows", "columns", "cell", "repeat", "drop", "widen", "kind"], chance.randint(0, 3)):
        if not rows:
            break
        if change == "rows":
            chance.shuffle(rows)
        elif change == "columns":
            places = chance.sample(range(len(rows[0])), len(rows[0]))
            rows = [tuple(row[place] for place in places) for row in rows]
        elif change == "cell":
            place, column = chance.randrange(len(rows)), chance.randrange(len(rows[0]))
            rows[place] = (*rows[place][:column], chance.choice(cells), *rows[place][column + 1 :])
        elif change == "repeat":
            rows.insert(chance.randrange(len(rows)), chance.choice(rows))
        elif change == "drop":
            rows.pop(chance.randrange(len(rows)))
        elif change == "widen":
            rows = [(*row, chance.choice(cells)) for row in rows]
        else:
            rows = [tuple(float(cell) if cell in (0, 1, 2) and cell != "" else cell for cell in row) for row in rows]
    return rows, gold


def spider(predicted: list[Row], gold: list[Row], ordered: bool) -> float:
    """By trying every order of columns. Rows whose cells sort apart by text and type are no match."""
    if not predicted or not gold:
        return float(not predicted and not gold)
    if len(predicted) != len(gold) or len(predicted[0]) != len(gold[0]):
        return 0.0
    by_text = [[tuple(sorted(row, key=lambda c: f"{c}{type(c)}")) for row in rows] for rows in (predicted, gold)]
    if by_text[0] != by_text[1] if ordered else {*by_text[0]} != {*by_text[1]}:
        return 0.0
    turned = ([tuple(row[i] for i in order) for row in predicted] for order in permutations(range(len(gold[0]))))
    return float(any(rows == gold if ordered else Counter(rows) == Counter(gold) for rows in turned))


def bird_ex(predicted: list[Row], gold: list[Row], ordered: bool) -> float:
    return float(all(row in gold for row in predicted) and all(row in predicted for row in gold))


def bird_f1(predicted: list[Row], gold: list[Row], ordered: bool) -> float:
    """In exact fractions: F1 is twice the true positives by all that was said and all that was wanted."""
    mine, theirs = ([row for i, row in enumerate(rows) if row not in rows[:i]] for rows in (predicted, gold))
    if not mine and not theirs:
        return 1.0
    right = wrong = missed = Fraction(0)
    for place in range(max(len(mine), len(theirs))):
        if place >= len(theirs):
            wrong += 1
        elif place >= len(mine):
            missed += 1
        else:
            unit = Fraction(1, len(theirs[place]))
            hits = [cell in theirs[place] for cell in mine[place]]
            right += hits.count(True) * unit
            wrong += hits.count(False) * unit
            missed += [cell in mine[place] for cell in theirs[place]].count(False) * unit
    return float(2 * right / (2 * right + wrong + missed)) if right else 0.0


def strict(predicted: list[Row], gold: list[Row], ordered: bool) -> float:
    return float(predicted == gold if ordered else Counter(predicted) == Counter(gold))


RULES: dict[str, Callable[[list[Row], list[Row], bool], float]] = {
    "spider": spider, "spider-strict": spider, "bird-ex": bird_ex, "bird-ves": bird_ex, "bird-f1": bird_f1,
    "strict": strict,
}  # fmt: skip


def agree(name: str, count: int) -> None:
    chance = random.Random(name)
    judge = load_judge(name)
    seen: Counter[float] = Counter()
    for _ in range(count):
        predicted, gold = pair(chance, CELLS)
        ordered = chance.random() < 0.5
        relation = judge.relation(ORDERED if ordered else UNORDERED)
        found = matcher_for(relation, gold).score(predicted)
        wanted = RULES[name](predicted, gold, ordered)
        assert math.isclose(found, wanted, rel_tol=1e-12), (predicted, gold, ordered)
        assert (found >= 1) == (wanted == 1), (predicted, gold, ordered)
        seen[wanted] += 1
    assert min(seen[0.0], seen[1.0]) > count / 20


@pytest.mark.parametrize("name", RULES)
def test_a_judge_agrees_with_another_reading_of_its_rule(name: str) -> None:
    agree(name, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("name", RULES)
def test_a_judge_agrees_on_many_more(name: str) -> None:
    agree(name, MANY)


def through_pandas(rows: list[Row]) -> Any:
    """A result as Spider 2.0's script sees it: written to a file by pandas and read again."""
    import io

    pandas = pytest.importorskip("pandas")
    names = [f"c{place}" for place in range(len(rows[0]))]
    frame = pandas.DataFrame.from_records(rows, columns=names)
    return pandas.read_csv(io.StringIO(frame.to_csv(index=False)))


def spider2(predicted: list[Row], gold: list[Row], ordered: bool, chosen: tuple[int, ...]) -> float:
    import pandas

    def vectors(frame: Any) -> list[list[Any]]:
        columns = [[0 if pandas.isna(cell) else cell for cell in column] for column in frame.T.values.tolist()]
        return (
            columns
            if ordered
            else [sorted(column, key=lambda c: (str(c), isinstance(c, int | float))) for column in columns]
        )

    def same(one: list[Any], other: list[Any]) -> bool:
        return len(one) == len(other) and all(
            a == b or (math.isfinite(a) and math.isfinite(b) and abs(a - b) <= max(0.01, 1e-9 * max(abs(a), abs(b))))
            if isinstance(a, int | float) and isinstance(b, int | float)
            else a == b
            for a, b in zip(one, other, strict=True)
        )

    wanted = through_pandas(gold)
    found = vectors(through_pandas(predicted))
    return float(
        all(
            any(same(column, other) for other in found)
            for column in vectors(wanted.iloc[:, list(chosen)] if chosen else wanted)
        )
    )


def agree_on_vectors(count: int) -> None:
    chance = random.Random("spider2")
    judge = load_judge("spider2")
    seen: Counter[float] = Counter()
    while seen.total() < count:
        predicted, gold = pair(chance, NUMBERS)
        if not predicted or not gold:
            continue
        chosen = tuple(chance.sample(range(len(gold[0])), chance.randint(0, len(gold[0]))))
        ordered = chance.random() < 0.5
        relation = judge.relation(Gold(rows=tuple(gold), ordered=ordered, columns=chosen))
        found = matcher_for(relation, gold).score(predicted)
        wanted = spider2(predicted, gold, ordered, chosen)
        assert found == wanted, (predicted, gold, ordered, chosen)
        seen[wanted] += 1
    assert min(seen.values()) > count / 20


def test_spider2_agrees_with_pandas() -> None:
    agree_on_vectors(150)


@pytest.mark.slow
def test_spider2_agrees_with_pandas_on_many_more() -> None:
    agree_on_vectors(MANY // 5)


@pytest.mark.parametrize("ordered", [True, False])
def test_spider2_counts_nothing_equal_to_nothing(ordered: bool) -> None:
    relation = load_judge("spider2").relation(Gold(rows=(), ordered=ordered, columns=(1,)))
    assert matcher_for(relation, []).score([]) == 1.0
    assert matcher_for(relation, []).score([(1,)]) == 0.0
