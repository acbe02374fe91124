"""Hints: what the queries asked of a schema tell about the values that its columns should hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from sqlrl.benchmarks.synthesis.conditions import Node, literal_of, number_of
from sqlrl.benchmarks.synthesis.reading import Place, Reading, selects_of
from sqlrl.benchmarks.synthesis.schema import Schema

__all__ = ["Hint", "Hints", "read_hints"]

_BOUNDS = (exp.GT, exp.GTE, exp.LT, exp.LTE)
_LONGEST = 200  # characters of a text worth keeping


@dataclass(slots=True)
class Hint:
    """What is asked of one column.

    values: what it is compared to, as written, in the order of first use. bounds: with less or greater. patterns: with
    LIKE. grouped: rows are counted or added up by it. measured: rows are ordered by it, or it is added up. null_asked:
    whether it is null.
    """

    values: list[str] = field(default_factory=list)
    bounds: list[str] = field(default_factory=list)
    patterns: list[str] = field(default_factory=list)
    grouped: bool = False
    measured: bool = False
    null_asked: bool = False

    def add(self, kind: str, text: str) -> None:
        """Note a literal once."""
        known: list[str] = getattr(self, kind)
        if text not in known and len(text) <= _LONGEST:
            known.append(text)


class Hints:
    """Hints by column. Columns that queries set equal, and those of foreign keys, share a domain."""

    def __init__(self, schema: Schema) -> None:
        self.columns: dict[Place, Hint] = {}
        self._roots: dict[Place, Place] = {}
        self.counted: set[Place] = set()  # columns by which rows are counted
        for table in schema.tables:
            for column in table.columns:
                self.columns[(table.name.lower(), column.name.lower())] = Hint()
            for foreign in table.foreign:
                for mine, theirs in zip(foreign.columns, foreign.targets, strict=True):
                    self.link((table.name.lower(), mine.lower()), (foreign.table.lower(), theirs.lower()))

    def of(self, place: Place) -> Hint:
        """The hint of one column by itself."""
        return self.columns.setdefault(place, Hint())

    def domain(self, place: Place) -> Place:
        """The column that stands for all that share a domain with this one."""
        while self._roots.get(place, place) != place:
            place = self._roots[place]
        return place

    def link(self, one: Place, other: Place) -> None:
        """Two columns are compared with each other: some of their values should be the same."""
        first, second = sorted((self.domain(one), self.domain(other)))
        self._roots[second] = first

    def shared(self) -> dict[Place, list[Place]]:
        """Domain -> its columns."""
        found: dict[Place, list[Place]] = {}
        for place in self.columns:
            found.setdefault(self.domain(place), []).append(place)
        return found


def read_hints(schema: Schema, readings: Iterable[Reading]) -> Hints:
    """What all these queries tell together."""
    hints = Hints(schema)
    for reading in readings:
        for node in reading.tree.walk():
            _note(hints, reading, node)
    return hints


def _note(hints: Hints, reading: Reading, node: Node) -> None:
    if isinstance(node, (exp.EQ, exp.NEQ, *_BOUNDS)):
        _compare(hints, reading, node)
    elif isinstance(node, exp.Between):
        for end in ("low", "high"):
            _literal(hints, reading, node.this, node.args.get(end), "bounds")
    elif isinstance(node, (exp.Like, exp.ILike)):
        _literal(hints, reading, node.this, node.expression, "patterns")
    elif isinstance(node, exp.In):
        for item in node.expressions:
            _literal(hints, reading, node.this, item, "values")
        if node.args.get("query") is not None:
            _link_projections(hints, reading, [node.this], node.args["query"])
    elif isinstance(node, exp.Is):
        for place in _places(reading, node.this):
            hints.of(place).null_asked = True
    elif isinstance(node, exp.Group):
        for shown in node.expressions:
            for place in _places(reading, shown):
                hints.of(place).grouped = True
                hints.counted.add(place)
    elif isinstance(node, (exp.Ordered, exp.Sum, exp.Avg, exp.Max, exp.Min)):
        for place in _places(reading, node.this):
            hints.of(place).measured = True
    elif isinstance(node, (exp.Intersect, exp.Except)):
        first = next(selects_of(node.this), None)
        if first is not None:
            _link_projections(hints, reading, first.expressions, node.expression)


def _compare(hints: Hints, reading: Reading, node: exp.Binary) -> None:
    kind = "bounds" if isinstance(node, _BOUNDS) else "values"
    _literal(hints, reading, node.this, node.expression, kind)
    _literal(hints, reading, node.expression, node.this, kind)
    sides = (node.this, node.expression)
    if isinstance(node, exp.EQ):
        for side, other in (sides, sides[::-1]):
            if isinstance(side, exp.Column) and isinstance(other, exp.Column):
                places = [place for place in (reading.place(side), reading.place(other)) if place is not None]
                if len(places) == 2 and places[0] != places[1]:
                    hints.link(*places)
            if isinstance(other, exp.Subquery):
                _link_projections(hints, reading, [side], other)


def _literal(hints: Hints, reading: Reading, side: Node, other: Node, kind: str) -> None:
    """Note a literal for the column that it is compared to, or whose aggregate it is compared to."""
    text = literal_of(other)
    while isinstance(side, (exp.Paren, exp.Lower, exp.Upper, exp.Max, exp.Min, exp.Avg, exp.Cast)):
        side = side.this
    if text is None or not isinstance(side, exp.Column):
        return
    place = reading.place(side)
    if place is not None:
        hints.of(place).add(kind, text)
        if kind == "values" and text.lower() == "null":  # people write it so
            hints.of(place).null_asked = True
        if kind == "bounds" and number_of(text) is not None:
            hints.of(place).measured = True


def _link_projections(hints: Hints, reading: Reading, mine: list[Node], query: Node) -> None:
    for select in selects_of(query):
        for one, other in zip(mine, select.expressions, strict=False):
            one, other = one.unalias(), other.unalias()
            while isinstance(other, (exp.Max, exp.Min, exp.Distinct)) and isinstance(other.this, exp.Expression):
                other = other.this
            if isinstance(one, exp.Column) and isinstance(other, exp.Column):
                places = [place for place in (reading.place(one), reading.place(other)) if place is not None]
                if len(places) == 2 and places[0] != places[1]:
                    hints.link(*places)


def _places(reading: Reading, node: Node) -> Iterator[Place]:
    if node is None:
        return
    for column in [node] if isinstance(node, exp.Column) else node.find_all(exp.Column):
        place = reading.place(column)
        if place is not None:
            yield place
