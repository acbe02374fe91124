"""What no policy is needed for: the question, and any of its words, as the query."""

from __future__ import annotations

from sqlrl.executors.boolean.pubmed import parse
from sqlrl.policies import load_policy


def test_the_question_is_given_back() -> None:
    policy = load_policy("question:")
    assert policy.generate([[{"role": "user", "content": "Is it so?"}]], n=2) == [
        ['<answer>{"query": "Is it so?"}</answer>'] * 2
    ]


def test_any_word_but_stop_words_each_once() -> None:
    policy = load_policy("words:")
    (said,) = policy.generate([[{"role": "user", "content": "Is the heart of the long-acting heart OR dog?"}]])[0]
    assert said == '<answer>{"query": "heart OR long OR acting OR dog"}</answer>'
    assert not [w for w in parse("heart OR long OR acting OR dog").warnings if "without a tag" not in w]


def test_stop_words_alone_stay_as_they_are() -> None:
    assert load_policy("words:").generate([[{"role": "user", "content": "to be or not"}]])[0] == [
        '<answer>{"query": "to be or not"}</answer>'
    ]
