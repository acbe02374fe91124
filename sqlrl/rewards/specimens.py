"""Specimens: one completion for each way to end, and what a preset really pays for it. Queries for rows are asked over
a house of mini, queries for documents over a shelf."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlrl.benchmarks import load_benchmark
from sqlrl.benchmarks.base import Example
from sqlrl.benchmarks.judges import is_ranking
from sqlrl.executors.base import Gold, Limits
from sqlrl.executors.errors import UsageError
from sqlrl.judging import Judging
from sqlrl.prompts import Prompter
from sqlrl.rewards.execution import ExecutionReward, Payment
from sqlrl.rewards.presets import load_preset
from sqlrl.rewards.shelf import GONE, OnShelf

__all__ = ["Specimen", "measures", "pay_out", "search_specimens", "specimens"]

SECONDS = 0.2  # processor time of a query: an endless one is stopped soon
_SHAPE = "per_owner"  # questions whose result has several rows and two columns, so that it can be partly right
_PROMPTER = Prompter()
_THOUGHT = "First the tables, then the columns."
_SEARCHER = Prompter(answer_key="query")
_OTHERS = "9001-9040"  # documents that are nowhere right
_RECALLS = (1.0, 0.7, 0.5, 0.4, 0.3, 0.1, 0.05)  # where DeepRetrieval's tiers begin
_RANKS = (1, 5, 20, 50, 100, 1000, 3000)
_ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@dataclass(frozen=True, slots=True)
class Specimen:
    """name: one word. what: how the completion ends, for readers. example: what it answers."""

    name: str
    what: str
    example: Example
    completion: str


def specimens() -> list[Specimen]:
    """One for each way to end, over the first question of mini that can be answered in part."""
    example = next(e for e in load_benchmark("mini").examples("train") if e.labels["shape"] == _SHAPE)
    gold = str(example.gold.query)

    def beside(identifier: str, query: str) -> Example:
        return replace(example, id=identifier, gold=Gold(query=query))

    def made(name: str, what: str, query: str, answers: Example = example) -> Specimen:
        return Specimen(name, what, answers, _PROMPTER.completion(query, _THOUGHT))

    return [
        made("right", "the right result", gold),
        made("part", "two of its rows", f"SELECT * FROM ({gold}) LIMIT 2"),
        made("wrong", "a wrong result", "SELECT 'nothing like it'"),
        made("error", "an error", "SELECT nothing FROM nowhere"),
        made("refused", "a refused query", "DELETE FROM sqlite_master"),
        made("timeout", "out of time", _ENDLESS),
        Specimen("form", "a wrong form", example, gold),
        made(
            "empty",
            "an empty gold",
            "SELECT 7 WHERE 0",
            beside("empty", f"SELECT * FROM ({gold}) WHERE 0"),
        ),
        made("gold", "a failing gold", gold, beside("gold", "SELECT nothing FROM nowhere")),
        made("unavailable", "no database", gold, beside("unavailable", gold)),
    ]


def measures(names: Sequence[str], judge: str | None = None) -> dict[str, list[str]]:
    """The presets for search among `names`, by what is measured: by their own judge, or by `judge`."""
    found: dict[str, list[str]] = {}
    for name in names:
        if load_preset(name).searches:
            found.setdefault((judge or load_preset(name).judge).partition("@")[0], []).append(name)
    return found


def search_specimens(measure: str) -> list[Specimen]:
    """One for each tier of the measure ("recall", "ndcg", "ndcg-binary", "answer-rank"), and for each way to end
    without a ranking."""
    if measure == "recall":
        gold = Gold(relevant=dict.fromkeys(map(str, range(1, 21)), 1))
        finds = [(f"recall {share:g}", f"1-{round(20 * share)} {_OTHERS}") for share in _RECALLS]
        nothing = "nothing relevant"
    elif measure == "answer-rank":
        gold = Gold(answers=("number 1",))
        finds = [(f"an answer at {rank:,}", f"9001-{9000 + rank - 1} 1" if rank > 1 else "1") for rank in _RANKS]
        nothing = "no answer"
    else:
        gold = Gold(relevant={"1": 3, "2": 2, "3": 1})
        finds = [
            ("the best ranking", "1 2 3"), ("it, upside down", "3 2 1"), ("the best at 5", "9001-9004 1"),
            ("the least at 10", "9001-9009 3"),
        ]  # fmt: skip
        nothing = "nothing relevant"
    example = Example("search", "Which documents?", gold)
    asked = [*finds, (nothing, _OTHERS), ("an error", "documents, please"), ("an outage", GONE)]
    some = [Specimen(what.replace(" ", "-"), what, example, _SEARCHER.completion(query)) for what, query in asked]
    written = _SEARCHER.completion("1")
    empty = written.replace('{"query": "1"}', "number 1")
    return [*some, Specimen("json", "no JSON", example, empty), Specimen("form", "a wrong form", example, "number 1")]


def pay_out(
    presets: Sequence[str], judge: str | None = None, some: Sequence[Specimen] | None = None
) -> Mapping[str, list[Payment]]:
    """What each preset pays for each specimen, in their order. judge: in the place of the presets' own. some: by
    default `specimens`, or for a preset for search `search_specimens`. UsageError for a judge of the other kind."""
    words = {name: judge or load_preset(name).judge for name in presets}
    for name, word in words.items():
        if load_preset(name).searches != is_ranking(word):
            kind = "rankings" if load_preset(name).searches else "rows"
            raise UsageError(f"the reward {name} pays for {kind}, which the judge {word} does not look at")
    paid = _pay_for_rows({name: word for name, word in words.items() if not load_preset(name).searches}, some)
    for measure, names in measures(presets, judge).items():
        shown = some if some is not None else search_specimens(measure)
        examples = list({specimen.example.id: specimen.example for specimen in shown}.values())
        for name in names:
            with OnShelf(words[name], [example.id for example in examples]) as judging:
                reward = ExecutionReward(name, _SEARCHER, examples, judging)
                paid[name] = reward.pay([s.completion for s in shown], [s.example.id for s in shown])
    return {name: paid[name] for name in presets}


def _pay_for_rows(words: Mapping[str, str], some: Sequence[Specimen] | None) -> dict[str, list[Payment]]:
    """words: preset -> judge."""
    if not words:
        return {}
    some = some if some is not None else specimens()
    examples = list({specimen.example.id: specimen.example for specimen in some}.values())
    paid: dict[str, list[Payment]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for word in dict.fromkeys(words.values()):
            sources = _sources(examples, Path(folder))
            with Judging(word, sources, limits=Limits(seconds=SECONDS), workers=1) as judging:
                assert judging.group.sources  # it has seen the database that now goes away
                for place in Path(folder).iterdir():
                    place.unlink()
                for name in words:
                    if words[name] == word:
                        reward = ExecutionReward(name, _PROMPTER, examples, judging)
                        paid[name] = reward.pay([s.completion for s in some], [s.example.id for s in some])
    return paid


def _sources(examples: Sequence[Example], folder: Path) -> dict[str, list[str]]:
    """Where each is asked: the house's own databases, but a copy in `folder` for the one that is to go."""
    benchmark = load_benchmark("mini")
    sources = {example.id: benchmark.sources(example) for example in examples}
    if "unavailable" in sources:
        copy = folder / "gone.sqlite"
        shutil.copyfile(sources["unavailable"][0].removeprefix("sqlite:///"), copy)
        sources["unavailable"] = [f"sqlite:///{copy}"]
    return sources
