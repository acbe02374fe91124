"""An inquiry: one question on its way to an answer: the prompt, samples, their results, the vote, repairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sqlrl.answers import extract
from sqlrl.benchmarks.base import Example
from sqlrl.executors.base import Gold, Outcome, Result
from sqlrl.layer.answer import Answer, Attempt
from sqlrl.layer.dialects import transpile
from sqlrl.layer.repair import can_repair, repair
from sqlrl.layer.suggestions import Suggestion, suggest
from sqlrl.layer.values import tell
from sqlrl.voting import vote

if TYPE_CHECKING:
    from sqlrl.layer.catalogue import Catalogue
    from sqlrl.layer.deadline import Deadline
    from sqlrl.layer.settings import Settings
    from sqlrl.policies import Message
    from sqlrl.prompts import Prompter

__all__ = ["Inquiry", "Tried"]

_UNKNOWN = Gold(query="")  # a question to be answered has no gold; `Example` wants one


@dataclass(frozen=True, slots=True)
class Tried:
    """A query and its result; without a query, why there is none."""

    completion: str
    query: str | None
    result: Result


@dataclass
class Inquiry:
    """generate: conversation and count -> completions. execute: queries -> results. Both may run in a thread that is
    left to itself once the deadline is over. say: is told what is done, in words for a reader."""

    question: str
    settings: Settings
    catalogue: Catalogue
    prompter: Prompter
    generate: Callable[[list[Message], int], list[str]]
    execute: Callable[[list[str]], list[Result]]
    deadline: Deadline
    evidence: str = ""
    history: Sequence[tuple[str, str]] = ()
    say: Callable[[str], None] | None = None
    attempts: list[Attempt] = field(default_factory=list)
    shown: tuple[str, ...] = ()
    written: str | None = None  # the last query, whether or not it has ended

    def write(self) -> Answer:
        """A query alone, not run."""
        (completion,) = self._ask(self._prompt(), 1)
        query, fault = self._read(completion)
        if query is None:
            return Answer(self.question, outcome=Outcome.INVALID, message=fault, tables=self.shown, ran=False)
        return Answer(self.question, query, tables=self.shown, ran=False)

    def answer(self) -> Answer:
        """The whole way. LateError where the deadline is over before; `attempts` then says how far it came."""
        prompt = self._prompt()
        tried = self._try(self._ask(prompt, self.settings.samples), "sample")
        chosen = vote([each.result if each.query is not None else None for each in tried])
        best = tried[chosen.chosen]
        confidence = chosen.confidence if self.settings.samples > 1 else None
        found: tuple[Suggestion, ...] = self._suggest(best)
        for _ in range(self.settings.repairs):
            if not can_repair(best.result.outcome):
                break
            self._say(f"the query cannot be run: {best.result.message}; asking again")
            prompt = repair(prompt, best.completion, best.result.outcome, best.result.message, found)
            (best,) = self._try(self._ask(prompt, 1), "repair")
            found = self._suggest(best)
        return self._answered(best, confidence, found)

    def _answered(self, best: Tried, confidence: float | None, found: tuple[Suggestion, ...]) -> Answer:
        result = best.result
        answer = Answer(
            self.question, best.query, result.columns, result.rows, result.outcome, result.message, result.truncated,
            confidence, tuple(self.attempts), found, result.warnings, self.shown,
        )  # fmt: skip
        return answer if answer.ok else replace(answer, columns=(), rows=(), truncated=False)

    def _prompt(self) -> list[Message]:
        """What was said before, then the question with as much of the schema as is wanted."""
        schema, cells = self.catalogue.about(f"{self.question} {self.evidence}", self.settings, self.deadline)
        self.shown = tuple(table.name for table in schema.tables)
        if len(schema.tables) < len(self.catalogue.schema.tables):
            self._say(f"{len(schema.tables):,} of {len(self.catalogue.schema.tables):,} tables seem to matter")
        example = Example("", self.question, _UNKNOWN, self.evidence, labels={"database": self.catalogue.name})
        description = schema.description if self.prompter.needs_description else ""
        # Policies that were taught with the bare schema have never been told of cells.
        if cells and self.prompter.style == "full":
            names = {table.key: table for table in self.catalogue.schema.tables}
            description = f"{description}\n\n{tell(cells, names, self.settings.cell_characters)}"
        before: list[Message] = []
        for question, query in self.history if self.prompter.converses else ():
            said = replace(example, question=question, evidence="")
            before.append({"role": "user", "content": self.prompter.question(said)})
            before.append({"role": "assistant", "content": self.prompter.completion(query)})
        return [*before, *self.prompter.messages(example, description)]

    def _ask(self, prompt: list[Message], count: int) -> list[str]:
        self._say("asking the policy" + (f" for {count} queries" if count > 1 else ""))
        return self.deadline.run(lambda: self.generate(prompt, count))

    def _try(self, completions: Sequence[str], kind: str) -> list[Tried]:
        """Every query run, those that are written alike once."""
        read = [self._read(completion) for completion in completions]
        queries = list(dict.fromkeys(query for query, _ in read if query is not None))
        for text in queries:
            self.written = text
            self._say(f"running {text}")
        results = dict(zip(queries, self.deadline.run(lambda: self.execute(queries)), strict=True)) if queries else {}
        tried = []
        for completion, (query, fault) in zip(completions, read, strict=True):
            result = results[query] if query is not None else Result(outcome=Outcome.INVALID, message=fault)
            tried.append(Tried(completion, query, result))
            self.attempts.append(Attempt(kind, query, result.outcome, result.message, len(result.rows), result.seconds))
        return tried

    def _read(self, completion: str) -> tuple[str | None, str]:
        """(the query in the source's dialect, why there is none)."""
        found = extract(completion, self.prompter)
        if found.query is None:
            return None, f"the policy wrote no query: {found.fault}"
        spoken = self.settings.policy_dialect or self.prompter.dialect
        return transpile(found.query, spoken, self.catalogue.schema.dialect), ""

    def _suggest(self, tried: Tried) -> tuple[Suggestion, ...]:
        if not self.settings.suggestions or tried.query is None or tried.result.outcome is Outcome.OK:
            return ()
        return suggest(tried.query, self.catalogue.schema)

    def _say(self, words: str) -> None:
        if self.say is not None:
            self.say(words)
