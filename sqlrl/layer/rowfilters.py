"""Row filters: which rows and columns of a table a connection may see, enforced by rewriting every query.

A query is read by sqlglot and written anew from what was read. In it every table stands as a subquery that gives the
rows and columns that are allowed, and every name that a WITH gives is replaced by a fresh one. So each name in FROM is
either allowed, filtered on the spot, or one that no table has: what is misread ends in an error, not in rows. The
result is read once more and refused unless exactly this holds of it.

A filtered subquery has a LIMIT that limits nothing. Without it an engine may merge it with the query around it and
try the query's own conditions on hidden rows first, whose errors then tell what stands in them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlrl.executors.errors import UsageError, nearest
from sqlrl.executors.names import fold
from sqlrl.layer.dialects import UnreadableError, comparable, parse, parser_of, words_of
from sqlrl.layer.functions import Functions
from sqlrl.layer.schema import Schema, Table

__all__ = ["RefusedError", "RowFilters"]

Filter = str | Mapping[str, Any]
_DEFAULT = {"sqlite": "main", "duckdb": "main", "postgresql": "public"}
_HEAD = re.compile(r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*(?:select|with|from)\b", re.IGNORECASE | re.DOTALL)
_EVERYTHING = "9223372036854775807"
_FUNCTIONS = frozenset(["json_each", "json_tree", "generate_series", "range", "unnest", "explode"])
# What a table in FROM may have besides its name.
_PLAIN = frozenset(["this", "db", "catalog", "alias", "joins", "laterals"])


class RefusedError(Exception):
    """Why a query may not be run; never leaves this folder."""


class RowFilters:
    """filters: table -> a condition in the source's dialect, or {column: value, or a list of values}. columns: table ->
    the only columns of it that may be read. Tables in neither are read as they are. A view has its own rows and
    columns, not those of the tables beneath: where anything is filtered, it may be read only if it has an entry.

    UsageError for a table or column that is not there, or a condition that cannot be read.
    """

    def __init__(
        self, schema: Schema, filters: Mapping[str, Filter] | None, columns: Mapping[str, Sequence[str]] | None
    ) -> None:
        self.schema = schema
        self._parser = parser_of(schema.dialect)
        if self._parser is None:
            raise UsageError(f"row filters and columns need a dialect that can be rewritten, not {schema.dialect}")
        for what, given in (("row_filters", filters), ("columns", columns)):
            if given is not None and not isinstance(given, Mapping):
                raise UsageError(f"{what} is a mapping from tables, not {type(given).__name__}")
        self._columns = {self._known(name).key: self._chosen(name, chosen) for name, chosen in (columns or {}).items()}
        self._filters = {self._known(name).key: self._condition(name, each) for name, each in (filters or {}).items()}
        self._guards = self._all_guards()

    def also(self, filters: Mapping[str, Filter] | None, columns: Mapping[str, Sequence[str]] | None) -> RowFilters:
        """With further filters: what both let through may be seen."""
        both = RowFilters(self.schema, filters, columns)
        for key, condition in self._filters.items():
            other = both._filters.get(key)
            both._filters[key] = condition if other is None else _both(condition, other)
        for key, chosen in self._columns.items():
            both._columns[key] = chosen & both._columns.get(key, chosen)
            if not both._columns[key]:
                raise UsageError(f"no column of {key} is left to be read")
        both._guards = both._all_guards()
        return both

    def _all_guards(self) -> dict[str, str]:
        return {
            table.key: self._guard(table)
            for table in self.schema.tables
            if table.key in self._filters or table.key in self._columns
        }

    @property
    def visible(self) -> Schema:
        """The schema as a policy may know it."""
        keys = [t.key for t in self.schema.tables if not t.view or t.key in self._guards]
        shown = self.schema.only(keys)
        # A view's DDL, and any with samples or checks, may show what is hidden.
        kept: dict[str, set[str]] = {
            table.key: self._kept(table) for table in shown.tables if table.key in self._guards
        }
        return shown.narrowed(kept)

    @property
    def filtered(self) -> list[str]:
        """Keys of the tables with a row filter."""
        return sorted(self._filters)

    def probes(self) -> dict[str, str]:
        """Table -> a query that runs if its filter can be run."""
        return {key: f"SELECT 1 FROM ({sql}) AS t LIMIT 0" for key, sql in self._guards.items()}

    def rewrite(self, query: str, functions: Functions | None = None) -> str:
        """The query with all that is hidden out of its sight. RefusedError. functions: what it may call."""
        import sqlglot
        from sqlglot import exp

        if not isinstance(query, str):
            raise RefusedError(f"a query is text, not {type(query).__name__}")
        if not _HEAD.match(query):
            raise RefusedError("with row filters, only a single query is allowed")
        try:
            trees = parse(query, self.schema.dialect)
        except UnreadableError as error:
            raise RefusedError(f"with row filters, what cannot be read is refused: {error}") from None
        if len(trees) != 1 or not isinstance(trees[0], exp.Query):
            raise RefusedError("with row filters, only a single query is allowed")
        tree: Any = trees[0]
        try:
            self._check_kinds(tree)
            barred = functions.refused(tree, self._parser) if functions is not None else None
            if barred is not None:
                raise RefusedError(f"with row filters, the function {barred} is not allowed")
            reader = _Reader(self.schema)
            reader.read(tree, {})
            for node, fresh in reader.tables:
                self._replace(node, fresh)
            text = str(tree.sql(dialect=self._parser, comments=False, unsupported_level=sqlglot.ErrorLevel.RAISE))
            self._check_text(text, reader.names)
        except RecursionError:
            raise RefusedError("the query is nested too deeply") from None
        except sqlglot.errors.SqlglotError as error:
            raise RefusedError(f"with row filters, what cannot be read is refused: {words_of(error)}") from None
        return text

    def _check_kinds(self, tree: Any) -> None:
        """Refuse what names tables by other means than a table in FROM."""
        from sqlglot import exp

        for node in tree.walk():
            if isinstance(node, (exp.Command, exp.DML, exp.DDL, exp.Into, exp.Lock, exp.Pragma, exp.Describe)) and (
                not isinstance(node, exp.Query)
            ):
                raise RefusedError(f"with row filters, {node.key} is not allowed")
            if isinstance(node, (exp.Summarize, exp.Show)):
                raise RefusedError(f"with row filters, {node.key} is not allowed")
            if isinstance(node, exp.In) and node.args.get("field") is not None:
                raise RefusedError("with row filters, IN takes a list or a query in parentheses")
            if isinstance(node, exp.Table):
                strange = sorted(key for key, value in node.args.items() if value and key not in _PLAIN)
                if strange:
                    raise RefusedError(f"with row filters, {strange[0].rstrip('_')} in FROM is not allowed")
                if not isinstance(node.this, exp.Identifier):
                    _check_function(node.this)
            if isinstance(node, exp.Lateral) and not isinstance(node.this, (exp.Subquery, exp.Query)):
                _check_function(node.this)

    def _replace(self, node: Any, fresh: str | None) -> None:
        """A name of WITH by its fresh one, a table by what of it may be read."""
        from sqlglot import exp

        alias = node.args.get("alias")
        written = node.this.copy()
        if fresh is not None:
            node.set("alias", alias or exp.TableAlias(this=written))
            node.set("this", exp.to_identifier(fresh, quoted=True))
            return
        schema = "" if fold(node.db) == _DEFAULT.get(self.schema.dialect) else node.db
        name = f"{schema}.{node.name}" if schema else node.name
        table = None if node.catalog else self.schema.table(name)
        if table is None:
            raise RefusedError(f"the table {name} is not one of those that may be read")
        guard = self._guards.get(table.key)
        if guard is None:
            if table.view:
                raise RefusedError(f"with row filters, the view {name} needs a filter of its own to be read")
            return
        subquery = exp.Subquery(this=self._parsed(guard), alias=alias or exp.TableAlias(this=written))
        for key in ("joins", "laterals"):
            if node.args.get(key):
                subquery.set(key, node.args[key])
        node.replace(subquery)

    def _check_text(self, text: str, fresh: set[str]) -> None:
        """RefusedError unless the text, read again, has guarded tables in their guards alone."""
        import sqlglot
        from sqlglot import exp

        guards = {self._parsed(sql).sql(dialect=self._parser): key for key, sql in self._guards.items()}
        for node in sqlglot.parse_one(text, read=self._parser).find_all(exp.Table):
            if not isinstance(node.this, exp.Identifier) or (node.name in fresh and not node.db):
                continue
            schema = "" if fold(node.db) == _DEFAULT.get(self.schema.dialect) else node.db
            name = f"{schema}.{node.name}" if schema else node.name
            table = self.schema.table(name)
            parent: Any = node.parent_select
            enclosing = guards.get(parent.sql(dialect=self._parser)) if parent is not None else None
            if enclosing is None and any(  # a filter may itself ask tables: it was written by the owner
                ancestor.sql(dialect=self._parser) in guards for ancestor in _selects_above(node)
            ):
                continue
            if table is None or (table.key in self._guards and enclosing != table.key):
                raise RefusedError(f"the table {name} is not one of those that may be read")

    def _guard(self, table: Table) -> str:
        """The query that stands in a table's place."""
        from sqlglot import exp

        names = [column.name for column in table.columns if fold(column.name) in self._kept(table)]
        place = exp.table_(table.name, db=table.schema or None, quoted=True)
        query = exp.select(*[exp.column(name, quoted=True) for name in names]).from_(place)
        condition = self._filters.get(table.key)
        if condition is not None:
            query = query.where(condition).limit(_EVERYTHING)
        return str(query.sql(dialect=self._parser))

    def _parsed(self, sql: str) -> Any:
        import sqlglot

        return sqlglot.parse_one(sql, read=self._parser)

    def _kept(self, table: Table) -> set[str]:
        return self._columns.get(table.key) or {fold(column.name) for column in table.columns}

    def _known(self, name: str) -> Table:
        table = self.schema.table(name)
        if table is None:
            raise UsageError(f"no table {name!r} to filter{nearest(name, [each.name for each in self.schema.tables])}")
        if not table.columns:
            raise UsageError(f"the columns of {name} are not known: it cannot be filtered")
        return table

    def _chosen(self, name: str, chosen: Sequence[str]) -> set[str]:
        table = self._known(name)
        if isinstance(chosen, str) or not chosen or not all(isinstance(each, str) for each in chosen):
            raise UsageError(f"columns of {name} is a list of names, not {chosen!r}")
        for each in chosen:
            if table.column(each) is None:
                raise UsageError(f"{name} has no column {each!r}{nearest(each, [c.name for c in table.columns])}")
        return {fold(each) for each in chosen}

    def _condition(self, name: str, given: Filter) -> Any:
        from sqlglot import exp

        if isinstance(given, Mapping):
            return self._equalities(self._known(name), given)
        if not isinstance(given, str):  # a number or True would be a condition that lets everything through
            raise UsageError(f"the row filter of {name} is a condition as text, or columns and values, not {given!r}")
        try:
            found, *more = parse(f"SELECT 1 WHERE ({given}\n)", self.schema.dialect)
        except UnreadableError as error:
            raise UsageError(f"the row filter of {name} cannot be read: {error}") from None
        where = found.args.get("where") if isinstance(found, exp.Select) else None
        if more or where is None or not isinstance(where.this, exp.Paren) or len(found.args["expressions"]) != 1:
            raise UsageError(f"the row filter of {name} is a condition, such as customer_id = 7, not {given!r}")
        return where.this

    def _equalities(self, table: Table, given: Mapping[str, Any]) -> Any:
        """column = value, and so on; the values are written by sqlglot, so that nothing in them is read as SQL."""
        from sqlglot import exp

        parts = []
        for name, value in given.items():
            column = table.column(name)
            if column is None:
                raise UsageError(f"{table.name} has no column {name!r}{nearest(name, [c.name for c in table.columns])}")
            wanted = exp.column(column.name, quoted=True)
            values = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
            for each in values:
                if each is not None and not isinstance(each, (str, int, float)):
                    raise UsageError(f"a row filter compares with text, a number or None, not with {each!r}")
                if not comparable(each, column.is_text, self.schema.dialect):
                    raise UsageError(f"a row filter cannot compare {table.name}.{name} with {each!r}")
            literals = [exp.convert(each) for each in values if each is not None]
            tests: list[Any] = [exp.In(this=wanted, expressions=literals)] if literals else []
            if None in values:
                tests.append(exp.Is(this=wanted.copy(), expression=exp.null()))
            parts.append(exp.or_(*tests) if tests else exp.false())
        if not parts:
            raise UsageError(f"the row filter of {table.name} is empty")
        return exp.paren(exp.and_(*parts))


