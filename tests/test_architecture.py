"""The house: imports go down, the front door is light, and what a module offers is sorted and there."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = {"executors": 1, "benchmarks": 2, "sqlrl": 3}
MODULES = sorted(
    path for floor in FLOORS for path in (ROOT / floor).rglob("*.py") if "speed" not in path.relative_to(ROOT).parts
)
HEAVY = {
    "opensearchpy",
    "tantivy",
    "torch",
    "transformers",
    "trl",
    "datasets",
    "accelerate",
    "peft",
    "duckdb",
    "httpx",
    "matplotlib",
    "numpy",
    "bm25s",
}


def _name(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    if parts[0] != "sqlrl":
        parts.insert(0, "sqlrl")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} has a relative import"
            yield node.module or ""


def _floor(module: str) -> int:
    parts = module.split(".")
    return FLOORS.get(parts[1], 3) if len(parts) > 1 else 3


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_imports_only_go_down(path: Path) -> None:
    mine = _floor(_name(path))
    for module in _imported(path):
        if module.partition(".")[0] in ("executors", "benchmarks"):
            pytest.fail(f"{module} by its folder's name")
        if module.startswith("sqlrl.") and mine < 3:
            assert _floor(module) <= mine, f"{module} is above"
        if module.startswith("sqlrl.cli") and not _name(path).startswith("sqlrl.cli"):
            assert _name(path) == "sqlrl.__main__", "nothing imports the command line"


def test_engines_dont_import_each_other() -> None:
    engines = {"sqlite"}
    benchmarks = {"mini", "spider", "bird", "geoquery"}
    for path in MODULES:
        floor, own = path.relative_to(ROOT).parts[0], path.stem
        others = {"executors": engines, "benchmarks": benchmarks}.get(floor, set()) - {own}
        if own in engines | benchmarks:
            for module in _imported(path):
                assert module.rpartition(".")[2] not in others, f"{path} imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_every_module_says_what_it_is_and_offers_what_it_lists(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "no docstring"
    module = importlib.import_module(_name(path)) if _name(path) != "sqlrl.__main__" else None
    offered = getattr(module, "__all__", None)
    if offered is not None:
        assert offered == sorted(offered, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
        assert all(hasattr(module, name) for name in offered)


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_no_file_has_grown_into_two(path: Path) -> None:
    longest = 480 if path.name in ("pool.py", "session.py") else 350
    assert len(path.read_text(encoding="utf-8").splitlines()) <= longest


@pytest.mark.parametrize(
    "what",
    ["sqlrl", "sqlrl.executors", "sqlrl.benchmarks", "sqlrl.cli", "sqlrl.config", "sqlrl.rewards", "sqlrl.layer"],
)
def test_imports_are_light(what: str) -> None:
    code = f"import sys, {what}; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not HEAVY & {name.partition(".")[0] for name in found.stdout.split()}


def test_the_checkout_shows_two_names_and_no_more() -> None:
    code = (
        "import importlib.util as u, sqlrl\n"
        "assert u.find_spec('sqlrl.executors') and u.find_spec('sqlrl.benchmarks')\n"
        "assert not u.find_spec('sqlrl.tests') and not u.find_spec('sqlrl.sqlrl')\n"
        "for name in ('executors', 'benchmarks'):\n"
        "    try: __import__(name)\n"
        "    except ImportError as error: assert 'second copy' in str(error)\n"
        "    else: raise AssertionError(name)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
