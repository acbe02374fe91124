"""answered: your own database, with questions whose answer you know and no query for any of them.

The warm start is written by the grammar for this schema; the answered questions are what a policy is then rewarded on
and judged by. No query of yours is ever asked for.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.benchmarks.answers import SPLITS, Answer, read_answers
from sqlrl.benchmarks.base import Demonstration, Example
from sqlrl.executors import Limits, open_executor
from sqlrl.executors.base import Gold
from sqlrl.executors.errors import UsageError
from sqlrl.executors.source import is_server, locate

if TYPE_CHECKING:
    from sqlrl.benchmarks.generation.questionnaire import Questionnaire
    from sqlrl.executors.groups import Group

__all__ = ["DEMONSTRATIONS", "Answered", "absolute", "plain", "questionnaire_of", "stem"]

DEMONSTRATIONS = 8_000
VALIDATION, TEST = 0.15, 0.35
LARGE = 40  # questions, from which on some are set apart as a test


class Answered:
    """source: as `open_executor` takes it. file: of answers, see `read_answers`. seed: of the generated questions, and
    of which split a question falls into where its line does not say so.

    From 40 questions on, 35 % are the test and 15 % validation; with fewer there is no test, and 35 % are validation.
    Lines without a split are drawn by the seed and their text alone, so that neither order nor spelling of the file
    matters; name the split in the lines where the file grows between runs that are compared.
    """

    name = "answered"
    judges: tuple[str, ...] = ("answered",)
    shares: tuple[str, ...] = ("databases", "queries")
    answer_key = "sql"

    def __init__(self, source: str, file: str | Path, seed: int = 0) -> None:
        self.source = source if is_server(source) else absolute(source)
        self.file = Path(file).expanduser()
        self.seed = seed
        self.answers = read_answers(self.file)
        self.splits: tuple[str, ...] = SPLITS if any(split == "test" for split in self._split.values()) else SPLITS[:2]
        self.database = stem(source)

    @cached_property
    def dialect(self) -> str:
        """As executors name it: which SQL a policy is asked for."""
        with open_executor(self.source, workers=1) as executor:
            return executor.dialect

    def examples(self, split: str) -> list[Example]:
        """See `Benchmark.examples`. labels: database, answer (its kind) and, where a question is held out, whether a
        question of train has the same answer (it may be the same question in other words) or none has."""
        if split not in self.splits:
            raise UsageError(f"{self.file} has no questions for {split!r}; there are {', '.join(self.splits)}")
        known = {self._fingerprint(answer) for answer in self.answers if self._split[answer.line] == "train"}
        return [self._example(answer, split, known) for answer in self.answers if self._split[answer.line] == split]

    def demonstrations(self) -> list[Demonstration]:
        """Generated questions about this database, each with a query by one reading; none that is asked."""
        asked = {plain(answer.question) for answer in self.answers}
        return [
            Demonstration(
                Example(f"generated-{index}", draft.question, Gold(query=draft.query), labels=self._labels),
                draft.query,
                ", ".join(draft.tables),
            )
            for index, draft in enumerate(self.questionnaire.drafts)
            if plain(draft.question) not in asked
        ]

    def sources(self, example: Example) -> list[str]:
        """The one database."""
        return [self.source]

    def faults(self, group: Group[Any] | None = None) -> dict[str, str]:
        """None: what cannot be opened, or has nothing to ask about, is an error."""
        return {}

    def notes(self) -> list[str]:
        """How many questions each split has."""
        counts = {split: sum(each == split for each in self._split.values()) for split in self.splits}
        return [f"{self.file.name}: {', '.join(f'{count:,} for {split}' for split, count in counts.items())}"]

    @cached_property
    def questionnaire(self) -> Questionnaire:
        """What the grammar writes about the database."""
        return questionnaire_of(self.source, DEMONSTRATIONS, self.seed)

    @cached_property
    def _split(self) -> Mapping[int, str]:
        """Line -> split."""
        open_still = sorted((a for a in self.answers if not a.split), key=lambda answer: plain(answer.question))
        random.Random(f"answered/{self.seed}").shuffle(open_still)
        total = len(open_still)
        large = total >= LARGE or any(answer.split == "test" for answer in self.answers)
        tests = round(TEST * total) if large else 0
        validation = round((VALIDATION if large else TEST) * total)
        drawn = {answer.line: answer.split for answer in self.answers}
        for index, answer in enumerate(open_still):
            drawn[answer.line] = "test" if index < tests else "validation" if index < tests + validation else "train"
        return drawn

    @property
    def _labels(self) -> dict[str, str]:
        return {"database": self.database}

    def _example(self, answer: Answer, split: str, known: set[Any]) -> Example:
        labels = {**self._labels, "answer": answer.partial.known}
        if split != "train":
            labels["held_out"] = "known answer" if self._fingerprint(answer) in known else "new answer"
        return Example(f"{split}-{answer.line}", answer.question, answer.gold, answer.evidence, labels=labels)

    @staticmethod
    def _fingerprint(answer: Answer) -> Any:
        return frozenset(answer.partial.rows)


def questionnaire_of(source: str, count: int, seed: int) -> Questionnaire:
    """What the grammar writes about a database; of a file, kept until it changes."""
    path = Path(source.partition("://")[2])
    if not path.is_file():
        return _written(source, count, seed)
    status = path.stat()
    return _known(source, count, seed, (status.st_mtime_ns, status.st_size))


def _written(source: str, count: int, seed: int) -> Questionnaire:
    from sqlrl.benchmarks.generation.questionnaire import write_questions

    with open_executor(source, limits=Limits(seconds=2.0), workers=1) as executor:
        return write_questions(executor, count, seed)


@lru_cache(maxsize=4)
def _known(source: str, count: int, seed: int, changed: tuple[int, int]) -> Questionnaire:
    """The same, kept: a comparison plans one database many times. changed: when, and to which size."""
    return _written(source, count, seed)


def plain(question: str) -> str:
    """A question by which it is known again, however it is spaced, capitalised and ended."""
    return " ".join(question.split()).casefold().rstrip("?. ")


def absolute(source: str) -> str:
    """The same source with its whole path, so that a run can be gone on with from another folder."""
    dialect = locate(source).kind.dialect  # SourceError where there is none
    scheme, _, rest = source.partition("://") if "://" in source else ("", "", source)
    relative = Path(rest.removeprefix("/") if scheme else rest).expanduser()
    path = (relative if relative.exists() else Path(rest)).resolve()
    if not scheme and (dialect == "sqlite" or path.suffix == ".duckdb"):
        scheme = dialect
    return f"{scheme}:///{path}" if scheme else str(path)


def stem(source: str) -> str:
    """What a database is called: its file's, its folder's or its server's name for it."""
    return Path(source.partition("://")[2].partition("?")[0] or source).stem or "database"
