"""Evaluation: ask a policy or read predictions, run what it wrote, judge what came back, count."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlrl.answers import extract
from sqlrl.prompts import Prompter
from sqlrl.statistics import Interval, bootstrap, clustered_bootstrap, wilson

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Example
    from sqlrl.executors.base import Gold
    from sqlrl.golds import Ceiling
    from sqlrl.judging import Judged, Judging
    from sqlrl.policies import Message, Policy
    from sqlrl.shots import Shots

__all__ = ["Item", "Score", "Summary", "ask", "evaluate", "gold_line", "put", "rank", "summarise"]


_MANY = 20  # relevant documents that a line names
_DIFFICULTIES = ("easy", "simple", "medium", "moderate", "hard", "challenging", "extra")


@dataclass(frozen=True, slots=True)
class Item:
    """One judged question. fault: of the completion's form. results: "predicted" and "gold" -> the first rows of each,
    see sqlrl.executors.excerpts; None where they were not kept. details: further keys of its line."""

    index: int
    example: Example
    predicted: str | None
    judged: Judged
    completion: str = ""
    fault: str = ""
    results: Mapping[str, Any] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The line that `--json` writes."""
        verdict = self.judged.verdict
        line: dict[str, Any] = {
            "index": self.index,
            "id": self.example.id,
            "db_id": self.example.labels.get("database", ""),
            "predicted": self.predicted,
            "gold": gold_line(self.example.gold),
            "outcome": self.judged.outcome,
            "correct": verdict.correct,
            "score": verdict.score,
            "safe": self.judged.safe,
            "reason": verdict.reason,
            "question": self.example.question,
            "seconds": round(self.judged.seconds, 6),
            "gold_seconds": round(self.judged.gold_seconds, 6),
            "predicted_rows": self.judged.predicted_rows,
            "gold_rows": self.judged.gold_rows,
        }
        line |= {key: value for key, value in self.example.labels.items() if key != "database"}
        if self.completion:
            line["completion"] = self.completion
        for key, value in (
            ("evidence", self.example.evidence), ("message", self.judged.message), ("fault", self.fault),
            ("results", self.results),
        ):  # fmt: skip
            if value:
                line[key] = value
        return line | dict(self.details)


