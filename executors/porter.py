"""Porter's stemmer: the ending of an English word taken off, as his own program does it and Lucene after it.

Source: Porter 1980, "An algorithm for suffix stripping". The program departs from the paper in three places: words of
two letters stay as they are, and of the endings of step 2, logi becomes log, and bli, whatever stands before it, ble.
"""

from __future__ import annotations

__all__ = ["porter"]

# Ending -> what stands for it where a syllable (vowels, then consonants) is left before it; the first that fits is it.
_STEP_2 = {
    "ational": "ate", "tional": "tion", "enci": "ence", "anci": "ance", "izer": "ize", "bli": "ble", "alli": "al",
    "entli": "ent", "eli": "e", "ousli": "ous", "ization": "ize", "ation": "ate", "ator": "ate", "alism": "al",
    "iveness": "ive", "fulness": "ful", "ousness": "ous", "aliti": "al", "iviti": "ive", "biliti": "ble", "logi": "log",
}  # fmt: skip
_STEP_3 = {
    "icate": "ic", "ative": "", "alize": "al", "iciti": "ic", "ical": "ic", "ful": "", "ness": "",
}  # fmt: skip
# Taken off where two syllables are left before them.
_STEP_4 = (
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate", "iti",
    "ous", "ive", "ize",
)  # fmt: skip


def porter(word: str) -> str:
    """The stem of a word in lower case."""
    if len(word) < 3:
        return word
    word = _inflected(_plural(word))
    if word.endswith("y") and "v" in _form(word[:-1]):
        word = word[:-1] + "i"
    for endings in (_STEP_2, _STEP_3):
        for ending, other in endings.items():
            if word.endswith(ending):
                stem = word[: -len(ending)]
                if _syllables(stem):
                    word = stem + other
                break
    for ending in _STEP_4:
        if word.endswith(ending) and (ending != "ion" or word[:-3].endswith(("s", "t"))):
            stem = word[: -len(ending)]
            if _syllables(stem) > 1:
                word = stem
            break
    if word.endswith("e"):
        count = _syllables(word)
        if count > 1 or (count == 1 and not _short(word[:-1])):
            word = word[:-1]
    if word.endswith("ll") and _syllables(word) > 1:
        word = word[:-1]
    return word


def _plural(word: str) -> str:
    if word.endswith(("sses", "ies")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _inflected(word: str) -> str:
    """Without -ed and -ing, and with the e that they took."""
    if word.endswith("eed"):
        return word[:-1] if _syllables(word[:-3]) else word
    stem = word[:-2] if word.endswith("ed") else word[:-3] if word.endswith("ing") else ""
    form = _form(stem)
    if "v" not in form:
        return word
    if stem.endswith(("at", "bl", "iz")):
        return stem + "e"
    if len(stem) > 1 and stem[-1] == stem[-2] and form[-1] == "c":
        return stem if stem[-1] in "lsz" else stem[:-1]
    return stem + "e" if form.count("vc") == 1 and _short(stem) else stem


def _form(word: str) -> str:
    """The word with c for each consonant and v for each vowel, which y is after a consonant."""
    form = ""
    for letter in word:
        form += "v" if letter in "aeiou" or (letter == "y" and form[-1:] == "c") else "c"
    return form


def _syllables(word: str) -> int:
    return _form(word).count("vc")


def _short(word: str) -> bool:
    """Whether a word ends with consonant, vowel, consonant, the last of which is no w, x or y."""
    return _form(word).endswith("cvc") and word[-1] not in "wxy"
