"""The authors' own reward functions, beside our presets: the same completions, the same numbers.

SQLRL_OFFICIAL names a folder with checkouts of `SQL-R1` (DataArcTech), `SkyRL`, `DeepRetrieval` and `Think2SQL`;
nothing of them is kept here but the numbers in golden.json, which SQLRL_WRITE_GOLDEN=1 writes anew.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from sqlrl.judging import Judging
from sqlrl.prompts import Prompter
from sqlrl.rewards import PRESETS, ExecutionReward
from sqlrl.rewards.presets import presets_for
from tests.sqlrl.rewards.cases import COMPARED, GOLDEN, GOLDS, Case, cases, create_database, examples

Rule = Callable[[Case, Path], float]
pytestmark = pytest.mark.filterwarnings("ignore")  # the authors' own


@contextlib.contextmanager
def module(folder: Path, name: str, **stand_ins: Any) -> Iterator[ModuleType]:
    """An author's module. stand_ins: what it imports and is not installed, by name, dots as two underscores."""
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    words = [word.replace("__", ".") for word in stand_ins]
    stood = {word: sys.modules.pop(word) for word in words if word in sys.modules}
    for word, content in zip(words, stand_ins.values(), strict=True):
        sys.modules[word] = ModuleType(word)
        vars(sys.modules[word]).update(content)
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))
        for added in [word for word in sys.modules if word.partition(".")[0] in (name.partition(".")[0], "src")]:
            del sys.modules[added]
        for word in words:
            sys.modules.pop(word, None)
        sys.modules.update(stood)


def _at_once(timeout: float, func: Callable[..., Any], args: Any = (), kwargs: Any = None) -> Any:
    """In the place of func_timeout: none of these cases takes long."""
    return func(*args, **(kwargs or {}))


UNTIMED = {"func_timeout": {"func_timeout": _at_once, "FunctionTimedOut": TimeoutError}}


@contextlib.contextmanager
def deepretrieval(root: Path, name: str) -> Iterator[Rule]:
    with module(root / "DeepRetrieval" / "code", f"verl.utils.reward_score.{name}", **UNTIMED, numpy={}) as found:

        def rule(case: Case, database: Path) -> float:
            said = f"<|im_start|>assistant\n{case.ours}"
            return found.compute_score(said, {"target": GOLDS[case.gold]}, name, str(database))

        yield rule


@contextlib.contextmanager
def sql_r1(root: Path) -> Iterator[Rule]:
    with module(root / "SQL-R1", "verl.utils.reward_score.synsql", **UNTIMED) as found:

        def rule(case: Case, database: Path) -> float:
            said = "<|im_start|>assistant\n" + case.written(f"```sql\n{case.query}\n```", nothing="none")
            place = Path("data/NL2SQL/SynSQL-2.5M/databases/d/d.sqlite")
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.exists():
                place.write_bytes(database.read_bytes())
            return found.compute_score(said, {"db_id": "d", "sql": GOLDS[case.gold]})

        yield rule


@contextlib.contextmanager
def skyrl(root: Path) -> Iterator[Rule]:
    with module(root / "SkyRL" / "skyrl-gym" / "skyrl_gym" / "envs" / "sql", "utils") as found:

        def rule(case: Case, database: Path) -> float:
            said = case.written(case.query, "<solution>", "</solution>")
            return found.compute_score_single(said, GOLDS[case.gold], str(database))

        yield rule


