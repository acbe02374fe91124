"""What completions earn, whatever is handed over as one, and what is told of it."""

from __future__ import annotations

import json
import multiprocessing
import pickle
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlrl.benchmarks import load_benchmark
from sqlrl.benchmarks.base import Example
from sqlrl.executors.base import Gold, Limits
from sqlrl.judging import Judging
from sqlrl.prompts import Prompter
from sqlrl.rewards import PRESETS, ExecutionReward
from sqlrl.rewards.presets import KINDS, presets_for
from sqlrl.rewards.shelf import OnShelf
from tests.sqlrl.rewards.cases import GOLDS, create_database, examples

PROMPTER = Prompter(thinking=False)
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def _form(query: str) -> str:
    return PROMPTER.completion(query)


COMPLETIONS = {
    "right": _form("SELECT count(name) FROM product"),
    "ran": _form("SELECT 7"),
    "failed": _form("SELECT nothing FROM nowhere"),
    "refused": _form("DELETE FROM product"),
    "malformed": "SELECT count(*) FROM product",
}
# What each earns, by the table of the one whose preset it is.
LENGTH = 0.5 * len('{"sql": "SELECT count(name) FROM product"}') / 2048 + 31 / 42
PAID = {
    "execution": [1.0, 0.0, 0.0, 0.0, 0.0],
    "cell-f1": [1.0, 0.0, 0.0, 0.0, 0.0],
    "deepretrieval-spider": [1.1, 0.0, 0.0, 0.0, -2.0],
    "deepretrieval-bird": [1.1, 0.4, 0.0, 0.0, -2.0],
    "sql-r1": [6.0 + LENGTH, 0.0, -1.0, -1.0, -1.0],
    "arctic": [1.0, 0.1, 0.0, 0.0, 0.0],
    "skyrl": [1.0, 0.0, 0.0, 0.0, -1.0],
}


@pytest.fixture
def reward(shop: Path, request: pytest.FixtureRequest) -> Iterator[ExecutionReward]:
    """Of the preset that a test names, by default ours."""
    benchmark = load_benchmark("spider", shop)
    preset = getattr(request, "param", "execution")
    made = ExecutionReward.of(benchmark, benchmark.examples("train"), PROMPTER, preset, workers=1)
    yield made
    made.judging.close()


@pytest.mark.parametrize("reward", presets_for(search=False), indirect=True)
def test_every_preset_pays_by_its_table(reward: ExecutionReward) -> None:
    completions = list(COMPLETIONS.values())
    for said in (completions, [[{"role": "assistant", "content": text}] for text in completions]):
        assert reward(None, said, ["train-0"] * 5) == pytest.approx(PAID[reward.__name__])


def test_an_example_that_is_not_known_pays_nobody(reward: ExecutionReward) -> None:
    completions = list(COMPLETIONS.values())
    assert reward(None, completions[:1] * 2, ["nobody", "train-0"]) == [None, PAID["execution"][0]]


def test_an_empty_gold_pays_nobody_by_our_judge(reward: ExecutionReward) -> None:
    nothing = _form("SELECT name FROM product WHERE price < 0")
    assert reward([None], [nothing], ["train-3"]) == [None]


@pytest.mark.parametrize("reward", ["skyrl"], indirect=True)
def test_an_empty_gold_is_matched_by_nothing_where_the_authors_have_it_so(reward: ExecutionReward) -> None:
    nothing = _form("SELECT name FROM product WHERE price < 0")
    assert reward([None], [nothing], ["train-3"]) == [1.0]


@pytest.mark.parametrize("preset", presets_for(search=False))
def test_a_query_out_of_time_is_one_that_failed_even_where_the_gold_returns_nothing(
    preset: str, tmp_path: Path
) -> None:
    source = f"sqlite:///{create_database(tmp_path)}"
    some = [examples()[0], Example("empty", "?", Gold(query="SELECT 1 WHERE 0"))]
    judging = Judging(
        PRESETS[preset].judge, {e.id: [source] for e in some}, limits=Limits(seconds=0.05), workers=1
    )  # fmt: skip
    with judging:
        reward = ExecutionReward(preset, PROMPTER, some, judging)
        payments = reward.pay([_form(ENDLESS)] * 2, ["0", "empty"])
    assert [(payment.kind, payment.reason) for payment in payments] == [("failed", "timed_out")] * 2
    assert [payment.value for payment in payments] == [PRESETS[preset].failed.total] * 2


