"""mini: the bundled benchmark, eight small databases whose owners use words and conventions of their own.

The demonstrations know every house word and convention as several readings, as a general model does, each with a
reading drawn at random. The examples know the house: their golds are what *this* house means. Nothing is downloaded.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.benchmarks.base import Demonstration, Example
from sqlrl.benchmarks.generation.houses import HOUSES
from sqlrl.benchmarks.generation.questions import Question, questions_of
from sqlrl.benchmarks.generation.rows import fill, write_database
from sqlrl.benchmarks.generation.schema import Reading
from sqlrl.benchmarks.location import cache_folder
from sqlrl.executors.base import Gold
from sqlrl.executors.errors import DataError, UsageError

if TYPE_CHECKING:
    from sqlrl.executors.groups import Group

__all__ = ["Mini"]

INSTANCES = 2
DEMONSTRATIONS = 6_000
TRAIN, VALIDATION = 2_400, 160
TEST = {"question": 400, "combination": 200, "paraphrase": 200}
HELD_OUT_COMBINATIONS = 0.1


class Mini:
    """seed: what the houses mean, and which questions are asked. folder: where database files are kept."""

    name = "mini"
    splits = ("train", "validation", "test")
    judges = ("robust", "strict", "spider-strict", "spider", "bird-ex")
    answer_key = "sql"
    shares: tuple[str, ...] = ("databases", "queries")

    def __init__(self, seed: int = 0, folder: Path | None = None) -> None:
        if seed < 0:
            raise UsageError(f"mini's seed is a whole number from 0 on, not {seed}")
        self.seed = seed
        self.folder = folder or cache_folder() / "mini"
        self.readings = {house.name: Reading.draw(self._generator(f"house/{house.name}")) for house in HOUSES}

    def examples(self, split: str) -> list[Example]:
        """See `Benchmark.examples`. labels: database, shape, difficulty and, in test, held_out."""
        if split not in self.splits:
            raise UsageError(f"mini has no split {split!r}; known: {', '.join(self.splits)}")
        return list(self._splits[split])

    def demonstrations(self) -> list[Demonstration]:
        """Questions of any house with a query by a random reading; none of them is asked in validation or test."""
        generator = self._generator("demonstrations")
        asked = {self._key(example) for split in ("validation", "test") for example in self._splits[split]}
        pools = [_by_shape(questions_of(house)) for house in HOUSES]
        demonstrations: list[Demonstration] = []
        while len(demonstrations) < DEMONSTRATIONS:
            question = generator.choice(generator.choice(generator.choice(pools)))
            if (question.ask.house.name, question.text) in asked:
                continue
            query = question.query(Reading.draw(generator))
            example = self._example(question, f"demonstration-{len(demonstrations)}", query)
            others = self._alternatives(question, query, len(demonstrations))
            demonstrations.append(Demonstration(example, query, question.thought, others))
        return demonstrations

    def _alternatives(self, question: Question, query: str, number: int) -> tuple[str, ...]:
        """Up to two queries by other readings, drawn at random."""
        generator = self._generator(f"alternatives/{number}")
        drawn = [question.query(Reading.draw(generator)) for _ in range(6)]
        return tuple(other for other in dict.fromkeys(drawn) if other != query)[:2]

    def sources(self, example: Example) -> list[str]:
        """Two instances of the house's schema: a query that is right by luck on one is wrong on the other."""
        return self._sources[example.labels["database"]]

    def faults(self, group: Group[Any] | None = None) -> dict[str, str]:
        """None: what is made on the spot is whole."""
        return {}

    def notes(self) -> list[str]:
        """Nothing is missing from what is made on the spot; says what the words mean to whom."""
        return [f"mini, houses of seed {self.seed}: {INSTANCES} instances of each of {len(HOUSES)} databases"]

    @cached_property
    def _sources(self) -> dict[str, list[str]]:
        try:
            return {
                house.name: [
                    f"sqlite:///{write_database(house, self.folder, self._instance(number))}"
                    for number in range(INSTANCES)
                ]
                for house in HOUSES
            }
        except (OSError, sqlite3.Error) as error:
            raise DataError(f"mini's databases cannot be written to {self.folder}: {error}") from None

    @cached_property
    def _splits(self) -> dict[str, list[Example]]:
        generator = self._generator("splits")
        pool = self._answerable(generator)
        combinations = sorted({q.combination for q in pool if q.ask.word is not None}, key=str)
        held_out = set(generator.sample(combinations, round(len(combinations) * HELD_OUT_COMBINATIONS)))
        is_held_out: dict[str, Callable[[Question], bool]] = {
            "combination": lambda q: q.combination in held_out and not q.held_out_wording,
            "paraphrase": lambda q: q.combination not in held_out and q.held_out_wording,
            "question": lambda q: q.combination not in held_out and not q.held_out_wording,
        }
        test: list[Example] = []
        for kind, belongs in is_held_out.items():
            for question in _take_evenly([q for q in pool if belongs(q)], TEST[kind]):
                example = self._example(question, f"test-{len(test)}", question.query(self._reading(question)), kind)
                test.append(example)
        asked = {self._key(example) for example in test}
        rest = [q for q in pool if is_held_out["question"](q) and (q.ask.house.name, q.text) not in asked]
        taken = _take_evenly(rest, VALIDATION + TRAIN)
        # Spread over the whole, so that validation asks what train asks.
        validation = set(generator.sample(range(len(taken)), VALIDATION))
        splits: dict[str, list[Example]] = {"train": [], "validation": [], "test": test}
        for index, question in enumerate(taken):
            split = "validation" if index in validation else "train"
            identifier = f"{split}-{len(splits[split])}"
            splits[split].append(self._example(question, identifier, question.query(self._reading(question))))
        return splits

    def _answerable(self, generator: random.Random) -> list[Question]:
        """Every question whose answer tells something on every instance, shuffled; no text twice in a house."""
        pool: list[Question] = []
        for house in HOUSES:
            connections = [sqlite3.connect(":memory:") for _ in range(INSTANCES)]
            try:
                for number, connection in enumerate(connections):
                    fill(connection, house, self._instance(number))
                texts: set[str] = set()
                for question in questions_of(house):
                    query = question.query(self._reading(question))
                    if question.text not in texts and all(_tells(connection, query) for connection in connections):
                        texts.add(question.text)
                        pool.append(question)
            finally:
                for connection in connections:
                    connection.close()
        generator.shuffle(pool)
        return pool

    def _example(self, question: Question, identifier: str, query: str, held_out: str = "") -> Example:
        labels = {
            "database": question.ask.house.name,
            "shape": question.shape.name,
            "difficulty": _difficulty(question),
        }
        if held_out:
            labels["held_out"] = held_out
        return Example(identifier, question.text, Gold(query=query), labels=labels)

    def _reading(self, question: Question) -> Reading:
        return self.readings[question.ask.house.name]

    def _generator(self, purpose: str) -> random.Random:
        return random.Random(f"mini/{self.seed}/{purpose}")

    def _instance(self, number: int) -> str:
        return f"{self.seed}/{number}"

    @staticmethod
    def _key(example: Example) -> tuple[str, str]:
        return (example.labels["database"], example.question)


