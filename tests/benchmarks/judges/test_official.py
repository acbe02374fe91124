"""The official scripts themselves, beside ours: new predictions of many kinds, and the same word on each.

SQLRL_OFFICIAL names a folder with checkouts of `test-suite-sql-eval`, `mini_dev` and `Spider2`; nothing of them is kept
here. The one difference that is allowed, and counted, is a prediction that is refused.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import random
import re
import shutil
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import sqlglot
from sqlglot import expressions

from sqlrl.benchmarks.base import Example
from sqlrl.benchmarks.judges import load_judge
from sqlrl.benchmarks.judges.bird import reward_of
from sqlrl.executors.base import Gold, Limits
from sqlrl.judging import Judging

# Each of the pieces stands for a habit of models or a corner of the scripts.
SHAPES = """
{q}|{q};|{q} ; -- done|{q}; SELECT 1|/* first */ {q}|SELECT * FROM ({q})|SELECT DISTINCT * FROM ({q})|{q} LIMIT 1
SELECT * FROM ({q}) LIMIT 0|SELECT * FROM ({q}) ORDER BY 1|SELECT * FROM ({q}) ORDER BY 1 DESC
WITH w AS ({q}) SELECT * FROM w|SELECT * FROM ({q}) UNION ALL SELECT * FROM ({q})
SELECT * FROM ({q}) UNION SELECT * FROM ({q})|SELECT count(*) FROM ({q})|SELECT *, 1 FROM ({q})
SELECT *, NULL FROM ({q})|SELECT NULL, * FROM ({q})|SELECT *, * FROM ({q})|SELECT a.*, b.* FROM ({q}) a, ({q}) b
SELECT * FROM ({q}) WHERE 1 IN (SELECT 1 ORDER BY 1)|SELECT * FROM ({q}) WHERE 'order by' <> ''
SELECT * FROM ({q}) WHERE 0|SELECT 1 AS value|SELECT * FROM (SELECT *, 'value' FROM ({q}))
SELECT * FROM ({q}) WHERE 1 > = 1|SELECT * FROM ({q}) WHERE 1 ! = 2|SELECT *, CAST(x'636166e9' AS TEXT) FROM ({q})
SELECT *, 'caf' FROM ({q})|SELECT *, CAST(x'63e96166' AS TEXT) FROM ({q})|SELECT *, x'636166' FROM ({q})
SELECT *, 'NA' FROM ({q})|SELECT *, '007' FROM ({q})|SELECT *, 7.0 FROM ({q})|SELECT *, ' 1' FROM ({q})
SELECT *, 0.30000000000000004 FROM ({q})|SELECT *, 0.3 FROM ({q})|SELECT *, 0.305 FROM ({q})
SELECT *, 9e999 FROM ({q})|SELECT 1, 1.5|SELECT 1.0, 1.5|SELECT 1.5, 1|SELECT 0|SELECT ''|SELECT 'None'|SELECT NULL
VALUES (1), (2)|SELECT YEAR(CURDATE())|SELECT 1, 2, 3, 4, 5, 6|SELECT 6, 5, 4, 3, 2, 1|SELECT 1, 1, 2, 2, 3, 3
SELECT 3, 1, 2, 1, 3, 2|SELECT 1 WHERE 0|SELECT|SELECT nothing FROM nowhere|SELEC 1|{q} x y z|({q})|;;| |;|-- nothing
/* nothing|EXPLAIN {q}|PRAGMA user_version|CREATE TABLE made(x)|DELETE FROM sqlite_master
CREATE TEMP TABLE made AS {q}|BEGIN|ATTACH ':memory:' AS other|SELECT random()
"""
TEMPLATES = [piece for line in SHAPES.strip("\n").split("\n") for piece in line.split("|")]
CHANGES = 8  # columns at a time that a change of the tree looks at
ODD = [
    (1, "a", 1.0, None), (1, "a", 1.0, None), (2, "b", 1.5, "x"), (3, None, 2.0, "y"), (4, "caf\udce9", 2.5, "value"),
    (5, "caf", 2.5, "order by"), (10, "NA", -0.0, "1"), (100, "1", 1e16, b"1"), (None, "1.0", 0.1, "None"),
]  # fmt: skip
ODD_GOLDS = [
    "SELECT a FROM odd", "SELECT a, b FROM odd", "SELECT b, c FROM odd ORDER BY a", "SELECT DISTINCT c FROM odd",
    "SELECT value FROM odd", "SELECT a, value FROM odd WHERE b = 'a'", "SELECT a FROM odd WHERE 0", "SELECT b FROM odd",
    "SELECT count(DISTINCT c) FROM odd", "SELECT c, c, a FROM odd WHERE a IN (SELECT a FROM odd ORDER BY a LIMIT 3)",
    "SELECT max(c) FROM odd GROUP BY b ORDER BY count(*) DESC LIMIT 2", "SELECT b FROM odd WHERE a > = 4 AND a < 6",
    "SELECT a, b, c, value FROM odd WHERE b IN ('a', 'b')", "SELECT NULL, a FROM odd WHERE a IS NULL",
]  # fmt: skip


@pytest.fixture(scope="module")
def official() -> Path:
    root = os.environ.get("SQLRL_OFFICIAL")
    if not root or not Path(root).is_dir():
        pytest.skip("no official scripts: set SQLRL_OFFICIAL")
    return Path(root)


@contextlib.contextmanager
def script(folder: Path, name: str, absent: tuple[str, ...] = ()) -> Iterator[ModuleType]:
    """An official module by its file. absent: what it imports and these tests never call, as empty modules."""
    if not (folder / f"{name}.py").exists():
        pytest.skip(f"no {folder / name}.py")
    stood = {module: sys.modules.get(module) for module in absent}
    for module in absent:
        if stood[module] is None:
            sys.modules[module] = ModuleType(module)
            sys.modules[module].func_timeout = sys.modules[module].FunctionTimedOut = Exception  # type: ignore[attr-defined]
            sys.modules[module].bigquery = None  # type: ignore[attr-defined]
    sys.path.insert(0, str(folder))
    try:
        spec = importlib.util.spec_from_file_location(f"official_{name}", folder / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        found = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found)
        yield found
    finally:
        sys.path.remove(str(folder))
        for module, before in stood.items():
            if before is None:
                sys.modules.pop(module, None)


Rule = Callable[[str, str, Path], float]  # predicted, gold, database -> the script's score; what raises counts as 0


@contextlib.contextmanager
def spider_rule(root: Path, judge: str) -> Iterator[Rule]:
    with script(root / "test-suite-sql-eval", "exec_eval") as module:

        def rule(predicted: str, gold: str, database: Path) -> float:
            written = predicted.replace("value", "1") if judge == "spider" else predicted
            return module.eval_exec_match(str(database), written, gold, False, judge == "spider-strict", False)

        yield rule


@contextlib.contextmanager
def bird_rule(root: Path, name: str, function: str) -> Iterator[Rule]:
    with script(root / "mini_dev" / "evaluation", name, ("func_timeout", "psycopg2", "pymysql")) as module:

        def rule(predicted: str, gold: str, database: Path) -> float:
            return module.execute_sql(predicted, gold, str(database), "SQLite", getattr(module, function))

        yield rule


@contextlib.contextmanager
def spider2_rule(root: Path, folder: Path) -> Iterator[Rule]:
    pytest.importorskip("pandas")
    import pandas

    stood, place = (sys.stdout, sys.stderr), Path.cwd()
    os.chdir(folder)  # it opens a log where it stands, and takes over both streams
    try:
        with script(root / "Spider2" / "spider2-lite" / "evaluation_suite", "evaluate", ("google.cloud",)) as module:
            sys.stdout.close()
            sys.stdout, sys.stderr = stood

            def table(query: str, database: Path) -> Any:
                fine, error = module.get_sqlite_result(str(database), query, save_dir=str(folder), file_name="out.csv")
                if not fine:
                    raise ValueError(error)
                return pandas.read_csv(folder / "out.csv")

            def rule(predicted: str, gold: str, database: Path) -> float:
                return module.compare_pandas_table(table(predicted, database), table(gold, database), None, False)

            yield rule
    finally:
        sys.stdout, sys.stderr = stood
        os.chdir(place)


def rule_of(judge: str, root: Path, folder: Path) -> contextlib.AbstractContextManager[Rule]:
    if judge.startswith("spider2"):
        return spider2_rule(root, folder)
    if judge.startswith("spider"):
        return spider_rule(root, judge)
    return bird_rule(
        root, *{"bird-ex": ("evaluation_ex", "calculate_ex"), "bird-f1": ("evaluation_f1", "calculate_f1_score")}[judge]
    )


def changed(query: str, chance: random.Random) -> Iterator[str]:
    """The query with its tree changed in one place."""
    try:
        tree = sqlglot.parse_one(query, read="sqlite")
    except sqlglot.errors.SqlglotError:
        return
    select = tree.find(expressions.Select)
    if select is None:
        return
    columns = [column.sql("sqlite") for column in select.expressions]

    def with_columns(written: list[str]) -> str:
        copy = tree.copy()
        found = copy.find(expressions.Select)
        assert found is not None
        found.set("expressions", [sqlglot.parse_one(column, read="sqlite") for column in written])
        return copy.sql("sqlite")

    if len(columns) <= CHANGES and not any(column == "*" for column in columns):
        plain = [column.unalias().sql("sqlite") for column in select.expressions]
        yield with_columns(columns[::-1])
        yield with_columns([*columns, columns[0]])
        yield with_columns(columns[1:] or ["NULL"])
        yield with_columns(chance.sample(columns, len(columns)))
        yield with_columns([f"CAST({plain[0]} AS REAL)", *columns[1:]])
        yield with_columns([f"CAST({plain[0]} AS TEXT)", *columns[1:]])
        yield with_columns([f"NULLIF({plain[0]}, {plain[0]})", *columns[1:]])
        yield with_columns([*columns[:-1], f"{plain[-1]} + 0.001"])
    for part in ("order", "limit", "where", "group", "having", "distinct"):
        copy = tree.copy()
        for node in copy.find_all(expressions.Select):
            if node.args.get(part) is not None:
                node.set(part, None)
                yield copy.sql("sqlite")
                break
    copy = tree.copy()
    found = copy.find(expressions.Select)
    assert found is not None
    found.set("distinct", expressions.Distinct())
    yield copy.sql("sqlite")
    for literal in list(tree.find_all(expressions.Literal))[:2]:
        yield query.replace(literal.sql("sqlite"), "'value'" if literal.is_string else "3", 1)


def cases(golds: list[str], chance: random.Random, count: int) -> list[tuple[str, str]]:
    """(predicted, gold) pairs: each gold against its changes, wrapped in shapes, and against the other golds."""
    pairs = []
    for gold in golds:
        near = [gold, *changed(gold, chance)]
        written = [template.replace("{q}", gold.rstrip("; ")) for template in TEMPLATES]
        twisted = [template.replace("{q}", chance.choice(near).rstrip("; ")) for template in TEMPLATES]
        pairs += [(predicted, gold) for predicted in [*near, *written, *chance.sample(golds, min(4, len(golds)))]]
        # Golds of the same kinds: empty, with text that is not UTF-8, ordered within.
        readable = [
            query for query in written if "SELECT" in query and not re.search("nothing|CREATE|;|random|EXPLAIN", query)
        ]
        pairs += [(chance.choice(twisted), chance.choice(readable)) for _ in range(len(readable))]
        pairs += [(query, query) for query in chance.sample(readable, 6)]
    return chance.sample(pairs, min(count, len(pairs)))


def compare(judge: str, rule: Rule, database: Path, pairs: list[tuple[str, str]], folder: Path) -> Counter[str]:
    """Counts of what became of the pairs; fails where a word differs and nothing was refused."""
    counts: Counter[str] = Counter()
    examples = [Example(str(i), "?", Gold(query=gold), labels={"database": "d"}) for i, (_, gold) in enumerate(pairs)]
    sources = {example.id: [f"sqlite:///{database}"] for example in examples}
    with Judging(judge, sources, limits=Limits(seconds=30, rows=5_000_000), workers=1) as judging:
        words = judging.judge_all(
            [(example, predicted) for example, (predicted, _) in zip(examples, pairs, strict=True)]
        )
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    place = scratch / "copy.sqlite"
    shutil.copyfile(database, place)
    wrong = []
    for (predicted, gold), word in zip(pairs, words, strict=True):
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                theirs = float(rule(predicted, gold, place))
            except Exception:  # so the scripts count it, or they stop
                theirs = 0.0
        assert word.verdict.score is not None
        if word.outcome == "refused":
            counts["refused, officially right" if theirs else "refused, officially wrong"] += 1
            assert word.verdict.score == 0
            shutil.copyfile(database, place)
        elif theirs == word.verdict.score and word.verdict.correct == (theirs == 1):
            counts["right" if theirs == 1 else "partly right" if theirs else "wrong"] += 1
        else:
            wrong.append(
                f"{word.verdict} {word.message}, officially {theirs}\n  predicted {predicted!r}\n  gold {gold!r}"
            )
    print(f"{judge} on {database.stem}: {dict(counts)}")
    assert not wrong, f"{len(wrong)} of {len(pairs)} differ\n" + "\n".join(wrong[:12])
    return counts


JUDGES = ("spider", "spider-strict", "spider-exec", "bird-ex", "bird-f1", "spider2")
pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # the scripts' own
]


def odd_database(folder: Path) -> Path:
    path = folder / "odd.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("create table odd(a, b, c, value)")
        for a, b, c, value in ODD:
            raw = b.encode("utf-8", "surrogateescape") if b is not None else None
            connection.execute("insert into odd values (?, CAST(? AS TEXT), ?, ?)", (a, raw, c, value))
    connection.close()
    return path


@pytest.mark.parametrize("judge", JUDGES)
def test_the_same_word_on_a_database_of_odd_cells(judge: str, official: Path, tmp_path: Path) -> None:
    with rule_of(judge, official, tmp_path) as rule:
        counts = compare(judge, rule, odd_database(tmp_path), cases(ODD_GOLDS, random.Random(0), 1_500), tmp_path)
    assert counts["right"] > 100
    assert counts["wrong"] > 100


@pytest.mark.slow
@pytest.mark.parametrize("judge", JUDGES)
def test_the_same_word_on_real_databases(judge: str, official: Path, data_root: Path, tmp_path: Path) -> None:
    from sqlrl.benchmarks import load_benchmark

    benchmark = load_benchmark("bird" if judge.startswith("bird") else "spider", data_root)
    golds: dict[str, list[str]] = {}
    for example in benchmark.examples("validation"):
        for source in benchmark.sources(example):
            golds.setdefault(source.removeprefix("sqlite:///"), []).append(example.gold.query or "")
    chance = random.Random(1)
    each = 4_000 // len(golds)
    total: Counter[str] = Counter()
    with rule_of(judge, official, tmp_path) as rule:
        for database, queries in golds.items():
            some = chance.sample(queries, min(len(queries), max(6, each // 60)))
            total += compare(judge, rule, Path(database), cases(some, chance, each), tmp_path)
    print(f"{judge} in all: {dict(total)}")


@pytest.mark.parametrize("runs", [1, 2, 5, 7, 8, 9, 15, 16, 17, 100, 128, 129, 200, 300])
def test_the_same_reward_for_the_same_timings(runs: int, official: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(runs)
    folder = official / "mini_dev" / "evaluation"
    with script(folder, "evaluation_ves", ("func_timeout", "psycopg2", "pymysql")) as module:
        for _ in range(100):
            level = chance.choice([0.1, 0.3, 0.5, 0.9, 1.0, 1.1, 2.0, 3.0])
            spread = chance.choice([0.0, 1e-16, 0.01, 0.5])
            seconds = [0.1 * (1 + spread * chance.random()) for _ in range(runs)]
            timings = [(one, one * level * (1 + spread * chance.choice([0, 1, 30]))) for one in seconds]
            given = iter([time for pair in timings for time in pair])

            def executed(*_: Any, given: Iterator[float] = given, **how: bool) -> Any:
                return next(given) if how else [(1,)]

            monkeypatch.setattr(module, "execute_sql", executed)
            try:
                theirs = module.iterated_execute_sql("p", "g", "", runs, "SQLite")
            except ZeroDivisionError:
                theirs = 0
            assert reward_of(timings) == theirs


def test_the_same_hardness_of_golds(official: Path, data_root: Path) -> None:
    """The script reads a query with the data of nltk, which need not be here: a reading of tokens stands in."""
    from sqlrl.benchmarks import load_benchmark

    tables = json.loads((data_root / "spider" / "tables.json").read_text())
    schemas: dict[str, dict[str, list[str]]] = {}
    for entry in tables:
        names = [name.lower() for name in entry["table_names_original"]]
        columns = [(table, name.lower()) for table, name in entry["column_names_original"]]
        schemas[entry["db_id"]] = {name: [c for t, c in columns if t == i] for i, name in enumerate(names)}
    nltk = ModuleType("nltk")
    nltk.word_tokenize = re.compile(r"\w+(?:\.\w+)*|[<>!=]=|[^\w\s]").findall  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "nltk", nltk)
        with script(official / "test-suite-sql-eval", "evaluation") as module:
            reading = sys.modules["process_sql"]
            for example in load_benchmark("spider", data_root).examples("validation"):
                schema = reading.Schema(schemas[example.labels["database"]])
                level = module.Evaluator().eval_hardness(reading.get_sql(schema, example.gold.query))
                assert example.labels["difficulty"] == level, example.gold.query


def test_every_judge_of_a_script_is_held_against_it() -> None:
    from sqlrl.benchmarks.judges import OFFICIAL

    assert {*JUDGES, "bird-ves"} == OFFICIAL
    assert load_judge("bird-ves").name == "bird-ves"
