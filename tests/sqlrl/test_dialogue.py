"""Dialogues: turns and looks token by token, what the tools say to any call, and which query is the answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sqlrl.answers import parse
from sqlrl.benchmarks.mini import Mini
from sqlrl.dialogue import Dialogue, answer_calls, converse, last_word, transcript
from sqlrl.environment import Allowance, Environment, EnvironmentFactory
from sqlrl.judging import Judging
from sqlrl.prompts import Prompter

PROMPTER = Prompter(style="terse", turns=3)


def _call(query: Any, name: str = "run_sql", **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "arguments": {"query": query, **more}}}


def _said(content: str, *calls: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **({"tool_calls": list(calls)} if calls else {})}


@pytest.fixture(scope="module")
def judging() -> Iterator[Judging]:
    benchmark = Mini(0)
    with Judging.of(benchmark, benchmark.examples("validation")[:8], workers=1) as found:
        yield found


@pytest.fixture
def environment(judging: Judging) -> Environment:
    found = EnvironmentFactory(judging, Allowance.of(PROMPTER, 2.0))()
    found.reset(example_id="validation-0")
    return found


LOOK = {"role": "tool", "name": "run_sql", "content": "n\n1\n[1 row]"}


@pytest.mark.parametrize(
    ("messages", "query"),
    [
        ([_said('<answer>{"sql": "SELECT 1"}</answer>')], "SELECT 1"),
        ([_said('<think>so</think><answer>{"sql": "SELECT 1"}</answer>')], "SELECT 1"),
        ([_said("", _call("SELECT 2")), LOOK, _said('<answer>{"sql": "SELECT 1"}</answer>')], "SELECT 1"),
        ([_said("", _call("SELECT 2")), LOOK, _said("done")], "SELECT 2"),
        ([_said("", _call("SELECT 2")), LOOK, _said("", _call("SELECT 3"))], "SELECT 3"),
        ([_said("", _call("SELECT 2"), _call("SELECT 4")), LOOK, LOOK, _said("")], "SELECT 4"),
        ([_said("", _call("SELECT 2")), LOOK, _said("", _call(None, "describe")), LOOK, _said("ok")], "SELECT 2"),
        ([_said("", _call("SELECT 2")), LOOK], "SELECT 2"),
        ([_said("", _call(7)), LOOK, _said("done")], None),
        ([_said("", _call("  ")), LOOK, _said("done")], None),
        ([_said("no idea")], None),
        ([_said("", _call("SELECT 2")), LOOK, _said("<answer>SELECT 1</answer>")], None),
        ([_said('<answer>{"sql": "SELECT 1"}</answer><answer>{"sql": "SELECT 2"}</answer>')], None),
        ([], None),
    ],
)
def test_the_last_word_is_the_answer_or_the_last_query(messages: list[dict[str, Any]], query: str | None) -> None:
    assert parse(last_word(messages), PROMPTER.answering).query == query


def test_calls_are_answered_whatever_they_are(environment: Environment) -> None:
    calls = [
        _call("SELECT 1"), _call("SELECT 1", "drop_all"), {"type": "function", "function": {"name": "run_sql"}},
        _call("SELECT 1", limit=3), {"type": "function", "function": {"name": "describe", "arguments": "x"}},
    ]  # fmt: skip
    observations = answer_calls(environment, calls)
    assert [message["role"] for message in observations] == ["tool"] * 5
    assert observations[0]["content"] == "1\n1\n[1 row]"
    assert "Tool drop_all not found." in observations[1]["content"]
    assert all("error" in message["content"] for message in observations[1:])


def test_a_transcript_is_for_people() -> None:
    dialogue = Dialogue([_said("hm", _call("SELECT 2")), LOOK, _said("done")])
    assert transcript(dialogue) == 'policy: hm run_sql({"query": "SELECT 2"})\nrun_sql: n\n1\n[1 row]\npolicy: done'
    assert dialogue.turns == 2


class Scripted:
    """Writes what is in `lines` for each prompt, turn by turn, as `sqlrl.training.rollout.sample` would."""

    def __init__(self, tokenizer: Any, lines: list[list[str]]) -> None:
        self.tokenizer = tokenizer
        self.lines = [list(said) for said in lines]
        self.asked: list[list[list[int]]] = []

    def __call__(self, model: Any, prompts: list[list[int]], **_: Any) -> list[list[list[int]]]:
        self.asked.append([list(prompt) for prompt in prompts])
        talking = [said for said in self.lines if said]
        return [[self.tokenizer(said.pop(0))["input_ids"]] for said in talking[: len(prompts)]]


def test_a_dialogue_is_its_turns_and_what_lies_between(judging: Judging, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("trl")
    from sqlrl.policies.tiny import create_tokenizer

    tokenizer = create_tokenizer(["SELECT count(*) FROM brands"], 400, tools=True)
    call = f"<tool_call>{json.dumps({'name': 'run_sql', 'arguments': {'query': 'SELECT 5 AS n'}})}</tool_call><|end|>"
    bad = '<tool_call>{"name": "run_sql", "argum</tool_call><|end|>'
    policy = Scripted(tokenizer, [[f"<think>x</think>{call}", call, "done<|end|>"], [call, call, call], [bad]])
    monkeypatch.setattr("sqlrl.training.rollout.sample", policy)
    factory = EnvironmentFactory(judging, Allowance(calls=2))
    environments = [factory() for _ in range(3)]
    for environment in environments:
        environment.reset(example_id="validation-0")
    prompt = tokenizer("<|user|>how many?<|assistant|>")["input_ids"]
    ended: list[int] = []
    held = converse(None, tokenizer, [prompt] * 3, environments, turns=3, advance=ended.append)
    assert [dialogue.turns for dialogue in held] == [3, 3, 1]
    assert ended == [1, 0, 2]
    look = "<|tool|>n\n5\n[1 row]<|assistant|>"
    assert tokenizer.decode(held[0].ids) == f"<think>x</think>{call}{look}{call}{look}done<|end|>"
    shown = [token for token, mine in zip(held[0].ids, held[0].mask, strict=True) if not mine]
    assert tokenizer.decode(shown) == look * 2
    assert policy.asked[1][0] == prompt + held[0].ids[: len(policy.asked[1][0]) - len(prompt)]
    assert [last_word(dialogue.messages) for dialogue in held] == [
        '<answer>{"sql": "SELECT 5 AS n"}</answer>', '<answer>{"sql": "SELECT 5 AS n"}</answer>', bad[:-7],
    ]  # fmt: skip
    assert [environment.calls for environment in environments] == [2, 2, 0], "the last turn's call is not run"