@pytest.mark.parametrize("preset", presets_for(search=False))
def test_what_is_not_the_policys_fault_pays_nobody(preset: str, tmp_path: Path) -> None:
    """A gold that fails, a database that was never here, one that goes away."""
    database = create_database(tmp_path)
    some = [
        Example("broken", "?", Gold(query="SELECT gone FROM product")),
        Example("missing", "?", Gold(query="SELECT 1")),
    ]
    sources = {"broken": [f"sqlite:///{database}"], "missing": []}
    with Judging(PRESETS[preset].judge, sources, workers=1) as judging:
        reward = ExecutionReward(preset, PROMPTER, some, judging)
        reasons = [payment.reason for payment in reward.pay([_form("SELECT 1")] * 2, ["broken", "missing"])]
        assert reasons == ["gold_failed", "missing_database"]
        assert reward(None, [_form("SELECT 1")] * 2, ["broken", "missing"]) == [None, None]
    with Judging(PRESETS[preset].judge, {"0": [f"sqlite:///{database}"]}, workers=1) as judging:
        reward = ExecutionReward(preset, PROMPTER, examples()[:1], judging)
        assert judging.group.sources
        database.unlink()
        assert reward(None, [_form(GOLDS[0])], ["0"]) == [None]
    with Judging(PRESETS[preset].judge, {"0": [f"sqlite:///{tmp_path}/never.sqlite"]}, workers=1) as judging:
        reward = ExecutionReward(preset, PROMPTER, examples()[:1], judging)
        assert [payment.reason for payment in reward.pay([_form(GOLDS[0])], ["0"])] == ["unavailable"]


def test_another_judge_may_stand_in_for_the_presets_own(shop: Path) -> None:
    benchmark = load_benchmark("spider", shop)
    made = ExecutionReward.of(benchmark, benchmark.examples("train"), PROMPTER, "cell-f1", judge="bird-f1", workers=1)
    with made.judging:
        twice = _form("SELECT name, name FROM product WHERE price < 3 LIMIT 1")
        (value,) = made(None, [twice], ["train-1"])
        assert value == pytest.approx(0.5 * 0.8)  # by cells it would be 0.5 * 0.5
    made = ExecutionReward.of(benchmark, benchmark.examples("train"), PROMPTER, "skyrl", judge="robust", workers=1)
    with made.judging:
        assert made([None], [_form("SELECT name FROM product WHERE price < 0")], ["train-3"]) == [None]


def test_it_goes_through_pickle_and_remembers_nothing_there(reward: ExecutionReward) -> None:
    completions = list(COMPLETIONS.values())
    first = reward(completions, completions, ["train-0"] * 5)
    again = pickle.loads(pickle.dumps(reward))
    assert not again.account.kinds
    assert again(completions, completions, ["train-0"] * 5) == first
    assert reward(completions, completions, ["train-0"] * 5) == first
    again.judging.close()


def _in_a_process(pickled: bytes, answers: Any) -> None:
    """What an asynchronous trainer's rollout process does."""
    reward = pickle.loads(pickled)
    answers.put(reward(prompts=None, completions=list(COMPLETIONS.values()), example_id=["train-0"] * 5, step=[1] * 5))
    reward.judging.close()


def test_it_works_in_a_spawned_process(reward: ExecutionReward) -> None:
    spawn = multiprocessing.get_context("spawn")
    answers = spawn.SimpleQueue()
    process = spawn.Process(target=_in_a_process, args=(pickle.dumps(reward), answers))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert answers.get() == PAID["execution"]


