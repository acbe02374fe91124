"""The text of a completion, however it is handed over."""

from __future__ import annotations

from typing import Any

import pytest

from sqlrl.rewards.messages import text_of

SAID = {"role": "assistant", "content": "said"}


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        ("said", "said"),
        ([SAID], "said"),
        (SAID, "said"),
        ([{"role": "assistant", "content": "", "tool_calls": [{}]}, {"role": "tool", "content": "rows"}, SAID], "said"),
        ([SAID, {"role": "tool", "content": "rows"}], "said"),
        ([{"role": "assistant", "content": [{"type": "text", "text": "sa"}, {"type": "image"}, "id"]}], "said"),
        ([{"role": "assistant", "content": None, "tool_calls": [{}]}], ""),
        ([{"role": "user", "content": "asked"}], ""),
        ([], ""),
        (None, ""),
        (7, ""),
        (b"said", ""),
        (["said"], ""),
    ],
)
def test_what_the_policy_wrote_last(completion: Any, text: str) -> None:
    assert text_of(completion) == text


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning", "thinking"])
def test_thinking_that_a_template_took_out_is_put_back(name: str) -> None:
    message = {"role": "assistant", "content": "<answer>a</answer>", name: "why"}
    assert text_of([message]) == "<think>why</think><answer>a</answer>"
    assert text_of([message], prefill=True) == "why</think><answer>a</answer>"
    assert text_of([{**message, name: None}]) == "<answer>a</answer>"
