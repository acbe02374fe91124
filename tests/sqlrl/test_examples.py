"""The examples in docs/ run as they stand, with a scripted policy where a model would be."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "docs" / "examples"
LINES = 40
PYTHON = {**os.environ, "PYTHONPATH": str(ROOT)}


def _code(path: Path) -> list[str]:
    """The lines of a script, or those of a notebook's cells."""
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8").splitlines()
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [line for cell in cells if cell["cell_type"] == "code" for line in "".join(cell["source"]).splitlines()]


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., str]:
    """A policy by what its prompts contain -> the query, or queries, that it writes."""

    def made(key: str = "sql", **said: str) -> str:
        path = tmp_path / "script.jsonl"
        lines = [
            {"question": question, "completion": f"<think>so</think><answer>{json.dumps({key: query})}</answer>"}
            for question, query in said.items()
        ]
        path.write_text("\n".join(map(json.dumps, lines)))
        return f"script:{path}"

    return made


def test_there_are_four_and_each_is_short() -> None:
    found = sorted(path for path in EXAMPLES.iterdir() if path.suffix in (".py", ".ipynb"))
    assert [path.name for path in found] == [
        "fastapi_app.py", "langchain_rag.py", "notebook.ipynb", "pandas_script.py",
    ]  # fmt: skip
    for path in found:
        assert len(_code(path)) < LINES, path.name


def test_the_notebook_runs_from_top_to_bottom(
    script: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pandas")
    notebook = json.loads((EXAMPLES / "notebook.ipynb").read_text(encoding="utf-8"))
    assert (notebook["nbformat"], len({cell["id"] for cell in notebook["cells"]})) == (4, len(notebook["cells"]))
    policy = script(country="select country, sum(people) as people from town group by country order by country")
    monkeypatch.setenv("SQLRL_POLICY", policy)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    shown = [_run_cell("".join(cell["source"]), names) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert "CREATE TABLE town" in capsys.readouterr().out
    assert shown[2].startswith("select country, sum(people)")
    assert shown[3].to_dict("list") == {"country": ["Norway", "Peru"], "people": [1_000_000, 10_092_000]}
    assert shown[4][0] == "refused"
    assert "only reading is allowed" in shown[4][1]


def _run_cell(source: str, names: dict[str, Any]) -> Any:
    """What a notebook shows under a cell: the value of its last expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), names)
    return eval(compile(ast.Expression(last.value), "<cell>", "eval"), names) if isinstance(last, ast.Expr) else None


def test_frames_are_asked_by_a_script(script: Callable[..., str]) -> None:
    pytest.importorskip("pandas")
    query = (
        "select country, sum(total) as spent from customers join orders on customers.id = customer_id "
        "group by country order by country"
    )
    command = [sys.executable, str(EXAMPLES / "pandas_script.py"), script(spent=query)]
    done = subprocess.run(command, capture_output=True, text=True, env=PYTHON, timeout=60, check=True)
    assert [line.split() for line in done.stdout.splitlines()[1:]] == [
        ["country", "spent"], ["Norway", "30.0"], ["Peru", "47.5"], ["in", "all:", "77.5"],
    ]  # fmt: skip


def _ask(port: int, question: str, customer: object = None) -> tuple[int, Any]:
    headers = {"Content-Type": "application/json"}
    if customer is not None:
        headers["X-Customer"] = str(customer)
    body = json.dumps({"question": question}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/ask", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_an_app_gives_each_customer_rows_of_his_own(script: Callable[..., str], tmp_path: Path) -> None:
    pytest.importorskip("fastapi")
    pytest.importorskip("uvicorn")
    shop = tmp_path / "shop.db"
    with sqlite3.connect(shop) as connection:
        connection.execute("create table orders(id integer primary key, customer_id integer, total real)")
        connection.executemany("insert into orders values (?, ?, ?)", [(i, i % 3, i * 1.5) for i in range(12)])
    connection.close()
    policy = script(
        all="select id, customer_id from orders order by id",
        others="select id, customer_id from orders where customer_id <> 1 or 1 = 1 order by id",
        none="select * from orders where id > 99",
        drop="drop table orders",
    )
    environment = PYTHON | {"SHOP": str(shop), "POLICY": policy}
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(EXAMPLES), "fastapi_app:app", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, cwd=tmp_path) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "running on http" in line)
        port = int(line.partition("127.0.0.1:")[2].split()[0])
        try:
            for customer in (0, 1, 2):
                for question in ("all of them", "those of others"):
                    status, answer = _ask(port, question, customer)
                    assert (status, [row["customer_id"] for row in answer["rows"]]) == (200, [customer] * 4)
            assert _ask(port, "none", 1)[1]["rows"] == []
            status, refused = _ask(port, "drop it", 1)
            assert (status, refused["detail"]) == (422, "with row filters, only a single query is allowed")
            assert _ask(port, "all of them")[0] == 422  # nobody in particular asks
        finally:
            process.terminate()
            assert process.wait(20) is not None
            process.stderr.read()


def test_a_chain_of_langchain_answers_from_what_was_found(
    script: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("langchain_core")
    pytest.importorskip("bm25s")
    from langchain_core.runnables import RunnableLambda

    import sqlrl
    from sqlrl.executors.bm25 import build
    from sqlrl.executors.documents import Document

    texts = {"a": "Vitamin D keeps bones hard.", "b": "Calcium is what bones are made of.", "c": "Iron is in blood."}
    build([Document(name, name.upper(), text) for name, text in texts.items()], tmp_path / "index")
    policy = script("query", skeleton="vitamin bones")
    specification = importlib.util.spec_from_file_location("langchain_rag", EXAMPLES / "langchain_rag.py")
    assert specification is not None
    assert specification.loader is not None
    example = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(example)
    with sqlrl.connect(f"bm25:///{tmp_path / 'index'}", policy, rows=2) as index:
        found = example.Rewriting(index=index).invoke("What does the skeleton need?")
        assert [(each.id, each.page_content) for each in found] == [("a", texts["a"]), ("b", texts["b"])]
        seen: list[str] = []

        def model(prompt: Any) -> str:
            seen.append(prompt.to_string())
            return "vitamin D"

        assert example.chain(index, RunnableLambda(model)).invoke("What does the skeleton need?") == "vitamin D"
        assert texts["a"] in seen[0]
        assert texts["c"] not in seen[0]
        assert "What does the skeleton need?" in seen[0]
    command = [sys.executable, str(EXAMPLES / "langchain_rag.py"), f"bm25:///{tmp_path / 'index'}", policy]
    done = subprocess.run([*command, "The skeleton?"], capture_output=True, text=True, env=PYTHON, timeout=60)
    assert (done.returncode, done.stdout) == (0, "(put your chat model here)\n"), done.stderr
