"""A draft: one question with the query that answers it by one reading, and what both are put together from."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlrl.benchmarks.generation.profile import Column, Link, Profile, Table
from sqlrl.benchmarks.generation.words import ADJECTIVES, plural

__all__ = ["Draft", "Pen", "Scope"]


@dataclass(frozen=True, slots=True)
class Draft:
    """question: as a person may put it. query: what answers it, by the reading that was drawn. shape: the query's kind.
    tables: those that it reads, in order."""

    question: str
    query: str
    shape: str
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """Tables of one FROM, put together by links. The first is what the question is about."""

    tables: tuple[Table, ...]
    links: tuple[Link, ...] = ()

    @property
    def source(self) -> str:
        """What stands behind FROM."""
        text = self.tables[0].name
        for table, link in zip(self.tables[1:], self.links, strict=True):
            left, right = f"{link.child}.{link.column.name}", f"{link.parent}.{link.other.name}"
            text += f" JOIN {table.name} ON {left} = {right}"
        return text

    def ref(self, column: Column) -> str:
        """A column's name, with its table's where another table of the scope has one of that name."""
        among = sum(table.column(column.name) is not None for table in self.tables)
        return f"{column.table}.{column.name}" if among > 1 else column.name


class Pen:
    """Draws words, columns, values and readings for one database. Everything that is open is drawn from `generator`."""

    def __init__(self, profile: Profile, generator: random.Random) -> None:
        self.profile = profile
        self.generator = generator

    # -- drawing

    def chance(self, share: float) -> bool:
        return self.generator.random() < share

    def pick(self, choices: Sequence[Any]) -> Any:
        return self.generator.choice(choices)

    def table(self) -> Table:
        """Any table; one with more columns oftener."""
        weights = [len(table.columns) for table in self.profile.tables]
        return self.generator.choices(self.profile.tables, weights)[0]

    def columns(self, table: Table, most: int = 3) -> list[Column]:
        """Some columns to show, oftenest one; keys seldom."""
        count = min(self.generator.choices((1, 2, 3), (6, 4, 2))[0], most, len(table.columns))
        weights = [0.4 if column.key else 3.0 if column is table.label else 1.0 for column in table.columns]
        pool = list(table.columns)
        chosen = []
        for _ in range(count):
            (index,) = self.generator.choices(range(len(pool)), weights)
            chosen.append(pool.pop(index))
            weights.pop(index)
        return chosen

    def measure(self, table: Table) -> Column | None:
        found = [column for column in table.columns if column.is_measure or column.kind == "date"]
        return self.pick(found) if found else None

    def category(self, table: Table) -> Column | None:
        found = [column for column in table.columns if column.is_category]
        return self.pick(found) if found else None

    def shown(self, table: Table) -> Column:
        """What a list of things shows where the question does not say: a name, or else the key."""
        return table.key if table.key is not None and self.chance(0.15) else table.label

    def link(self) -> Link | None:
        return self.pick(self.profile.links) if self.profile.links else None

    # -- words

    def many(self, table: Table) -> str:
        return str(self.pick(table.many))

    def one(self, table: Table) -> str:
        return str(self.pick(table.one))

    def call(self, column: Column) -> str:
        """What a column is called: mostly by all its words, else by some, which others may share."""
        return column.calls[0] if self.chance(0.6) else str(self.pick(column.calls))

    def calls(self, columns: Sequence[Column], many: bool) -> str:
        """Several columns in one breath."""
        words = [plural(self.call(column)) if many else self.call(column) for column in columns]
        return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"

    def say(self, *templates: str, **parts: str) -> str:
        """One of the wordings, filled, with a capital and a mark as its first word asks."""
        text = " ".join(self.pick(templates).format(**parts).split())
        asks = text.split()[0].lower() in ("what", "which", "how", "who", "are", "is", "in", "for", "when")
        return f"{text[0].upper()}{text[1:]}{('?' if asks else '.') if self.chance(0.85) else ''}"

    # -- conditions

    def where(self, scope: Scope, table: Table, most: int = 2) -> tuple[str, list[str]]:
        """(words that follow the noun, conditions): none, one or several on a table of the scope."""
        count = min(self.generator.choices((0, 1, 2), (35, 50, 15))[0], most)
        said: list[str] = []
        conditions: list[str] = []
        for column in self.generator.sample(table.columns, min(count, len(table.columns))):
            found = self.condition(scope, column)
            if found is not None:
                said.append(found[0])
                conditions.append(found[1])
        return " and ".join(said), conditions

    def filtered(self, scope: Scope, table: Table) -> tuple[str, list[str]] | None:
        """The same with exactly one condition; None where the table has nothing to tell rows apart by."""
        for column in self.generator.sample(table.columns, len(table.columns)):
            found = self.condition(scope, column)
            if found is not None:
                return found[0], [found[1]]
        return None

    def condition(self, scope: Scope, column: Column) -> tuple[str, str] | None:
        """(words, condition) on one column, by values that occur."""
        if not column.values or (column.unique and column.key and self.chance(0.7)):
            return None
        name, call = scope.ref(column), self.call(column)
        if column.kind == "number" and not column.key:
            return self._on_number(name, call, column)
        value = str(self.pick(column.values))
        literal = self.literal(column, value)
        spoken = value if self.chance(0.6) else self.pick(("'{}'", '"{}"')).format(value)
        if column.kind == "date":
            later = self.chance(0.5)
            word = self.pick(("after", "later than", "since") if later else ("before", "earlier than"))
            return f"with {call} {word} {spoken}", f"{name} {'>' if later else '<'} {literal}"
        roll = self.generator.random()
        if roll < 0.08:
            return self.pick(
                (f"with {call} other than {spoken}", f"whose {call} is not {spoken}")
            ), f"{name} != {literal}"
        if roll < 0.16 and len(column.values) > 1 and not column.unique:
            other = str(self.pick([v for v in column.values if str(v) != value] or column.values))
            either = f"({name} = {literal} OR {name} = {self.literal(column, other)})"
            return f"with {call} {spoken} or {other}", either
        if roll < 0.21 and column.kind == "text" and len(value) > 3:
            piece = self.pick([word for word in value.split() if word.isalnum()] or [value[:4]])
            return f"whose {call} contains {piece}", f"{name} LIKE {self.quote(f'%{piece}%')}"
        words = ("with {c} {v}", "whose {c} is {v}", "that have {c} {v}", "in the {v} {c}", "in {v}", "of {v}",
                 "for {v}", "from {v}", "with the {c} {v}", "that are {v}")  # fmt: skip
        return self.pick(words).format(c=call, v=spoken), f"{name} = {literal}"

    def _on_number(self, name: str, call: str, column: Column) -> tuple[str, str]:
        value = self.pick(column.values)
        if column.distinct <= 30 and self.chance(0.35):
            return self.pick((f"with {value} {call}", f"with {call} {value}", f"in {value}")), f"{name} = {value}"
        if self.chance(0.15) and len(column.values) > 3:
            low, high = sorted(self.generator.sample(column.values, 2), key=float)
            return f"with {call} between {low} and {high}", f"{name} BETWEEN {low} AND {high}"
        more = self.chance(0.6)
        equal = self.chance(0.15)
        words = {
            (True, False): ("more than", "greater than", "above", "over", "larger than", "higher than", "after"),
            (False, False): ("less than", "below", "under", "smaller than", "lower than", "before"),
            (True, True): ("at least", "no less than"),
            (False, True): ("at most", "no more than"),
        }[more, equal]
        said = self.pick(("with {c} {w} {v}", "with {w} {v} {c}", "whose {c} is {w} {v}", "with a {c} {w} {v}"))
        sign = (">" if more else "<") + ("=" if equal else "")
        return said.format(c=call, w=self.pick(words), v=value), f"{name} {sign} {value}"

    def literal(self, column: Column, value: str) -> str:
        return value if column.kind == "number" and not isinstance(column.values[0], str) else self.quote(value)

    @staticmethod
    def quote(text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    # -- order

    def superlative(self, column: Column) -> tuple[str, bool]:
        """(words with the column's name, or one that leaves it out, as "largest"; whether it is the greatest)."""
        greatest = self.chance(0.65)
        spoken = set(column.calls[0].split())
        known = [most if greatest else least for words, most, least in ADJECTIVES if spoken & set(words)]
        if known and self.chance(0.4):
            return str(self.pick(self.pick(known))), greatest
        words = (
            ("highest", "largest", "most", "greatest", "maximum")
            if greatest
            else ("lowest", "smallest", "least", "minimum")
        )
        return f"{self.pick(words)} {self.call(column)}", greatest

    @staticmethod
    def clause(conditions: Sequence[str]) -> str:
        """WHERE with a space before it, or nothing."""
        return f" WHERE {' AND '.join(conditions)}" if conditions else ""
