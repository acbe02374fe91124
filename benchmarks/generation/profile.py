"""A profile: what a grammar must know of a database to ask about it: tables, keys, words, and values that occur."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlrl.benchmarks.generation.words import plural, singular, split_name, unglue
from sqlrl.executors.base import Outcome
from sqlrl.executors.errors import DataError

if TYPE_CHECKING:
    from sqlrl.executors.groups import Member

__all__ = ["Column", "Link", "Profile", "Table", "profile_of", "quoted"]

SAMPLE = 20_000  # rows of a table that its values are taken from
VALUES = 500  # of a column, the commonest: a policy from nothing writes only the values that it has seen
LONGEST_VALUE = 40  # characters
_ASIDE = frozenset(["ref", "tbl", "table", "list", "data", "info", "details", "dim", "fact", "names", "lookup"])
_DATE = re.compile(r"\d{4}-\d{2}(?:-\d{2}.*)?")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
# Words of the language that may not stand bare as a name somewhere.
_RESERVED = frozenset([
    "all", "and", "as", "asc", "between", "by", "case", "check", "collate", "column", "constraint", "create",
    "cross", "current", "current_date", "default", "delete", "desc", "distinct", "else", "end", "escape", "except",
    "exists", "false", "for", "foreign", "from", "full", "grant", "group", "having", "if", "in", "index", "inner",
    "insert", "intersect", "into", "is", "join", "key", "left", "like", "limit", "match", "natural", "not", "null",
    "of", "offset", "on", "or", "order", "outer", "over", "partition", "primary", "range", "references", "right",
    "rows", "select", "set", "show", "some", "table", "then", "to", "transaction", "true", "union", "unique",
    "update", "user", "using", "values", "when", "where", "window", "with",
])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    kind: "number", "text" or "date", by its values. key: it names a row, of this table or another. unique: no two rows
    share a value. values: that occur, the commonest first. distinct: how many different ones the sample has. calls:
    what people may call it, the fullest first; `name` is as SQL has it, quoted where it must be.
    """

    table: str
    name: str
    kind: str
    key: bool
    unique: bool
    values: tuple[Any, ...]
    distinct: int
    calls: tuple[str, ...]

    @property
    def is_measure(self) -> bool:
        """Whether one would add it up or ask for the highest."""
        return self.kind == "number" and not self.key and self.distinct > 2

    @property
    def is_category(self) -> bool:
        """Whether one would count by it."""
        return not self.key and not self.unique and 2 <= self.distinct <= 60 and self.kind != "date"


@dataclass(frozen=True, slots=True)
class Table:
    """One table with rows. one, many: what people may call one of its rows, and many of them. key: the column that
    names a row, where it is a single one. label: the column by which people know a row."""

    name: str
    rows: int
    columns: tuple[Column, ...]
    one: tuple[str, ...]
    many: tuple[str, ...]
    key: Column | None
    label: Column

    def column(self, name: str) -> Column | None:
        """By its bare or quoted name, in any case."""
        wanted = name.strip('"`').lower()
        return next((column for column in self.columns if column.name.strip('"`').lower() == wanted), None)


@dataclass(frozen=True, slots=True)
class Link:
    """A foreign key of one column: each row of `child` has one of `parent` (by table names)."""

    child: str
    column: Column
    parent: str
    other: Column


@dataclass(frozen=True, slots=True)
class Profile:
    """A database as the grammar sees it. dialect: as executors name it. tables: those with rows alone."""

    dialect: str
    tables: tuple[Table, ...]
    links: tuple[Link, ...]

    def table(self, name: str) -> Table:
        return next(table for table in self.tables if table.name == name)


@dataclass(slots=True)
class _Declared:
    """What a CREATE statement says. types, comments: column -> text; links: (column, other table, other column)."""

    keys: list[str] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)
    links: list[tuple[str, str, str]] = field(default_factory=list)


