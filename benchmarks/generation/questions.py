"""Questions: every way to ask every shape of a house, and what a reading makes of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlrl.benchmarks.generation.schema import House, Reading
from sqlrl.benchmarks.generation.shapes import SHAPES, Ask, Shape

__all__ = ["Question", "questions_of"]


@dataclass(frozen=True, slots=True)
class Question:
    """A shape filled for one house, in one of its wordings."""

    shape: Shape
    ask: Ask
    wording: int

    @property
    def combination(self) -> tuple[str, str, int | None]:
        """House, shape and house word: what an answer in training tells about."""
        return (self.ask.house.name, self.shape.name, self.ask.word)

    @property
    def held_out_wording(self) -> bool:
        """Whether this is the shape's wording that is never asked with a result in training."""
        return self.wording == len(self.shape.wordings) - 1

    @property
    def text(self) -> str:
        house, ask = self.ask.house, self.ask
        word = "" if ask.word is None else house.words[ask.word]
        template = self.shape.wordings[self.wording]
        spaced = f"{word} " if word and "{w}{" in template else word
        return template.format(
            w=spaced, many=house.main.many, one=house.main.one, owner=house.owner.one, owners=house.owner.many,
            events=house.event.many, measure=house.measures[ask.measure][1], amount=house.amount[1],
            category=house.category[0], v=ask.value,
        )  # fmt: skip

    @property
    def thought(self) -> str:
        """What there is to think before writing: which tables answer this."""
        house = self.ask.house
        names = {"main": house.main.name, "owner": house.owner.name, "event": house.event.name}
        return ", ".join(names[role] for role in self.shape.tables)

    def query(self, reading: Reading) -> str:
        """The query that answers, if the house means `reading`."""
        return self.shape.query(self.ask, reading)


def questions_of(house: House) -> Iterator[Question]:
    """Every question of one house, each once, in a fixed order."""
    for shape in SHAPES:
        worded = "{w}" in shape.wordings[0]
        for word in (*range(len(house.words)), *((None,) if shape.plain else ())) if worded else (None,):
            for measure in range(2) if shape.measured else (0,):
                for value in shape.values(house):
                    for wording in range(len(shape.wordings)):
                        yield Question(shape, Ask(house, word, measure, value), wording)
