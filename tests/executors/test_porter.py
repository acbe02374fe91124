"""Porter's stemmer: golden stems, and Snowball's of the paper wherever the program does not depart from it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlrl.executors.porter import porter

# Where the program departs: short words, logi and bli, doubled consonants other than those that Snowball lists.
_DEPARTS = re.compile("^..?$|(log|bl)[iy]|([^bdfgmnprt])\\2(ed|ing)|yy")
_PARTS = ["a", "bi", "cy", "tro", "em", "st", "ob", "lo", "gh", "ay", "by", "x", "ee", "l", "s", "zz", "r", "n"]
_ENDINGS = [
    "s", "es", "ies", "sses", "eed", "ed", "ing", "y", "ational", "tional", "enci", "izer", "alli", "ousli", "ator",
    "alism", "fulness", "iviti", "biliti", "icate", "ative", "ical", "ness", "ance", "able", "ement", "ment", "ent",
    "sion", "ion", "ou", "ism", "ive", "ize", "e", "ll", "le", "",
]  # fmt: skip


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        ("caresses", "caress"), ("ponies", "poni"), ("ties", "ti"), ("cats", "cat"), ("feed", "feed"),
        ("agreed", "agre"), ("plastered", "plaster"), ("bled", "bled"), ("motoring", "motor"), ("sing", "sing"),
        ("conflated", "conflat"), ("sized", "size"), ("hopping", "hop"), ("falling", "fall"), ("hissing", "hiss"),
        ("filing", "file"), ("failing", "fail"), ("happy", "happi"), ("sky", "sky"), ("relational", "relat"),
        ("conditional", "condit"), ("rational", "ration"), ("vietnamization", "vietnam"), ("hopefulness", "hope"),
        ("formaliti", "formal"), ("electriciti", "electr"), ("replacement", "replac"), ("adoption", "adopt"),
        ("probate", "probat"), ("rate", "rate"), ("cease", "ceas"), ("controlling", "control"), ("roll", "roll"),
        # where the program is not the paper
        ("us", "us"), ("s", "s"), ("is", "is"), ("technology", "technolog"), ("assembly", "assembl"),
        ("possibly", "possibl"), ("trekking", "trek"), ("β-y", "β-y"), ("", ""),
    ],
)  # fmt: skip
def test_stems(word: str, stem: str) -> None:
    assert porter(word) == stem


@settings(max_examples=400, deadline=None)
@given(parts=st.lists(st.sampled_from(_PARTS), max_size=4), endings=st.lists(st.sampled_from(_ENDINGS), max_size=2))
def test_as_snowball_has_the_paper(parts: list[str], endings: list[str]) -> None:
    published = pytest.importorskip("Stemmer").Stemmer("porter", 0).stemWord
    word = "".join(parts + endings)
    if not _DEPARTS.search(word):
        assert porter(word) == published(word)
