"""The judge of answers that people know from elsewhere: a number, a list of names, a table, or a part of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from sqlrl.benchmarks.judges.robust import Robust
from sqlrl.executors.base import Gold, Row
from sqlrl.executors.partial import read_cell
from sqlrl.executors.relations import Relation

__all__ = ["Answered", "spells_out"]

NOTHING = "SELECT NULL WHERE 1 = 0"


class Answered(Robust):
    """What is known decides, by the kind that the gold says it is (see `PartialMatcher`); a gold query or a result that
    is not a person's is judged as `robust` judges it.

    A policy that is paid for results alone may learn to write the result down. A query that reads no table, shows
    nothing but constants, or shows a constant that is among the known values is taken to return nothing (`spells_out`).
    A constant in a condition is not looked at: `WHERE name = 'Paris'` still has to find Paris, and people ask so.
    """

    name = "answered"

    def prepare(self, predicted: str, gold: Gold) -> tuple[str, Gold]:
        """The known rows in the place of the partial result; a query that finds nothing in that of one that cheats."""
        if gold.partial is None:
            return predicted, gold
        cheats = spells_out(predicted, gold.partial.rows)
        return NOTHING if cheats else predicted, replace(gold, query=None, rows=gold.partial.rows)

    def relation(self, gold: Gold) -> Relation:
        """For a prepared gold: by how much of the result is known; rows in order where the gold says so."""
        if gold.partial is None:
            return super().relation(gold)
        rows = "list" if gold.ordered else "bag"
        return Relation(rows, "any", measure=gold.partial.known, most_rows=gold.partial.most_rows)  # type: ignore[arg-type]


@lru_cache(maxsize=65_536)
def spells_out(query: str, known: Sequence[Row] = ()) -> bool:
    """Whether a query's result owes nothing to the data: no table is read, every column that is shown is a constant, or
    a constant that is shown (at any depth, 0 and 1 excepted below the top) is one of the `known` values.

    What sqlglot cannot read is not taken to cheat. Nor is a constant in disguise, such as `42 * count(*) / count(*)`.
    """
    import sqlglot
    from sqlglot import expressions

    try:
        tree = sqlglot.parse_one(query, read="sqlite")
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError):
        return False
    named = {each.alias.lower() for each in tree.find_all(expressions.CTE)}
    tables = {table.name.lower() for table in tree.find_all(expressions.Table) if table.name}
    if not tables - named:
        return True
    top = {id(select) for select in _top_selects(tree)}
    values = {read_cell(cell) for row in known for cell in row}
    for select in tree.find_all(expressions.Select):
        shown = select.expressions
        if id(select) in top and shown and not any(_reads(part) for part in shown):
            return True
        for part in shown:
            if any(_constant(each) in values - ({0, 1} if id(select) not in top else set()) for each in _results(part)):
                return True
    return False


def _top_selects(tree: Any) -> list[Any]:
    """The selects whose rows are the result's: one, or those that a set operation puts together."""
    from sqlglot import expressions

    if isinstance(tree, expressions.SetOperation):
        return [*_top_selects(tree.left), *_top_selects(tree.right)]
    if isinstance(tree, expressions.Subquery):
        return _top_selects(tree.this)
    return [tree]


def _reads(part: Any) -> bool:
    from sqlglot import expressions

    return part.find(expressions.Column, expressions.Star, expressions.AggFunc) is not None


def _results(part: Any) -> list[Any]:
    """What a shown expression may evaluate to as it stands: itself, or the branches of a choice."""
    from sqlglot import expressions

    part = part.unalias() if isinstance(part, expressions.Alias) else part
    if isinstance(part, expressions.Paren):
        return _results(part.this)
    if isinstance(part, expressions.Case):
        branches = [branch.args["true"] for branch in part.args["ifs"]]
        return [each for b in [*branches, part.args.get("default")] if b is not None for each in _results(b)]
    if isinstance(part, expressions.If):
        branches = [part.args.get("true"), part.args.get("false")]
        return [each for branch in branches if branch is not None for each in _results(branch)]
    if isinstance(part, expressions.Coalesce):
        return [each for branch in [part.this, *part.expressions] for each in _results(branch)]
    if isinstance(part, (expressions.Max, expressions.Min)):
        return _results(part.this)
    return [part]


def _constant(part: Any) -> object:
    """The value of a literal as answers are read; an object that equals nothing of anything else."""
    from sqlglot import expressions

    negative = isinstance(part, expressions.Neg)
    literal = part.this if negative else part
    if not isinstance(literal, expressions.Literal):
        return object()
    value = read_cell(literal.this)
    return -value if negative and isinstance(value, (int, float)) else value
