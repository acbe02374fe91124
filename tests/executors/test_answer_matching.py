"""When a text holds an answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrl.executors.answer_matching import AnswerMatcher, words_of


@pytest.mark.parametrize(
    ("text", "answer", "held"),
    [
        ("Paris is the capital.", "paris", True),
        ("The parisian way", "paris", False),
        ("In 1,234 days", "1,234", True),
        ("In 1,234 days", "1234", False),
        ("the U.S. army", "u.s.", True),
        ("Beyoncé sang", "BEYONCÉ", True),
        ("Beyonce\u0301 sang", "Beyonc\u00e9", True),  # composed and decomposed alike
        ("Beyoncé sang", "beyonce", False),
        ("New\u00a0York\u2028City", "york city", True),
        ("a b", "", False),
        ("北京 是", "北京", True),
        ("state-of-the-art", "state of the art", False),
    ],
)
def test_words_that_follow_one_another(text: str, answer: str, held: bool) -> None:
    assert AnswerMatcher([answer]).holds(text) is held


def test_the_first_text_with_any_answer() -> None:
    assert AnswerMatcher(["x y", "z"]).first(["x", "y z", "x y"]) == 1
    assert AnswerMatcher([]).first(["x"]) is None


@given(st.text(), st.integers(0, 20), st.integers(1, 5))
def test_a_text_holds_every_run_of_its_words(text: str, start: int, length: int) -> None:
    words = words_of(text)[start : start + length]
    assert AnswerMatcher([" ".join(words)]).holds(text) is bool(words)


@given(st.text())
def test_words_have_no_space_and_are_words_themselves(text: str) -> None:
    for word in words_of(text):
        assert word
        assert not any(character.isspace() for character in word)
