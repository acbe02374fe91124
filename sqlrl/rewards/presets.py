"""A preset: the table of what is paid for each way in which a completion can end, part by part, and whose table it is.

A published preset keeps its authors' numbers. What is not kept is what pays for harm or for luck; each preset's
`differs` says what. The same for all of them: the form is ours (see `sqlrl.answers`); a query runs as it was written,
behind walls, and leaves nothing running; one that writes is refused, which counts as failed; what is not the policy's
fault (a gold that fails, a database or a service that is gone) earns nothing, neither good nor bad.

The presets for search pay by the mark of the ranking, in tiers, whether or not it is full marks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from sqlrl.benchmarks.judges import is_ranking
from sqlrl.executors.errors import UsageError, nearest

if TYPE_CHECKING:
    from sqlrl.answers import Answer
    from sqlrl.benchmarks.base import Benchmark

__all__ = ["KINDS", "PRESETS", "Parts", "Preset", "choose_preset", "judges_by", "load_preset", "presets_for"]

# How a completion ends. right: the judge says so. ran: the query ran and gave something else. failed: it did not run
# (the engine's error, refused, out of time, too large, a crash). malformed: the form is wrong. unjudged: nobody knows.
KINDS = ("right", "ran", "failed", "malformed", "unjudged")


@dataclass(frozen=True, slots=True)
class Parts:
    """What a completion earns, by what it is earned for. thinking: what the length of the thinking adds."""

    format: float = 0.0
    executability: float = 0.0
    result: float = 0.0
    length: float = 0.0
    thinking: float = 0.0

    @property
    def total(self) -> float:
        """The reward."""
        return math.fsum(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True, slots=True)
class Preset:
    """right, ran, failed, malformed: see `KINDS`. judge: who says what is right, where nobody else is named.

    partial: a wrong result earns this share of the judge's mark besides. tiers: of a preset for search, (least mark,
    what it earns in the place of `ran`), from the highest; right results too are paid by their mark there, and earn the
    share `partial` of it. unread: where the tags are right and hold no query; None for `malformed`. longest: a right
    answer earns a bonus for its length, which grows up to so many characters; 0 pays none. summary: one line for the
    reader; source: whose table it is; differs: what is not as its authors have it, on purpose.
    """

    judge: str
    right: Parts
    ran: Parts
    failed: Parts
    malformed: Parts
    summary: str
    source: str
    differs: str = ""
    partial: float = 0.0
    longest: int = 0
    tiers: tuple[tuple[float, Parts], ...] = ()
    unread: Parts | None = None

    @property
    def searches(self) -> bool:
        """Whether it pays for rankings of documents, not for rows."""
        return bool(self.tiers)

    def parts(self, kind: str, mark: float, answer: Answer) -> Parts:
        """What an answer of this kind earns (any but "unjudged"). mark: the judge's, from 0 to 1."""
        if self.tiers and kind in ("right", "ran"):
            tier = next((paid for least, paid in self.tiers if mark >= least), self.ran)
            return replace(tier, result=tier.result + self.partial * mark)
        if kind == "malformed" and self.unread is not None and answer.body and answer.query is None:
            return self.unread
        parts: Parts = getattr(self, kind)
        if kind == "ran" and self.partial:
            return replace(parts, result=parts.result + self.partial * mark)
        if kind == "right" and self.longest:
            return replace(parts, **self._bonus(answer))
        return parts

    @property
    def paid_for(self) -> tuple[str, ...]:
        """The parts that are not 0 for every completion."""
        rows = (self.right, self.ran, self.failed, self.malformed, *(tier for _, tier in self.tiers))
        paid = {field.name for field in fields(Parts) if any(getattr(row, field.name) for row in rows)}
        paid |= {"length", "thinking"} if self.longest else set()
        paid |= {"result"} if self.partial else set()
        return tuple(field.name for field in fields(Parts) if field.name in paid)

    def _bonus(self, answer: Answer) -> dict[str, float]:
        """SQL-R1's: half a point for thinking and answer as long as `longest`, and the query's share of the answer."""
        query = " ".join((answer.query or "").split())
        alone = 0.5 * min(1.0, len(answer.body) / self.longest)
        with_thinking = 0.5 * min(1.0, (len(answer.thinking) + len(answer.body)) / self.longest)
        return {"length": alone + len(query) / max(1, len(answer.body)), "thinking": with_thinking - alone}


def _by_recall(*tiers: tuple[float, float]) -> tuple[tuple[float, Parts], ...]:
    """(least recall, what is paid for the result) in a form that is paid 1."""
    return tuple((least, Parts(format=1.0, result=paid)) for least, paid in tiers)


def _by_rank(*tiers: tuple[int, float]) -> tuple[tuple[float, Parts], ...]:
    """(lowest rank, what is paid for the result) in a form that is paid 1; the mark is one over the rank."""
    return _by_recall(*((1 / rank, paid) for rank, paid in tiers))