def _tells(connection: sqlite3.Connection, query: str) -> bool:
    """Whether a result is more than nothing, NULL or zero, which a wrong query might give as well."""
    rows = connection.execute(query).fetchall()
    return bool(rows) and rows not in ([(0,)], [(None,)])


def _difficulty(question: Question) -> str:
    if len(question.shape.tables) > 1 or question.shape.name == "above_average":
        return "hard"
    return "easy" if question.ask.word is None else "medium"


def _by_shape(questions: Iterable[Question]) -> list[list[Question]]:
    shapes: dict[str, list[Question]] = {}
    for question in questions:
        shapes.setdefault(question.shape.name, []).append(question)
    return list(shapes.values())


def _take_evenly(pool: Sequence[Question], count: int) -> list[Question]:
    """`count` questions of an already shuffled pool, in turn from each (house, shape), so that no large one drowns the
    small. Raises where the pool is too small: the sizes above are then wrong."""
    queues: dict[tuple[str, str], list[Question]] = {}
    for question in pool:
        queues.setdefault((question.ask.house.name, question.shape.name), []).append(question)
    taken: list[Question] = []
    while len(taken) < count:
        if not queues:
            raise AssertionError(f"only {len(taken)} of {count} questions")
        for key in list(queues):
            taken.append(queues[key].pop())
            if not queues[key]:
                del queues[key]
    return taken[:count]
