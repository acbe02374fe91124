"""A reflection: a table's columns and keys as a server tells of them, and the statement that would make it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlrl.executors.servers.session import Session

__all__ = ["Readable", "Reflection", "Told", "quoted", "reflect"]

Readable = Mapping[tuple[str, str], Collection[str]]  # (schema, table) -> columns


@dataclass(frozen=True, slots=True)
class Told:
    """A column. kind: its type, as the dialect writes it."""

    name: str
    kind: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class Reflection:
    """keys: the primary key's columns. links: foreign keys, as SQLAlchemy's inspectors have them."""

    columns: tuple[Told, ...]
    keys: tuple[str, ...] = ()
    links: tuple[Mapping[str, Any], ...] = ()

    def only(self, may: Readable, schema: str, table: str) -> Reflection:
        """What of it may be read. A key that is not known as a whole is none: what it says would be wrong."""
        own = may.get((schema, table), ())
        known = all(name in own for name in self.keys)
        links = [
            link
            for link in self.links
            if all(name in own for name in link["constrained_columns"])
            and all(
                name in may.get((link["referred_schema"] or schema, link["referred_table"]), ())
                for name in link["referred_columns"]
            )
        ]
        columns = tuple(column for column in self.columns if column.name in own)
        return replace(self, columns=columns, keys=self.keys if known else (), links=tuple(links))

    def ddl(self, session: Session, what: str, name: str, schema: str | None) -> str:
        """One statement. what: TABLE or VIEW."""
        lines = []
        for column in self.columns:
            line = f"{quoted(session, column.name)} {column.kind}"
            if (column.name,) == self.keys:
                line += " PRIMARY KEY"
            elif not column.nullable:
                line += " NOT NULL"
            lines.append(line)
        if len(self.keys) > 1:
            lines.append(f"PRIMARY KEY ({', '.join(quoted(session, key) for key in self.keys)})")
        for link in self.links:
            columns = ", ".join(quoted(session, column) for column in link["constrained_columns"])
            referred = ", ".join(quoted(session, column) for column in link["referred_columns"])
            table = quoted(session, link["referred_table"], link["referred_schema"])
            lines.append(f"FOREIGN KEY ({columns}) REFERENCES {table} ({referred})")
        body = ",\n  ".join(lines)
        return f"CREATE {what} {quoted(session, name, schema)} (\n  {body}\n)"


def reflect(inspector: Any, session: Session, name: str, schema: str | None) -> Reflection:
    """As SQLAlchemy reads it; where the user may not ask how it was made, as the server tells everybody."""
    import sqlalchemy as sa

    try:
        keys = inspector.get_pk_constraint(name, schema).get("constrained_columns") or []
        columns = []
        for column in inspector.get_columns(name, schema):
            kind = column["type"]
            for only_the_servers in ("collation", "charset", "display_width"):
                if getattr(kind, only_the_servers, None) is not None:
                    setattr(kind, only_the_servers, None)
            columns.append(Told(column["name"], kind.compile(session.engine.dialect), column["nullable"]))
        return Reflection(tuple(columns), tuple(keys), tuple(inspector.get_foreign_keys(name, schema)))
    except sa.exc.DBAPIError as error:
        told = session.told(error.orig, schema or inspector.default_schema_name, name)
        if told is None:
            raise
        return told


def quoted(session: Session, name: str, schema: str | None = None) -> str:
    """A name as the dialect has it in a statement."""
    preparer = session.engine.dialect.identifier_preparer
    return ".".join(str(preparer.quote(part)) for part in (schema, name) if part)
