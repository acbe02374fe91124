"""Specimens: one completion for each way to end, over a house of mini, and what a preset really pays for it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlrl.benchmarks import load_benchmark
from sqlrl.benchmarks.base import Example
from sqlrl.executors.base import Gold, Limits
from sqlrl.judging import Judging
from sqlrl.prompts import Prompter
from sqlrl.rewards.execution import ExecutionReward, Payment
from sqlrl.rewards.presets import load_preset

__all__ = ["Specimen", "pay_out", "specimens"]

SECONDS = 0.2  # processor time of a query: an endless one is stopped soon
_SHAPE = "per_owner"  # questions whose result has several rows and two columns, so that it can be partly right
_PROMPTER = Prompter()
_THOUGHT = "First the tables, then the columns."
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


def pay_out(
    presets: Sequence[str], judge: str | None = None, some: Sequence[Specimen] | None = None
) -> Mapping[str, list[Payment]]:
    """What each preset pays for each specimen, in their order. judge: in the place of the presets' own."""
    some = some if some is not None else specimens()
    words = {name: judge or load_preset(name).judge for name in presets}
    examples = list({specimen.example.id: specimen.example for specimen in some}.values())
    paid: dict[str, list[Payment]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for word in dict.fromkeys(words.values()):
            sources = _sources(examples, Path(folder))
            with Judging(word, sources, limits=Limits(seconds=SECONDS), workers=1) as judging:
                assert judging.group.sources  # it has seen the database that now goes away
                for place in Path(folder).iterdir():
                    place.unlink()
                for name in presets:
                    if words[name] == word:
                        reward = ExecutionReward(name, _PROMPTER, examples, judging)
                        paid[name] = reward.pay([s.completion for s in some], [s.example.id for s in some])
    return {name: paid[name] for name in presets}


def _sources(examples: Sequence[Example], folder: Path) -> dict[str, list[str]]:
    """Where each is asked: the house's own databases, but a copy in `folder` for the one that is to go."""
    benchmark = load_benchmark("mini")
    sources = {example.id: benchmark.sources(example) for example in examples}
    if "unavailable" in sources:
        copy = folder / "gone.sqlite"
        shutil.copyfile(sources["unavailable"][0].removeprefix("sqlite:///"), copy)
        sources["unavailable"] = [f"sqlite:///{copy}"]
    return sources
