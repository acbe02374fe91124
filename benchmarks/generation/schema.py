"""A house: a small database of one domain, the words its owners use, and the readings that those words may have.

Every house has three tables: what it is about (`main`), whom that belongs to (`owner`), and what happens to it
(`event`). Its words ("prime products") could mean four things each, its lists could show names or identifiers, its
counts could leave some rows out, its rankings could go by either measure. A `Reading` settles all of that.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

__all__ = ["House", "Reading", "Table"]


@dataclass(frozen=True, slots=True)
class Table:
    """A table by its SQL name, with the noun that people use for one of its rows and for many."""

    name: str
    one: str
    many: str


@dataclass(frozen=True, slots=True)
class House:
    """One domain.

    owner_key: the main table's column that names its owner. category: (column, its values). state: (column, the value
    that counts, the value that does not). measures: two integer columns of the main table, each with the noun that
    people use, a low and a high mark. amount: the event table's number. channel: (event column, its values). words:
    adjectives of the house. names: words that the main table's names are made of. owners, cities: the owner table's.
    """

    name: str
    main: Table
    owner: Table
    event: Table
    category: tuple[str, tuple[str, str, str, str]]
    state: tuple[str, str, str]
    measures: tuple[tuple[str, str, int, int], tuple[str, str, int, int]]
    amount: tuple[str, str]
    channel: tuple[str, tuple[str, ...]]
    words: tuple[str, str, str, str]
    names: tuple[tuple[str, ...], tuple[str, ...]]
    owners: tuple[str, ...]
    cities: tuple[str, ...]

    @property
    def owner_key(self) -> str:
        return f"{self.owner.one}_id"

    @property
    def main_key(self) -> str:
        return f"{self.main.one}_id"

    def ddl(self) -> list[str]:
        """The CREATE TABLE statements, owners first."""
        (first, *_), (second, *_) = self.measures
        return [
            f"CREATE TABLE {self.owner.name} (id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT NOT NULL)",
            f"CREATE TABLE {self.main.name} (id INTEGER PRIMARY KEY, name TEXT NOT NULL, "
            f"{self.owner_key} INTEGER NOT NULL REFERENCES {self.owner.name} (id), {self.category[0]} TEXT NOT NULL, "
            f"{self.state[0]} TEXT NOT NULL, {first} INTEGER NOT NULL, {second} INTEGER NOT NULL)",
            f"CREATE TABLE {self.event.name} (id INTEGER PRIMARY KEY, "
            f"{self.main_key} INTEGER NOT NULL REFERENCES {self.main.name} (id), {self.channel[0]} TEXT NOT NULL, "
            f"{self.amount[0]} INTEGER NOT NULL)",
        ]

    def conditions(self, word: int) -> tuple[str, str, str, str]:
        """The four things that a word may mean, as SQL conditions on the main table's columns (unqualified)."""
        (first, _, first_low, first_high), (second, _, second_low, second_high) = self.measures
        column, (a, b, c, d) = self.category
        high, low = f"{first} > {first_high}", f"{first} < {first_low}"
        other_high, other_low = f"{second} > {second_high}", f"{second} < {second_low}"
        is_a, is_b, is_c, is_d = (f"{column} = '{value}'" for value in (a, b, c, d))
        return (
            (high, low, is_a, is_b),
            (other_high, other_low, is_c, is_d),
            (high, other_low, is_a, is_d),
            (other_high, low, is_b, is_c),
        )[word]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a house means. words: which of its four conditions each word stands for. shows: the column that a list of
    things shows. counts_all: whether a count takes every row, or only those in the state that counts. ranks: the
    measure (0 or 1) by which something is "top"."""

    words: tuple[int, int, int, int]
    shows: str
    counts_all: bool
    ranks: int

    @classmethod
    def draw(cls, generator: random.Random) -> Reading:
        """Any reading, all alike likely: how a stranger would take the words."""
        first, second, third, fourth = (generator.randrange(4) for _ in range(4))
        return cls(
            (first, second, third, fourth), generator.choice(("name", "id")), generator.random() < 0.5,
            generator.randrange(2),
        )  # fmt: skip
