"""Every judge can be loaded by its word, and a wrong word names the nearest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sqlrl.benchmarks.base import Judge
from sqlrl.benchmarks.judges import JUDGES, RANKINGS, load_judge
from sqlrl.executors.base import Gold
from sqlrl.executors.errors import UsageError

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", sorted(JUDGES))
def test_a_judge_bears_the_name_it_is_loaded_by(name: str) -> None:
    judge = load_judge(name)
    assert isinstance(judge, Judge)
    assert judge.name == name if name not in RANKINGS else judge.name.startswith(f"{name}@")  # a depth is always said


@pytest.mark.parametrize("name", sorted(JUDGES))
def test_a_judge_prepares_and_relates_golds_of_which_only_the_rows_are_known(name: str) -> None:
    judge = load_judge(name)
    gold = Gold(rows=((1, "value"),))
    assert judge.prepare("SELECT DISTINCT value FROM t", gold) == ("SELECT DISTINCT value FROM t", gold)
    assert judge.relation(gold).rows in ("bag", "set", "list")


def test_a_number_behind_the_name_sets_how_often_queries_are_timed() -> None:
    assert load_judge("bird-ves@20").name == "bird-ves@20"
    assert load_judge("bird-ves@20").relation(Gold(query="SELECT 1")).timed_runs == 20
    for wrong in ("bird-ves@", "bird-ves@0", "bird-ves@x"):
        with pytest.raises(UsageError, match="a whole number above 0"):
            load_judge(wrong)
    with pytest.raises(UsageError, match="takes no number"):
        load_judge("bird-ex@3")


def test_a_wrong_name_says_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no judge 'spider-strickt'; did you mean 'spider-strict'\?"):
        load_judge("spider-strickt")


def test_loading_imports_neither_a_parser_nor_an_engine() -> None:
    code = (
        "import sys, sqlrl.benchmarks.judges as judges\n"
        "assert not {m for m in sys.modules if m.startswith('sqlrl.benchmarks.judges.')}\n"
        "for name in judges.JUDGES: judges.load_judge(name)\n"
        "assert not {'sqlglot', 'sqlparse', 'sqlite3', 'duckdb'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