@dataclass(frozen=True, slots=True)
class Score:
    """What a judge gave some questions.

    right: how many have full marks. mean: of the scores, the figure that counts; right / total for a judge that knows
    only right and wrong. interval: 95 % of the mean. across: the same with whole databases resampled, None for fewer
    than eight.
    """

    right: int
    total: int
    mean: float
    interval: Interval
    across: Interval | None = None

    @classmethod
    def of(cls, marks: Sequence[tuple[float, bool]], databases: Sequence[str] | None = None) -> Score:
        """marks: (score, full marks) of each question.

        The interval is a percentile bootstrap over questions, and over databases besides where they are given. Without
        them it is one cell of a table, which may be small: Wilson's, where the scores are noughts and ones.
        """
        scores = [score for score, _ in marks]
        right, total = sum(correct for _, correct in marks), len(marks)
        mean = sum(scores) / total if total else 0.0
        if databases is not None:
            return cls(right, total, mean, bootstrap(scores), clustered_bootstrap(scores, databases))
        plain = all(score == correct for score, correct in marks)
        return cls(right, total, mean, wilson(right, total) if plain else bootstrap(scores, resamples=1_000))

    @property
    def share(self) -> float:
        """Of full marks."""
        return self.right / self.total if self.total else 0.0

    @property
    def is_graded(self) -> bool:
        """Whether some question has a mark between wrong and right."""
        return abs(self.mean - self.share) > 1e-9

    def to_dict(self) -> dict[str, Any]:
        return {
            "right": self.right, "total": self.total, "share": self.share, "mean": self.mean,
            "interval": list(self.interval), "across_databases": list(self.across) if self.across else None,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Summary:
    """official: the judge's word over every question whose database is here. safe: without empty databases. by: label
    -> its values -> score (official). outcomes: how the predicted queries ended; reasons: what the judge said.
    ceiling: what the golds come to by their own judge. faults: wrong forms, by fault."""

    judge: str
    official: Score
    safe: Score
    unjudged: Counter[str]
    outcomes: Counter[str]
    by: Mapping[str, Mapping[str, Score]]
    reasons: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    ceiling: Ceiling | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "judge": self.judge,
            "official": self.official.to_dict(),
            "safe": self.safe.to_dict(),
            "unjudged": dict(self.unjudged),
            "outcomes": dict(self.outcomes),
            "reasons": dict(self.reasons),
            "by": {
                label: {value: score.to_dict() for value, score in values.items()} for label, values in self.by.items()
            },
            "faults": dict(self.faults),
            "ceiling": self.ceiling.score.to_dict() if self.ceiling else None,
            "golds": self.ceiling.counts() if self.ceiling else None,
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
    prompts = put(examples, judging, prompter, sample_rows=sample_rows, shots=shots)
    said: list[list[str]] = []
    for start in range(0, len(prompts), batch):
        part = prompts[start : start + batch]
        said.extend(policy.generate(part, n, temperature, max_tokens))
        if advance is not None:
            advance(len(part))
    return said


def put(
    examples: Sequence[Example],
    judging: Judging,
    prompter: Prompter,
    *,
    sample_rows: int = 0,
    shots: Shots | None = None,
) -> list[list[Message]]:
    """The conversation that asks each example, up to where the policy writes."""
    describe = prompter.needs_description
    descriptions: dict[str, str] = {}

    def description(example: Example) -> str:
        key = next(iter(judging.sources[example.id]), "")
        if key not in descriptions:
            descriptions[key] = judging.describe(example, sample_rows)
        return descriptions[key]

    return [
        [
            *(shots.before(example, prompter) if shots is not None else []),
            *prompter.messages(example, description(example) if describe else ""),
        ]
        for example in examples
    ]


def evaluate(
    examples: Sequence[Example],
    judging: Judging,
    *,
    completions: Sequence[str] | None = None,
    predictions: Sequence[str] | None = None,
    prompter: Prompter | None = None,
    closely: bool = False,
) -> list[Item]:
    """Judge completions (the query is taken from each by the prompter's rule) or bare predicted queries. closely: see
    `Judging.judge_all`; the items have results then."""
    if (completions is None) == (predictions is None):
        raise ValueError("evaluate takes completions or predictions")
    if completions is not None:
        answers = [extract(completion, prompter or Prompter()) for completion in completions]
        queries = [answer.query for answer in answers]
        faults = [answer.fault for answer in answers]
    else:
        assert predictions is not None
        queries, faults = list(predictions), [""] * len(predictions)
    judged = judging.judge_all(list(zip(examples, queries, strict=True)), closely=closely)
    texts = completions or [""] * len(examples)
    return [
        Item(index, example, query, word, text, fault, word.excerpts if closely else None)
        for index, (example, query, word, text, fault) in enumerate(
            zip(examples, queries, judged, texts, faults, strict=True)
        )
    ]


def summarise(items: Sequence[Item], judge: str, ceiling: Ceiling | None = None) -> Summary:
    """Count. A question whose database is missing, whose service was unavailable or whose gold fails is nobody's to
    answer: it is counted apart ("unjudged"), except that a failing gold stays in the official total, as the official
    scripts have it."""
    unjudged: Counter[str] = Counter()
    by: dict[str, dict[str, list[tuple[float, bool]]]] = defaultdict(lambda: defaultdict(list))
    official: list[tuple[float, bool]] = []
    safe: list[tuple[float, bool]] = []
    asked: list[str] = []
    asked_safely: list[str] = []
    for item in items:
        verdict = item.judged.verdict
        if verdict.score is None or verdict.reason == "missing_database" or item.judged.outcome == "missing_database":
            unjudged[verdict.reason] += 1
            continue
        mark = (verdict.score, verdict.correct)
        database = item.example.labels.get("database", "")
        official.append(mark)
        asked.append(database)
        for label, value in item.example.labels.items():
            by[label][value].append(mark)
        if item.judged.safe is not None and verdict.reason != "gold_failed":
            safe.append(mark)
            asked_safely.append(database)
    return Summary(
        judge,
        Score.of(official, asked),
        Score.of(safe, asked_safely),
        unjudged,
        Counter(item.judged.outcome for item in items),
        {
            label: {value: Score.of(found) for value, found in sorted(values.items(), key=rank)}
            for label, values in by.items()
        },
        Counter(item.judged.verdict.reason for item in items),
        Counter(item.fault for item in items if item.fault),
        ceiling,
    )


def gold_line(gold: Gold) -> str | None:
    """What is right, in a line: the query, the answers, or the relevant documents from the highest grade on."""
    if gold.query is not None or (gold.answers is None and gold.relevant is None):
        return gold.query
    if gold.answers is not None:
        return " | ".join(gold.answers)
    relevant = {name: grade for name, grade in (gold.relevant or {}).items() if grade > 0}
    graded = len(set(relevant.values())) > 1
    ordered = sorted(relevant, key=lambda name: -relevant[name])
    shown = " ".join(f"{name} (grade {relevant[name]:g})" if graded else name for name in ordered[:_MANY])
    return f"{shown} and {len(ordered) - _MANY:,} more" if len(ordered) > _MANY else shown


def rank(labelled: tuple[str, Any]) -> tuple[int, str]:
    """Difficulties from easy to hard, all else by name."""
    value = labelled[0]
    return (_DIFFICULTIES.index(value) if value in _DIFFICULTIES else -1, value)
