"""Instances: many fillings of one schema as files, with rows planted for the queries that find nothing in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.benchmarks.synthesis.filling import Instance
from sqlrl.benchmarks.synthesis.plans import Plans
from sqlrl.benchmarks.synthesis.planting import plant
from sqlrl.benchmarks.synthesis.reading import Reading
from sqlrl.executors import Limits, Outcome, open_executors

if TYPE_CHECKING:
    from sqlrl.executors.groups import Group

__all__ = ["Instances"]

LIMITS = Limits(seconds=1.0, rows=20_000, bytes=16 << 20)
NEAR = 0.4  # of the queries, in each instance: rows that narrowly fail them
_ROUNDS = 2  # of planting


class Instances:
    """`count` files in `folder`, and the pool in whose sandbox queries run on them.

    original: a database of the same schema with rows of its own, asked beside them. advance: told of each piece of
    work. A file keeps its place on the disk when it is written again, so that the workers can go on with it.
    """

    def __init__(
        self, plans: Plans, folder: Path, count: int, seed: int, original: Path | None, workers: int | None
    ) -> None:
        self.made = [Instance(plans, f"{plans.schema.name}/{seed}/{index}") for index in range(count)]
        self.paths = [folder / f"{index}.sqlite" for index in range(count)]
        self.sources = [f"sqlite:///{path}" for path in (*self.paths, *([original] if original else []))]
        self.workers = workers

    @contextmanager
    def filled(self, readings: Sequence[Reading], advance: Callable[[], None]) -> Iterator[Group[Any]]:
        """Fill them, plant rows for what finds nothing, and hold them open."""
        for instance, path in zip(self.made, self.paths, strict=True):
            instance.fill()
            for reading in readings:
                if instance.generator.random() < NEAR:
                    plant(instance, reading, missing=True)
            instance.finish()
            path.write_bytes(instance.content())
        advance()
        with open_executors(self.sources, limits=LIMITS, workers=self.workers) as group:
            for _ in range(_ROUNDS):
                self._plant(group, readings)
                advance()
            for instance in self.made:
                instance.connection.close()
            yield group

    def _plant(self, group: Group[Any], readings: Sequence[Reading]) -> None:
        asked = [(source, reading.query) for source in self.sources[: len(self.paths)] for reading in readings]
        results = iter(group.execute_many(asked, limit=1))
        for instance, path in zip(self.made, self.paths, strict=True):
            answers = [(reading, next(results)) for reading in readings]
            empty = [reading for reading, result in answers if result.outcome is Outcome.OK and not result.rows]
            if not empty:
                continue
            instance.begin()
            for reading in empty:
                plant(instance, reading)
            instance.finish()
            path.write_bytes(instance.content())