def profile_of(executor: Member[Any]) -> Profile:
    """Read a database through its executor. DataError where it has no table with a row.

    Keys and comments are what the schema declares. Where it declares no foreign key at all, as files don't, a column is
    taken for one whose name is that of another table's only key (`brand_id` for `brands.id` or `brands.brand_id`) and
    whose values all occur there.
    """
    dialect = executor.dialect
    declared = _declared(executor.describe(), dialect)
    looks = {name: executor.execute(f"SELECT * FROM {quoted(name, dialect)} LIMIT 1") for name in declared}
    shown = {name: look.columns for name, look in looks.items() if look.outcome is Outcome.OK and look.rows}
    if not shown:
        raise DataError(f"{executor.source} has no table with a row to ask about")
    known = frozenset(w for name, columns in shown.items() for each in (name, *columns) for w in split_name(each))
    known |= {singular(word) for word in known}
    places = [(name, column) for name, columns in shown.items() for column in columns]
    counts = executor.execute_many([_counting(*place, dialect) for place in places])
    values = executor.execute_many([_commonest(*place, dialect) for place in places])
    found: dict[str, list[Column]] = {}
    rows: dict[str, int] = {}
    for (name, column), count, value in zip(places, counts, values, strict=True):
        if count.outcome is Outcome.OK and value.outcome is Outcome.OK and value.rows:
            rows[name], filled, distinct = count.rows[0]
            told = declared[name]
            linked = any(column.lower() == link[0].lower() for link in told.links)
            key = linked or [column.lower()] == told.keys or split_name(column)[-1] == "id"
            unique = filled == distinct == rows[name] > 1
            calls = _calls(name, column, known, told.comments.get(column.lower(), ""))
            if key and column.lower().endswith("id"):  # whatever letters stand before it
                calls = tuple(dict.fromkeys((*calls, "id")))
            cells = tuple(row[0] for row in value.rows if row[0] is not None)
            kind = _kind(cells, told.types.get(column.lower(), ""), dialect)
            spoken = _spoken(cells, kind)
            found.setdefault(name, []).append(
                Column(quoted(name, dialect), quoted(column, dialect), kind, key, unique, spoken, distinct, calls)
            )
    tables = tuple(_table(name, rows[name], columns, declared[name], known) for name, columns in found.items())
    return Profile(executor.dialect, tables, _links(executor, tables, declared))


def quoted(name: str, dialect: str = "sqlite") -> str:
    """A name as SQL may have it. PostgreSQL takes a bare one for one of small letters."""
    bare = _PLAIN.fullmatch(name) and name.lower() not in _RESERVED
    if bare and (dialect != "postgresql" or name == name.lower()):
        return name
    mark = "`" if dialect == "mysql" else '"'
    return mark + name.replace(mark, 2 * mark) + mark


def _declared(description: str, dialect: str) -> dict[str, _Declared]:
    """Table -> what its statement says, in the order of the description; names as they are written there."""
    import sqlglot
    from sqlglot import expressions

    read = {"postgresql": "postgres"}.get(dialect, dialect)
    found: dict[str, _Declared] = {}
    for text in re.split(r"\n\n(?=CREATE )", description):
        try:
            statement = sqlglot.parse(text, read=read)[0]
            schema = statement.this if isinstance(statement, expressions.Create) else None
        except (sqlglot.errors.SqlglotError, RecursionError):
            schema = None
        if not isinstance(schema, expressions.Schema):  # a view, or what sqlglot does not read: its name will do
            name = re.match(r"""CREATE\s+\w+(?:\s+VIEW|\s+TABLE)?\s+["`\[]?([^"`\]\s(]+)""", text, re.IGNORECASE)
            if name:
                found[name.group(1)] = _Declared()
            continue
        told = found[schema.this.name] = _Declared()
        for part in schema.expressions:
            _read_part(part, told)
    return found


def _read_part(part: Any, told: _Declared) -> None:
    """One column or constraint of a CREATE TABLE."""
    from sqlglot import expressions

    inner = part.expressions if isinstance(part, expressions.Constraint) else [part]
    for each in inner:
        if isinstance(each, expressions.ColumnDef):
            told.types[each.name.lower()] = each.kind.sql().lower() if each.kind else ""
            for constraint in each.constraints:
                if isinstance(constraint.kind, expressions.PrimaryKeyColumnConstraint):
                    told.keys.append(each.name.lower())
                elif isinstance(constraint.kind, expressions.Reference):
                    told.links += _references([each.name], constraint.kind)
                elif isinstance(constraint.kind, expressions.CommentColumnConstraint):
                    told.comments[each.name.lower()] = constraint.kind.this.name
            if each.comments:
                told.comments.setdefault(each.name.lower(), each.comments[0])
        elif isinstance(each, expressions.PrimaryKey):
            told.keys += [column.name.lower() for column in each.expressions]
        elif isinstance(each, expressions.ForeignKey):
            told.links += _references([column.name for column in each.expressions], each.args.get("reference"))


def _references(columns: Sequence[str], reference: Any) -> list[tuple[str, str, str]]:
    """(column, table, its column; empty for its key); nothing for keys of several columns."""
    if reference is None or len(columns) != 1:
        return []
    target = reference.this
    others = [column.name for column in target.expressions] or [""]
    return [(columns[0], target.this.name if target.expressions else target.name, others[0])]


def _sampled(table: str, column: str, dialect: str) -> str:
    return f"FROM (SELECT {quoted(column, dialect)} AS c FROM {quoted(table, dialect)} LIMIT {SAMPLE}) AS s"


def _counting(table: str, column: str, dialect: str) -> str:
    return f"SELECT count(*), count(c), count(DISTINCT c) {_sampled(table, column, dialect)}"


def _commonest(table: str, column: str, dialect: str) -> str:
    return f"SELECT c, count(*) {_sampled(table, column, dialect)} GROUP BY c ORDER BY 2 DESC, 1 LIMIT {VALUES}"


