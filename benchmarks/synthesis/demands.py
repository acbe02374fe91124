"""A demand: rows that a query would find, as tables with cells that must be equal and conditions on them.

Every subquery that must find something is part of it: the whole is one conjunction. Where a query asks for one thing or
another, one is chosen. What must not be found (EXCEPT, NOT IN) asks for nothing: new rows are seldom found by accident.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from sqlglot import exp

from sqlrl.benchmarks.synthesis.conditions import COMPARED, MIRRORED, NEGATED, Condition, Node, literal_of, number_of
from sqlrl.benchmarks.synthesis.reading import Reading, Scope, selects_of
from sqlrl.benchmarks.synthesis.schema import Table

__all__ = ["Cell", "Demand", "demand_of"]

Cell = tuple[int, str]  # (row of the demand, column in lower case)
_MOST_COPIES = 130  # of a group's rows: a query that asks for more is left to chance


@dataclass(slots=True)
class Demand:
    """rows: the table of each. conditions: on single cells."""

    rows: list[Table] = field(default_factory=list)
    conditions: dict[Cell, list[Condition]] = field(default_factory=dict)
    _roots: dict[Cell, Cell] = field(default_factory=dict)

    def root(self, cell: Cell) -> Cell:
        """The cell that stands for all that must equal this one."""
        while self._roots.get(cell, cell) != cell:
            cell = self._roots[cell]
        return cell

    def equate(self, one: Cell, other: Cell) -> None:
        """Two cells must hold the same value."""
        first, second = sorted((self.root(one), self.root(other)))
        self._roots.setdefault(first, first)
        self._roots[second] = first

    def demand(self, cell: Cell, condition: Condition) -> None:
        """A cell must meet a condition."""
        self._roots.setdefault(cell, self.root(cell))
        self.conditions.setdefault(cell, []).append(condition)

    def groups(self) -> dict[Cell, list[Cell]]:
        """Root -> the cells that must be equal; every cell of which anything is asked is in one."""
        found: dict[Cell, list[Cell]] = {}
        for cell in list(self._roots):
            found.setdefault(self.root(cell), []).append(cell)
        return found


def demand_of(reading: Reading, generator: random.Random) -> Demand:
    """What rows `reading`'s query needs to find something."""
    compiler = _Compiler(reading, generator)
    compiler.query(reading.tree, None)
    return compiler.demand


@dataclass(slots=True)
class _Rows:
    """The rows that one SELECT joins. sources: alias -> its row, or the projections of a derived table by name."""

    scope: Scope
    above: _Rows | None
    sources: dict[str, int | dict[str, Cell | None]] = field(default_factory=dict)

    def cell(self, node: Node) -> Cell | None:
        """The cell that a column means here."""
        if not isinstance(node, exp.Column):
            return None
        found = self.scope.find(node)
        if found is None:
            return None
        rows: _Rows | None = self
        while rows is not None and rows.scope is not found[0]:
            rows = rows.above
        source = rows.sources.get(found[1]) if rows is not None else None
        name = node.name.lower()
        return (source, name) if isinstance(source, int) else source.get(name) if source else None


