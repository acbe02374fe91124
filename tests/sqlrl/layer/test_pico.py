"""What a review is about, by its four parts: read from what apps have, and put as training puts it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrl.benchmarks.literature import PubMed
from sqlrl.executors import open_executor
from sqlrl.executors.documents import Document
from sqlrl.executors.errors import UsageError
from sqlrl.layer import Retriever, connect
from sqlrl.layer.pico import Pico
from sqlrl.policies.scripted import ScriptedPolicy
from sqlrl.prompts import Prompter, manner
from tests.executors.test_pubmed import Eutils
from tests.loopback import serving

PARTS = {
    "population": "adults with heart failure", "intervention": "metoprolol", "comparison": "", "outcome": "death",
}  # fmt: skip
TEXT = "P: adults with heart failure\nI: metoprolol\nC: \nO: death"
ANSWER = '<think>beta</think><answer>{"query": "(heart failure) AND metoprolol"}</answer>'


class Listening(ScriptedPolicy):
    """Keeps what it was asked."""

    def __init__(self, prompter: Prompter | None = None) -> None:
        super().__init__({"": [ANSWER]}, prompter=prompter)
        self.asked: list[Any] = []

    def generate(self, prompts: Sequence[Any], n: int = 1, **how: Any) -> list[list[str]]:
        self.asked += prompts
        return super().generate(prompts, n)


@pytest.mark.parametrize(
    "given",
    [
        PARTS,
        {"P": "adults with  heart failure", "i": "metoprolol", "O": "death", "C": None},
        json.dumps(PARTS),
        TEXT,
        "Population: adults with heart failure; Intervention: metoprolol; outcomes: death",
        "patients: adults with\nheart failure\nintervention : metoprolol\nOutcome: death",
    ],
)
def test_a_pico_is_read_from_what_apps_have(given: Any) -> None:
    pico = Pico.of(given)
    assert pico is not None
    assert pico.text == TEXT
    assert pico.words == "adults with heart failure metoprolol death"


@pytest.mark.parametrize(
    "text",
    [
        "does metoprolol help?",
        "outcome: death",
        "for P: x; I: y",
        "P: a; P: b",
        "P:; I:",
        "{not json",
        7,
        "",
        '{"day": "x"}',
        '{"P": 7}',
        '{"a": ' * 100_000,
    ],
)
def test_other_text_is_a_question(text: Any) -> None:
    assert Pico.of(text) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"populaton": "x"}, "did you mean 'population'"),
        ({}, "without a word"),
        ({"P": " "}, "without a word"),
        ({"P": "x", "population": "y"}, "once, not twice"),
        ({"P": 7}, "is text, not 7"),
        ({"day": "x"}, "a PICO has population"),
    ],
)
def test_a_bad_mapping_is_one_line(given: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Pico.of(given)


@given(st.dictionaries(st.sampled_from("PICO"), st.text(), min_size=1))
def test_what_is_written_is_read_back(parts: dict[str, str]) -> None:
    try:
        pico = Pico.of(parts)
    except UsageError:
        return
    assert pico is not None
    assert Pico.of(json.dumps(parts)) == pico
    assert len(pico.text.split("\n")) == 4
    assert Pico.of(dict(pico.parts)) == pico


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> str:
    pytest.importorskip("tantivy")
    pytest.importorskip("pyroaring")
    from sqlrl.executors.boolean.engine import build

    documents = [Document("1", "Heart failure", "metoprolol and death"), Document("2", "Adults", "metoprolol")]
    return f"boolean:///{build(documents, tmp_path_factory.mktemp('pico') / 'index')}?grammar=pubmed"


def test_it_is_put_as_training_puts_it(index: str, tmp_path: Path) -> None:
    line = {
        "id": "1", "pico": dict(zip("PICO", PARTS.values(), strict=True)), "publication_pmids": ["1"],
        "pub_date": "2020/01/01",
    }  # fmt: skip
    (tmp_path / "train.jsonl").write_text(json.dumps(line) + "\n")
    benchmark = PubMed("pubmed", tmp_path)
    (example,) = benchmark.examples("train")
    with open_executor(index) as engine:
        taught = Prompter(**manner(benchmark)).messages(example, engine.describe())
    for policy in (Listening(), Listening(Prompter(**manner(benchmark)))):
        with connect(index, policy) as found:
            assert isinstance(found, Retriever)
            answer = found.ask(PARTS)
        assert (answer.query, [row[0] for row in answer.rows]) == ("(heart failure) AND metoprolol", ["1"])
        assert answer.question == TEXT
        assert policy.asked == [taught]


def test_a_question_is_still_a_question(index: str) -> None:
    policy = Listening()
    with connect(index, policy) as found:
        assert isinstance(found, Retriever)
        found.rewrite("does metoprolol help?")
    assert "Question: does metoprolol help?" in policy.asked[0][0]["content"]


def test_without_a_policy_the_words_are_the_query(index: str) -> None:
    with connect(index) as found:
        assert isinstance(found, Retriever)
        assert found.rewrite({"P": "heart failure", "O": "death"}).query == "heart failure death"
        assert [row[0] for row in found.ask({"P": "heart failure", "O": "death"}).rows] == ["1"]
        with pytest.raises(UsageError, match="a PICO has"):
            found.ask({"who": "x"})


def test_pubmed_is_asked_once_and_then_replayed(tmp_path: Path) -> None:
    with serving(Eutils()) as server:
        source = f"pubmed:?base={server.url}&per_second=1000&cache={tmp_path / 'kept'}"
        policy = ScriptedPolicy({TEXT: ['<think></think><answer>{"query": "some"}</answer>']})
        with connect(f"{source}&mode=cache", policy, rows=3) as found:
            assert isinstance(found, Retriever)
            answer = found.ask(PARTS)
        assert (answer.query, [row[0] for row in answer.rows]) == ("some", ["30", "27", "24"])
    with connect(f"{source}&mode=replay", policy, rows=3) as replayed:
        assert isinstance(replayed, Retriever)
        assert replayed.ask(TEXT).rows == answer.rows
