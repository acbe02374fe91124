"""What completions earn, by every preset."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from sqlrl.benchmarks import load_benchmark
from sqlrl.executors.errors import UsageError
from sqlrl.prompts import Prompter
from sqlrl.rewards import PRESETS, ExecutionReward

PROMPTER = Prompter(thinking=False)


def _form(query: str) -> str:
    return PROMPTER.completion(query)


@pytest.fixture
def reward(shop: Path, request: pytest.FixtureRequest) -> Iterator[ExecutionReward]:
    benchmark = load_benchmark("spider", shop)
    made = ExecutionReward.of(benchmark, benchmark.examples("train"), PROMPTER, request.param, workers=1)
    yield made
    made.judging.close()


COMPLETIONS = {
    "right": _form("SELECT count(name) FROM product"),
    "ran": _form("SELECT 7"),
    "failed": _form("SELECT nothing FROM nowhere"),
    "refused": _form("DELETE FROM product"),
    "malformed": "SELECT count(*) FROM product",
}
# DeepRetrieval's tables: its score plus its bonus for the form, and what a wrong form costs.
PAID = {
    "execution": [1.0, 0.0, 0.0, 0.0, 0.0],
    "deepretrieval-spider": [1.1, 0.0, 0.0, 0.0, -2.0],
    "deepretrieval-bird": [1.1, 0.4, 0.0, 0.0, -2.0],
}


@pytest.mark.parametrize("reward", sorted(PRESETS), indirect=True)
def test_every_preset_pays_by_its_table(reward: ExecutionReward) -> None:
    completions = list(COMPLETIONS.values())
    for said in (completions, [[{"role": "assistant", "content": text}] for text in completions]):
        assert reward(None, said, ["train-0"] * 5) == PAID[reward.__name__]


@pytest.mark.parametrize("reward", ["execution"], indirect=True)
def test_an_example_that_is_not_known_pays_nobody(reward: ExecutionReward) -> None:
    completions = list(COMPLETIONS.values())
    assert reward(None, completions[:1] * 2, ["nobody", "train-0"]) == [None, PAID["execution"][0]]


@pytest.mark.parametrize("reward", ["execution"], indirect=True)
def test_an_empty_gold_pays_nobody(reward: ExecutionReward) -> None:
    nothing = _form("SELECT name FROM product WHERE price < 0")
    assert reward([None], [nothing], ["train-3"]) == [None]


@pytest.mark.parametrize("reward", ["execution"], indirect=True)
def test_it_goes_through_pickle_and_remembers_nothing_there(reward: ExecutionReward) -> None:
    completions = list(COMPLETIONS.values())
    first = reward(completions, completions, ["train-0"] * 5)
    again = pickle.loads(pickle.dumps(reward))
    assert again(completions, completions, ["train-0"] * 5) == first
    assert reward(completions, completions, ["train-0"] * 5) == first
    again.judging.close()


@pytest.mark.parametrize("reward", ["execution"], indirect=True)
def test_what_it_logs_lines_up(reward: ExecutionReward) -> None:
    logged: dict[str, list[str]] = {}
    completions = list(COMPLETIONS.values())
    reward(completions, completions, ["train-0"] * 5, log_extra=logged.__setitem__)
    assert logged["reason"][0] == "match"
    assert logged["query"][4] == ""
    assert "<answer> is missing" in logged["reason"][4]


def test_an_unknown_preset_is_named_with_the_nearest(shop: Path) -> None:
    benchmark = load_benchmark("spider", shop)
    with pytest.raises(UsageError, match="did you mean 'execution'"):
        ExecutionReward.of(benchmark, benchmark.examples("train"), PROMPTER, "exekution")
