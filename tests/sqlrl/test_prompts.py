"""How questions are put."""

from __future__ import annotations

import json

import pytest

from sqlrl.benchmarks.base import Example
from sqlrl.executors.base import Gold
from sqlrl.executors.errors import UsageError
from sqlrl.prompts import STYLES, Prompter

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
