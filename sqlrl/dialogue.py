"""A dialogue: a question that a policy answers in several turns, with looks at the database between them.

The last turn holds the answer. Where it has none, the last query that was given to `run_sql` is taken for it, whether
it was still run or the turns were over: a policy need not repeat what it has seen to be right.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from sqlrl.environment import Environment

__all__ = ["Dialogue", "answer_calls", "converse", "last_word", "transcript"]


@dataclass(slots=True)
class Dialogue:
    """messages: what followed the prompt, of the roles "assistant" and "tool". ids: the same as token ids; mask: 1 for
    those that the policy wrote, 0 for those that it was shown. unavailable: a database did not answer in it."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    mask: list[int] = field(default_factory=list)
    unavailable: bool = False

    @property
    def turns(self) -> int:
        """Messages that the policy wrote."""
        return sum(message["role"] == "assistant" for message in self.messages)

    def add(self, messages: Sequence[dict[str, Any]], ids: Sequence[int], *, learnt: bool) -> None:
        """Go on with these messages, which stand for these ids."""
        self.messages.extend(messages)
        self.ids.extend(ids)
        self.mask.extend([int(learnt)] * len(ids))


def converse(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    environments: Sequence[Environment],
    *,
    turns: int,
    temperature: float = 0.0,
    max_tokens: int = 256,
    generator: torch.Generator | None = None,
    rows: int = 1024,
    advance: Callable[[int], None] | None = None,
) -> list[Dialogue]:
    """One dialogue for each prompt (token ids), with the tools of the environment beside it, which is reset already.

    max_tokens: of one turn. A turn without calls is the last. The rest is `sqlrl.training.rollout.sample`'s.
    """
    from sqlrl.policies.calling import between, read
    from sqlrl.training.rollout import sample

    dialogues = [Dialogue() for _ in prompts]
    going = list(range(len(prompts)))
    for turn in range(turns):
        so_far = [[*prompts[index], *dialogues[index].ids] for index in going]
        sampled = sample(
            model, so_far, temperature=temperature, max_tokens=max_tokens, eos_token_id=tokenizer.eos_token_id,
            pad_token_id=_padding(tokenizer), generator=generator, rows=rows,
        )  # fmt: skip
        still: list[int] = []
        for index, before, (ids,) in zip(going, so_far, sampled, strict=True):
            environment, dialogue = environments[index], dialogues[index]
            message = read(tokenizer, ids, before, [environment.describe, environment.run_sql])
            dialogue.add([message], ids, learnt=True)
            if message.get("tool_calls") and turn < turns - 1:
                observations = answer_calls(environment, message["tool_calls"])
                dialogue.unavailable |= environment.unavailable
                dialogue.add(observations, between(tokenizer, observations), learnt=False)
                still.append(index)
        if advance is not None:
            advance(len(going) - len(still))
        going = still
        if not going:
            break
    return dialogues


def answer_calls(environment: Environment, calls: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """What the tools say to these calls, as messages; what cannot be called says so, in TRL's words."""
    tools: dict[str, Callable[..., str]] = {"run_sql": environment.run_sql, "describe": environment.describe}
    observations = []
    for call in calls:
        function = call.get("function") or call
        name = str(function.get("name", "unknown"))
        try:
            if name not in tools:
                raise ValueError(f"Tool {name} not found.")
            content = tools[name](**function["arguments"])
        except Exception as error:  # the arguments are the policy's, and may be anything
            content = str({"error": str(error)})
        observations.append({"role": "tool", "name": name, "content": content})
    return observations


def last_word(messages: Sequence[dict[str, Any]]) -> str:
    """The completion that a dialogue comes to, to be read as `Prompter.answering` has it."""
    said = [message for message in messages if message["role"] == "assistant"]
    text = str(said[-1].get("content") or "") if said else ""
    if "<answer>" in text:
        return text
    for message in reversed(said):
        for call in reversed(message.get("tool_calls") or []):
            function = call.get("function") or call
            arguments = function.get("arguments")
            query = arguments.get("query") if isinstance(arguments, dict) else None
            if function.get("name") == "run_sql" and isinstance(query, str) and query.strip():
                return f"<answer>{json.dumps({'sql': query}, ensure_ascii=False)}</answer>"
    return text


def transcript(dialogue: Dialogue) -> str:
    """A dialogue for people to read: each message behind the name of who says it."""
    lines = []
    for message in dialogue.messages:
        if message["role"] == "tool":
            lines.append(f"{message['name']}: {message['content']}")
            continue
        calls = [call.get("function") or call for call in message.get("tool_calls") or []]
        said = [str(message.get("content") or ""), *(f"{c['name']}({json.dumps(c['arguments'])})" for c in calls)]
        lines.append(f"policy: {' '.join(part for part in said if part)}")
    return "\n".join(lines)


def _padding(tokenizer: Any) -> int:
    padding = tokenizer.pad_token_id
    return int(tokenizer.eos_token_id if padding is None else padding)
