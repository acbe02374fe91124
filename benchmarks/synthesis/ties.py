"""Ties: where the rows of an instance leave a query's answer to chance.

SQL does not say which of two rows that rank alike comes first, nor whose value a column has that is neither grouped nor
added up. Two further texts of the query settle every such case one way and the other; where they disagree with it, its
answer is an accident of how the rows lie, and a right query may well get another.
"""

from __future__ import annotations

from sqlglot import exp

from sqlrl.benchmarks.synthesis.reading import Reading, selects_of

__all__ = ["settled"]


def settled(reading: Reading) -> tuple[str, ...]:
    """The two settled texts; none where nothing can be left to chance."""
    texts = []
    for low in (True, False):
        tree = reading.tree.copy()
        changed = False
        for select in list(tree.find_all(exp.Select)):
            changed = _settle_columns(select, low) or changed
        for query in [tree, *tree.find_all(exp.Select)]:
            if isinstance(query, exp.Query):
                changed = _settle_order(query, low) or changed
        if changed:
            texts.append(tree.sql(dialect="sqlite"))
    return tuple(texts)


def _settle_order(query: exp.Query, low: bool) -> bool:
    """Rank rows that rank alike by what is shown of them."""
    order = query.args.get("order")
    first = next(selects_of(query), None)
    if order is None or first is None or any(isinstance(shown.unalias(), exp.Star) for shown in first.expressions):
        return False
    if len(order.expressions) > len(first.expressions) + 8:
        return False
    for place in range(1, len(first.expressions) + 1):
        order.append("expressions", exp.Ordered(this=exp.Literal.number(place), desc=not low))
    return True


def _settle_columns(select: exp.Select, low: bool) -> bool:
    """Take the least or the greatest of a column that has no one value in its group."""
    group = select.args.get("group")
    extremes = list(select.find_all(exp.Max, exp.Min))
    aggregated = any(isinstance(e.unalias(), exp.AggFunc) for e in select.expressions)
    if (group is None and not aggregated) or (len(extremes) == 1 and extremes[0].find_ancestor(exp.Select) is select):
        return False  # beside a single MAX or MIN, SQLite takes the row that has it
    grouped = {shown.sql().lower() for shown in group.expressions} if group is not None else set()
    changed = False
    for place, shown in enumerate(select.expressions):
        bare = shown.unalias()
        if isinstance(bare, exp.Column) and not isinstance(bare.this, exp.Star) and bare.sql().lower() not in grouped:
            settled_column = (exp.Min if low else exp.Max)(this=bare.copy())
            select.expressions[place] = settled_column
            settled_column.parent, settled_column.arg_key, settled_column.index = select, "expressions", place
            changed = True
    return changed
