"""A reading: a query's syntax tree with every column traced to the table that it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import errors, exp, parse_one

from sqlrl.benchmarks.synthesis.conditions import Node
from sqlrl.benchmarks.synthesis.schema import Schema, Table

__all__ = ["Place", "Reading", "Scope", "read_query", "selects_of"]

Place = tuple[str, str]  # (table, column), in lower case


@dataclass(slots=True)
class Scope:
    """One SELECT. sources: alias in lower case -> its table, or the scope of a derived table."""

    select: exp.Select
    parent: Scope | None
    sources: dict[str, Table | Scope] = field(default_factory=dict)

    def find(self, column: exp.Column) -> tuple[Scope, str, Table | Scope] | None:
        """(the scope, the alias, the source) that a column is of."""
        name, alias = column.name.lower(), column.table.lower()
        scope: Scope | None = self
        while scope is not None:
            for known, source in scope.sources.items():
                if (not alias or known == alias) and _has(source, name):
                    return scope, known, source
            scope = scope.parent
        return None

    def place(self, column: exp.Column) -> Place | None:
        """The column of a table behind a column of the query; None where there is none, or more than a column."""
        found = self.find(column)
        if found is None:
            return None
        source = found[2]
        if isinstance(source, Table):
            return (source.name.lower(), column.name.lower())
        inner = source.projection(column.name)
        return source.place(inner) if isinstance(inner, exp.Column) else None

    def projection(self, name: str) -> Node:
        """What a derived table shows under a name; None where no one column has it."""
        for shown in self.select.expressions:
            if shown.alias_or_name.lower() == name.lower():
                return shown.unalias()
        for source in self.sources.values() if any(isinstance(e, exp.Star) for e in self.select.expressions) else ():
            if isinstance(source, Table) and source.column(name):
                return exp.column(name)
        return None


@dataclass(slots=True)
class Reading:
    """query: as it was written. tree: its own copy, to be changed and changed back. scopes: by id of the SELECT."""

    query: str
    tree: Node
    scopes: dict[int, Scope]

    def scope_of(self, node: Node) -> Scope | None:
        """The scope that a node stands in."""
        select = node if isinstance(node, exp.Select) else node.find_ancestor(exp.Select)
        return None if select is None else self.scopes.get(id(select))

    def place(self, column: exp.Column) -> Place | None:
        """See `Scope.place`."""
        scope = self.scope_of(column)
        return None if scope is None else scope.place(column)


def read_query(query: str, schema: Schema) -> Reading | None:
    """The reading of one SELECT in SQLite's dialect; None where the parser or the schema cannot follow it.

    A name in double quotes that no table knows is text, as SQLite takes it.
    """
    try:
        tree = parse_one(query, read="sqlite")
    except (errors.SqlglotError, RecursionError, ValueError):
        return None
    if not isinstance(tree, exp.Query):
        return None
    scopes: dict[int, Scope] = {}
    for select in tree.find_all(exp.Select):  # breadth first: parents before their children
        above = select.find_ancestor(exp.Select)
        scopes[id(select)] = Scope(select, scopes.get(id(above)) if above is not None else None)
    for scope in scopes.values():
        for alias, source in _sources(scope.select):
            if isinstance(source, exp.Table):
                table = schema.table(source.name)
                if table is None:
                    return None
                scope.sources[alias] = table
            elif isinstance(source, exp.Subquery):
                first = next(selects_of(source.this), None)
                if first is not None and id(first) in scopes:
                    scope.sources[alias] = scopes[id(first)]
    reading = Reading(query, tree, scopes)
    for column in list(tree.find_all(exp.Column)):
        identifier = column.this
        if isinstance(identifier, exp.Identifier) and identifier.quoted and not column.table:
            inside = reading.scope_of(column)
            if inside is not None and inside.find(column) is None and not _is_alias(inside, column.name):
                column.replace(exp.Literal.string(column.name))
    return reading


def selects_of(query: Node) -> Iterator[exp.Select]:
    """The SELECTs of a query or of a set operation, from left to right."""
    while isinstance(query, (exp.Subquery, exp.Paren)):
        query = query.this
    if isinstance(query, exp.SetOperation):
        yield from selects_of(query.this)
        yield from selects_of(query.expression)
    elif isinstance(query, exp.Select):
        yield query


def _sources(select: exp.Select) -> Iterator[tuple[str, Node]]:
    start = select.args.get("from_") or select.args.get("from")
    found = [start.this] if start is not None else []
    found += [join.this for join in select.args.get("joins") or []]
    for index, source in enumerate(found):
        yield (source.alias_or_name or f"#{index}").lower(), source


def _has(source: Table | Scope, name: str) -> bool:
    return source.column(name) is not None if isinstance(source, Table) else source.projection(name) is not None


def _is_alias(scope: Scope, name: str) -> bool:
    return any(shown.alias.lower() == name.lower() for shown in scope.select.expressions)
