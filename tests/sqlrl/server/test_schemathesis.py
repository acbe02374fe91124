"""The API against its own OpenAPI document: schemathesis makes up requests, right and wrong, and looks at each answer.

All its checks are on. Two statuses are named that it does not know by itself to be right ones: 413 for a list that is
wrong for being too long, and so long that its body is; and 422 for a mark that is right in form and says nothing (the
result of a query without rows, a table whose rows are of several lengths). Its walks along links are off: no call here
leads to another.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlrl.server.tokens import Tokens

schemathesis = pytest.importorskip("schemathesis")

SEED, EXAMPLES = 7, 20


@pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of what Hypothesis draws, and no fault of ours
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", ["database", "search"])
def test_schemathesis_finds_nothing(serve: Callable[..., Any], tmp_path: Path, kind: str) -> None:
    source = None
    if kind == "search":
        from sqlrl.executors.bm25 import build
        from sqlrl.executors.documents import Document

        documents = [Document(str(n), f"title {n}", f"text of {n} and null") for n in range(20)]
        source = f"bm25:///{build(documents, tmp_path / 'index')}"
    served = serve(
        {} if kind == "database" else None, source=source, tokens=Tokens({"s3cret": ""}), settings={"deadline": 2.0},
        answered=tmp_path / "answered.jsonl",
    )  # fmt: skip
    found = _run(served.url)
    assert not found.failures, "\n\n".join(found.failures)
    assert found.operations == 11
    assert found.cases > 11 * 20


class _Found:
    """What a run came upon."""

    def __init__(self) -> None:
        self.failures: list[str] = []
        self.cases = 0
        self.operations = 0


def _run(url: str) -> _Found:
    from schemathesis.config import SchemathesisConfig
    from schemathesis.engine import events, from_schema

    config = SchemathesisConfig.from_dict({
        "seed": SEED,
        "headers": {"Authorization": "Bearer s3cret"},
        "generation": {"max-examples": EXAMPLES, "database": "none"},
        "phases": {"stateful": {"enabled": False}},
        "checks": {"negative_data_rejection": {"expected-statuses": [400, 404, 405, 413, 415, 422]}},
        "operations": [{
            "include-path": "/api/mark",
            "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", 404, 422]}},
        }],
    })  # fmt: skip
    schema = schemathesis.openapi.from_url(
        f"{url}/api/openapi.json", config=config, headers={"Authorization": "Bearer s3cret"}
    )
    found = _Found()
    operations = set()
    for event in from_schema(schema).execute():
        if isinstance(event, (events.NonFatalError, events.FatalError)):
            found.failures.append(str(event))
        if not isinstance(event, events.ScenarioFinished):
            continue
        for case, checks in event.recorder.checks.items():
            found.cases += 1
            for check in checks:
                if check.failure_info is not None:
                    text = event.recorder.interactions[case].request
                    sent = f"{text.method} {text.uri} {text.body and text.body[:300]!r}"
                    found.failures.append(f"{check.name}: {check.failure_info.failure} {sent}")
        operations.add(event.recorder.label)
    found.operations = len(operations)
    return found
