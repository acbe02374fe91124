"""Pruning: of a schema that is too long for a prompt, the tables and columns that a question seems to be about.

Tables are ranked by BM25 over their names, their columns' names and comments, and the cells that the question names.
What lies between two of them on the way of foreign keys is taken along: a join needs it, though no question says so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sqlrl.executors.names import fold
from sqlrl.layer.ranking import Ranking
from sqlrl.layer.schema import Schema, Table
from sqlrl.layer.terms import STOP_WORDS, terms

__all__ = ["Pruner"]

_PATH = 3  # foreign keys on the way between two tables that are taken
_BEST_COLUMNS = 3  # of a table, that count for it
_NAME, _COLUMN, _CELL = 1.5, 1.0, 1.0  # what a match counts
_WIDE = 0.5  # of the room: a table that takes more loses columns
_LEAST = 0.15  # of the best table's score: what has less comes after the neighbours of what has more


class Pruner:
    """Ranks the tables of one schema; made once, asked for every question, from any thread."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._names = Ranking([terms(table.name) for table in schema.tables])
        self._owners = [index for index, table in enumerate(schema.tables) for _ in table.columns]
        self._columns = [column for table in schema.tables for column in table.columns]
        self._column_names = Ranking([terms(f"{column.name} {column.note}") for column in self._columns])
        self._place = {table.key: index for index, table in enumerate(schema.tables)}
        self._neighbours: list[list[int]] = [[] for _ in schema.tables]
        for index, table in enumerate(schema.tables):
            for link in table.links:
                other = schema.table(link.table)
                if other is not None and other.key != table.key:
                    self._neighbours[index].append(self._place[other.key])
                    self._neighbours[self._place[other.key]].append(index)
        self._lengths = [len(table.text) + 2 for table in schema.tables]

    @property
    def length(self) -> int:
        """Characters of the whole description."""
        return sum(self._lengths)

    def prune(self, question: str, characters: int, cells: Mapping[tuple[str, str], float] | None = None) -> Schema:
        """Tables whose descriptions take at most so many characters, in the schema's order; at least one. cells:
        (table's key, column) -> how well a cell of it fits the question."""
        if self.length <= characters:
            return self.schema
        asked = [term for term in terms(question) if term not in STOP_WORDS]
        columns = self._column_names.scores(asked, kindred=True)
        for index, column in enumerate(self._columns):
            bonus = (cells or {}).get((self.schema.tables[self._owners[index]].key, column.name), 0.0)
            if bonus:
                columns[index] = columns.get(index, 0.0) + _CELL * bonus
        scores = self._scores(asked, columns)
        kept: dict[int, Table] = {}
        room = characters
        for index in self._order(scores):
            table = self.schema.tables[index]
            length = self._lengths[index]
            if length > characters * _WIDE:
                table = self._narrow(table, index, columns, round(characters * _WIDE))
                length = len(table.text) + 2
            if length > room and kept:
                continue
            kept[index] = table
            room -= length
            if room <= 0:
                break
        return replace(self.schema, tables=tuple(kept[index] for index in sorted(kept)))

    def ranked(self, question: str) -> list[str]:
        """Keys of the tables as `prune` takes them, without cells."""
        asked = [term for term in terms(question) if term not in STOP_WORDS]
        scores = self._scores(asked, self._column_names.scores(asked, kindred=True))
        return [self.schema.tables[index].key for index in self._order(scores)]

    def _scores(self, asked: Sequence[str], columns: Mapping[int, float]) -> dict[int, float]:
        scores = {index: _NAME * score for index, score in self._names.scores(asked, kindred=True).items()}
        best: dict[int, list[float]] = {}
        for index, score in columns.items():
            best.setdefault(self._owners[index], []).append(score)
        for index, found in best.items():
            found.sort(reverse=True)
            scores[index] = scores.get(index, 0.0) + _COLUMN * sum(
                score / (place + 1) for place, score in enumerate(found[:_BEST_COLUMNS])
            )
        return scores

    def _order(self, scores: Mapping[int, float]) -> Iterable[int]:
        """The best table, then each next one with what lies between it and those before; then neighbours, then the
        rest as they stand."""
        ranked = sorted(scores, key=lambda index: (-scores[index], index))
        least = _LEAST * scores[ranked[0]] if ranked else 0.0
        taken: dict[int, None] = {}
        for index in ranked:
            if scores[index] >= least:
                taken[index] = None
                taken.update(dict.fromkeys(self._way(index, taken)))
        nearby = [other for index in list(taken) for other in self._neighbours[index]]
        nearby.sort(key=lambda index: -scores.get(index, 0.0))
        taken.update(dict.fromkeys([*nearby, *ranked, *range(len(self.schema.tables))]))
        return taken

    def _way(self, start: int, taken: Mapping[int, None]) -> list[int]:
        """The tables between one and the nearest other that was taken; none where it is too far or next to it."""
        before: dict[int, int] = {start: start}
        waiting = deque([(start, 0)])
        while waiting:
            index, steps = waiting.popleft()
            if index in taken and index != start:
                way = []
                while before[index] != start:
                    index = before[index]
                    way.append(index)
                return way
            if steps < _PATH:
                for other in self._neighbours[index]:
                    if other not in before:
                        before[other] = index
                        waiting.append((other, steps + 1))
        return []

    def _narrow(self, table: Table, index: int, columns: Mapping[int, float], characters: int) -> Table:
        """A wide table with its keys and those columns that fit the question best."""
        first = self._owners.index(index) if table.columns else 0
        keys = {fold(name) for link in table.links for name in link.columns}
        keys |= {
            fold(name) for other in self._neighbours[index] for link in self.schema.tables[other].links
            if fold(link.table) == table.key for name in link.referred
        }  # fmt: skip
        order = sorted(
            range(len(table.columns)),
            key=lambda at: (fold(table.columns[at].name) not in keys, -columns.get(first + at, 0.0), at),
        )
        kept: set[str] = set()
        room = characters - len(table.name) - 20
        for at in order:
            column = table.columns[at]
            room -= (
                len(column.name) + len(column.kind) + 8 + (len(column.note) + len(column.name) + 6) * bool(column.note)
            )
            if room < 0 and kept:
                break
            kept.add(fold(column.name))
        return table.narrowed(kept)
