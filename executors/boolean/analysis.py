"""Analysis: how text becomes the words that are compared, the same for documents, queries and whoever checks them.

Lower case, without accents; a word is a run of letters and digits, so a hyphen parts and `post-mortem` is a phrase of
two words. Nothing is stemmed and no stop word is left out of a document.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["day_of", "fold", "last_day_of", "number_of", "tokens"]

_WORD = re.compile(r"[^\W_]+")
_ASCII_WORD = re.compile(r"[a-z0-9]+")
_DATE = re.compile(r"\s*(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?(?:[T ].*)?\s*", re.DOTALL)
_NUMBER = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*(year|month|week|day|hour|minute)?s?\s*", re.IGNORECASE)
# Days in a unit of age; a bare number stays as it is.
_UNITS = {"year": 365.25, "month": 30.4375, "week": 7.0, "day": 1.0, "hour": 1 / 24, "minute": 1 / 1440}


def tokens(text: str) -> list[str]:
    """The words of a text, in order."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    # Marks that are left alone after decomposition are accents; a letter is never lost.
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return _WORD.findall(unicodedata.normalize("NFC", plain.casefold()))


def fold(text: str) -> str:
    """A whole value as values are compared: its words with one space between them."""
    return " ".join(tokens(text))


def day_of(date: object) -> int | None:
    """A date as a number, 20040517; of 2004-05 or 2004 the first day. None for what is no date."""
    found = _DATE.fullmatch(str(date))
    if found is None:
        return None
    # 2004-00-00, and the 2004.0 of a spreadsheet, say no more than the year.
    year, month, day = int(found[1]), int(found[2] or 1) or 1, int(found[3] or 1) or 1
    return year * 10_000 + month * 100 + day if 1 <= month <= 12 and 1 <= day <= 31 else None


def last_day_of(date: object) -> int | None:
    """The last day of a date, a month (20040531 too where it has fewer days) or a year."""
    first = day_of(date)
    found = _DATE.fullmatch(str(date))
    if first is None or found is None or int(found[3] or 0):
        return first
    return first + 30 if int(found[2] or 0) else first + 1130


def number_of(text: object) -> float | None:
    """A number, or an age in days ("18 Years"). None for what is neither."""
    if isinstance(text, (int, float)):
        return float(text)
    found = _NUMBER.fullmatch(str(text))
    if found is None:
        return None
    return float(found[1]) * (_UNITS[found[2].lower()] if found[2] else 1.0)
