"""A schema: the tables that a source tells of, their columns, and how they hang together."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sqlrl.executors.names import fold
from sqlrl.layer.dialects import UnreadableError, parse, parser_of
from sqlrl.observation import harmless

__all__ = ["Column", "Link", "Schema", "Table", "place", "quoted"]

_BLOCK = re.compile(r"\n\n(?=CREATE\b)", re.IGNORECASE)
_COMMENT = re.compile(r"^-- ([^:]+): (.*)$")
_TEXT = re.compile(r"char|text|clob|string|enum|^$", re.IGNORECASE)
_HEAD = re.compile(r"CREATE\s+(?:\w+\s+){0,4}?VIEW\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Column:
    """kind: its type as the DDL has it. note: what it means, where somebody wrote that down. key: whether it belongs to
    the primary key."""

    name: str
    kind: str = ""
    note: str = ""
    key: bool = False

    @property
    def is_text(self) -> bool:
        """Whether its cells are words."""
        return bool(_TEXT.search(self.kind))


@dataclass(frozen=True, slots=True)
class Link:
    """A foreign key: columns of this table refer to those of another; `referred` is empty where the DDL names none."""

    columns: tuple[str, ...]
    table: str
    referred: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table or view. name: as queries have it, without quotes; schema: of a table outside the default one. text: the
    DDL with the comments beneath."""

    name: str
    columns: tuple[Column, ...]
    links: tuple[Link, ...] = ()
    text: str = ""
    schema: str = ""
    view: bool = False

    @property
    def key(self) -> str:
        """What it is found by: names that engines take for one are equal."""
        return fold(f"{self.schema}.{self.name}" if self.schema else self.name)

    def column(self, name: str) -> Column | None:
        """A column by its name, in any case."""
        return next((column for column in self.columns if fold(column.name) == fold(name)), None)

    def narrowed(self, kept: Collection[str]) -> Table:
        """With those columns alone (folded names), in a DDL written anew: a check or a default may name others."""
        columns = tuple(column for column in self.columns if fold(column.name) in kept)
        links = tuple(link for link in self.links if all(fold(name) in kept for name in link.columns))
        lines = [f"{quoted(column.name)} {column.kind}".rstrip() for column in columns]
        for link in links:
            target = f" ({', '.join(map(quoted, link.referred))})" if link.referred else ""
            lines.append(
                f"FOREIGN KEY ({', '.join(map(quoted, link.columns))}) REFERENCES {quoted(link.table)}{target}"
            )
        place = f"{quoted(self.schema)}.{quoted(self.name)}" if self.schema else quoted(self.name)
        body = ",\n  ".join(lines)
        notes = [f"-- {column.name}: {column.note}" for column in columns if column.note]
        # A view too: what it is made of may be what is hidden.
        text = "\n".join([f"CREATE TABLE {place} (\n  {body}\n);", *notes])
        return replace(self, columns=columns, links=links, text=text)


@dataclass(frozen=True)
class Schema:
    """dialect: as executors name it."""

    tables: tuple[Table, ...]
    dialect: str

    @classmethod
    def read(cls, description: str, dialect: str) -> Schema:
        """From what an executor's `describe` gives. A table whose DDL cannot be read has no columns: see `without`."""
        blocks = [_harmless(block.strip()) for block in _BLOCK.split(description) if block.strip()]
        tables = [_table(block, dialect) for block in blocks]
        return cls(tuple(table for table in tables if table is not None), dialect)

    @property
    def without(self) -> list[Table]:
        """The tables whose columns are not known: views above all."""
        return [table for table in self.tables if not table.columns]

    def with_columns(self, found: Mapping[str, Sequence[str]]) -> Schema:
        """With the columns of some tables, by key."""
        return replace(
            self,
            tables=tuple(
                replace(table, columns=tuple(map(Column, found[table.key]))) if table.key in found else table
                for table in self.tables
            ),
        )

    def table(self, name: str) -> Table | None:
        """A table by its name, in any case, with or without the schema that it is known under."""
        return self._by_key.get(fold(name))

    def only(self, keys: Collection[str]) -> Schema:
        """Some of the tables, in their order."""
        return replace(self, tables=tuple(table for table in self.tables if table.key in keys))

    def narrowed(self, kept: Mapping[str, Collection[str]]) -> Schema:
        """With some columns of some tables alone: key -> folded names."""
        return replace(
            self,
            tables=tuple(table.narrowed(kept[table.key]) if table.key in kept else table for table in self.tables),
        )

    @cached_property
    def description(self) -> str:
        """What a policy is told."""
        return "\n\n".join(table.text for table in self.tables)

    @cached_property
    def _by_key(self) -> dict[str, Table]:
        found = {table.key: table for table in self.tables}
        for table in self.tables:
            found.setdefault(fold(table.name), table)
        return found


