"""Plans: what all instances of a schema have in common: how each table is filled, and from what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlrl.benchmarks.synthesis.checks import NO_RULE, rules_of
from sqlrl.benchmarks.synthesis.hints import Hint, Hints
from sqlrl.benchmarks.synthesis.reading import Place
from sqlrl.benchmarks.synthesis.schema import Column, Foreign, Schema, Table
from sqlrl.benchmarks.synthesis.values import Drawing

__all__ = ["Plan", "Plans", "quoted"]


@dataclass(frozen=True, slots=True)
class Plan:
    """How one table is filled. drawings: by column in lower case. foreign: of single columns, by column. single: the
    columns that are unique by themselves."""

    table: Table
    drawings: Mapping[str, Drawing]
    hints: Mapping[str, Hint]
    foreign: Mapping[str, Foreign]
    wide: tuple[Foreign, ...]
    single: frozenset[str]
    keyed: frozenset[str]
    insert: str


class Plans:
    """A plan for each table, by its name in lower case.

    unique_names: no text column that is called a name or a title is drawn to hold a value twice, as people think of
    names; else only keys are unique, and to group by a name is not to group by what has it.
    """

    def __init__(self, schema: Schema, hints: Hints, *, unique_names: bool = False) -> None:
        self.schema = schema
        self.hints = hints
        self.unique_names = unique_names
        shared = hints.shared()
        self.merged: dict[Place, Hint] = {root: _merged(hints, places) for root, places in shared.items()}
        self.tables = {table.name.lower(): self._plan(table) for table in schema.tables}

    def _plan(self, table: Table) -> Plan:
        name = table.name.lower()
        own = {column.name.lower(): hint for column in table.columns for hint in [self._hint(name, column)]}
        rules = rules_of(table.statement)
        drawings = {
            column: Drawing(stored, own[column], rules.get(column, NO_RULE))
            for stored in table.columns
            for column in [stored.name.lower()]
        }
        foreign = {f.columns[0].lower(): f for f in table.foreign if len(f.columns) == 1}
        wide = tuple(f for f in table.foreign if len(f.columns) > 1)
        single = frozenset(unique[0].lower() for unique in table.uniques if len(unique) == 1)
        if self.unique_names:
            single |= {
                column.name.lower()
                for column in table.columns
                if column.kind == "text" and any(word in column.name.lower() for word in ("name", "title"))
            } - foreign.keys()
        keyed = frozenset(column.lower() for unique in table.uniques for column in unique)
        stored = [column for column in table.columns if not column.generated]
        names = ", ".join(quoted(column.name) for column in stored)
        insert = f"INSERT INTO {quoted(table.name)} ({names}) VALUES ({', '.join('?' * len(stored))})"
        return Plan(table, drawings, own, foreign, wide, single, keyed, insert)

    def _hint(self, table: str, column: Column) -> Hint:
        place = (table, column.name.lower())
        merged, own = self.merged[self.hints.domain(place)], self.hints.of(place)
        return Hint(merged.values, merged.bounds, merged.patterns, own.grouped, own.measured, own.null_asked)


def _merged(hints: Hints, places: list[Place]) -> Hint:
    merged = Hint()
    for place in sorted(places):
        hint = hints.of(place)
        for kind in ("values", "bounds", "patterns"):
            for text in getattr(hint, kind):
                merged.add(kind, text)
        merged.null_asked = merged.null_asked or hint.null_asked
    return merged


def quoted(name: str) -> str:
    """A name as SQL has it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'
