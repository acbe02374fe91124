"""How much of what golds need is left by schema pruning and found by value retrieval, on Spider's and BIRD's questions.

python benchmarks/speed/linking.py --data DATA      # the root that holds spider/ and bird/

No model is asked. A gold's tables and columns are those that it names, by sqlglot's reading; a question counts where
all of them are left. Its literals are the texts that it compares with; those that are cells of its database count.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp

from sqlrl.executors import open_executor
from sqlrl.executors.description import read_column_notes
from sqlrl.executors.names import fold
from sqlrl.layer.catalogue import complete
from sqlrl.layer.pruning import Pruner
from sqlrl.layer.schema import Column, Link, Schema, Table
from sqlrl.layer.values import Values

Need = set[tuple[str, str]]
SHARES = (0.25, 0.5, 0.75)
BUDGETS = (2_000, 4_000, 8_000, 24_000)
COUNTS = (4, 8, 16, 32)


def main() -> None:
    """Print recall for each data set, with one database at a time and with all of them in one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    for name, tables, questions in (
        ("Spider dev", "spider/tables.json", "spider/dev.json"),
        ("BIRD dev", "bird/minidev/mini_dev_sqlite_tables.json", "bird/dev.json"),
    ):
        schemas = _schemas(json.loads((arguments.data / tables).read_text()), arguments.data / "bird/dev_databases")
        items = json.loads((arguments.data / questions).read_text())
        asked = [
            (f"{item['question']} {item.get('evidence', '')}", item["db_id"], _needed(gold, schemas[item["db_id"]]))
            for item in items if (gold := item.get("query") or item["SQL"])
        ]  # fmt: skip
        print(f"{name}: {len(asked):,} questions, {len({db for _, db, _ in asked})} databases")
        _one_at_a_time(asked, schemas)
        _all_in_one(asked, schemas)
    _cells(arguments.data / "spider")


def _one_at_a_time(asked: Sequence[tuple[str, str, Need]], schemas: Mapping[str, Schema]) -> None:
    pruners = {db: Pruner(schemas[db]) for _, db, _ in asked}
    for share in SHARES:
        left = [
            pruners[db].prune(question, round(pruners[db].length * share)) for question, db, _ in asked
        ]  # fmt: skip
        _report(f"its own schema, cut to {share:.0%}", left, [need for *_, need in asked])


def _all_in_one(asked: Sequence[tuple[str, str, Need]], schemas: Mapping[str, Schema]) -> None:
    """Every table of every database in one schema, as `database.table`."""
    tables = [
        replace(table, schema=db, links=tuple(replace(link, table=f"{db}.{link.table}") for link in table.links))
        for db, schema in schemas.items() for table in schema.tables
    ]  # fmt: skip
    pruner = Pruner(Schema(tuple(table.narrowed({fold(c.name) for c in table.columns}) for table in tables), "sqlite"))
    needs = [{(f"{fold(db)}.{table}", column) for table, column in need} for _, db, need in asked]
    print(f"  {len(tables):,} tables in one, {pruner.length:,} characters")
    for characters in BUDGETS:
        started = time.perf_counter()
        left = [pruner.prune(question, characters) for question, *_ in asked]
        spent = 1e3 * (time.perf_counter() - started) / len(asked)
        _report(f"all in one, cut to {characters:,} characters ({spent:.1f} ms)", left, needs)


def _report(what: str, left: Sequence[Schema], needs: Sequence[Need]) -> None:
    tables: list[bool] = []
    columns: list[bool] = []
    all_tables = all_columns = 0
    for schema, need in zip(left, needs, strict=True):
        kept = {table.key: {fold(column.name) for column in table.columns} for table in schema.tables}
        wanted = {table for table, _ in need}
        named = {(table, column) for table, column in need if column}
        tables += [table in kept for table in wanted]
        columns += [column in kept.get(table, ()) for table, column in named]
        all_tables += wanted <= kept.keys()
        all_columns += all(column in kept.get(table, ()) for table, column in named)
    count = len(needs)
    print(f"  {what:48} tables {statistics.mean(tables):.1%}, columns {statistics.mean(columns):.1%}; "
          f"all of a question's tables {all_tables / count:.1%}, columns {all_columns / count:.1%}")  # fmt: skip


