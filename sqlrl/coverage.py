"""Coverage: whether what is known to be right for a search can be found at all: relevant documents are in the corpus,
and some document holds an answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlrl.executors.errors import QueryError
from sqlrl.judging import Judging

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Benchmark, Example
    from sqlrl.executors.base import Limits

__all__ = ["Coverage", "check_coverage"]

_BATCH = 64
_SHOWN = 3  # ids named of one question
_ANSWERS = 3  # of a question that are looked for: the first are the usual ones
_JUDGE = "answer-rank@1000"


@dataclass(slots=True)
class Coverage:
    """Each list holds one line a question. whole: questions of which everything is there. wrong: of which something is
    not. failing: that could not be looked up. missing: without a corpus. documents, absent: relevant ones in all, and
    those that are not there."""

    total: int = 0
    whole: int = 0
    documents: int = 0
    absent: int = 0
    failing: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def headline(self) -> str:
        """One line on all of them."""
        documents = (
            f"; {self.absent:,} of {self.documents:,} relevant documents are not there" if self.documents else ""
        )
        return (
            f"{self.whole:,} of {self.total:,} questions have all that is right for them in the corpus{documents}; "
            f"{len(self.failing):,} could not be looked up, {len(self.missing):,} lack a corpus"
        )

    def remarkable(self) -> dict[str, list[str]]:
        """What there is to name, by kind."""
        kinds = {"could not be looked up": self.failing, "are not whole": self.wrong, "have no corpus": self.missing}
        return {kind: lines for kind, lines in kinds.items() if lines}


def check_coverage(
    benchmark: Benchmark,
    examples: Sequence[Example],
    *,
    limits: Limits | None = None,
    workers: int | None = None,
    advance: Callable[[int], None] | None = None,
) -> Coverage:
    """Look up every relevant document by its id; of a question with answers, search for itself with one of them."""
    found = Coverage(total=len(examples))
    with Judging.of(benchmark, examples, _JUDGE, limits=limits, workers=workers) as judging:
        for start in range(0, len(examples), _BATCH):
            part = examples[start : start + _BATCH]
            here = [example for example in part if judging.sources[example.id]]
            found.missing += [example.id for example in part if not judging.sources[example.id]]
            _look_up([example for example in here if example.gold.relevant is not None], judging, found)
            _look_for([example for example in here if example.gold.relevant is None], judging, found)
            if advance is not None:
                advance(len(part))
    return found


def _look_up(examples: Sequence[Example], judging: Judging, found: Coverage) -> None:
    """By ids."""
    if not examples:
        return
    wanted = {
        example.id: [name for name, grade in (example.gold.relevant or {}).items() if grade > 0] for example in examples
    }
    group: Any = judging.group
    known: dict[str, set[str]] = {}
    try:
        for url in {judging.sources[example.id][0] for example in examples}:
            ids = {name for e in examples if judging.sources[e.id][0] == url for name in wanted[e.id]}
            known[url] = {document.id for document in group.engine(url).fetch(sorted(ids))}
    except QueryError as error:
        found.failing += [f"{example.id}: {error}" for example in examples]
        return
    for example in examples:
        ids_here = known[judging.sources[example.id][0]]
        absent = [name for name in wanted[example.id] if name not in ids_here]
        found.documents += len(wanted[example.id])
        found.absent += len(absent)
        if absent:
            shown = ", ".join(absent[:_SHOWN]) + (", ..." if len(absent) > _SHOWN else "")
            found.wrong.append(f"{example.id}: {len(absent):,} of {len(wanted[example.id]):,} are not there: {shown}")
        else:
            found.whole += 1


def _look_for(examples: Sequence[Example], judging: Judging, found: Coverage) -> None:
    """By the question with an answer, one after the other until one is found."""
    left = list(examples)
    for place in range(_ANSWERS):
        asked = [example for example in left if place < len(example.gold.answers or ())]
        queries = [(example, f"{example.question} {(example.gold.answers or ())[place]}") for example in asked]
        right = set()
        for (example, _), word in zip(queries, judging.judge_all(queries), strict=True):
            if word.verdict.correct:
                right.add(example.id)
            elif word.verdict.score is None:
                found.failing.append(f"{example.id}: {word.outcome}: {' '.join(word.message.split())[:160]}")
                right.add(example.id)
                found.whole -= 1
        found.whole += len(right)
        left = [example for example in left if example.id not in right]
    for example in left:
        answers = ", ".join((example.gold.answers or ())[:_SHOWN])
        found.wrong.append(f"{example.id}: no document with an answer among the first 1,000: {answers}")