def test_several_threads_may_ask_at_once(reward: ExecutionReward) -> None:
    said, found = list(COMPLETIONS.values()), []
    threads = [
        threading.Thread(target=lambda: found.append(reward(None, said, ["train-0"] * 5))) for _ in range(8)
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [PAID["execution"]] * 8


@pytest.mark.parametrize("reward", ["sql-r1"], indirect=True)
def test_what_it_logs_lines_up(reward: ExecutionReward) -> None:
    logged: dict[str, list[Any]] = {}
    metrics: dict[str, float] = {}
    said = [*COMPLETIONS.values(), _form("SELECT 1")]
    values = reward(
        said, said, ["train-0"] * 5 + ["nobody"], log_extra=logged.__setitem__, log_metric=metrics.__setitem__
    )
    assert logged["reason"][0] == "match"
    assert logged["query"][4] == ""
    assert "<answer> is missing" in logged["reason"][4]
    assert logged["format"] == [1.0, 1.0, 1.0, 1.0, -1.0, None]
    assert logged["executability"] == [2.0, 2.0, -2.0, -2.0, 0.0, None]
    assert logged["result"] == [3.0, -3.0, 0.0, 0.0, 0.0, None]
    assert all(len(column) == 6 for column in logged.values())
    for place, value in enumerate(values[:5]):
        parts = [logged[name][place] for name in reward.preset.paid_for]
        assert value == pytest.approx(sum(parts))
    assert [metrics[f"reward/{kind}"] for kind in KINDS] == pytest.approx([1 / 6, 1 / 6, 2 / 6, 1 / 6, 1 / 6])
    assert metrics["reward/result"] == 0.0
    assert metrics["reward/length"] == pytest.approx(LENGTH / 5)
    assert metrics["reward/thinking_characters"] == 0
    assert 0 < metrics["reward/parsing_seconds"] + metrics["reward/executing_seconds"] <= metrics["reward/seconds"]


def test_its_account_adds_up_over_calls(reward: ExecutionReward) -> None:
    said = list(COMPLETIONS.values())
    reward(None, said, ["train-0"] * 5)
    earlier = reward.account
    reward(None, said[:2], ["train-0"] * 2)
    assert earlier.kinds == {"right": 1, "ran": 1, "failed": 2, "malformed": 1}
    assert reward.account.kinds == {"right": 2, "ran": 2, "failed": 2, "malformed": 1}
    step = reward.account.since(earlier)
    assert step.kinds == {"right": 1, "ran": 1}
    assert step.metrics()["reward/result"] == 0.5
    assert step.seconds["all"] == pytest.approx(reward.account.seconds["all"] - earlier.seconds["all"])


TEXT = st.text(st.characters(codec=None), max_size=40)  # surrogates too
VALUE: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT, st.binary(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["text", "type", "content"]), inner, max_size=3)
    ),
    max_leaves=5,
)
MESSAGE = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["assistant", "tool", "user", None]), "content": VALUE, "reasoning_content": VALUE,
        "tool_calls": VALUE, "name": TEXT,
    },
)  # fmt: skip
WRITTEN = st.builds(
    lambda before, query, after: f"{before}<answer>{json.dumps({'sql': query})}</answer>{after}",
    st.sampled_from(["", "<think></think>", "\ud800", "‮"]),
    st.one_of(TEXT, TEXT.map(lambda text: f"SELECT '{text}'"), TEXT.map(lambda text: f"SELECT 1 /* {text}")),
    st.sampled_from(["", "\x00", "<think>"]),
)
COMPLETION = st.one_of(VALUE, WRITTEN, st.lists(st.one_of(MESSAGE, VALUE), max_size=3), MESSAGE)


@pytest.fixture(scope="module")
def rewards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ExecutionReward]]:
    """One of every preset."""
    source = f"sqlite:///{create_database(tmp_path_factory.mktemp('fuzz'))}"
    judges = {
        preset.judge: Judging(preset.judge, {e.id: [source] for e in examples()}, workers=1)
        for preset in PRESETS.values()
        if not preset.searches
    }
    judges |= {preset.judge: OnShelf(preset.judge, ["1"]) for preset in PRESETS.values() if preset.searches}
    found = [Example("1", "?", Gold(relevant={"1": 1}, answers=("number 1",)))]
    yield [
        ExecutionReward(name, PROMPTER, found if preset.searches else examples(), judges[preset.judge])
        for name, preset in PRESETS.items()
    ]
    for judging in judges.values():
        judging.close()


@given(said=st.lists(COMPLETION, min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_whatever_is_handed_over_it_is_paid(rewards: list[ExecutionReward], said: list[Any]) -> None:
    for reward in rewards:
        logged: dict[str, list[Any]] = {}
        payments = reward.pay(said, ["1"] * len(said))
        values = reward(None, said, ["1"] * len(said), log_extra=logged.__setitem__)
        assert values == [payment.value for payment in payments]
        assert all(isinstance(value, float) and -10 < value < 10 for value in values)
        assert all(len(column) == len(said) for column in logged.values())
        for what, payment in zip(said, payments, strict=True):
            if not isinstance(what, (str, list, dict)):
                assert payment.kind == "malformed"


def test_a_database_is_left_as_it_was(tmp_path: Path) -> None:
    """The published ways of executing let these two empty the table, and then match the empty gold."""
    database = create_database(tmp_path)
    some = [Example("emptied", "?", Gold(query="SELECT name FROM product"))]
    with Judging("bird-ex", {"emptied": [f"sqlite:///{database}"]}, workers=1) as judging:
        reward = ExecutionReward("skyrl", PROMPTER, some, judging)
        said = [_form("WITH z AS (SELECT 1) DELETE FROM product"), _form("DROP TABLE product")]
        assert reward(None, said, ["emptied"] * 2) == [0.0, 0.0]
    connection = sqlite3.connect(database)
    assert connection.execute("select count(*) from product").fetchone() == (7,)
    connection.close()
