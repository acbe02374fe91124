"""A search index that is served: documents for a question, with and without a policy that rewrites it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlrl.policies.scripted import ScriptedPolicy

pytest.importorskip("bm25s")


@pytest.fixture
def index(tmp_path: Path) -> str:
    from sqlrl.executors.bm25 import build
    from sqlrl.executors.documents import Document

    documents = [
        Document("a", "Cats", "Cats sleep most of the day."),
        Document("b", "Dogs", "Dogs run, and sleep less."),
        Document("c", "Ships", "Ships cross the sea."),
    ]
    return f"bm25:///{build(documents, tmp_path / 'animals')}"


def test_documents_are_found(serve: Callable[..., Any], index: str) -> None:
    with serve(source=index).client() as client:
        about = client.get("/api/about").json()
        assert (about["kind"], about["dialect"], about["source"], about["policy"]) == (
            "search",
            "words",
            "bm25:///animals",
            None,
        )
        assert about["walls"] == {}
        schema = client.get("/api/schema").json()
        assert schema["tables"] == []
        assert schema["description"]
        for path, body in (("ask", {"question": "sleep of cats"}), ("run", {"query": "sleep of cats"})):
            answer = client.post(f"/api/{path}", json=body).json()
            assert answer["columns"] == ["id", "score", "title", "text"]
            assert [row[0] for row in answer["rows"]] == ["a", "b"]
            assert answer["rows"][0][2:] == ["Cats", "Cats sleep most of the day."]
            assert answer["chart"] is None
        assert client.post("/api/explain", json={"query": "cats"}).json()["error"]["code"] == "no_explain"
        assert client.post("/api/mark", json={"question": "cats", "answer": 1}).json()["error"]["code"] == "no_marks"
        assert client.get("/readyz").status_code == 200


def test_questions_are_rewritten(serve: Callable[..., Any], index: str) -> None:
    policy = ScriptedPolicy({"pets": ['<think></think><answer>{"query": "dogs"}</answer>']})
    with serve(source=index, policy=policy).client() as client:
        answer = client.post("/api/ask", json={"question": "which pets?", "evidence": "dogs are"}).json()
        assert (answer["query"], [row[0] for row in answer["rows"]]) == ("dogs", ["b"])
        assert "evidence" in answer["warnings"][0]
        written = client.post("/api/generate", json={"question": "which pets?"}).json()
        assert (written["query"], written["rows"]) == ("dogs", [])
        lines = [
            json.loads(line) for line in client.post("/api/ask/stream", json={"question": "pets"}).text.splitlines()
        ]
    assert [line.get("step") for line in lines[:-1]] == ["asking the policy", "searching for dogs"]
    assert lines[-1]["answer"]["rows"][0][0] == "b"
