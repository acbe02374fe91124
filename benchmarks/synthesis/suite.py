"""A suite: for one database, the few instances that tell its queries from their neighbours, and how well they do."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.benchmarks.judges.robust import Robust
from sqlrl.benchmarks.synthesis.distilling import Want, distil
from sqlrl.benchmarks.synthesis.hints import Hints
from sqlrl.benchmarks.synthesis.instances import Instances
from sqlrl.benchmarks.synthesis.neighbours import Neighbour, neighbours_of
from sqlrl.benchmarks.synthesis.plans import Plans
from sqlrl.benchmarks.synthesis.reading import Reading
from sqlrl.benchmarks.synthesis.ties import settled
from sqlrl.executors.base import Gold, Outcome

if TYPE_CHECKING:
    from sqlrl.executors.groups import Group

__all__ = ["Suite", "make_suite"]

FIRST = 8  # instances on which every neighbour runs
EASY = 3  # told apart by so many of those, a neighbour runs on no other but those that are kept
FOUND_WEIGHT, TIE_COST = 4.0, 2.0  # against one neighbour: a query that finds something; one whose answer is chance


@dataclass(slots=True)
class Suite:
    """What was made for one database.

    kept: the chosen files, best first. undecided: file name -> the queries whose answer on it is an accident. unread:
    queries that could not be followed; failing: that do not run. found_first, found: that find something on the first
    kept file, on any kept. neighbours, told, told_by, told_by_original: by kind, how many there are; how many are told
    apart by any instance made; by the first k kept, for each k; by the original.
    """

    kept: list[Path]
    undecided: dict[str, list[str]]
    unread: list[str]
    failing: list[str]
    found_first: list[str]
    found: list[str]
    neighbours: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    told_by: list[Counter[str]] = field(default_factory=list)
    told_by_original: Counter[str] = field(default_factory=Counter)


def make_suite(
    plans: Plans,
    hints: Hints,
    readings: Mapping[str, Reading | None],
    folder: Path,
    *,
    instances: int = 100,
    keep: int = 8,
    seed: int = 0,
    most_neighbours: int = 60,
    original: Path | None = None,
    workers: int | None = None,
    advance: Callable[[], None] = lambda: None,
) -> Suite:
    """Make `instances` files in `folder` and choose up to `keep` of them. readings: query -> its reading, or None."""
    read = [reading for reading in readings.values() if reading is not None]
    made = Instances(plans, folder, instances, seed, original, workers)
    paths = made.paths
    with made.filled(read, advance) as group:
        trial = _Trial(group, made.sources, instances)
        found, failing = trial.finds(list(readings))
        advance()
        near: list[tuple[str, Neighbour]] = []
        for reading in read:
            if reading.query not in failing:
                chance = random.Random(f"{plans.schema.name}/{seed}/{reading.query}")
                near += [(reading.query, each) for each in neighbours_of(reading, hints, chance, most_neighbours)]
        advance()
        near, told = trial.tell_apart(near)
        advance()
        ties = trial.ties([reading for reading in read if reading.query not in failing])
        every = (1 << len(paths)) - 1
        wants = [Want(bits & every) for bits in told] + [Want(bits, FOUND_WEIGHT) for bits in found.values()]
        costs = [TIE_COST * sum(bits >> index & 1 for bits in ties.values()) for index in range(len(paths))]
        chosen = distil(wants, costs, keep)
        told = trial.complete(near, told, chosen)
        suite = Suite(
            kept=[paths[index] for index in chosen],
            undecided={
                paths[index].name: [query for query, bits in ties.items() if bits >> index & 1] for index in chosen
            },
            unread=[query for query, reading in readings.items() if reading is None],
            failing=sorted(failing),
            found_first=[query for query, bits in found.items() if bits >> chosen[0] & 1],
            found=[query for query, bits in found.items() if any(bits >> index & 1 for index in chosen)],
            told_by=[Counter() for _ in chosen],
        )
        for (_, neighbour), bits in zip(near, told, strict=True):
            suite.neighbours[neighbour.kind] += 1
            suite.told[neighbour.kind] += bits & every != 0
            suite.told_by_original[neighbour.kind] += bits >> len(paths) & 1
            for count in range(len(chosen)):
                suite.told_by[count][neighbour.kind] += any(bits >> index & 1 for index in chosen[: count + 1])
    return suite


class _Trial:
    """Queries and neighbours on all instances; an integer's bits say on which, the original's being the last."""

    def __init__(self, group: Group[Any], sources: Sequence[str], count: int) -> None:
        """sources: of `count` instances, and of the original behind them where there is one."""
        self.group = group
        self.sources = sources
        self.count = count
        self.judge = Robust()

    def finds(self, queries: Sequence[str]) -> tuple[dict[str, int], set[str]]:
        """Query -> where it finds something; those that fail somewhere."""
        tasks = [(self.sources[index], query) for index in range(self.count) for query in queries]
        results = iter(self.group.execute_many(tasks, limit=1))
        found = dict.fromkeys(queries, 0)
        failing = set()
        for index in range(self.count):
            for query in queries:
                result = next(results)
                if result.outcome is not Outcome.OK:
                    failing.add(query)
                found[query] |= bool(result.rows) << index
        return found, failing

    def tell_apart(self, near: Sequence[tuple[str, Neighbour]]) -> tuple[list[tuple[str, Neighbour]], list[int]]:
        """The neighbours that run, and where each is told apart; on those after `FIRST` the hard ones only."""
        first = list(range(min(FIRST, self.count)))
        told, runs = self._run(near, [first] * len(near))
        kept = [place for place in range(len(near)) if runs[place]]
        near, told = [near[place] for place in kept], [told[place] for place in kept]
        rest = list(range(len(first), self.count))
        places = [rest if bits.bit_count() < EASY else [] for bits in told]
        if len(self.sources) > self.count:
            places = [[*each, self.count] for each in places]
        more, _ = self._run(near, places)
        return near, [one | other for one, other in zip(told, more, strict=True)]

    def complete(self, near: Sequence[tuple[str, Neighbour]], told: Sequence[int], chosen: Sequence[int]) -> list[int]:
        """Run those that were spared on the chosen instances too."""
        late = [index for index in chosen if index >= FIRST]
        easy = [(bits & (1 << FIRST) - 1).bit_count() >= EASY for bits in told]
        more, _ = self._run(near, [late if spared else [] for spared in easy])
        return [one | other for one, other in zip(told, more, strict=True)]

    def ties(self, readings: Sequence[Reading]) -> dict[str, int]:
        """Query -> where its answer is an accident of how the rows lie."""
        pairs = [(reading.query, Neighbour(text, "tie")) for reading in readings for text in settled(reading)]
        bits, runs = self._run(pairs, [list(range(self.count))] * len(pairs))
        found: dict[str, int] = {}
        for (query, _), differs, ran in zip(pairs, bits, runs, strict=True):
            if ran:
                found[query] = found.get(query, 0) | differs
        return found

    def _run(
        self, pairs: Sequence[tuple[str, Neighbour]], places: Sequence[Sequence[int]]
    ) -> tuple[list[int], list[bool]]:
        """(where each differs from its query, whether it ran everywhere it was asked to)."""
        golds: dict[str, tuple[Gold, Any]] = {}
        for query, _ in pairs:
            if query not in golds:
                gold = Gold(query=query)
                golds[query] = (gold, self.judge.relation(gold))
        asked: dict[int, list[int]] = {}
        for place, indexes in enumerate(places):
            for index in indexes:
                asked.setdefault(index, []).append(place)
        bits, runs = [0] * len(pairs), [True] * len(pairs)
        for index, wanted in sorted(asked.items()):
            tasks = [(self.sources[index], pairs[place][1].query, golds[pairs[place][0]][0]) for place in wanted]
            relations = [golds[pairs[place][0]][1] for place in wanted]
            for place, comparison in zip(wanted, self.group.compare_many(tasks, relations), strict=True):
                if comparison.outcome is not Outcome.OK or comparison.gold_outcome is not Outcome.OK:
                    runs[place] = False
                elif not comparison.equal:
                    bits[place] |= 1 << index
        return bits, runs