def _cells(root: Path) -> None:
    """Which of the golds' literals are among the first cells that are found for the question."""
    known: dict[str, Values] = {}
    everything: dict[str, set[str]] = {}
    found = dict.fromkeys(COUNTS, 0)
    literals = spent = 0.0
    for item in json.loads((root / "dev.json").read_text()):
        db = item["db_id"]
        if db not in known:
            path = root / "database" / db / f"{db}.sqlite"
            if not path.is_file():
                continue
            with open_executor(path, workers=1) as executor:
                schema = complete(Schema.read(executor.describe(row_counts=False), "sqlite"), executor.execute_many)
                known[db] = Values.read(schema, executor.execute_many)
                everything[db] = {value.casefold() for value in known[db].cells}
        wanted = {text.casefold() for text in _literals(item["query"])} & everything[db]
        if not wanted:
            continue
        started = time.perf_counter()
        cells = known[db].find(item["question"], max(COUNTS))
        spent += time.perf_counter() - started
        literals += len(wanted)
        for count in COUNTS:
            found[count] += len(wanted & {cell.value.casefold() for cell in cells[:count]})
    print(f"Spider dev, cells: {literals:,.0f} literals of golds that are cells of their databases; "
          f"{sum(map(len, known.values())):,} cells")  # fmt: skip
    for count in COUNTS:
        print(f"  among the first {count:2}: {found[count] / literals:.1%}")


def _schemas(described: Iterable[Mapping[str, Any]], notes: Path) -> dict[str, Schema]:
    """Schemas from the JSON that Spider and BIRD come with; BIRD's with its descriptions of columns."""
    schemas = {}
    for each in described:
        names, columns = each["table_names_original"], each["column_names_original"]
        links: dict[int, list[Link]] = {}
        for own, other in each["foreign_keys"]:
            table = names[columns[other][0]]
            links.setdefault(columns[own][0], []).append(Link((columns[own][1],), table, (columns[other][1],)))
        tables = []
        folder = notes / each["db_id"] / "database_description"
        known = read_column_notes(folder) if folder.is_dir() else {}
        for index, name in enumerate(names):
            said = known.get(name.lower(), {})
            own = [
                Column(column, kind, said.get(column, ""))
                for (owner, column), kind in zip(columns, each["column_types"], strict=True)
                if owner == index
            ]  # fmt: skip
            table = Table(name, tuple(own), tuple(links.get(index, ())))
            tables.append(table.narrowed({fold(column.name) for column in own}))
        schemas[each["db_id"]] = Schema(tuple(tables), "sqlite")
    return schemas


def _needed(gold: str, schema: Schema) -> Need:
    """(table's key, column) pairs that a gold names; the column is empty for a table alone."""
    try:
        tree = sqlglot.parse_one(gold, read="sqlite")
    except sqlglot.errors.SqlglotError:
        return set()
    aliases: dict[str, Table] = {}
    for node in tree.find_all(exp.Table):
        table = schema.table(node.name)
        if table is not None:
            aliases[fold(node.alias or node.name)] = table
            aliases.setdefault(fold(node.name), table)
    need = {(table.key, "") for table in aliases.values()}
    for column in tree.find_all(exp.Column):
        own = aliases.get(fold(column.table)) if column.table else None
        for table in [own] if own is not None else list(aliases.values()) if not column.table else []:
            if table.column(column.name) is not None:
                need.add((table.key, fold(column.name)))
                break
    return need


def _literals(gold: str) -> list[str]:
    try:
        tree = sqlglot.parse_one(gold, read="sqlite")
    except sqlglot.errors.SqlglotError:
        return []
    texts = [node.name for node in tree.find_all(exp.Literal) if node.is_string]
    texts += [c.name for c in tree.find_all(exp.Column) if c.this.args.get("quoted") and not c.table]
    return [text.strip("%") for text in texts]


if __name__ == "__main__":
    main()
