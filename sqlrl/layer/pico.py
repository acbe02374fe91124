"""A PICO: what a systematic review is about, by population, intervention, comparison and outcome."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from sqlrl.executors.errors import UsageError, nearest

__all__ = ["Pico"]

_NAMES = {
    "population": "P", "patient": "P", "patients": "P", "problem": "P", "participants": "P", "p": "P",
    "intervention": "I", "interventions": "I", "exposure": "I", "i": "I",
    "comparison": "C", "comparator": "C", "comparators": "C", "control": "C", "c": "C",
    "outcome": "O", "outcomes": "O", "o": "O",
}  # fmt: skip
_LABEL = re.compile(rf"(?:^|[;\n])[ \t]*({'|'.join(sorted(_NAMES, key=len, reverse=True))})[ \t]*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pico:
    """parts: letter -> words; a part that is not known is missing."""

    parts: Mapping[str, str]

    @classmethod
    def of(cls, question: object) -> Self | None:
        """From a mapping of the parts (by name or letter), such a mapping as JSON, or text whose parts stand behind
        their names, in lines or with semicolons between. None for any other text, UsageError for any other mapping."""
        if isinstance(question, Mapping):
            return cls(_read(question))
        if not isinstance(question, str):
            return None
        if question.lstrip().startswith("{"):
            try:
                return cls(_read(json.loads(question)))
            except (ValueError, RecursionError, UsageError):  # somebody's question begins with a brace
                return None
        found = list(_LABEL.finditer(question.strip()))
        letters = [_NAMES[label[1].lower()] for label in found]
        if len(found) < 2 or found[0].start() or len(set(letters)) < len(letters):
            return None
        text, ends = question.strip(), [*(label.start() for label in found[1:]), None]
        parts = {a: " ".join(text[b.end() : end].split()) for a, b, end in zip(letters, found, ends, strict=True)}
        return cls(parts) if any(parts.values()) else None

    @property
    def text(self) -> str:
        """As training puts it: four lines, a letter before each."""
        return "\n".join(f"{letter}: {self.parts.get(letter, '')}" for letter in "PICO")

    @property
    def words(self) -> str:
        """The parts alone, one after another: the query, where nobody writes a better one."""
        return " ".join(self.parts[letter] for letter in "PICO" if self.parts.get(letter))


def _read(given: Mapping[object, object]) -> dict[str, str]:
    parts: dict[str, str] = {}
    for name, words in given.items():
        letter = _NAMES.get(str(name).strip().lower())
        if letter is None:
            known = ("population", "intervention", "comparison", "outcome")
            raise UsageError(f"a PICO has {', '.join(known)}, not {str(name)!r:.60}{nearest(str(name).lower(), known)}")
        if letter in parts:
            raise UsageError(f"a PICO names its {letter} once, not twice")
        if words is not None and not isinstance(words, str):
            raise UsageError(f"the {name} of a PICO is text, not {words!r:.60}")
        parts[letter] = " ".join((words or "").split())
    if not any(parts.values()):
        raise UsageError("a PICO without a word in it")
    return parts
