"""Demonstrated dialogues: when another query is tried, what is imitated, and that a slip is not."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from sqlrl.benchmarks.base import Demonstration
from sqlrl.benchmarks.mini import Mini
from sqlrl.dialogue import last_word
from sqlrl.environment import Allowance, EnvironmentFactory
from sqlrl.executors.base import Outcome, Result
from sqlrl.judging import Judging
from sqlrl.prompts import Prompter
from sqlrl.training.tutor import Script, Tutor, misspelt, scripted, tells

PROMPTER = Prompter(style="terse", turns=3)


@pytest.fixture(scope="module")
def demonstrations() -> Sequence[Demonstration]:
    return Mini(0).demonstrations()[:400]


@pytest.fixture(scope="module")
def factory(demonstrations: Sequence[Demonstration]) -> Iterator[EnvironmentFactory]:
    with Judging.of(Mini(0), [d.example for d in demonstrations], workers=1) as judging:
        yield EnvironmentFactory(judging, Allowance.of(PROMPTER, 2.0))


@pytest.fixture(scope="module")
def scripts(demonstrations: Sequence[Demonstration], factory: EnvironmentFactory) -> list[Script]:
    tutor = Tutor(factory, PROMPTER, 0)
    return [tutor.write(demonstration) for demonstration in demonstrations]


def _messages(script: Script) -> list[dict[str, Any]]:
    return [message for part, _ in script.parts for message in part]


def _calls(script: Script) -> list[tuple[str, str, bool]]:
    """(tool, argument, whether it is imitated)"""
    found = []
    for messages, learnt in script.parts:
        for call in messages[0].get("tool_calls", []):
            function = call["function"]
            found.append((function["name"], *function["arguments"].values(), learnt))
    return found


def test_a_dialogue_keeps_to_its_turns_and_ends_with_a_query(scripts: list[Script]) -> None:
    for script in scripts:
        said = [message for message in _messages(script) if message["role"] == "assistant"]
        assert 1 <= len(said) <= PROMPTER.turns
        assert not said[-1].get("tool_calls")
        assert last_word(_messages(script)).startswith('<answer>{"sql": "SELECT')


def test_every_tool_and_both_endings_are_shown(scripts: list[Script]) -> None:
    tools = Counter(tool for script in scripts for tool, *_ in _calls(script))
    assert 0 < tools["describe"] < tools["run_sql"] / 5
    endings = Counter(_messages(script)[-1]["content"] == "done" for script in scripts)
    assert 0 < endings[False] < endings[True]


def test_another_query_is_tried_only_where_the_first_tells_nothing(scripts: list[Script]) -> None:
    tried = 0
    for script in scripts:
        queries = [(argument, learnt) for tool, argument, learnt in _calls(script) if tool == "run_sql"]
        if len(queries) == 2 and queries[0][1]:
            tried += 1
            first = script.shown[-2]
            assert first.endswith("[no rows]") or first.splitlines()[1] in ("0", "NULL")
    assert tried > 20


def test_a_slip_is_shown_with_its_error_but_not_imitated(scripts: list[Script]) -> None:
    slips = [script for script in scripts if any(not learnt for *_, learnt in _calls(script))]
    assert 20 <= len(slips) <= 70
    for script in slips:
        (_, wrong, _), (_, right, learnt) = [call for call in _calls(script) if call[0] == "run_sql"]
        assert learnt
        assert len(wrong) == len(right) - 1
        assert script.shown[-2].startswith("error: no such ")


def test_the_same_seed_writes_the_same(demonstrations: Sequence[Demonstration], factory: EnvironmentFactory) -> None:
    one, same, other = (
        [Tutor(factory, PROMPTER, seed).write(demonstration) for demonstration in demonstrations[:40]]
        for seed in (0, 0, 1)
    )
    assert one == same
    assert one != other


def test_no_word_of_a_house_is_known_from_alternatives(demonstrations: Sequence[Demonstration]) -> None:
    """They are drawn like the query itself: no more often the house's own reading than another one's."""
    asked = [d for d in demonstrations if re.search(r"= '|[<>] \d", d.query) and d.alternatives]
    assert len(asked) > 100
    assert all(d.query not in d.alternatives and len(set(d.alternatives)) == len(d.alternatives) for d in asked)


def test_a_wordy_policy_says_its_answer(demonstrations: Sequence[Demonstration], factory: EnvironmentFactory) -> None:
    tutor = Tutor(factory, Prompter(style="full", turns=2, thinking=False), 0)
    for demonstration in demonstrations[:20]:
        messages = _messages(tutor.write(demonstration))
        assert messages[-1]["content"].startswith('<answer>{"sql": ')
        assert sum(message["role"] == "assistant" for message in messages) == 2


@pytest.mark.parametrize(
    ("result", "does"),
    [
        (Result(("n",), ((3,),)), True), (Result(("n",), ((0,), (0,))), True), (Result(("n",), ((0,),)), False),
        (Result(("n",), ((None,),)), False), (Result(("n",), ()), False), (None, False),
        (Result(outcome=Outcome.INVALID, message="no such column: x"), False),
    ],
)  # fmt: skip
def test_what_a_result_tells(result: Result | None, does: bool) -> None:
    assert tells(result) is does


def test_a_misspelt_query_leaves_keywords_and_values_alone() -> None:
    query = "SELECT name FROM products WHERE kind = 'lamp shade' AND price > 600"
    found = {misspelt(query, random.Random(seed)) for seed in range(60)}
    assert len(found) > 5
    for wrong in found:
        assert len(wrong) == len(query) - 1
        assert "'lamp shade'" in wrong
        assert wrong.startswith("SELECT ")
        assert " WHERE " in wrong
    assert misspelt("SELECT 1", random.Random(0)) == "SELECT 1 x"


def test_what_is_learnt_is_what_the_policy_writes(scripts: list[Script], factory: EnvironmentFactory) -> None:
    pytest.importorskip("trl")
    from sqlrl.policies.calling import prepare
    from sqlrl.policies.tiny import create_tokenizer
    from sqlrl.training.learner import Learner

    tokenizer = create_tokenizer(["SELECT count(*) FROM products"], 400, tools=True)
    prepare(tokenizer)
    learner = Learner(None, tokenizer, PROMPTER, lambda example: "", 96, environments=factory)
    chosen = [script for script in scripts if any(not learnt for *_, learnt in _calls(script))][:5] + scripts[:5]
    pairs, masks = scripted(learner, chosen)
    for script, (prompt, ids), mask in zip(chosen, pairs, masks, strict=True):
        assert len(mask) == len(ids)
        assert tokenizer.decode(prompt).endswith("<|assistant|>")
        learnt = tokenizer.decode([token for token, mine in zip(ids, mask, strict=True) if mine])
        hidden = tokenizer.decode([token for token, mine in zip(ids, mask, strict=True) if not mine])
        for _, argument, mine in _calls(script):
            assert argument in (learnt if mine else hidden)
        for text in script.shown:
            assert text in hidden
        assert learnt.endswith("<|end|>")
