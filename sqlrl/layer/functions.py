"""Functions: what a query may call where rows or columns are hidden.

A filter stands where a query names a table. A function reads tables without naming them where the database's owner
made it so, a macro above all; and some of an engine's own tell what stands in a table beneath a filter, such as the
statistics that DuckDB keeps of a column. Neither may be called.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlrl.executors.base import Outcome

if TYPE_CHECKING:
    from sqlrl.executors.base import Result

__all__ = ["Functions"]

_MANY = 100_000
# Of the engine's own: what tells of rows that a filter hides, takes text for a query, or shows how hidden things are
# made.
_TELLING = {
    "duckdb": frozenset(
        ["stats", "json_serialize_plan", "json_serialize_sql", "json_deserialize_sql", "json_execute_serialized_sql",
         "pg_get_viewdef", "pg_get_constraintdef", "pg_get_expr", "col_description", "obj_description",
         "shobj_description"]
    ),
    "postgresql": frozenset(["operator"]),  # what an operator calls, its name doesn't tell
}  # fmt: skip
# What looks like a function, and is a part of the language.
_LANGUAGE = frozenset(["coalesce", "columns", "grouping", "grouping_id", "map", "row", "struct", "try", "unpack"])
_NAMES = {
    "duckdb": "SELECT DISTINCT lower(function_name), internal, false FROM duckdb_functions()",
    "postgresql": "SELECT DISTINCT lower(proname), pronamespace IN ('pg_catalog'::regnamespace, "
                  "'information_schema'::regnamespace), typtype IN ('c', 'p') FROM pg_proc "
                  "LEFT JOIN pg_type ON pg_type.oid = proargtypes[0]",
    "mysql": "SELECT DISTINCT lower(routine_name), 0, 0 FROM information_schema.routines",
}  # fmt: skip
# Operators that call a function of the database's own which is not compiled: it may read tables.
_OPERATORS = (
    "SELECT DISTINCT oprname FROM pg_operator JOIN pg_proc ON pg_proc.oid = oprcode "
    "JOIN pg_language ON pg_language.oid = prolang WHERE "
    "oprnamespace <> 'pg_catalog'::regnamespace AND lanname NOT IN ('internal', 'c')"
)
_SIGNS = frozenset("+-*/<>=~!@#%^&|`?")  # what operators are made of


@dataclass(frozen=True, slots=True)
class Functions:
    """barred: names that may not be called; computed: nor by a field's name, as PostgreSQL calls what is given a row.
    signs: operators that may not be used. known: all that the engine itself has, None where nobody can say: any other
    may not be called either, since it was made after the connection."""

    barred: frozenset[str] = frozenset()
    known: frozenset[str] | None = None
    computed: frozenset[str] = frozenset()
    signs: frozenset[str] = frozenset()

    @classmethod
    def of(cls, dialect: str, run: Callable[[str, int], Result]) -> Functions:
        """Those of a source. run: a query and a number of rows -> its result. Where it may not be asked because there
        is a list of tables, servers refuse the database's own functions themselves."""
        query = _NAMES.get(dialect)
        if query is None:
            return cls()
        result = run(query, _MANY)
        rows = result.rows if result.outcome is Outcome.OK else ()
        own = {str(name) for name, builtin, _ in rows if not builtin}
        known = {str(name) for name, builtin, _ in rows if builtin}
        computed = frozenset(str(name) for name, builtin, of_row in rows if of_row and not builtin)
        if dialect == "duckdb" and not known:
            known = _of_duckdb()
        barred = frozenset(own) | _TELLING.get(dialect, frozenset())
        found = run(_OPERATORS, _MANY).rows if dialect == "postgresql" else ()
        signs = frozenset(str(sign) for (sign,) in found)
        return cls(barred, frozenset(known) | _LANGUAGE if known else None, computed, signs)

    def refused(self, tree: Any, parser: str | None) -> str | None:
        """The name of a function that a query calls and may not, None where there is none. tree: as sqlglot read it;
        it is looked through as it will be written, too, where a name may be another one."""
        from sqlglot import ErrorLevel, exp, tokenize

        if self.known is not None:
            for node in tree.find_all(exp.Anonymous, exp.AnonymousAggFunc):
                name = node.name.lower()
                if name not in self.known:
                    return name
        if not self.barred:
            return None
        before = last = run = ""
        text = tree.sql(dialect=parser, comments=False, unsupported_level=ErrorLevel.IGNORE)
        for token in tokenize(text, read=parser):
            if token.text == "(" and before in self.barred:
                return before
            last, before = before, token.text.lower()
            if last == "." and before in self.computed:
                return before
            run = run + token.text if _SIGNS.issuperset(token.text) else ""
            if run and any(sign in run for sign in self.signs):
                return run
        return None


def _of_duckdb() -> set[str]:
    """What DuckDB has before any database is opened."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        return {name for name, builtin, _ in connection.execute(_NAMES["duckdb"]).fetchall() if builtin}