_NOTHING = Parts()
_ANY = 5e-324  # the least mark above 0
_FOUND = ((_ANY, Parts(format=0.1)),)
_RANKS = _by_rank((5, 5.0), (20, 4.0), (50, 2.0), (100, 1.0), (1000, 0.5), (3000, 0.1))
_FORM_THERE = (
    "an answer with nothing in it earns 1 there, and counts as a wrong form here; an empty query counts as no JSON"
)
PRESETS = {
    "execution": Preset(
        "robust",
        right=Parts(result=1.0), ran=_NOTHING, failed=_NOTHING, malformed=_NOTHING,
        summary="the default: nothing is earned but by the right result",
        source="ours",
    ),
    "cell-f1": Preset(
        "cell-f1",
        right=Parts(result=1.0), ran=_NOTHING, failed=_NOTHING, malformed=_NOTHING, partial=0.5,
        summary="partial credit: a wrong result earns up to 0.5, by the cells that it shares with the gold's",
        source="ours; after Think2SQL's dense reward (arXiv 2504.15077), with bags of cells in the place of its sets",
        differs="Think2SQL pays a third of the mark for the right number of rows and 0.1 at least for whatever runs: "
        "`SELECT 7` earns something everywhere. Here a result without a right cell earns nothing, and the step from "
        "nearly right to right is worth half",
    ),
    "deepretrieval-spider": Preset(
        "bird-ex",
        right=Parts(format=0.1, result=1.0), ran=_NOTHING, failed=_NOTHING, malformed=Parts(format=-2.0),
        summary="DeepRetrieval's table for Spider and WikiSQL",
        source="arXiv 2503.00223; pat-jj/DeepRetrieval, code/verl/utils/reward_score/spider.py",
        differs="there a query out of time counts as one that returns nothing, and is right where the gold returns "
        "nothing; a query that writes is executed",
    ),
    "deepretrieval-bird": Preset(
        "bird-ex",
        right=Parts(format=0.1, result=1.0), ran=Parts(format=0.1, executability=0.3), failed=_NOTHING,
        malformed=Parts(format=-2.0),
        summary="DeepRetrieval's table for BIRD",
        source="arXiv 2503.00223; pat-jj/DeepRetrieval, code/verl/utils/reward_score/bird.py",
        differs="there a query out of time counts as one that returns nothing: it earns 0.4, or 1.1 where the gold "
        "returns nothing; a query that writes is executed",
    ),
    "sql-r1": Preset(
        "spider-exec",
        right=Parts(format=1.0, executability=2.0, result=3.0), ran=Parts(format=1.0, executability=2.0, result=-3.0),
        failed=Parts(format=1.0, executability=-2.0), malformed=Parts(format=-1.0), longest=2048,
        summary="SQL-R1's: 6 for the right result and up to 1.5 more for its length, 0 for a wrong one, else -1",
        source="arXiv 2504.08600; DataArcTech/SQL-R1, verl/utils/reward_score/synsql.py",
        differs="there a gold that fails makes whatever runs right (`==` for `=`), line breaks are taken out of a "
        "query, so that a remark swallows the rest of it, and a query out of time runs on in its thread. Half a point "
        "for 2,048 characters of thinking, whatever they say, is its own",
    ),
    "arctic": Preset(
        "bird-ex",
        right=Parts(result=1.0), ran=Parts(executability=0.1), failed=_NOTHING, malformed=_NOTHING,
        summary="Arctic-Text2SQL-R1's: 1 for the right result, 0.1 for a query that runs, else 0",
        source="arXiv 2505.20315; its training code is not published, spapicchio/Think2SQL has it as "
        "reward_arctic_sql (src/think2sql/grpo/rewards/rewards_answer_content.py)",
        differs="Think2SQL's pays a right query whatever its form; `SELECT 1` earning 0.1 is its own",
    ),
    "skyrl": Preset(
        "bird-ex",
        right=Parts(result=1.0), ran=_NOTHING, failed=_NOTHING, malformed=Parts(format=-1.0),
        summary="SkyRL-SQL's: 1 for the right result, 0 for any other, -1 for a wrong form",
        source="NovaSky-AI/SkyRL, skyrl-gym/skyrl_gym/envs/sql/utils.py",
        differs="there a query that writes runs in a transaction that is rolled back, and is right where the gold "
        "returns nothing; the form is that of one turn, not of its tags",
    ),
    "recall": Preset(
        "recall@3000",
        right=Parts(format=0.1, result=1.0), ran=_NOTHING, failed=_NOTHING, malformed=Parts(format=-0.1),
        tiers=_FOUND, partial=1.0,
        summary="the default for search: recall itself, and 0.1 for the form of what finds something",
        source="ours",
        differs="DeepRetrieval pays the same for recall 0.7 and for all, and jumps by up to 3.6 between two tiers; "
        "where a query stands within its tier says nothing there",
    ),
    "ndcg": Preset(
        "ndcg@10",
        right=Parts(format=0.1, result=1.0), ran=_NOTHING, failed=_NOTHING, malformed=Parts(format=-0.1),
        tiers=_FOUND, partial=1.0,
        summary="nDCG itself, and 0.1 for the form of what finds something",
        source="ours; after DeepRetrieval's table for BEIR",
        differs="a wrong form costs 0.1, not 2, beside which no difference between two rankings counts",
    ),
    "answer-rank": Preset(
        "answer-rank@20",
        right=Parts(format=0.1, result=1.0), ran=_NOTHING, failed=_NOTHING, malformed=Parts(format=-0.1),
        tiers=_FOUND, partial=1.0,
        summary="one over the rank of the first document with an answer, and 0.1 for the form where there is one",
        source="ours",
        differs="DeepRetrieval pays the same for rank 1 and rank 5",
    ),
    "deepretrieval-pubmed": Preset(
        "recall@3000",
        right=Parts(format=1.0, result=5.0), ran=Parts(format=1.0, result=-3.5),
        failed=Parts(format=1.0, result=-4.0), malformed=Parts(format=-4.0), unread=Parts(format=1.0, result=-4.0),
        tiers=_by_recall((0.7, 5.0), (0.5, 4.0), (0.4, 3.0), (0.3, 1.0), (0.1, 0.5), (0.05, 0.1)),
        summary="DeepRetrieval's table for PubMed and ClinicalTrials.gov, by recall in tiers",
        source="arXiv 2503.00223; pat-jj/DeepRetrieval, code/verl/utils/reward_score/pubmed.py and ctgov.py",
        differs=f"there a service that fails counts as a bad query (-3); {_FORM_THERE}",
    ),
    "deepretrieval-nq": Preset(
        "answer-rank@3000",
        right=Parts(format=1.0, result=5.0), ran=Parts(format=1.0, result=-3.5),
        failed=Parts(format=1.0, result=-4.0), malformed=Parts(format=-4.0), unread=Parts(format=1.0, result=-4.0),
        tiers=_RANKS,
        summary="DeepRetrieval's table for Natural Questions and TriviaQA, by the first answer's rank in tiers",
        source="arXiv 2503.00223; pat-jj/DeepRetrieval, code/verl/utils/reward_score/nq_serini.py and triviaqa.py",
        differs=f"there an engine that fails counts as a bad query (-3); {_FORM_THERE}",
    ),
    "deepretrieval-squad": Preset(
        "answer-rank@3000",
        right=Parts(format=1.0, result=5.0), ran=Parts(format=1.0, result=-2.5),
        failed=Parts(format=1.0, result=-3.0), malformed=Parts(format=-4.0), unread=Parts(format=1.0, result=-3.0),
        tiers=_RANKS,
        summary="DeepRetrieval's table for SQuAD, milder than that for Natural Questions where nothing is found",
        source="arXiv 2503.00223; pat-jj/DeepRetrieval, code/verl/utils/reward_score/squad.py",
        differs=f"there an engine that fails counts as a bad query (-2); {_FORM_THERE}",
    ),
    "deepretrieval-beir": Preset(
        "ndcg@1000",
        right=Parts(format=0.1, result=1.0), ran=_NOTHING, failed=_NOTHING, malformed=Parts(format=-2.0),
        tiers=_FOUND, partial=1.0,
        summary="DeepRetrieval's table for BEIR's sets, by nDCG",
        source="arXiv 2503.00223; pat-jj/DeepRetrieval, code/verl/utils/reward_score/nfcorpus.py, fever.py, "
        "msmarco_beir.py, fiqa.py; with --judge ndcg@50 scifact.py, with --judge ndcg@3000 hotpotqa.py",
        differs="there an engine that fails counts as a bad query (0), the best ranking is the labels in the order of "
        "the file, and the depth is 10 for data whose name has test or val in it; a query that is no text (a number, "
        "null) is worth 0 there, or stops the run, and here a wrong form (-2)",
    ),
}  # fmt: skip