class _Compiler:
    def __init__(self, reading: Reading, generator: random.Random) -> None:
        self.reading = reading
        self.generator = generator
        self.demand = Demand()

    def query(self, query: Node, above: _Rows | None) -> list[Cell | None]:
        """Demand that a query finds something; the cells that it shows."""
        while isinstance(query, (exp.Subquery, exp.Paren)):
            query = query.this
        if isinstance(query, exp.Intersect):
            left, right = self.query(query.this, above), self.query(query.expression, above)
            for one, other in zip(left, right, strict=False):
                if one is not None and other is not None:
                    self.demand.equate(one, other)
            return left
        if isinstance(query, exp.Except):
            return self.query(query.this, above)
        if isinstance(query, exp.SetOperation):
            return self.query(self.generator.choice((query.this, query.expression)), above)
        return self.select(query, above) if isinstance(query, exp.Select) else []

    def select(self, select: exp.Select, above: _Rows | None) -> list[Cell | None]:
        scope = self.reading.scopes.get(id(select))
        if scope is None:
            return []
        copies = [self.copy(select, scope, above) for _ in range(self.copies(select))]
        first = copies[0]
        group = select.args.get("group")
        for other in copies[1:]:
            for shared in group.expressions if group is not None else ():
                one, two = first.cell(shared), other.cell(shared)
                if one is not None and two is not None:
                    self.demand.equate(one, two)
        having = select.args.get("having")
        if having is not None:
            for rows in copies:
                self.condition(having.this, rows, True)
        return [first.cell(_bare(shown)) for shown in select.expressions]

    def copy(self, select: exp.Select, scope: Scope, above: _Rows | None) -> _Rows:
        """One row of each source, joined."""
        rows = _Rows(scope, above)
        for alias, source in scope.sources.items():
            if isinstance(source, Table):
                rows.sources[alias] = len(self.demand.rows)
                self.demand.rows.append(source)
            else:
                shown = self.query(source.select, above)
                names = [shown_as.alias_or_name.lower() for shown_as in source.select.expressions]
                rows.sources[alias] = dict(zip(names, shown, strict=False))
        for join in select.args.get("joins") or []:
            self.condition(join.args.get("on"), rows, True)
            for shared in join.args.get("using") or []:
                cells = [
                    (row, shared.name.lower())
                    for row in rows.sources.values()
                    if isinstance(row, int) and self.demand.rows[row].column(shared.name)
                ]
                for cell in cells[1:]:
                    self.demand.equate(cells[0], cell)
        where = select.args.get("where")
        self.condition(where.this if where is not None else None, rows, True)
        return rows

    def copies(self, select: exp.Select) -> int:
        """How many rows a group needs, by what HAVING says of their count."""
        having = select.args.get("having")
        wanted = 1
        for node in having.find_all(exp.GT, exp.GTE, exp.EQ) if having is not None else ():
            number = number_of(literal_of(node.expression) or "")
            if isinstance(node.this, exp.Count) and number is not None:
                wanted = max(wanted, int(number) + isinstance(node, exp.GT))
        return wanted if wanted <= _MOST_COPIES else 1

    def condition(self, node: Node, rows: _Rows, wanted: bool) -> None:
        """Demand that a condition holds, or that it doesn't."""
        while isinstance(node, exp.Paren):
            node = node.this
        if isinstance(node, exp.Not):
            self.condition(node.this, rows, not wanted)
        elif isinstance(node, (exp.And, exp.Or)):
            if isinstance(node, exp.And) == wanted:
                self.condition(node.this, rows, wanted)
                self.condition(node.expression, rows, wanted)
            else:
                self.condition(self.generator.choice((node.this, node.expression)), rows, wanted)
        elif isinstance(node, exp.Between):
            self._between(node, rows, wanted)
        elif isinstance(node, (exp.Like, exp.ILike)):
            cell, text = rows.cell(_bare(node.this)), literal_of(node.expression)
            if cell is not None and text is not None:
                self.demand.demand(cell, Condition("like" if wanted else "unlike", text))
        elif isinstance(node, exp.Is):
            cell = rows.cell(node.this)
            if cell is not None:
                self.demand.demand(cell, Condition("null" if wanted else "known"))
        elif isinstance(node, exp.In):
            self._in(node, rows, wanted)
        elif isinstance(node, exp.Exists):
            if wanted:
                self.query(node.this, rows)
        elif node is not None:
            self._comparison(node, rows, wanted)

    def _between(self, node: exp.Between, rows: _Rows, wanted: bool) -> None:
        cell = rows.cell(_bare(node.this))
        low, high = literal_of(node.args.get("low")), literal_of(node.args.get("high"))
        if cell is None or low is None or high is None:
            return
        if wanted:
            self.demand.demand(cell, Condition(">=", low))
            self.demand.demand(cell, Condition("<=", high))
        else:
            self.demand.demand(cell, self.generator.choice((Condition("<", low), Condition(">", high))))

    def _in(self, node: exp.In, rows: _Rows, wanted: bool) -> None:
        cell = rows.cell(_bare(node.this))
        texts = [text for text in map(literal_of, node.expressions) if text is not None]
        if cell is not None and texts:
            if wanted:
                self.demand.demand(cell, Condition("=", self.generator.choice(texts)))
            else:
                for text in texts:
                    self.demand.demand(cell, Condition("!=", text))
        if node.args.get("query") is not None and wanted:
            self._equate(cell, self.query(node.args["query"], rows))

    def _comparison(self, node: Node, rows: _Rows, wanted: bool) -> None:
        operator = next((sign for kind, sign in COMPARED if type(node) is kind), None)
        if operator is None or not isinstance(node, exp.Binary):
            return
        left, right = node.this, node.expression
        if literal_of(left) is not None or isinstance(left, exp.Subquery):
            left, right, operator = right, left, MIRRORED[operator]
        operator = operator if wanted else NEGATED[operator]
        cell, text = rows.cell(_bare(left)), literal_of(right)
        if cell is None:
            return
        if text is not None:
            if not isinstance(left, exp.Count):
                self.demand.demand(cell, Condition(operator, text))
        elif isinstance(right, (exp.Subquery, exp.Select)):
            self._against(cell, operator, right, rows)
        elif operator == "=":
            self._equate(cell, [rows.cell(right)])

    def _against(self, cell: Cell, operator: str, query: Node, rows: _Rows) -> None:
        """A cell beside what a subquery gives. Beside a mean, the least or the greatest it must lie far out."""
        select = next(selects_of(query), None)
        shown = select.expressions[0].unalias() if select is not None and select.expressions else None
        if operator == "=":
            cells = self.query(query, rows)
            self._equate(cell, cells if isinstance(shown, (exp.Column, exp.Max, exp.Min)) else [])
        elif operator in (">", ">="):
            self.demand.demand(cell, Condition("high"))
        elif operator in ("<", "<="):
            self.demand.demand(cell, Condition("low"))

    def _equate(self, cell: Cell | None, others: list[Cell | None]) -> None:
        if cell is not None and others and others[0] is not None:
            self.demand.equate(cell, others[0])


def _bare(node: Node) -> Node:
    """A column without what is around it that keeps its values, or takes them from its rows."""
    kept = (exp.Paren, exp.Alias, exp.Lower, exp.Upper, exp.Max, exp.Min, exp.Avg, exp.Sum, exp.Cast, exp.Distinct)
    while isinstance(node, kept):
        node = node.expressions[0] if isinstance(node, exp.Distinct) and node.expressions else node.this
    return node
