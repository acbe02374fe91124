"""Calls of tools through chat templates: the tiny policy's own, and those of well-known checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sqlrl.executors.errors import UsageError
from sqlrl.policies.calling import between, prepare, read, written
from sqlrl.policies.tiny import create_tokenizer

trl = pytest.importorskip("trl")
TEMPLATES = Path(trl.__file__).parent / "chat_templates"
TEXTS = ["SELECT count(*) FROM products", "how many products are there?"]
QUERY = "SELECT \"a\", 'ü' FROM x WHERE b < 3 AND c = '</s>'"
OBSERVATION = {"role": "tool", "name": "run_sql", "content": "n | m\n1 | 2\n[1 row]"}


def run_sql(query: str) -> str:
    """
    Run a query.

    Args:
        query: The query.
    """
    return query


def describe(table: str) -> str:
    """
    Show a table.

    Args:
        table: Its name.
    """
    return table


TOOLS = [describe, run_sql]


def _like(name: str) -> Any:
    """A small tokenizer with the chat template and the marks of a well-known family."""
    tokenizer = create_tokenizer(TEXTS, 400)
    marks = {
        "qwen3": ["<|im_start|>", "<|im_end|>"], "qwen2_5": ["<|im_start|>", "<|im_end|>"],
        "llama3_2": ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
    }[name]  # fmt: skip
    tokenizer.add_special_tokens({"additional_special_tokens": marks})
    tokenizer.eos_token = marks[-1]
    tokenizer.chat_template = (TEMPLATES / f"{name}.jinja").read_text()
    return tokenizer


def _prepared(name: str) -> Any:
    tokenizer = create_tokenizer(TEXTS, 400, tools=True) if name == "tiny" else _like(name)
    prepare(tokenizer)
    return tokenizer


def _call(query: str, content: str = "") -> dict[str, Any]:
    calls = [{"type": "function", "function": {"name": "run_sql", "arguments": {"query": query}}}]
    return {"role": "assistant", "content": content, "tool_calls": calls}


FAMILIES = ["tiny", "qwen3", "qwen2_5", "llama3_2"]


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_written_is_read_again(family: str) -> None:
    tokenizer = _prepared(family)
    prefix = tokenizer.apply_chat_template([{"role": "user", "content": "?"}], add_generation_prompt=True)["input_ids"]
    ids = written(tokenizer, _call(QUERY))
    assert ids[-1] == tokenizer.eos_token_id
    assert read(tokenizer, ids, prefix, TOOLS)["tool_calls"][0]["function"] == {
        "name": "run_sql", "arguments": {"query": QUERY},
    }  # fmt: skip
    message = read(tokenizer, written(tokenizer, {"role": "assistant", "content": "done"}), prefix, TOOLS)
    assert message["content"].strip() == "done"
    assert not message.get("tool_calls")


@pytest.mark.parametrize("family", FAMILIES)
def test_turns_and_what_lies_between_are_the_whole_conversation(family: str) -> None:
    """Prompt, turn, observation, turn, as token ids one after another, say what the template says at once."""
    tokenizer = _prepared(family)
    asked = [{"role": "user", "content": "how many?"}]
    last = {"role": "assistant", "content": "done"}
    prompt = tokenizer.apply_chat_template(asked, tools=TOOLS, add_generation_prompt=True)["input_ids"]
    parts = [*written(tokenizer, _call(QUERY)), *between(tokenizer, [OBSERVATION]), *written(tokenizer, last)]
    whole = tokenizer.apply_chat_template([*asked, _call(QUERY), OBSERVATION, last], tools=TOOLS, tokenize=False)
    assert tokenizer.decode([*prompt, *parts]) == whole[: whole.rindex(tokenizer.eos_token) + len(tokenizer.eos_token)]


@pytest.mark.parametrize("family", FAMILIES)
def test_between_is_what_trl_puts_between(family: str) -> None:
    from trl import GRPOTrainer

    tokenizer = _prepared(family)
    trainer = GRPOTrainer.__new__(GRPOTrainer)
    trainer.processing_class = trainer._tokenizer = tokenizer
    trainer._is_vlm, trainer.chat_template, trainer.chat_template_kwargs = False, None, {}
    assert between(tokenizer, [OBSERVATION] * 2) == trainer._get_tool_suffix_ids([OBSERVATION] * 2)


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name": "run_sql", "arguments": {"query": "SELECT 1"}', "<tool_call></tool_call>",
        '<tool_call>{"name": 5, "arguments": {}}</tool_call>', "<tool_call>[]</tool_call>", "</tool_call>", "",
        '<tool_call>{"arguments": {"query": "SELECT 1"}}</tool_call>', "<tool_call><tool_call>{}</tool_call>",
    ],
)  # fmt: skip
def test_a_call_that_cannot_be_read_is_text(text: str) -> None:
    tokenizer = _prepared("tiny")
    message = read(
        tokenizer, tokenizer(f"{text}<|end|>")["input_ids"], tokenizer("<|user|>?<|assistant|>")["input_ids"], TOOLS
    )
    assert not message.get("tool_calls")
    assert isinstance(message["content"], str)


def test_the_tiny_policy_calls_in_few_tokens() -> None:
    tokenizer = _prepared("tiny")
    ids = written(tokenizer, _call(TEXTS[0]))
    assert len(ids) <= len(tokenizer(TEXTS[0])["input_ids"]) + 5
    assert tokenizer.decode(ids) == (
        f"<tool_call>{json.dumps({'name': 'run_sql', 'arguments': {'query': TEXTS[0]}})}</tool_call><|end|>"
    )


def test_a_saved_tokenizer_still_reads_calls(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    create_tokenizer(TEXTS, 400, tools=True).save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    prepare(tokenizer)
    message = read(tokenizer, written(tokenizer, _call("SELECT 1")), tokenizer("<|assistant|>")["input_ids"], TOOLS)
    assert message["tool_calls"][0]["function"]["arguments"] == {"query": "SELECT 1"}


def test_the_tokenizer_of_one_turn_is_as_it_was() -> None:
    one = create_tokenizer(TEXTS, 400)
    assert "tool" not in one.chat_template
    assert one("<tool_call>")["input_ids"] != [one.convert_tokens_to_ids("<tool_call>")]


def test_a_template_without_tools_says_so() -> None:
    with pytest.raises(UsageError, match="knows no tools"):
        prepare(create_tokenizer(TEXTS, 400))


def test_a_template_that_trl_cannot_read_says_so() -> None:
    tokenizer = create_tokenizer(TEXTS, 400, tools=True)
    tokenizer.response_template = None
    with pytest.raises(UsageError, match="cannot be read"):
        prepare(tokenizer)
