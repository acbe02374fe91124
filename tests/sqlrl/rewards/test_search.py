"""Rewards for search: golden values, outages, and the columns that a trainer logs."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from sqlrl.benchmarks.base import Example
from sqlrl.executors.base import Gold
from sqlrl.executors.documents import Document
from sqlrl.judging import Judging
from sqlrl.prompts import Prompter
from sqlrl.rewards import ExecutionReward, load_preset
from sqlrl.rewards.account import Account
from sqlrl.rewards.shelf import GONE, OnShelf
from tests.sqlrl.rewards.search_cases import GOLDEN, MEASURES, SearchCase, pay, search_cases

PROMPTER = Prompter(answer_key="query")


@pytest.mark.parametrize("preset", sorted(MEASURES))
def test_a_published_preset_pays_the_golden_values(preset: str) -> None:
    """golden_search.json holds what the authors' own functions gave for the same rankings."""
    golden = json.loads(GOLDEN.read_text())[preset]
    assert pay(preset, list(search_cases(MEASURES[preset]))) == [pytest.approx(value, abs=1e-9) for value in golden]


@pytest.mark.parametrize("preset", ["recall", "ndcg", "answer-rank", *MEASURES])
def test_an_outage_pays_nobody_and_is_asked_again(preset: str) -> None:
    gold = Gold(relevant={"1": 1}, answers=("number 1",))
    with OnShelf(f"{MEASURES.get(preset, preset)}@10", ["e"]) as judging:
        reward = ExecutionReward(preset, PROMPTER, [Example("e", "?", gold)], judging)
        said = [PROMPTER.completion(query) for query in (GONE, "1", GONE, "2")]
        values = reward(None, said, ["e"] * 4)
        assert values[0] is values[2] is None
        assert values[1] == reward.least_right
        assert values[3] == reward.preset.ran.total
        assert list(reward._known) == [("e", "1"), ("e", "2")]
        again = pickle.loads(pickle.dumps(reward))
        assert again(None, said, ["e"] * 4) == values
    assert reward.account.kinds == {"unjudged": 2, "right": 1, "ran": 1}


def test_a_query_that_is_no_text_is_a_wrong_form_and_the_preset_says_so() -> None:
    cases = [SearchCase("one", answer) for answer in ('{"query": 5}', "7", '{"query": null}')]
    assert pay("deepretrieval-beir", cases) == [-2.0] * 3
    assert "no text" in load_preset("deepretrieval-beir").differs


def test_what_is_right_at_a_lower_rank_is_right_and_earns_less() -> None:
    with OnShelf("answer-rank@10", ["e"]) as judging:
        reward = ExecutionReward("answer-rank", PROMPTER, [Example("e", "?", Gold(answers=("number 1",)))], judging)
        payments = reward.pay([PROMPTER.completion(query) for query in ("1", "2 1", "2-10 1", "2-11 1")], ["e"] * 4)
    assert [payment.kind for payment in payments] == ["right", "right", "right", "ran"]
    assert [payment.value for payment in payments] == [pytest.approx(v) for v in (1.1, 0.6, 0.2, 0.0)]


def test_the_share_of_queries_that_give_the_answer_away_is_logged() -> None:
    examples = [Example("e", "who?", Gold(answers=("7", "number 1"))), Example("7", "is it 7?", Gold(answers=("7",)))]
    with OnShelf("answer-rank@10", ["e", "7"]) as judging:
        reward = ExecutionReward("answer-rank", PROMPTER, examples, judging)
        logged: dict[str, float] = {}
        said = [*(PROMPTER.completion(query) for query in ("7", "1 2", "8 9", "number 1", "7")), "no form", 5]
        reward(None, said, ["e", "e", "e", "e", "7", "e", "unknown"], log_metric=logged.__setitem__)
    assert logged["reward/leaking"] == 2 / 5
    assert reward.account.since(Account()).leaks == {"all": 5, "leaking": 2}


def test_a_question_without_a_relevant_document_pays_nobody() -> None:
    with OnShelf("recall@10", ["e"]) as judging:
        reward = ExecutionReward("recall", PROMPTER, [Example("e", "?", Gold(relevant={"1": 0}))], judging)
        assert reward(None, [PROMPTER.completion("1")], ["e"]) == [None]


def test_over_a_real_index_of_words(tmp_path: Path) -> None:
    """The same judge, an engine that ranks, and a question whose own document must not count."""
    pytest.importorskip("bm25s")
    from sqlrl.executors.bm25 import build

    documents = [Document(str(n), f"drug{n}", f"drug{n} lowers fever {'and pain ' * n}") for n in range(1, 9)]
    source = f"bm25:///{build(documents, tmp_path / 'index')}"
    gold = Gold(relevant={"1": 2, "2": 1, "5": 1, "8": 0})
    examples = [Example("all", "?", gold), Example("cut", "?", gold, context={"exclude_ids": ["1"]})]
    judging = Judging("recall@3", {example.id: [source] for example in examples})
    reward = ExecutionReward("recall", PROMPTER, examples, judging)
    queries = [("all", "drug1 drug2 drug5"), ("all", "drug1 drug2 drug8"), ("cut", "drug1 drug2 drug8"), ("all", "the")]
    said = [PROMPTER.completion(query) for _, query in queries]
    with judging:
        values = reward(None, said, [name for name, _ in queries])
        assert values == [pytest.approx(v) for v in (1.1, 0.1 + 2 / 3, 0.1 + 1 / 3, 0.0)]
    again = pickle.loads(pickle.dumps(reward))
    with again.judging:
        assert again(None, said, [name for name, _ in queries]) == values