def presets_for(*, search: bool) -> list[str]:
    """The names of those that pay for rankings, or of those that pay for rows; the default is the first."""
    return [name for name, preset in PRESETS.items() if preset.searches == search]


def load_preset(name: str) -> Preset:
    """The preset of that name; UsageError with the nearest where there is none."""
    if name not in PRESETS:
        raise UsageError(f"no reward {name!r}{nearest(name, PRESETS)}")
    return PRESETS[name]


def choose_preset(name: str | None, benchmark: Benchmark) -> str:
    """The preset of that name; by default `execution`, or for search what the benchmark's first judge measures.
    UsageError where it pays for what the benchmark's questions do not have."""
    own = judges_by(benchmark.judges[0])
    if name is None:
        return benchmark.judges[0].partition("@")[0].removesuffix("-binary") if own != "rows" else "execution"
    if judges_by(load_preset(name).judge) != own:
        known = ", ".join(word for word, preset in PRESETS.items() if judges_by(preset.judge) == own)
        raise UsageError(
            f"{benchmark.name} knows the right {own}, which the reward {name} does not pay for: {known} do"
        )
    return name


def judges_by(judge: str) -> str:
    """What the judge of that name must know of a question: the right "rows", "documents" or "answers"."""
    if not is_ranking(judge):
        return "rows"
    return "answers" if judge.partition("@")[0] == "answer-rank" else "documents"
