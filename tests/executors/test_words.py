"""How text becomes terms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrl.executors.errors import UsageError
from sqlrl.executors.words import Analyzer, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Heart-attack (acute)", ["Heart", "attack", "acute"]),
        ("the U.S.A. of 1,234.5 mg/ml", ["the", "U.S.A", "of", "1,234.5", "mg", "ml"]),
        ("can't o\u2019clock 'quoted'", ["can't", "o\u2019clock", "quoted"]),
        ("contents:breast (breast)", ["contents:breast", "breast"]),
        ("snake_case p53 IL-6", ["snake_case", "p53", "IL", "6"]),
        ("cafe\u0301 caf\u00e9", ["caf\u00e9", "caf\u00e9"]),
        ("हिन्दी", ["हिन्दी"]),
        ("北京 tofu", ["北", "京", "tofu"]),
        ("3 o'clock, 4.", ["3", "o'clock", "4"]),
        ("5 m\u00b2 \u00bc H\u2082O 6\u00bd", ["5", "m", "H", "O", "6"]),
        ("Brand\u00ae \u00a92020 a\u2194b", ["Brand", "\u00ae", "\u00a9", "2020", "a", "\u2194", "b"]),
        ("soft\u00adhyphen 1\u20442 \u2018x\u2019s\u2019", ["soft\u00adhyphen", "1\u20442", "x\u2019s"]),
        ("_ __ a_ _b \u00e9_", ["a_", "_b", "\u00e9_"]),
        ("", []),
    ],
)
def test_words_by_unicodes_rules(text: str, found: list[str]) -> None:
    assert words(text) == found


@given(st.text(alphabet=st.sampled_from("aZ09_.,;:'- \t()/"), max_size=30))
def test_plain_text_is_read_as_any_text_is(text: str) -> None:
    marked = words(text + " \u00e9")  # not plain, and read by the other pattern
    assert marked == [*words(text), "\u00e9"]


def test_the_default_is_lucenes_english_analysis() -> None:
    assert Analyzer().terms("The patient's running studies are NOT generalizations") == [
        "patient", "run", "studi", "gener",
    ]  # fmt: skip


def test_stemmers_and_stop_words_can_be_chosen() -> None:
    assert Analyzer("none", frozenset()).terms("The Studies") == ["the", "studies"]
    assert Analyzer("english", frozenset({"studies"})).terms("Studies generously") == ["generous"]
    with pytest.raises(UsageError, match="did you mean 'porter'"):
        Analyzer("portr")
