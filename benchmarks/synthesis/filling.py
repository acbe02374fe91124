"""Filling: one instance of a schema, its rows drawn by a seed so that every key and constraint holds.

Groups of rows differ in size wherever queries count them, so that "the most" and "the fewest" have one answer; numbers
that queries rank by do not repeat; some rows are nobody's parent. Each instance has a temper of its own.
"""

from __future__ import annotations

import random
import sqlite3
from typing import Any

from sqlrl.benchmarks.synthesis.plans import Plan, Plans, quoted
from sqlrl.benchmarks.synthesis.reading import Place
from sqlrl.benchmarks.synthesis.schema import Foreign, Table, make_tables

__all__ = ["Instance"]

TRIES = 12  # drawings of a row that meets an obstacle


class Instance:
    """One database in memory. seed: decides all of it."""

    def __init__(self, plans: Plans, seed: str) -> None:
        self.plans = plans
        self.generator = random.Random(seed)
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.execute("PRAGMA page_size = 1024")  # most tables fill less than a page of the usual size
        make_tables(self.connection, plans.schema.statements)
        self.connection.execute("PRAGMA foreign_keys = OFF")
        self.present: dict[Place, list[Any]] = {}
        self.repeats = self.generator.choice((0.0, 0.15, 0.4))  # how often an ordinary value is one seen before
        self.asked = self.generator.choice((0.3, 0.5, 0.8))  # how often one that queries look for
        self.size = self.generator.choice((7, 12, 18, 26))

    def fill(self) -> None:
        """Rows for every table, parents first."""
        self.begin()
        for table in self.plans.schema.tables:
            plan = self.plans.tables[table.name.lower()]
            count = self.generator.randint(max(3, self.size * 2 // 3), self.size * 4 // 3)
            columns = {name: self._column(plan, name, count) for name in plan.drawings}
            for index in range(count):
                self.add(plan, {name: values[index] for name, values in columns.items()}, given=frozenset())

    def add(self, plan: Plan, row: dict[str, Any], given: frozenset[str]) -> bool:
        """Put in one row, with what is not in `row` drawn; what is not in `given` is drawn anew where it clashes."""
        for attempt in range(TRIES):
            for name in plan.drawings:
                if name not in row or (name not in given and self._again(plan, name, attempt)):
                    row[name] = self.draw(plan, name)
            self._tie(plan, row, given)
            stored = [row[column.name.lower()] for column in plan.table.columns if not column.generated]
            try:
                self.connection.execute(plan.insert, stored)
            except (sqlite3.IntegrityError, sqlite3.OperationalError, OverflowError):
                continue
            for name, value in row.items():
                self.present.setdefault((plan.table.name.lower(), name), []).append(value)
            return True
        return False

    @staticmethod
    def _again(plan: Plan, name: str, attempt: int) -> bool:
        """What is drawn anew for a row that could not be put in: its own part of the key, then all of it, then all."""
        if attempt <= TRIES // 3:
            return (
                attempt > 0 and name in plan.keyed and (name not in plan.foreign or plan.keyed <= plan.foreign.keys())
            )
        return name in plan.keyed or attempt > 2 * TRIES // 3

    def draw(self, plan: Plan, name: str) -> Any:
        """One value for a column by itself."""
        foreign = plan.foreign.get(name)
        if foreign is not None:
            parents = self.parents(foreign)
            if parents:
                return self.generator.choice(parents)
        if name in plan.single or self._is_row_number(plan, name):
            return self.fresh(plan, name)
        if plan.hints[name].measured and not plan.hints[name].grouped:
            held = self.present.get((plan.table.name.lower(), name), [])
            for _ in range(TRIES // 3):  # rows that are ranked by it should not rank alike
                value = self._value(plan, name)
                if value not in held:
                    return value
        return self._value(plan, name)

    def parents(self, foreign: Foreign) -> list[Any]:
        """The values that a foreign key of one column may have."""
        return self.present.get((foreign.table.lower(), foreign.targets[0].lower()), [])

    def fresh(self, plan: Plan, name: str) -> Any:
        """A value that the column does not hold yet: the next number, or another text."""
        drawing = plan.drawings[name]
        held = self.present.get((plan.table.name.lower(), name), [])
        if drawing.numeric:
            numbers = [value for value in held if isinstance(value, (int, float)) and value < 2**40]
            return int(max(numbers, default=0)) + self.generator.choice((1, 1, 1, 2, 3))
        for _ in range(TRIES):
            value = drawing.ordinary(self.generator)
            if value not in held:
                return value
        return f"{drawing.ordinary(self.generator)}{len(held)}"

    def begin(self) -> None:
        """Start writing; `finish` ends it."""
        self.connection.execute("BEGIN")

    def finish(self) -> int:
        """Give rows whose parent is nowhere another one, or take them out; gives how many went. Ends the writing."""
        removed = 0
        for attempt in range(TRIES):
            broken = self._broken()
            if not broken:
                break
            for table, row, number in sorted(broken, key=str):
                if row is None:  # a table without row ids
                    removed += self._drop_orphans(self.plans.tables[table.lower()].table)
                elif attempt >= TRIES // 2 or not self._adopt(table, row, number):
                    self.connection.execute(f"DELETE FROM {quoted(table)} WHERE rowid = ?", (row,))
                    removed += 1
        self.connection.execute("COMMIT")
        return removed

    def content(self) -> bytes:
        """The database as the bytes of its file, without what deleted rows left behind."""
        self.connection.execute("VACUUM")
        return self.connection.serialize()

    def _adopt(self, table: str, row: int, number: int) -> bool:
        """Give a row a parent that is there: where tables refer to each other in a ring, or to themselves, none was
        when the row was put in."""
        names = [
            (r[3], r[4], r[2])
            for r in self.connection.execute(f"PRAGMA foreign_key_list({quoted(table)})")
            if r[0] == number
        ]
        foreign = next(
            (f for f in self.plans.tables[table.lower()].foreign.values() if f.columns == tuple(n[0] for n in names)),
            None,
        )
        if foreign is None:
            return False
        target = quoted(foreign.targets[0])
        parents = [
            found[0]
            for found in self.connection.execute(
                f"SELECT {target} FROM {quoted(foreign.table)} WHERE {target} IS NOT NULL ORDER BY rowid"
            )
        ]
        self.generator.shuffle(parents)
        for parent in parents[:TRIES]:
            try:
                self.connection.execute(
                    f"UPDATE {quoted(table)} SET {quoted(foreign.columns[0])} = ? WHERE rowid = ?", (parent, row)
                )
            except sqlite3.IntegrityError:
                continue
            return True
        return False

    def _drop_orphans(self, table: Table) -> int:
        """Take out the rows of a table whose parent is nowhere."""
        removed = 0
        for foreign in table.foreign:
            pairs = list(zip(foreign.columns, foreign.targets, strict=True))
            known = " AND ".join(f"{quoted(column)} IS NOT NULL" for column in foreign.columns)
            same = " AND ".join(f"parent.{quoted(t)} = {quoted(table.name)}.{quoted(c)}" for c, t in pairs)
            removed += self.connection.execute(
                f"DELETE FROM {quoted(table.name)} WHERE {known} AND NOT EXISTS "
                f"(SELECT 1 FROM {quoted(foreign.table)} AS parent WHERE {same})"
            ).rowcount
        return removed

    def _broken(self) -> set[tuple[str, int | None, int]]:
        """(table, row id, number of the foreign key) of every row whose parent is nowhere."""
        broken = set()
        for table in self.plans.schema.tables:
            try:
                found = self.connection.execute(f"PRAGMA foreign_key_check({quoted(table.name)})").fetchall()
            except sqlite3.OperationalError:  # a key that leads to what is not unique: SQLite cannot check it
                continue
            broken |= {(name, row, number) for name, row, _, number in found}
        return broken

    def _tie(self, plan: Plan, row: dict[str, Any], given: frozenset[str]) -> None:
        """Let foreign keys of several columns lead to a row that is there."""
        for foreign in plan.wide:
            columns = [column.lower() for column in foreign.columns]
            if not given.isdisjoint(columns):
                continue
            held = [self.present.get((foreign.table.lower(), target.lower()), []) for target in foreign.targets]
            if all(held):
                place = self.generator.randrange(min(map(len, held)))
                row.update({column: values[place] for column, values in zip(columns, held, strict=True)})

    def _column(self, plan: Plan, name: str, count: int) -> list[Any]:
        """Values for a whole column at once."""
        hint, foreign = plan.hints[name], plan.foreign.get(name)
        if foreign is not None and name not in plan.single:
            parents = list(dict.fromkeys(self.parents(foreign)))
            if parents:
                self.generator.shuffle(parents)
                return self._uneven(parents[: max(1, len(parents) - 2)], count)
        if name in plan.single:
            return self._single(plan, name, count)
        if hint.grouped and not hint.null_asked and self.generator.random() < 0.85:
            values = self._different(plan, name, self.generator.randint(3, 6))
            return self._uneven(values, count)
        if hint.measured and self.generator.random() < 0.8:
            return self._different(plan, name, count)
        return [self._value(plan, name) for _ in range(count)]

    def _single(self, plan: Plan, name: str, count: int) -> list[Any]:
        """A column that is unique by itself: a foreign key takes each parent once."""
        foreign = plan.foreign.get(name)
        if foreign is not None and self.parents(foreign):
            parents = list(dict.fromkeys(self.parents(foreign)))
            self.generator.shuffle(parents)
            return [parents[index % len(parents)] for index in range(count)]
        drawing = plan.drawings[name]
        asked = drawing.asked(self.generator)[: count // 2]
        if drawing.numeric:
            start = self.generator.choice((0, 0, 100, 1000))
            numbers = [start + index + 1 for index in range(count)]
            places = self.generator.sample(range(count), min(len(asked), count))
            for place, value in zip(places, asked, strict=False):
                if value not in numbers:
                    numbers[place] = value
            return numbers
        return self._different(plan, name, count)

    def _different(self, plan: Plan, name: str, count: int) -> list[Any]:
        """Values that do not repeat, those that queries look for among them, in random order."""
        drawing = plan.drawings[name]
        asked = drawing.asked(self.generator)
        found = dict.fromkeys(asked[: max(1, int(count * self.asked))] if asked else [])
        for _ in range(count * 4):
            if len(found) >= count:
                break
            found[drawing.ordinary(self.generator)] = None
        values = list(found)[:count]
        while len(values) < count:  # a narrow range
            values.append(self.generator.choice(values))
        self.generator.shuffle(values)
        return values

    def _uneven(self, values: list[Any], count: int) -> list[Any]:
        """`count` values in groups no two of which are of one size."""
        groups = 1
        while (groups + 1) * (groups + 2) // 2 <= count and groups < len(values):
            groups += 1
        sizes = list(range(1, groups + 1))
        sizes[-1] += count - sum(sizes)
        drawn = [value for value, size in zip(values, sizes, strict=False) for _ in range(size)]
        self.generator.shuffle(drawn)
        return drawn

    def _value(self, plan: Plan, name: str) -> Any:
        hint, drawing = plan.hints[name], plan.drawings[name]
        column = plan.table.column(name)
        if hint.null_asked and column is not None and not column.required and self.generator.random() < 0.3:
            return "null" if any(text.lower() == "null" for text in hint.values) else None
        if self.generator.random() < self.asked:
            asked = drawing.asked(self.generator)
            if asked:
                return asked[0]
        held = self.present.get((plan.table.name.lower(), name))
        if held and self.generator.random() < self.repeats:
            return self.generator.choice(held)
        return drawing.ordinary(self.generator)

    @staticmethod
    def _is_row_number(plan: Plan, name: str) -> bool:
        """A number in a key of several columns that leads nowhere counts on, as people number things."""
        return (
            name in plan.keyed
            and plan.drawings[name].numeric
            and name not in plan.foreign
            and not plan.hints[name].values
        )