def quoted(name: str, dialect: str = "") -> str:
    """A name as SQL has it, whatever is in it."""
    mark = "`" if dialect in ("mysql", "mariadb") else '"'
    return mark + name.replace(mark, mark * 2) + mark


def place(table: Table, dialect: str) -> str:
    """A table as a query names it."""
    return ".".join(quoted(part, dialect) for part in (table.schema, table.name) if part)


def _harmless(block: str) -> str:
    """Comments hold words of the database's owner and cells: marks that a chat template would take for its own are
    parted."""
    return "\n".join(harmless(line) if line.startswith("--") else line for line in block.split("\n"))


def _table(block: str, dialect: str) -> Table | None:
    from sqlglot import exp

    lines = block.split("\n")
    end = next((index for index, line in enumerate(lines) if line.rstrip().endswith(";")), len(lines) - 1) + 1
    ddl = "\n".join(lines[:end]).rstrip().rstrip(";")
    noted = (_COMMENT.match(line) for line in lines[end:])
    notes = {str(note[1]): str(note[2]) for note in noted if note is not None}
    view = bool(_HEAD.match(ddl))
    tree = _read(ddl, dialect)
    if not isinstance(tree, exp.Create) and view:  # as inspectors describe one: with columns, as a table
        tree = _read(_HEAD.sub("CREATE TABLE", ddl, count=1), dialect)
    if not isinstance(tree, exp.Create):
        from sqlrl.observation import tables_in

        names = tables_in(ddl)
        return Table(names[0], (), (), block, view=view) if names else None
    named = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if not isinstance(named, exp.Table) or not named.name:
        return None
    parts = tree.this.expressions if isinstance(tree.this, exp.Schema) else []
    columns = [part for part in parts if isinstance(part, exp.ColumnDef)]
    keys = _keys(parts)
    found = tuple(
        Column(part.name, part.args["kind"].sql(dialect=parser_of(dialect)) if part.args.get("kind") else "",
               notes.get(part.name, ""), fold(part.name) in keys)
        for part in columns
    )  # fmt: skip
    return Table(named.name, found, tuple(_links(parts)), block, named.db, view)


def _read(ddl: str, dialect: str) -> Any:
    try:
        trees = parse(ddl, dialect)
    except UnreadableError:
        return None
    return trees[0] if trees else None


def _keys(parts: Sequence[Any]) -> set[str]:
    """The columns of the primary key, folded."""
    from sqlglot import exp

    found: set[str] = set()
    for part in parts:
        if isinstance(part, exp.ColumnDef) and part.find(exp.PrimaryKeyColumnConstraint) is not None:
            found.add(fold(part.name))
        key = part.find(exp.PrimaryKey)
        if key is not None:
            found |= {fold(name.name) for name in key.find_all(exp.Identifier)}
    return found


def _links(parts: Sequence[Any]) -> list[Link]:
    from sqlglot import exp

    links = []
    for part in parts:
        for reference in part.find_all(exp.Reference):
            target = reference.this
            table = target.this if isinstance(target, exp.Schema) else target
            referred = tuple(each.name for each in target.expressions) if isinstance(target, exp.Schema) else ()
            key = reference.find_ancestor(exp.ForeignKey)
            own = tuple(each.name for each in key.expressions) if key is not None else (part.name,)
            if isinstance(table, exp.Table):
                links.append(Link(own, f"{table.db}.{table.name}" if table.db else table.name, referred))
    return links
