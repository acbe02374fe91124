"""From a completion to its query, and what is wrong with its form."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrl.answers import extract, parse
from sqlrl.prompts import Prompter

THINKING, PLAIN = Prompter(thinking=True), Prompter(thinking=False)
RIGHT = '<think>tables</think><answer>{"sql": "SELECT 1"}</answer>'


@given(st.text().filter(lambda text: text.strip() and "\ud800" not in text and "<" not in text), st.text("abc \n"))
def test_what_is_written_is_read(query: str, thought: str) -> None:
    for prompter in (THINKING, PLAIN, Prompter(thinking=False, answer_key="query")):
        assert parse(prompter.completion(query, thought), prompter).query == query


def test_a_prefilled_think_is_not_written_again() -> None:
    prompter = Prompter(thinking=True, prefill=True)
    answer = parse('tables</think><answer>{"sql": "SELECT 1"}</answer>', prompter)
    assert (answer.query, answer.thinking, answer.fault) == ("SELECT 1", "tables", "")
    assert parse(RIGHT, prompter).fault == "<think> occurs 2 times"


@pytest.mark.parametrize(
    ("completion", "fault"),
    [
        ("", "<think> is missing"),
        (RIGHT.replace("</think>", ""), "</think> is missing"),
        (RIGHT + "<answer>{}</answer>", "<answer> occurs 2 times"),
        ('<answer>{"sql": "SELECT 1"}</answer><think>x</think>', "<answer> comes too early"),
        ("<think></think><answer>SELECT 1</answer>", "the answer is not JSON"),
        ("<think></think><answer>[1]</answer>", "the answer is not a JSON object"),
        ('<think></think><answer>{"query": "x"}</answer>', "the answer has no key 'sql'"),
        ('<think></think><answer>{"sql": 1}</answer>', "the answer's 'sql' is not text"),
        ('<think></think><answer>{"sql": "  "}</answer>', "the query is empty"),
        ("<think></think><answer>" + "[" * 100_000 + "</answer>", "the answer is not JSON"),
    ],
)
def test_a_wrong_form_has_no_query_and_a_reason(completion: str, fault: str) -> None:
    answer = parse(completion, THINKING)
    assert answer.query is None
    assert answer.fault.startswith(fault)


@pytest.mark.parametrize(
    "completion",
    [
        "SELECT 1",
        "Here it is:\n```sql\nSELECT 1\n```\nDone.",
        '<answer>{"sql": "SELECT 0"}</answer> no: <answer>{"sql": "SELECT 1"}</answer>',
        '```json\n{"sql": "SELECT 1"}\n```',
    ],
)
def test_a_reader_finds_the_query_all_the_same(completion: str) -> None:
    answer = extract(completion, THINKING)
    assert answer.query == "SELECT 1"
    assert answer.fault


@given(st.text())
def test_nothing_that_a_model_writes_raises(text: str) -> None:
    for prompter in (THINKING, PLAIN):
        for completion in (text, f"<think>{text}</think><answer>{text}</answer>", json.dumps(text)):
            parse(completion, prompter)
            extract(completion, prompter)
