"""When a text holds an answer."""

from __future__ import annotations

import unicodedata

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
        ("η ΟΔΟΣ'Α", "οδος", True),  # the last sigma of a word, whatever follows the word
        ("a b", " \n", False),
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


TRICKY = "aAbB1 .'-\n\t\u00a0éÉßİΣς\u0301ﬁ½²_中\u200b🙂"
TEXTS = st.text(st.one_of(st.sampled_from(TRICKY), st.characters(exclude_categories=["Cn", "Cs"])))


def dpr_words(text: str) -> list[str]:
    """The rule as its code states it, in the words of the package that it uses."""
    regex = pytest.importorskip("regex")
    found = regex.findall(r"[\p{L}\p{N}\p{M}]+|[^\p{Z}\p{C}]", unicodedata.normalize("NFD", text))
    return [token.lower() for token in found]


@given(TEXTS)
def test_words_are_dprs(text: str) -> None:
    assert words_of(text) == dpr_words(text)


@given(st.lists(TEXTS, max_size=3), TEXTS)
def test_a_text_holds_what_dpr_finds_in_it(answers: list[str], text: str) -> None:
    words = dpr_words(text)
    wanted = [some for some in map(dpr_words, answers) if some]
    found = any(words[i : i + len(some)] == some for some in wanted for i in range(len(words) - len(some) + 1))
    assert AnswerMatcher(answers).holds(text) == found
