"""How text becomes terms."""

from __future__ import annotations

import pytest

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
        ("", []),
    ],
)
def test_words_by_unicodes_rules(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_the_default_is_lucenes_english_analysis() -> None:
    assert Analyzer().terms("The patient's running studies are NOT generalizations") == [
        "patient", "run", "studi", "gener",
    ]  # fmt: skip


def test_stemmers_and_stop_words_can_be_chosen() -> None:
    assert Analyzer("none", frozenset()).terms("The Studies") == ["the", "studies"]
    assert Analyzer("english", frozenset({"studies"})).terms("Studies generously") == ["generous"]
    with pytest.raises(UsageError, match="did you mean 'porter'"):
        Analyzer("portr")
