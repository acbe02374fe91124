"""A prompt: an example as chat messages, put through the tokenizer's own template, and the form of the completion."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from sqlrl.executors.errors import UsageError, nearest
from sqlrl.outline import outline

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Benchmark, Example

__all__ = ["ASKS", "STYLES", "Prompter", "manner"]

_DIALECTS = {"postgresql": "PostgreSQL", "mysql": "MySQL", "duckdb": "DuckDB"}
STYLES = ("full", "compact", "terse")
_TASK = "Write one read-only {dialect} query whose result answers the question about the database below."
_SEARCH = {
    False: "Write one search query that finds {what}.",
    True: "Rewrite the {name} below as one search query that finds {what}. Keep its words and add others that such "
    "documents would use; where none would help, give it back as it is.",
}
# What the questions of search are -> (what a question is called, what is to be found)
ASKS = {
    "question": ("question", "documents that answer the question below"),
    "passage": ("question", "a passage in which the answer to the question below stands"),
    "claim": ("claim", "documents that support or refute the claim below"),
    "review": ("question", "the studies to be included in a systematic review of the question below"),
    "pico": (
        "review",
        "the studies to be included in the systematic review below, which is given by its population (P), intervention "
        "(I), comparison (C) and outcome (O)",
    ),
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

    Of search: asks, what the questions are, one of `ASKS`; expand, whether the query is to be the question with more
    words, as an engine wants it that goes by meaning.
    """

    style: str = "full"
    thinking: bool = True
    prefill: bool = False
    answer_key: str = "sql"
    dialect: str = "SQLite"
    turns: int = 1
    asks: str = "question"
    expand: bool = False

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise UsageError(f"no prompt style {self.style!r}{nearest(self.style, STYLES)}")
        if self.asks not in ASKS:
            raise UsageError(f"no questions of the kind {self.asks!r}{nearest(self.asks, ASKS)}")
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
    def converses(self) -> bool:
        """Whether earlier questions may stand before one. What was taught by single questions has never seen any."""
        return self.style == "full"

    @property
    def answering(self) -> Prompter:
        """How the last word is read. After a look a policy may think or not: only the answer has a form."""
        return self if self.turns == 1 else replace(self, thinking=False)

    def messages(self, example: Example, description: str) -> list[dict[str, str]]:
        """One user message. description: of the source, as its executor gives it."""
        if self.style == "terse":
            parts = [self.question(example)]
        elif self.style == "compact":
            about = outline(description) if self.answer_key == "sql" else description
            parts = [about, self.question(example)]
        else:
            parts = [self._task()]
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
            asked = example.question.strip()
            name = "question" if self.answer_key == "sql" else ASKS[self.asks][0]
            return "\n\n".join([*known, f"{name.capitalize()}:{chr(10) if chr(10) in asked else ' '}{asked}"])
        known = [example.evidence] if example.evidence else []
        question = " ".join(example.question.split())
        if self.style == "compact":
            return "\n\n".join([*known, question])
        return "\n\n".join([f"{example.labels.get('database', '')}: {question}".removeprefix(": "), *known])

    def _task(self) -> str:
        if self.answer_key == "sql":
            return _TASK.format(dialect=self.dialect)
        name, what = ASKS[self.asks]
        return _SEARCH[self.expand].format(name=name, what=what)

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


def manner(benchmark: Benchmark) -> dict[str, Any]:
    """The settings of a `Prompter` that are the benchmark's to say. A dialect is what a model knows it by; SQLite for
    what is no database of a kind of its own."""
    if benchmark.answer_key == "sql":
        return {"answer_key": "sql", "dialect": _DIALECTS.get(getattr(benchmark, "dialect", ""), "SQLite")}
    return {
        "answer_key": benchmark.answer_key,
        "asks": getattr(benchmark, "asks", "question"),
        "expand": getattr(benchmark, "expand", False),
    }
