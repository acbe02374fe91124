"""A prompt: an example as chat messages, put through the tokenizer's own template, and the form of the completion."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from sqlrl.executors.errors import UsageError, nearest
from sqlrl.outline import outline

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Example

__all__ = ["STYLES", "Prompter", "spoken"]

_DIALECTS = {"postgresql": "PostgreSQL", "mysql": "MySQL", "duckdb": "DuckDB"}
STYLES = ("full", "compact", "terse")
_TASK = {
    "sql": "Write one read-only {dialect} query whose result answers the question about the database below.",
    "query": "Write one search query that finds what the question below asks for.",
}
_FORM = {
    True: (
        "First reason inside <think> and </think>. Then give the query inside <answer> and </answer> as a JSON object "
        'with the single key "{key}":\n<think>...</think>\n<answer>{{"{key}": "..."}}</answer>'
    ),
    False: (
        "Give the query, and nothing else, inside <answer> and </answer> as a JSON object with the single key "
        '"{key}":\n<answer>{{"{key}": "..."}}</answer>'
    ),
}
_LOOKS = (
    "Before you answer, you may look at the database with the tools run_sql and describe, in at most {looks} "
    "message{s}. If your last message has no answer, the last query that you gave to run_sql is taken for it."
)


@dataclass(frozen=True, slots=True)
class Prompter:
    """How questions are put to a policy and what form its answers have; saved beside the weights that learnt it.

    style: "full" (instructions, schema, evidence: for models that read), "compact" (an outline of the schema, and the
    question), "terse" (the database's name and the question: for policies that were trained on the very databases).
    thinking: whether a <think> part comes first. prefill: whether the prompt ends with <think>, so that the completion
    starts inside. turns: messages that a policy may write about one question; all but the last may call tools.
    """

    style: str = "full"
    thinking: bool = True
    prefill: bool = False
    answer_key: str = "sql"
    dialect: str = "SQLite"
    turns: int = 1

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise UsageError(f"no prompt style {self.style!r}{nearest(self.style, STYLES)}")
        if self.prefill and not self.thinking:
            raise UsageError("a pre-filled <think> needs thinking")
        if self.turns < 1:
            raise UsageError(f"--turns must be at least 1, not {self.turns}")
        if self.prefill and self.turns > 1:
            raise UsageError("a pre-filled <think> goes with one turn: leave out --prefill or --turns")
        if self.turns > 1 and self.answer_key != "sql":
            raise UsageError("several turns are for databases: leave out --turns")

    @property
    def needs_description(self) -> bool:
        """Whether `messages` uses the description of the source."""
        return self.style != "terse"

    @property
    def answering(self) -> Prompter:
        """How the last word is read. After a look a policy may think or not: only the answer has a form."""
        return self if self.turns == 1 else replace(self, thinking=False)

    def messages(self, example: Example, description: str) -> list[dict[str, str]]:
        """One user message. description: of the source, as its executor gives it."""
        if self.style == "terse":
            parts = [self.question(example)]
        elif self.style == "compact":
            parts = [outline(description), self.question(example)]
        else:
            parts = [_TASK[self.answer_key].format(dialect=self.dialect)]
            if description:
                heading = "Database schema" if self.answer_key == "sql" else "Search syntax"
                parts.append(f"{heading}:\n{description}")
            parts.append(self.question(example))
            if self.turns > 1:
                parts.append(_LOOKS.format(looks=self.turns - 1, s="" if self.turns == 2 else "s"))
            parts.append(_FORM[self.thinking].format(key=self.answer_key))
        return [{"role": "user", "content": "\n\n".join(parts)}]

    def question(self, example: Example) -> str:
        """The question alone, with what is known besides: as `messages` puts it, without instructions and schema."""
        if self.style == "full":
            known = [f"Known besides: {example.evidence}"] if example.evidence else []
            return "\n\n".join([*known, f"Question: {example.question.strip()}"])
        known = [example.evidence] if example.evidence else []
        question = " ".join(example.question.split())
        if self.style == "compact":
            return "\n\n".join([*known, question])
        return "\n\n".join([f"{example.labels.get('database', '')}: {question}".removeprefix(": "), *known])

    def render(self, tokenizer: Any, messages: list[dict[str, str]], tools: Sequence[Any] | None = None) -> str:
        """The text that a policy continues, through the tokenizer's chat template. tools: functions that it may call,
        which the template tells it of."""
        if not getattr(tokenizer, "chat_template", None):
            raise UsageError("this model's tokenizer has no chat template: use an instruction-tuned checkpoint")
        text: str = tokenizer.apply_chat_template(messages, tools=tools, tokenize=False, add_generation_prompt=True)
        return text + "<think>" if self.prefill else text

    def completion(self, query: str, thought: str = "") -> str:
        """What a policy should have written to give `query`."""
        answer = f"<answer>{json.dumps({self.answer_key: query}, ensure_ascii=False)}</answer>"
        if not self.thinking:
            return answer
        return f"{'' if self.prefill else '<think>'}{thought}</think>{answer}"

    def to_dict(self) -> dict[str, Any]:
        """What `from_dict` takes."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read what `to_dict` gave; unknown keys are an error."""
        try:
            return cls(**values)
        except TypeError as error:
            raise UsageError(f"policy.json: {error}") from None


def spoken(dialect: str) -> str:
    """What a model knows a dialect by; SQLite for what is no database of a kind of its own."""
    return _DIALECTS.get(dialect, "SQLite")
