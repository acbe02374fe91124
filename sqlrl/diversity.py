"""Diversity: how many different right queries a policy finds for one question.

The paper holds that reinforcement explores more varied SQL than imitation (DeepRetrieval, arXiv 2503.00223). Counted
here as shapes: queries whose syntax trees are equal once names of aliases, letter case, literals and the order of what
stands around AND, OR, = and + are left out of sight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlrl.statistics import Interval, bootstrap

if TYPE_CHECKING:
    from sqlrl.evaluation import Item

__all__ = ["Diversity", "shape_of"]


@dataclass(frozen=True, slots=True)
class Diversity:
    """Of `samples` completions of each of `questions`.

    solved: questions with a right sample. shapes: mean distinct right shapes of a question, unsolved ones counted as
    nought, with its 95 % interval (bootstrap over questions). a_solved: the same over solved questions alone. several:
    share of solved questions with more than one.
    """

    samples: int
    questions: int
    solved: int
    shapes: float
    interval: Interval
    a_solved: float
    several: float

    @classmethod
    def of(cls, samples: Sequence[Sequence[Item]]) -> Diversity:
        """samples[i]: all judged samples of question i."""
        counts = [
            len({shape_of(item.predicted or "") for item in group if item.judged.verdict.correct}) for group in samples
        ]
        solved = [count for count in counts if count]
        return cls(
            max(map(len, samples), default=0),
            len(counts),
            len(solved),
            sum(counts) / max(1, len(counts)),
            bootstrap([float(count) for count in counts]),
            sum(solved) / max(1, len(solved)),
            sum(count > 1 for count in solved) / max(1, len(solved)),
        )

    def to_dict(self) -> dict[str, Any]:
        """For figures.json."""
        return {name: getattr(self, name) for name in self.__slots__}


@lru_cache(maxsize=100_000)
def shape_of(query: str, dialect: str = "sqlite") -> str:
    """The query's shape as text; the query itself, spaces and case aside, where it cannot be parsed."""
    import sqlglot
    from sqlglot import expressions

    try:
        tree = sqlglot.parse_one(query, read=dialect)
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError):
        return " ".join(query.lower().split())
    for literal in tree.find_all(expressions.Literal):
        literal.replace(expressions.Placeholder())
    names: dict[str, str] = {}
    for place, alias in enumerate(tree.find_all(expressions.TableAlias, bfs=False)):
        if alias.name:
            names[alias.name.lower()] = f"t{place}"
    for column in list(tree.find_all(expressions.Alias)):  # of a column: nothing that a result depends on
        column.replace(column.this)
    for identifier in tree.find_all(expressions.Identifier):
        name = identifier.name.lower()
        identifier.replace(expressions.to_identifier(names.get(name, name), quoted=False))
    return _text(tree)


def _text(node: Any) -> str:
    """The tree as text, with the sides of what may be turned round in order."""
    from sqlglot import expressions

    if isinstance(node, expressions.Paren):
        return _text(node.this)
    if isinstance(node, expressions.And | expressions.Or):
        return f"{node.key}({', '.join(sorted(map(_text, _sides(node, type(node)))))})"
    parts = []
    for name, value in sorted(node.args.items()):
        if isinstance(value, list):
            if value:
                parts.append(f"{name}=[{', '.join(_text(v) if hasattr(v, 'args') else str(v) for v in value)}]")
        elif hasattr(value, "args"):
            parts.append(f"{name}={_text(value)}")
        elif value not in (None, False, ""):
            parts.append(f"{name}={value}")
    turned = isinstance(node, expressions.EQ | expressions.NEQ | expressions.Add | expressions.Mul)
    if turned:
        parts = sorted(part.partition("=")[2] for part in parts)
    return f"{node.key}({', '.join(parts)})"


def _sides(node: Any, kind: Any) -> list[Any]:
    """What stands around a chain of the same connective, brackets aside."""
    from sqlglot import expressions

    inner: Any = node
    while isinstance(inner, expressions.Paren):
        inner = inner.this
    if not isinstance(inner, kind):
        return [node]
    return [*_sides(inner.args["this"], kind), *_sides(inner.args["expression"], kind)]
