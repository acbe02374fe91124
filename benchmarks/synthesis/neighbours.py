"""Neighbours: queries one change away from another, the near misses that a database should tell from it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlglot import exp

from sqlrl.benchmarks.synthesis.conditions import Node, literal_of, number_of
from sqlrl.benchmarks.synthesis.hints import Hints
from sqlrl.benchmarks.synthesis.reading import Reading, Scope
from sqlrl.benchmarks.synthesis.schema import Table

__all__ = ["KINDS", "Neighbour", "neighbours_of"]

_OPERATORS: dict[type[exp.Expression], tuple[type[exp.Expression], ...]] = {
    exp.EQ: (exp.NEQ, exp.GTE),
    exp.NEQ: (exp.EQ,),
    exp.GT: (exp.GTE, exp.LT),
    exp.GTE: (exp.GT, exp.LTE),
    exp.LT: (exp.LTE, exp.GT),
    exp.LTE: (exp.LT, exp.GTE),
    exp.And: (exp.Or,),
    exp.Or: (exp.And,),
}
_AGGREGATES = (exp.Sum, exp.Avg, exp.Min, exp.Max)
_MOST_COLUMNS = 3  # others tried in a column's place

Change = tuple[Node, Node]  # a node, and what stands in its place


@dataclass(frozen=True, slots=True)
class Neighbour:
    """kind: what was changed, one of `KINDS`."""

    query: str
    kind: str


def neighbours_of(reading: Reading, hints: Hints, generator: random.Random, most: int) -> list[Neighbour]:
    """At most `most` neighbours, each text once, kinds in turns, those of a kind drawn by chance.

    The tree is changed in place and changed back. Some neighbours mean the same as the query, and no database can tell
    them from it.
    """
    original = reading.tree.sql(dialect="sqlite")
    found: dict[str, list[str]] = {}
    seen = {original}
    for kind, changes in KINDS.items():
        for node in list(reading.tree.walk()):
            for old, new in list(changes(node, reading, hints)):
                text = _changed(reading.tree, old, new)
                if text and text not in seen:
                    seen.add(text)
                    found.setdefault(kind, []).append(text)
    for texts in found.values():
        generator.shuffle(texts)
    chosen: list[Neighbour] = []
    while len(chosen) < most and any(found.values()):
        for kind, texts in found.items():
            if texts and len(chosen) < most:
                chosen.append(Neighbour(texts.pop(), kind))
    return chosen


def _changed(tree: Node, old: Node, new: Node) -> str:
    """The query with one node replaced, or left out; empty where that is no query."""
    parent, key, index = old.parent, old.arg_key or "", old.index
    if parent is None:
        return new.sql(dialect="sqlite") if new is not None else ""
    held = parent.args.get(key)
    try:
        if isinstance(held, list) and index is not None:
            parent.args[key] = [*held[:index], *([new] if new is not None else []), *held[index + 1 :]]
        else:
            parent.args[key] = new
        return tree.sql(dialect="sqlite")
    except (ValueError, TypeError, AttributeError):
        return ""
    finally:
        parent.args[key] = held


def _operators(node: Node, reading: Reading, hints: Hints) -> Iterator[Change]:
    for other in _OPERATORS.get(type(node), ()):
        if isinstance(node.this, exp.Column) and isinstance(node.expression, exp.Column) and other is not exp.NEQ:
            continue  # of a join, one other reading is enough
        yield node, other(this=node.this.copy(), expression=node.expression.copy())
    if isinstance(node, (exp.Like, exp.In, exp.Between, exp.Exists)) and not isinstance(node.parent, exp.Not):
        yield node, exp.Not(this=node.copy())
    if isinstance(node, exp.Not):
        yield node, node.this.copy()
    if isinstance(node, exp.Between):
        low, high = node.args["low"], node.args["high"]
        strict = exp.And(
            this=exp.GT(this=node.this.copy(), expression=low.copy()),
            expression=exp.LT(this=node.this.copy(), expression=high.copy()),
        )
        yield node, exp.Paren(this=strict)


def _conditions(node: Node, reading: Reading, hints: Hints) -> Iterator[Change]:
    if isinstance(node, (exp.And, exp.Or)):
        yield node, node.this.copy()
        yield node, node.expression.copy()
    elif isinstance(node, (exp.Where, exp.Having)):
        yield node, None


def _literals(node: Node, reading: Reading, hints: Hints) -> Iterator[Change]:
    if not isinstance(node, exp.Literal) or isinstance(node.parent, (exp.Limit, exp.Offset)):
        return
    number = number_of(node.this)
    if number is not None:
        for beside in (number - 1, number + 1):
            yield node, exp.Literal(this=str(beside), is_string=node.is_string)
        return
    if isinstance(node.parent, (exp.Like, exp.ILike)):
        for other in {node.this.strip("%"), node.this.lstrip("%"), node.this.rstrip("%"), f"%{node.this}%"}:
            yield node, exp.Literal.string(other)
        return
    column = node.parent.find(exp.Column) if node.parent is not None else None
    place = reading.place(column) if column is not None else None
    for other in hints.of(place).values[:3] if place is not None else ():
        yield node, exp.Literal.string(other)


def _columns(node: Node, reading: Reading, hints: Hints) -> Iterator[Change]:
    """Others of the same table and kind."""
    if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
        return
    scope = reading.scope_of(node)
    found = scope.find(node) if scope is not None else None
    if found is None or not isinstance(found[2], Table):
        return
    columns = found[2].columns
    own = found[2].column(node.name)
    assert own is not None
    start = columns.index(own)
    alike = [place for place, other in enumerate(columns) if other is not own and other.kind == own.kind]
    for place in sorted(alike, key=lambda place: abs(place - start))[:_MOST_COLUMNS]:
        other = columns[place]
        changed = node.copy()
        changed.set("this", exp.to_identifier(other.name, quoted=not other.name.isidentifier()))
        yield node, changed


def _aggregates(node: Node, reading: Reading, hints: Hints) -> Iterator[Change]:
    if isinstance(node, _AGGREGATES):
        for other in _AGGREGATES:
            if not isinstance(node, other):
                yield node, other(this=node.this.copy())
    elif isinstance(node, exp.Count):
        scope = reading.scope_of(node)
        if isinstance(node.this, exp.Star):
            for column in _other_columns(scope)[:2]:
                yield node, exp.Count(this=exp.Distinct(expressions=[column]))
        elif isinstance(node.this, exp.Distinct):
            yield node, exp.Count(this=node.this.expressions[0].copy())
        elif isinstance(node.this, exp.Column):
            yield node, exp.Count(this=exp.Distinct(expressions=[node.this.copy()]))
    elif isinstance(node, exp.Column) and isinstance(node.parent, exp.Select):
        yield node, exp.Max(this=node.copy())
        yield node, exp.Count(this=node.copy())


def _distinct(node: Node, reading: Reading, hints: Hints) -> Iterator[Change]:
    if isinstance(node, exp.Distinct) and isinstance(node.parent, exp.Select):
        yield node, None
    elif isinstance(node, exp.Select) and node.args.get("distinct") is None:
        changed = node.copy()
        changed.set("distinct", exp.Distinct())
        yield node, changed


def _orders(node: Node, reading: Reading, hints: Hints) -> Iterator[Change]:
    if isinstance(node, exp.Ordered):
        changed = node.copy()
        changed.set("desc", not node.args.get("desc"))
        changed.set("nulls_first", None)
        yield node, changed
    elif isinstance(node, exp.Order):
        yield node, None


def _limits(node: Node, reading: Reading, hints: Hints) -> Iterator[Change]:
    if isinstance(node, exp.Limit):
        yield node, None
        number = number_of(literal_of(node.expression) or "")
        if isinstance(number, int):
            for other in (number + 1, number - 1):
                if other > 0:
                    yield node, exp.Limit(expression=exp.Literal.number(other))
    elif isinstance(node, exp.Select) and node.args.get("order") is not None and node.args.get("limit") is None:
        yield node, node.copy().limit(1)


def _joins(node: Node, reading: Reading, hints: Hints) -> Iterator[Change]:
    if isinstance(node, exp.Join):
        yield node, None
        if node.args.get("on") is not None and not node.args.get("side"):
            changed = node.copy()
            changed.set("side", "LEFT")
            changed.set("kind", None)
            yield node, changed
        if node.args.get("side"):
            changed = node.copy()
            changed.set("side", None)
            yield node, changed


def _sets(node: Node, reading: Reading, hints: Hints) -> Iterator[Change]:
    if isinstance(node, exp.SetOperation):
        yield node, node.this.copy()
        yield node, node.expression.copy()
        for other in (exp.Union, exp.Intersect, exp.Except):
            if type(node) is not other:
                yield node, other(this=node.this.copy(), expression=node.expression.copy(), distinct=True)
        if isinstance(node, exp.Union):
            every = not node.args.get("distinct")
            yield node, exp.Union(this=node.this.copy(), expression=node.expression.copy(), distinct=every)


def _groups(node: Node, reading: Reading, hints: Hints) -> Iterator[Change]:
    if isinstance(node, exp.Group):
        yield node, None


def _shown(node: Node, reading: Reading, hints: Hints) -> Iterator[Change]:
    if isinstance(node, exp.Select):
        if len(node.expressions) > 1:
            for shown in node.expressions:
                yield shown, None
        else:
            for column in _other_columns(reading.scopes.get(id(node)))[:2]:
                changed = node.copy()
                changed.append("expressions", column)
                yield node, changed


KINDS: dict[str, Callable[[Node, Reading, Hints], Iterator[Change]]] = {
    "operator": _operators,
    "condition": _conditions,
    "literal": _literals,
    "column": _columns,
    "aggregate": _aggregates,
    "distinct": _distinct,
    "order": _orders,
    "limit": _limits,
    "join": _joins,
    "set operation": _sets,
    "group": _groups,
    "projection": _shown,
}


def _other_columns(scope: Scope | None) -> list[Node]:
    """Columns of the first tables of a scope that are no part of a key."""
    found: list[Node] = []
    for alias, source in scope.sources.items() if scope is not None else ():
        if isinstance(source, Table):
            keyed = {name.lower() for unique in source.uniques for name in unique}
            plain = [column for column in source.columns if column.name.lower() not in keyed]
            for column in plain[:2]:
                name = exp.to_identifier(column.name, quoted=not column.name.isidentifier())
                found.append(exp.Column(this=name, table=exp.to_identifier(alias)))
    return found
