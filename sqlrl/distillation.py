"""Distillation: a warm start from another policy's answers, of which only those that return the right result are kept.

The teacher is asked as in an evaluation: it sees no gold, unlike the paper's (DeepRetrieval's cold start shows its
teacher the right query, arXiv 2503.00223), and is believed by what its queries return, not by its name.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.answers import extract
from sqlrl.asking import ask_policy
from sqlrl.benchmarks import load_benchmark
from sqlrl.benchmarks.base import Demonstration
from sqlrl.executors.base import Limits
from sqlrl.executors.errors import DataError, UsageError
from sqlrl.judging import Judging
from sqlrl.runs import write_text

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Example
    from sqlrl.config import EvalConfig
    from sqlrl.policies.usage import Usage
    from sqlrl.training.run import Progress

__all__ = ["Distilled", "distil", "read_demonstrations"]


@dataclass(frozen=True, slots=True)
class Distilled:
    """demonstrations: up to `keep` distinct queries a question. questions, samples: asked. right: samples that returned
    the right result; solved: questions with at least one. usage: of an endpoint."""

    demonstrations: list[Demonstration]
    questions: int
    samples: int
    right: int
    solved: int
    usage: Usage | None = None

    def write(self, path: Path) -> None:
        """One line a demonstration, beside and renamed: what `read_demonstrations` takes."""
        lines = (
            {
                "id": d.example.id,
                "question": d.example.question,
                "database": d.example.labels.get("database", ""),
                "query": d.query,
                "thought": d.thought,
            }
            for d in self.demonstrations
        )
        write_text(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def distil(config: EvalConfig, progress: Progress, *, keep: int = 2) -> Distilled:
    """Ask the policy every question of the split `config.samples` times; keep what returns the right result.

    An empty gold shows nothing to be right, so its questions give no demonstration. Answers of a server are cached: the
    same command goes on from the last one.
    """
    if config.split == "test":
        raise UsageError("the test split is not there to learn from: take --split train")
    benchmark = load_benchmark(config.benchmark, config.data)
    examples = [e for e in benchmark.examples(config.split or "train") if benchmark.sources(e)][: config.limit]
    if not examples:
        raise DataError(f"{benchmark.name}: no question has its database here")
    limits = Limits(seconds=config.seconds)
    with Judging.of(benchmark, examples, config.judge, limits=limits, workers=config.workers) as judging:
        asked = ask_policy(config, benchmark, config.split or "train", examples, judging, progress)
        answers = [[extract(text, asked.prompter) for text in group] for group in asked.completions]
        pairs = [(e, answer.query) for e, group in zip(examples, answers, strict=True) for answer in group]
        advance = progress.start("judging", len(pairs))
        words = judging.judge_all(pairs, thorough=False)
        advance(len(pairs), "")
    demonstrations: list[Demonstration] = []
    right = solved = place = 0
    for example, group in zip(examples, answers, strict=True):
        mine = words[place : place + len(group)]
        place += len(group)
        good = [
            (answer.query or "", answer.thinking)
            for answer, word in zip(group, mine, strict=True)
            if word.verdict.correct and not word.gold_empty
        ]
        right += len(good)
        solved += bool(good)
        demonstrations += _kept(example, good, keep)
    return Distilled(demonstrations, len(examples), len(pairs), right, solved, asked.usage)


def _kept(example: Example, good: Sequence[tuple[str, str]], keep: int) -> list[Demonstration]:
    """The commonest distinct queries, each with the shortest of its thoughts."""
    thoughts: dict[str, str] = {}
    for query, thought in good:
        if query not in thoughts or len(thought) < len(thoughts[query]):
            thoughts[query] = thought
    commonest = Counter(query for query, _ in good).most_common(keep)
    return [Demonstration(example, query, thoughts[query]) for query, _ in commonest]


def read_demonstrations(path: Path, examples: Sequence[Example]) -> list[Demonstration]:
    """What `Distilled.write` wrote, or was written by hand: `id` and `query`, a `thought` where there is one.

    DataError names the line that is not so, or whose question is not among `examples`.
    """
    by_id = {example.id: example for example in examples}
    found = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8'}") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            found.append(_demonstration(line, by_id, f"{path}, line {number}"))
    if not found:
        raise DataError(f"{path} holds no demonstration")
    return found


def _demonstration(line: str, by_id: Mapping[str, Example], where: str) -> Demonstration:
    try:
        values: Any = json.loads(line)
    except ValueError:
        raise DataError(f"{where} is not JSON") from None
    if not isinstance(values, dict) or not isinstance(values.get("query"), str) or not values["query"].strip():
        raise DataError(f"{where} needs the keys id and query")
    identifier = str(values.get("id"))
    if identifier not in by_id:
        raise DataError(f"{where}: no training question {identifier!r} with its database here")
    thought = values.get("thought", "")
    if not isinstance(thought, str):
        raise DataError(f"{where}: the thought is not text")
    return Demonstration(by_id[identifier], values["query"], thought)
