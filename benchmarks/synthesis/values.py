"""Values: what may stand in a column, drawn by a seed: what queries look for, what is next to it, and ordinary ones.

Fractions are quarters, so that sums come out the same in whatever order their rows are added.
"""

from __future__ import annotations

import datetime
import random
import re
from collections.abc import Sequence
from typing import Any

from sqlrl.benchmarks.synthesis.checks import NO_RULE, Rule
from sqlrl.benchmarks.synthesis.conditions import holds, number_of, typed
from sqlrl.benchmarks.synthesis.hints import Hint
from sqlrl.benchmarks.synthesis.schema import Column

__all__ = ["Drawing"]

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?)?")
_TRIES = 40
_ONSETS = ("b", "br", "c", "d", "f", "g", "gr", "h", "j", "k", "l", "m", "n", "p", "r", "s", "st", "t", "v", "w")
_VOWELS = ("a", "e", "i", "o", "u")
_CODAS = ("", "", "l", "n", "r", "s", "m", "ck", "nd")


class Drawing:
    """Draws values for one column.

    hint: of the whole domain that the column shares. rule: what its checks allow. Everything drawn is in the type that
    the column stores.
    """

    def __init__(self, column: Column, hint: Hint, rule: Rule = NO_RULE) -> None:
        self.column = column
        self.hint = hint
        self.rule = rule
        self.numeric = self._is_numeric()
        ruled = [condition.text for condition in rule.conditions]
        texts = (*hint.values, *hint.bounds, *ruled)
        numbers = [number for number in map(number_of, texts) if number is not None]
        self.fractions = self.numeric and (
            column.kind == "real" or any(isinstance(number, float) and number % 1 for number in numbers)
        )
        self.span = self._span(numbers)
        self.samples = [text for text in (*hint.values, *hint.bounds) if text.strip()]

    def asked(self, generator: random.Random) -> list[Any]:
        """What queries compare the column to, and what lies just beside that; in random order, each once."""
        found: list[Any] = [typed(text, self.numeric) for text in self.hint.values]
        for text in self.hint.bounds:
            found += [typed(text, self.numeric), *self.beside(text)]
        for text in self.hint.values:
            found += self.beside(text) if self.numeric else []
        for pattern in self.hint.patterns:
            found += [self.matching(pattern, generator) for _ in range(2)]
        if not self.hint.null_asked:
            found = [value for value in found if not (isinstance(value, str) and value.lower() == "null")]
        unique = [value for value in dict.fromkeys(found) if self.allows(value)]
        generator.shuffle(unique)
        return unique

    def allows(self, value: Any) -> bool:
        """Whether the column's checks let a value in."""
        if self.rule.values and value not in [typed(text, self.numeric) for text in self.rule.values]:
            return False
        return all(holds(value, condition, self.numeric) for condition in self.rule.conditions)

    def beside(self, text: str) -> list[Any]:
        """The neighbours of a literal on both sides."""
        number = number_of(text)
        if number is not None:
            step = 0.25 if self.fractions else 1
            if isinstance(number, float):
                number, step = number, 0.25
            return [typed(str(number - step), self.numeric), typed(str(number + step), self.numeric)]
        moved = _moved_date(text, -1), _moved_date(text, 1)
        return [date for date in moved if date is not None]

    def ordinary(self, generator: random.Random) -> Any:
        """Any value of the column's kind that its checks let in, as far as trying finds one."""
        if self.rule.values:
            return typed(generator.choice(self.rule.values), self.numeric)
        value = self._any(generator)
        for _ in range(_TRIES if self.rule.conditions else 0):
            if self.allows(value):
                break
            value = self._any(generator)
        return value

    def _any(self, generator: random.Random) -> Any:
        for condition in self.rule.conditions:
            if condition.operator == "like":
                return self.matching(condition.text, generator)
        name = self.column.name.lower()
        if self.numeric:
            low, high = self.span
            if self.fractions:
                return generator.randint(int(low * 4), int(high * 4)) / 4
            return generator.randint(int(low), int(high))
        dates = [text for text in self.samples if _ISO.fullmatch(text)]
        if dates:
            return _moved_date(generator.choice(dates), generator.randint(-700, 700)) or dates[0]
        shaped = [text for text in self.samples if any(sign.isdigit() for sign in text)]
        if shaped and generator.random() < 0.8:
            return _other_digits(generator.choice(shaped), generator)
        declared = self.column.declared
        if "timestamp" in declared or "datetime" in declared:
            day = _day(generator)
            return f"{day} {generator.randint(0, 23):02d}:{generator.randint(0, 59):02d}:{generator.randint(0, 59):02d}"
        if declared == "time":
            return f"{generator.randint(0, 23):02d}:{generator.randint(0, 59):02d}:{generator.randint(0, 59):02d}"
        if "date" in declared or "date" in name:
            return _day(generator)
        if "year" in name:
            return str(generator.randint(1990, 2020))
        if "phone" in name or "zip" in name:
            return "".join(str(generator.randint(0, 9)) for _ in range(7))
        return self._word(generator)

    def matching(self, pattern: str, generator: random.Random) -> Any:
        """A text that LIKE finds."""
        parts: list[str] = []
        for sign in pattern:
            if sign == "%":
                parts.append(generator.choice(("", "", _syllable(generator), str(generator.randint(0, 9)))))
            elif sign == "_":
                parts.append(generator.choice("abcdefgh"))
            else:
                parts.append(sign)
        return typed("".join(parts), self.numeric)

    def _word(self, generator: random.Random) -> str:
        word = "".join(_syllable(generator) for _ in range(generator.randint(2, 3))).capitalize()
        longest = re.search(r"\((\d+)", self.column.declared)
        return word[: max(1, int(longest.group(1)))] if longest else word

    def _is_numeric(self) -> bool:
        declared = self.column.declared
        if any(word in declared for word in ("date", "time")) and self.column.kind == "numeric":
            texts = (*self.hint.values, *self.hint.bounds)
            return bool(texts) and all(number_of(text) is not None for text in texts)
        if self.column.kind == "numeric" and "bool" in declared:
            return not any(number_of(text) is None for text in self.hint.values)
        return self.column.kind in ("integer", "real", "numeric")

    def _span(self, numbers: Sequence[float]) -> tuple[float, float]:
        name, declared = self.column.name.lower(), self.column.declared
        if "bool" in declared:
            return 0, 1
        if numbers:
            low, high = min(numbers), max(numbers)
            room = max(10.0, (high - low) / 2, abs(high) / 2 if high - low < abs(high) / 4 else 0)
            if low >= 1800 and high <= 2100:  # years
                room = max(5.0, (high - low) / 2)
            return (max(0.0, low - room) if low >= 0 else low - room), high + room
        if "year" in name:
            return 1990, 2020
        if name == "age" or name.endswith("_age"):
            return 16, 80
        return 1, 200


def _syllable(generator: random.Random) -> str:
    return generator.choice(_ONSETS) + generator.choice(_VOWELS) + generator.choice(_CODAS)


def _day(generator: random.Random) -> str:
    return (datetime.date(2008, 1, 1) + datetime.timedelta(days=generator.randint(0, 4000))).isoformat()


def _moved_date(text: str, days: int) -> str | None:
    """A date some days on, written as it was; None for what is no date."""
    found = _ISO.fullmatch(text)
    if not found:
        return None
    try:
        moved = datetime.date(*(int(found.group(part)) for part in (1, 2, 3))) + datetime.timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return moved.isoformat() + text[found.end(3) :]


def _other_digits(text: str, generator: random.Random) -> str:
    """The same text with one or two of its digits drawn anew: it keeps its form."""
    places = [place for place, sign in enumerate(text) if sign.isdigit()]
    signs = list(text)
    for place in generator.sample(places, min(2, len(places))):
        signs[place] = str(generator.randint(1, 9))
    return "".join(signs)