@contextlib.contextmanager
def arctic(root: Path) -> Iterator[Rule]:
    """Think2SQL's port. What executes and compares for it is another package: sets of rows, as there."""
    error = type("ExecutorError", (Exception,), {})
    nodes = {"extract_sql_or_same": lambda text: text, "ExecutorError": error, "ExecuteTask": None}
    stand_ins = {
        "torch": {"cuda": SimpleNamespace(device_count=lambda: 0)},
        "think2sql__logger": {"get_logger": lambda _: SimpleNamespace(info=print, warning=print)},
        "NL2SQLEvaluator": {"__path__": []},
        "NL2SQLEvaluator__db_executor_nodes": {"SQLiteDBExecutor": None, "SqliteCache": None, "__path__": []},
        "NL2SQLEvaluator__db_executor_nodes__db_executor_protocol": nodes,
        "NL2SQLEvaluator__db_executor_nodes__cache": {"__path__": []},
        "NL2SQLEvaluator__db_executor_nodes__cache__cache_protocol": {"OutputTable": list},
        "NL2SQLEvaluator__evaluator_nodes": {"__path__": []},
        "NL2SQLEvaluator__evaluator_nodes__evaluator_protocol": {
            "EvaluatorProtocol": object, "EvaluateTask": SimpleNamespace,
        },
    }  # fmt: skip
    name = "think2sql.grpo.rewards.rewards_answer_content"
    with module(root / "Think2SQL" / "src", name, **stand_ins) as found:

        def compared(tasks: Any, **_: Any) -> list[float]:
            return [float(set(task.predictions[0]) == set(task.target[0])) for task in tasks]

        def rule(case: Case, database: Path) -> float:
            query = "none" if case.form == "no query" else case.query

            def executed(*_: Any, **__: Any) -> Any:
                return [[_rows(database, GOLDS[case.gold], error)]], [[_rows(database, query, error)]]

            found.utils_execute_target_and_pred_sql = executed  # type: ignore[attr-defined]
            said = f"<reasoning>\n{case.thinking}\n</reasoning>\n<answer>\n{query}\n</answer>"
            given = {"target_sql": [""], "db_id": [""], "sql_execution_time": [1.0], "relative_db_base_path": ""}
            evaluator = SimpleNamespace(execute_metric=compared)
            return found.reward_arctic_sql([[{"content": said}]], evaluator=evaluator, **given)[0]

        yield rule


def _rows(database: Path, query: str, error: type[Exception]) -> Any:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        try:
            return connection.execute(query).fetchall()
        except sqlite3.Error as reason:
            return error(str(reason))


RULES: dict[str, Callable[[Path], contextlib.AbstractContextManager[Rule]]] = {
    "deepretrieval-spider": lambda root: deepretrieval(root, "spider"),
    "deepretrieval-bird": lambda root: deepretrieval(root, "bird"),
    "sql-r1": sql_r1,
    "skyrl": skyrl,
    "arctic": arctic,
}


@pytest.fixture
def official(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = os.environ.get("SQLRL_OFFICIAL")
    if not root or not Path(root).is_dir():
        pytest.skip("no official scripts: set SQLRL_OFFICIAL")
    monkeypatch.chdir(tmp_path)
    return Path(root).resolve()


@pytest.mark.parametrize("preset", sorted(RULES))
def test_a_preset_pays_what_its_authors_pay(preset: str, official: Path, tmp_path: Path) -> None:
    database = create_database(tmp_path)
    some = [case for case in cases() if case.form in COMPARED[preset]]
    with RULES[preset](official) as rule, contextlib.redirect_stdout(io.StringIO()):
        theirs = [round(float(rule(case, database)), 9) for case in some]
    sources = {example.id: [f"sqlite:///{database}"] for example in examples()}
    with Judging(PRESETS[preset].judge, sources, workers=1) as judging:
        reward = ExecutionReward(preset, Prompter(), examples(), judging)
        ours = reward(None, [case.ours for case in some], [str(case.gold) for case in some])
    assert [round(value, 9) if value is not None else None for value in ours] == theirs
    assert len(set(theirs)) > 2
    if os.environ.get("SQLRL_WRITE_GOLDEN"):
        known = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
        GOLDEN.write_text(
            json.dumps({**known, preset: theirs}, indent=None, sort_keys=True).replace("], ", "],\n") + "\n"
        )
    assert json.loads(GOLDEN.read_text())[preset] == theirs


def test_every_preset_with_published_code_is_held_against_it() -> None:
    assert set(RULES) == set(presets_for(search=False)) - {"execution", "cell-f1"}
