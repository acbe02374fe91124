"""An answer: what a completion says the query is, and what is wrong with its form.

The form is the paper's (DeepRetrieval, arXiv 2503.00223): each tag once and in order, the query in a JSON object.
Unlike its code, nothing is split at words that a question or schema may hold, and a fault is told in words.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlrl.prompts import Prompter

__all__ = ["Answer", "extract", "parse"]

_TAGS = ("<think>", "</think>", "<answer>", "</answer>")
_LAST_ANSWER = re.compile(r"<answer>((?:(?!<answer>).)*?)</answer>", re.DOTALL)
_FENCED = ("", "sql", "sqlite", "json", "postgres", "postgresql", "mysql", "mariadb")  # words after three backquotes
_FENCE = re.compile(r"```[ \t]*(\w*)[ \t]*\n(.*?)```", re.DOTALL)
_BARE = re.compile(r"\s*(?:SELECT|WITH|VALUES)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """query: None where there is none to run. fault: why the form is wrong, empty where it is right. thinking, body:
    what stands between the tags of each, without the blanks around it."""

    query: str | None
    fault: str = ""
    thinking: str = ""
    body: str = ""


def parse(completion: str, prompter: Prompter) -> Answer:
    """Read a completion by the rule of its prompt; a query only where the whole form is right."""
    text = "<think>" + completion if prompter.prefill else completion
    tags = _TAGS if prompter.thinking else _TAGS[2:]
    position = -1
    for tag in tags:
        count = text.count(tag)
        if count != 1:
            return Answer(None, f"{tag} is missing" if not count else f"{tag} occurs {count} times")
        if text.index(tag) < position:
            return Answer(None, f"{tag} comes too early")
        position = text.index(tag)
    thinking = text.split("<think>", 1)[1].split("</think>", 1)[0].strip() if prompter.thinking else ""
    body = text.split("<answer>", 1)[1].split("</answer>", 1)[0].strip()
    query, fault = _from_json(body, prompter.answer_key)
    return Answer(query, fault, thinking, body)


def extract(completion: str, prompter: Prompter) -> Answer:
    """The query that a reader would take from a completion, whatever its form; `fault` still tells what is wrong.

    In this order: the form itself, the last complete answer, the last fenced block, a completion that is a bare query.
    """
    answer = parse(completion, prompter)
    if not answer.fault:
        return answer
    found = _LAST_ANSWER.findall(completion)
    if found:
        query, _ = _from_json(found[-1], prompter.answer_key)
        if query is not None:
            return Answer(query, answer.fault)
    fences = [body for word, body in _FENCE.findall(completion) if word.lower() in _FENCED]
    if fences:
        query, _ = _from_json(fences[-1], prompter.answer_key)
        body = query if query is not None else fences[-1].strip()
        if body:
            return Answer(body, answer.fault)
    if prompter.answer_key == "sql" and _BARE.match(completion):
        return Answer(completion.strip(), answer.fault)
    return answer


def _from_json(text: str, key: str) -> tuple[str | None, str]:
    """(query, fault)."""
    try:
        value = json.loads(text.strip(), strict=False)
    except (ValueError, RecursionError) as error:
        return None, f"the answer is not JSON: {getattr(error, 'msg', type(error).__name__)}"
    if not isinstance(value, dict):
        return None, "the answer is not a JSON object"
    if key not in value:
        return None, f"the answer has no key {key!r}"
    if not isinstance(value[key], str):
        return None, f"the answer's {key!r} is not text"
    if not value[key].strip():
        return None, "the query is empty"
    return value[key], ""
