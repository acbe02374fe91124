"""Evaluation: ask a policy or read predictions, run what it wrote, judge what came back, count."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlrl.answers import extract
from sqlrl.prompts import Prompter
from sqlrl.statistics import wilson

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Example
    from sqlrl.judging import Judged, Judging
    from sqlrl.policies import Policy
    from sqlrl.shots import Shots

__all__ = ["Item", "Score", "Summary", "ask", "evaluate", "summarise"]


_DIFFICULTIES = ("easy", "simple", "medium", "moderate", "hard", "challenging", "extra")


@dataclass(frozen=True, slots=True)
class Item:
    """One judged question."""

    index: int
    example: Example
    predicted: str | None
    judged: Judged
    completion: str = ""
    fault: str = ""  # of the completion's form
    details: Mapping[str, Any] = field(default_factory=dict)  # further keys of its line

    def to_dict(self) -> dict[str, Any]:
        """The line that `--json` writes."""
        verdict = self.judged.verdict
        line: dict[str, Any] = {
            "index": self.index,
            "id": self.example.id,
            "db_id": self.example.labels.get("database", ""),
            "predicted": self.predicted,
            "gold": self.example.gold.query,
            "outcome": self.judged.outcome,
            "correct": verdict.correct,
            "score": verdict.score,
            "safe": self.judged.safe,
            "reason": verdict.reason,
            "question": self.example.question,
            "seconds": round(self.judged.seconds, 6),
        }
        line |= {key: value for key, value in self.example.labels.items() if key != "database"}
        if self.completion:
            line["completion"] = self.completion
        for key, value in (("message", self.judged.message), ("fault", self.fault)):
            if value:
                line[key] = value
        return line | dict(self.details)


@dataclass(frozen=True, slots=True)
class Score:
    """right of total, and the 95 % Wilson interval of the share."""

    right: int
    total: int

    @property
    def share(self) -> float:
        return self.right / self.total if self.total else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.right, self.total)

    def to_dict(self) -> dict[str, Any]:
        return {"right": self.right, "total": self.total, "share": self.share, "interval": list(self.interval)}


@dataclass(frozen=True, slots=True)
class Summary:
    """official: the judge's word over every question whose database is here. safe: without empty databases. by: label
    -> its values -> score (official). outcomes: how the predicted queries ended. ceiling: golds judged against
    themselves, where that was asked for. faults: wrong forms, by fault."""

    judge: str
    official: Score
    safe: Score
    unjudged: Counter[str]
    outcomes: Counter[str]
    by: Mapping[str, Mapping[str, Score]]
    faults: Counter[str] = field(default_factory=Counter)
    ceiling: Score | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "judge": self.judge,
            "official": self.official.to_dict(),
            "safe": self.safe.to_dict(),
            "unjudged": dict(self.unjudged),
            "outcomes": dict(self.outcomes),
            "by": {
                label: {value: score.to_dict() for value, score in values.items()} for label, values in self.by.items()
            },
            "faults": dict(self.faults),
            "ceiling": self.ceiling.to_dict() if self.ceiling else None,
        }


def ask(
    policy: Policy,
    examples: Sequence[Example],
    judging: Judging,
    prompter: Prompter,
    *,
    n: int = 1,
    temperature: float = 0.0,
    max_tokens: int = 512,
    sample_rows: int = 0,
    shots: Shots | None = None,
    batch: int = 256,
    advance: Callable[[int], None] | None = None,
) -> list[list[str]]:
    """`n` completions for each example. shots: shown before each question."""
    describe = prompter.needs_description
    descriptions: dict[str, str] = {}

    def description(example: Example) -> str:
        key = next(iter(judging.sources[example.id]), "")
        if key not in descriptions:
            descriptions[key] = judging.describe(example, sample_rows)
        return descriptions[key]

    prompts = [
        [
            *(shots.before(example, prompter) if shots is not None else []),
            *prompter.messages(example, description(example) if describe else ""),
        ]
        for example in examples
    ]
    said: list[list[str]] = []
    for start in range(0, len(prompts), batch):
        part = prompts[start : start + batch]
        said.extend(policy.generate(part, n, temperature, max_tokens))
        if advance is not None:
            advance(len(part))
    return said


def evaluate(
    examples: Sequence[Example],
    judging: Judging,
    *,
    completions: Sequence[str] | None = None,
    predictions: Sequence[str] | None = None,
    prompter: Prompter | None = None,
) -> list[Item]:
    """Judge completions (the query is taken from each by the prompter's rule) or bare predicted queries."""
    if (completions is None) == (predictions is None):
        raise ValueError("evaluate takes completions or predictions")
    if completions is not None:
        answers = [extract(completion, prompter or Prompter()) for completion in completions]
        queries = [answer.query for answer in answers]
        faults = [answer.fault for answer in answers]
    else:
        assert predictions is not None
        queries, faults = list(predictions), [""] * len(predictions)
    judged = judging.judge_all(list(zip(examples, queries, strict=True)))
    texts = completions or [""] * len(examples)
    return [
        Item(index, example, query, word, text, fault)
        for index, (example, query, word, text, fault) in enumerate(
            zip(examples, queries, judged, texts, faults, strict=True)
        )
    ]


def summarise(items: Sequence[Item], judge: str, ceiling: Score | None = None) -> Summary:
    """Count. A question whose database is missing, whose service was unavailable or whose gold fails is nobody's to
    answer: it is counted apart ("unjudged"), except that a failing gold stays in the official total, as the official
    scripts have it."""
    unjudged: Counter[str] = Counter()
    by: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    official: list[bool] = []
    safe: list[bool] = []
    for item in items:
        verdict = item.judged.verdict
        if verdict.score is None or verdict.reason == "missing_database" or item.judged.outcome == "missing_database":
            unjudged[verdict.reason] += 1
            continue
        official.append(verdict.correct)
        for label, value in item.example.labels.items():
            by[label][value].append(verdict.correct)
        if item.judged.safe is not None and verdict.reason != "gold_failed":
            safe.append(item.judged.safe)
    return Summary(
        judge,
        Score(sum(official), len(official)),
        Score(sum(safe), len(safe)),
        unjudged,
        Counter(item.judged.outcome for item in items),
        {
            label: {value: Score(sum(found), len(found)) for value, found in sorted(values.items(), key=_place)}
            for label, values in by.items()
        },
        Counter(item.fault for item in items if item.fault),
        ceiling,
    )


def _place(labelled: tuple[str, Any]) -> tuple[int, str]:
    """Difficulties from easy to hard, all else by name."""
    value = labelled[0]
    return (_DIFFICULTIES.index(value) if value in _DIFFICULTIES else -1, value)


def ceiling_of(examples: Sequence[Example], judging: Judging) -> Score:
    """The golds judged against themselves: what the judge lets anybody reach."""
    with_gold = [example for example in examples if example.gold.query and judging.sources[example.id]]
    judged = judging.judge_all([(example, example.gold.query) for example in with_gold])
    return Score(sum(word.verdict.correct for word in judged), len(judged))