class _Reader:
    """Tables of a query, each with the fresh name of the WITH that it refers to, or None where it is a table."""

    def __init__(self, schema: Schema) -> None:
        self.tables: list[tuple[Any, str | None]] = []
        self.names: set[str] = set()
        self._schema = schema

    def read(self, node: Any, scope: Mapping[str, str]) -> None:
        from sqlglot import exp

        given = node.args.get("with_") or node.args.get("with")
        if given is not None:
            scope = dict(scope)
            for cte in given.expressions:
                name, fresh = fold(cte.alias), self._fresh()
                itself = given.args.get("recursive") or self._schema.dialect == "sqlite"
                # The name is taken away from tables within as well where it may mean the WITH itself.
                self.read(cte.this, {**scope, name: fresh} if itself and _repeats(cte.this) else scope)
                scope[name] = fresh
                cte.args["alias"].set("this", exp.to_identifier(fresh, quoted=True))
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            self.tables.append((node, scope.get(fold(node.name)) if not node.db and not node.catalog else None))
        for child in node.iter_expressions():
            if child is not given:
                self.read(child, scope)

    def _fresh(self) -> str:
        name = f"sqlrl_with_{len(self.names)}"
        while self._schema.table(name) is not None:
            name += "_"
        self.names.add(name)
        return name


def _both(one: Any, other: Any) -> Any:
    from sqlglot import exp

    return exp.paren(exp.and_(one.copy(), other.copy()))


def _repeats(query: Any) -> bool:
    """Whether a WITH's query has the form of one that refers to itself."""
    from sqlglot import exp

    return isinstance(query, exp.SetOperation)


def _selects_above(node: Any) -> list[Any]:
    from sqlglot import exp

    found = []
    while node is not None:
        if isinstance(node, exp.Select):
            found.append(node)
        node = node.parent
    return found


def _check_function(node: Any) -> None:
    from sqlglot import exp

    names = {node.name.lower()} if isinstance(node, exp.Anonymous) else set()
    if isinstance(node, exp.Func) and not isinstance(node, exp.Anonymous):
        names = {name.lower() for name in node.sql_names()} | {type(node).__name__.lower()}
    if isinstance(node, exp.Unnest) or names & _FUNCTIONS:
        return
    raise RefusedError(f"with row filters, the function {node.name or node.key} in FROM is not allowed")