def _kind(values: Sequence[Any], declared: str, dialect: str) -> str:
    """By the values first; a date may be written in any way that its type is there to tell."""
    if values and all(isinstance(value, (int, float, Decimal)) for value in values):
        return "number"
    dated = values and all(hasattr(value, "isoformat") or _DATE.fullmatch(str(value)) for value in values)
    if dated or re.search(r"date|time", declared):
        return "date"
    written = [str(value) for value in values if str(value).lower() not in ("", "null")]
    if written and dialect in ("sqlite", "mysql") and all(_NUMBER.fullmatch(value) for value in written):
        return "number"  # as text, which is how files without types are often loaded, and these engines calculate with
    return "text"


def _spoken(values: Sequence[Any], kind: str) -> tuple[Any, ...]:
    """The values that a question may hold."""
    if kind == "number":
        return tuple(value for value in values if _NUMBER.fullmatch(str(value)) or isinstance(value, bool))
    return tuple(value for value in values if 0 < len(str(value).strip()) <= LONGEST_VALUE)


def _calls(table: str, column: str, known: frozenset[str], comment: str) -> tuple[str, ...]:
    """What people may call a column: all its words, fewer, its comment where that is short."""
    words = unglue(split_name(column), known)
    own = set(split_name(table)) | {singular(word) for word in split_name(table)}
    calls = [" ".join(words)]
    bare = [word for word in words if word not in own]
    if bare and bare != words:
        calls.append(" ".join(bare))
    if len(words) > 1:
        calls.append(words[-1])
        if words[-1] in ("name", "code", "id", "number", "type", "date"):
            calls.append(" ".join(words[:-1]))
    said = " ".join(comment.split("\n")[0].split()).rstrip(".").lower()
    if said and len(said.split()) <= 5:
        calls.append(said)
    return tuple(dict.fromkeys(calls))


def _table(name: str, rows: int, columns: list[Column], told: _Declared, known: frozenset[str]) -> Table:
    words = unglue(split_name(name), known)
    spoken = [word for word in words if word not in _ASIDE] or words
    ones = dict.fromkeys(
        singular(call) for call in (" ".join(spoken), spoken[-1], spoken[0] if spoken != words else "")
    )
    keys = [column for column in columns if column.name.strip('"`').lower() in told.keys]
    key = keys[0] if len(keys) == 1 else next((c for c in columns if c.unique and c.key), None) if not keys else None
    own = {singular(word) for word in spoken}
    names = [column for column in columns if column.kind == "text" and not column.key]
    label = (
        next((c for c in names if c.calls[0].split()[-1] in ("name", "title")), None)
        or next((c for c in names if set(c.calls[0].split()) & own), None)
        or next((c for c in names if c.unique), None)
        or key
        or columns[0]
    )
    calls = tuple(call for call in ones if call)
    return Table(columns[0].table, rows, tuple(columns), calls, tuple(plural(call) for call in calls), key, label)


def _links(executor: Member[Any], tables: Sequence[Table], declared: Mapping[str, _Declared]) -> tuple[Link, ...]:
    by_name = {table.name.strip('"`').lower(): table for table in tables}
    links: dict[tuple[str, str], Link] = {}
    for name, told in declared.items():
        child = by_name.get(name.lower())
        for column_name, other_table, other_name in told.links:
            parent = by_name.get(other_table.lower())
            if child is None or parent is None or parent is child:
                continue
            column = child.column(column_name)
            other = parent.column(other_name) if other_name else parent.key
            if column is not None and other is not None:
                links[child.name, column.name] = Link(child.name, column, parent.name, other)
    return tuple(links.values()) or _guessed(executor, tables)


def _guessed(executor: Member[Any], tables: Sequence[Table]) -> tuple[Link, ...]:
    """Foreign keys that nobody declared, by name and by values."""
    candidates = []
    for child in tables:
        for column in child.columns:
            words = split_name(column.name)
            for parent in tables:
                key = parent.key or next((c for c in parent.columns if c.unique), None)
                own = [split_name(call.replace(" ", "_")) for call in parent.one]
                bare = key is not None and words == split_name(key.name)
                named = key is not None and (
                    (bare and words != ["id"])
                    or any(words == [*call, *split_name(key.name)] or words == [*call, "id"] for call in own)
                )
                if named and key is not None and parent is not child and not (bare and column is child.key):
                    candidates.append(Link(child.name, column, parent.name, key))
    strays = executor.execute_many(
        [
            f"SELECT count(*) FROM (SELECT DISTINCT {link.column.name} AS c FROM {link.child} LIMIT {SAMPLE}) AS s "
            f"WHERE c IS NOT NULL AND c NOT IN (SELECT {link.other.name} FROM {link.parent})"
            for link in candidates
        ]
    )
    return tuple(
        link
        for link, stray in zip(candidates, strays, strict=True)
        if stray.outcome is Outcome.OK and stray.rows == ((0,),)
    )
