"""Databases: the SQLite files of a benchmark, or their copies on a server, and what is wrong with those that cannot
answer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sqlrl.benchmarks.base import Example
from sqlrl.executors import Outcome, open_executor, open_executors
from sqlrl.executors.errors import DataError, SourceError

__all__ = ["SUITE_FILE", "Databases", "ServerDatabases", "faults_in", "instances_in", "notes_on"]

SUITE_FILE = "suite.json"  # in the folder of a database that `sqlrl data synthesize` made


def instances_in(folder: Path) -> list[str]:
    """Source URLs of every SQLite file in a database's folder: several are several instances of one schema."""
    files = sorted(path for path in folder.glob("*.sqlite*") if path.suffix == ".sqlite" or path.suffix.isalnum())
    return [f"sqlite:///{path.resolve()}" for path in files if not path.name.endswith(("-wal", "-shm", "-journal"))]


class Databases:
    """Databases by name below some folders, looked for when they are asked for."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = list(folders)
        self._instances: dict[str, list[str]] = {}
        self._faults: dict[str, str] = {}
        self._undecided: dict[str, dict[str, set[str]]] = {}

    def instances(self, name: str, query: str | None = None) -> list[str]:
        """Source URLs of one database, from the first folder that has it; empty where none does.

        query: without the instances on which its answer is left to chance, by the suite's own word; but for the first,
        if there is no other.
        """
        if name not in self._instances:
            found = (instances_in(folder / name) for folder in self.folders)
            self._instances[name] = next((urls for urls in found if urls), [])
        urls = self._instances[name]
        if query is None or len(urls) < 2:
            return urls
        if name not in self._undecided:
            self._undecided[name] = _undecided_in(Path(urls[0].removeprefix("sqlite:///")).parent)
        decided = [url for url in urls if query not in self._undecided[name].get(Path(url).name, ())]
        return decided or urls[:1]

    def faults(self, names: Iterable[str]) -> dict[str, str]:
        """Database -> "missing" (no file) or "empty" (no table with a row in any instance)."""
        wanted = sorted(names)
        fresh = [name for name in wanted if name not in self._faults]
        found = faults_in({name: self.instances(name) for name in fresh})
        self._faults.update({name: found.get(name, "") for name in fresh})
        return {name: self._faults[name] for name in wanted if self._faults[name]}


def _undecided_in(folder: Path) -> dict[str, set[str]]:
    """File name -> the queries whose answer on it is left to chance; empty where no suite says so."""
    try:
        said = json.loads((folder / SUITE_FILE).read_text(encoding="utf-8"))
        return {str(name): set(queries) for name, queries in said["undecided"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{folder / SUITE_FILE} cannot be read: {type(error).__name__} {error}") from None


class ServerDatabases:
    """Databases by name on a server. url: where they are; `{database}` in it stands for the name, else all tables lie
    in one database, as in BIRD's own dumps."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._found: dict[str, str] = {}

    def instances(self, name: str) -> list[str]:
        """The URL of one database; empty where the server does not have it."""
        url = self.url.replace("{database}", name)
        if url not in self._found:
            self._found[url] = self._look(url)
        return [] if self._found[url] == "missing" else [url]

    def faults(self, names: Iterable[str]) -> dict[str, str]:
        """Database -> "missing" (the server does not have it) or "empty" (no table with a row)."""
        wanted = {name: self.url.replace("{database}", name) for name in sorted(names)}
        for name in wanted:
            self.instances(name)
        return {name: self._found[url] for name, url in wanted.items() if self._found[url]}

    @staticmethod
    def _look(url: str) -> str:
        schema = "current_schema()" if url.startswith("postgres") else "database()"
        try:
            with open_executor(url, workers=1) as executor:
                tables = executor.execute(
                    f"SELECT table_name FROM information_schema.tables WHERE table_schema = {schema}"
                )
                quote = '"' if executor.dialect == "postgresql" else "`"
                found = executor.execute_many(
                    [f"SELECT 1 FROM {quote}{name}{quote} LIMIT 1" for (name,) in tables.rows]
                )
        except SourceError:
            return "missing"
        return "" if any(result.rows for result in found) else "empty"


def faults_in(sources: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Database -> "missing" (no file) or "empty" (no table with a row in any instance). sources: database -> URLs."""
    faults = {name: "missing" for name, urls in sources.items() if not urls}
    present = [(name, url) for name, urls in sources.items() for url in urls]
    if not present:
        return faults
    with open_executors([url for _, url in present], workers=1) as group:
        tables = group.execute_many(
            [(url, "SELECT name FROM sqlite_master WHERE type = 'table'") for _, url in present]
        )
        looks = []
        for (name, url), result in zip(present, tables, strict=True):
            for (table,) in result.rows:
                quoted = '"' + str(table).replace('"', '""') + '"'
                looks.append((name, (url, f"SELECT 1 FROM {quoted} LIMIT 1")))
        found = group.execute_many([query for _, query in looks])
    filled = {
        name for (name, _), result in zip(looks, found, strict=True) if result.outcome is Outcome.OK and result.rows
    }
    faults.update({name: "empty" for name, urls in sources.items() if urls and name not in filled})
    return faults


def notes_on(faults: Mapping[str, str], examples: Iterable[Example], what: str) -> list[str]:
    """One line for each kind of fault: the databases by name, and how many questions are lost with them."""
    lost = Counter(example.labels["database"] for example in examples)
    notes = []
    for fault, consequence in (
        ("missing", "cannot be judged"),
        ("empty", "have no rows to tell right from wrong: not in the safe score"),
    ):
        names = sorted(name for name, kind in faults.items() if kind == fault and lost[name])
        if names:
            count = sum(lost[name] for name in names)
            shown = ", ".join(f"{name} ({lost[name]})" for name in names[:12])
            more = f" and {len(names) - 12} more" if len(names) > 12 else ""
            databases = "database" if len(names) == 1 else "databases"
            notes.append(f"{what}: {len(names)} {fault} {databases}, {count} questions {consequence}: {shown}{more}")
    return notes
