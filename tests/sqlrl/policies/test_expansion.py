"""A fixed expansion of questions."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlrl.benchmarks.base import Example
from sqlrl.executors.base import Gold
from sqlrl.executors.bm25 import build
from sqlrl.executors.documents import Document
from sqlrl.executors.errors import UsageError
from sqlrl.judging import Judging
from sqlrl.policies import load_policy
from sqlrl.policies.expansion import ExpansionPolicy, expanded


def test_the_words_that_weigh_most_are_added_and_never_those_of_the_question() -> None:
    assert expanded("heart pain", ["The heart and aspirin", "aspirin for heart attack"]) == (
        "heart pain heart pain aspirin attack"
    )
    assert expanded("heart", ["the heart"]) == expanded("heart", []) == "heart"


def test_it_finds_what_the_question_alone_does_not(tmp_path: Path) -> None:
    documents = [Document("1", "", "cardiac infarction"), Document("2", "", "infarction"), Document("3", "", "other")]
    source = f"bm25:///{build(documents, tmp_path / 'index')}"
    example = Example("q", "cardiac", Gold(relevant={"2": 1.0}))
    policy = load_policy("expand:")
    assert isinstance(policy, ExpansionPolicy)
    with Judging("recall@10", {"q": [source]}) as judging:
        policy.look([example], judging)
        assert policy.prompter is not None
        ((said,),) = policy.generate([policy.prompter.messages(example, "")])
        assert "cardiac cardiac infarction" in said
        words = judging.judge_all([(example, "cardiac"), (example, "cardiac cardiac infarction")])
        assert [word.verdict.score for word in words] == [0.0, 1.0]


def test_a_database_has_no_hits() -> None:
    with pytest.raises(UsageError, match="is for search"):
        ExpansionPolicy().look([], Judging("robust", {}))
