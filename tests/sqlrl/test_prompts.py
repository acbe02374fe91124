"""How questions are put."""

from __future__ import annotations

import json

import pytest

from sqlrl.benchmarks.base import Example
from sqlrl.executors.base import Gold
from sqlrl.executors.errors import UsageError
from sqlrl.prompts import ASKS, STYLES, Prompter

EXAMPLE = Example(
    "q", "how many?", Gold(query="SELECT secret FROM gold"), evidence="many means rows", labels={"database": "shop"}
)
SCHEMA = "CREATE TABLE product(name text)"


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("thinking", [True, False])
def test_a_prompt_has_the_question_and_never_the_gold(style: str, thinking: bool) -> None:
    (message,) = Prompter(style=style, thinking=thinking).messages(EXAMPLE, SCHEMA)
    assert message["role"] == "user"
    assert "how many?" in message["content"]
    assert "secret" not in message["content"]
    assert ("product(name" in message["content"]) == (style != "terse")


def test_the_full_style_tells_the_form_and_the_evidence() -> None:
    content = Prompter().messages(EXAMPLE, SCHEMA)[0]["content"]
    for part in ("many means rows", "<think>", "<answer>", '"sql"', "SQLite"):
        assert part in content
    assert '"query"' in Prompter(answer_key="query").messages(EXAMPLE, SCHEMA)[0]["content"]
    assert "<think>" not in Prompter(thinking=False).messages(EXAMPLE, SCHEMA)[0]["content"]


def test_settings_survive_their_file() -> None:
    prompter = Prompter(style="compact", thinking=True, prefill=True, answer_key="query")
    assert Prompter.from_dict(json.loads(json.dumps(prompter.to_dict()))) == prompter
    with pytest.raises(UsageError, match=r"policy\.json"):
        Prompter.from_dict({"stile": "full"})


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'terse'"):
        Prompter(style="terce")
    with pytest.raises(UsageError, match="needs thinking"):
        Prompter(thinking=False, prefill=True)


def test_the_compact_style_outlines_the_schema() -> None:
    ddl = 'CREATE TABLE "order"(id integer PRIMARY KEY, -- its number\n total real);\nCREATE VIEW v AS SELECT 1;'
    content = Prompter(style="compact").messages(EXAMPLE, ddl)[0]["content"]
    assert content.startswith("order(id, total)\n")
    assert "not DDL (" in Prompter(style="compact").messages(EXAMPLE, "not DDL (")[0]["content"]


@pytest.mark.parametrize("asks", ASKS)
def test_a_search_is_asked_for_by_what_it_is_to_find(asks: str) -> None:
    example = Example("q", "P: Adults\nI: Aspirin", Gold(relevant={"secret": 1.0}))
    prompter = Prompter(answer_key="query", asks=asks)
    content = prompter.messages(example, "AND and OR are words.")[0]["content"]
    name, what = ASKS[asks]
    assert content.startswith(f"Write one search query that finds {what}.")
    assert "Search syntax:\nAND and OR are words." in content
    assert f"{name.capitalize()}:\nP: Adults\nI: Aspirin" in content
    assert "secret" not in content
    wider = Prompter(answer_key="query", asks=asks, expand=True).messages(example, "")[0]["content"]
    assert wider.startswith(f"Rewrite the {name} below")
    assert "AND and OR" in Prompter(style="compact", answer_key="query").messages(example, "AND and OR")[0]["content"]


def test_kinds_of_questions_have_names() -> None:
    with pytest.raises(UsageError, match="did you mean 'claim'"):
        Prompter(answer_key="query", asks="claims")
