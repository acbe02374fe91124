"""The bundled benchmark through the layer: its golds as what a policy says, wrong at first, repaired or outvoted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from sqlrl.benchmarks.mini import Mini
from sqlrl.executors import open_executor
from sqlrl.layer import Connection
from sqlrl.policies.scripted import ScriptedPolicy

EACH = 3


def _said(query: str) -> str:
    return f"<think></think><answer>{json.dumps({'sql': query})}</answer>"


def test_golds_come_back_as_they_are(tmp_path: Path, opened: Callable[..., Connection]) -> None:
    mini = Mini(0, tmp_path)
    by_database: dict[str, list[tuple[str, str]]] = {}
    for example in mini.examples("validation"):
        kept = by_database.setdefault(mini.sources(example)[0], [])
        if len(kept) < EACH and example.gold.query is not None:
            kept.append((example.question, example.gold.query))
    assert len(by_database) == 8
    for source, asked in by_database.items():
        script: dict[str, list[str]] = {}
        for question, gold in asked:
            wrong = gold.replace("FROM", "FROM nowhere_at_all,", 1)
            script[question] = [_said(wrong), _said(gold), _said(gold)]
        with open_executor(source, workers=1) as executor:
            right = {question: executor.execute(gold, limit=1_000) for question, gold in asked}
        voting = opened(source, ScriptedPolicy(script), samples=3)
        for question, gold in asked:
            answer = voting.ask(question)
            assert (answer.query, answer.rows) == (gold, right[question].rows)
            assert answer.confidence is not None
            assert 0.66 < answer.confidence < 0.67
        for question, gold in asked:
            wrong = json.loads(script[question][0].partition("<answer>")[2].removesuffix("</answer>"))["sql"]
            repaired = opened(source, ScriptedPolicy({question: [_said(wrong)], "nowhere_at_all": [_said(gold)]}))
            answer = repaired.ask(question)
            assert ([each.kind for each in answer.attempts], answer.rows) == (
                ["sample", "repair"],
                right[question].rows,
            )
        voting.close()
