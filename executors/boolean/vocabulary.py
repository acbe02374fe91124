"""A vocabulary: a user's own file of what terms mean, for the mapping that the services do with theirs.

Tab-separated, a term and what it stands for, in the grammar of the index's queries; `#` begins a comment:

    heart attack	"myocardial infarction"[mh] OR "heart attack"[tiab]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlrl.executors.boolean.analysis import fold
from sqlrl.executors.errors import DataError

__all__ = ["Vocabulary"]


@dataclass(frozen=True)
class Vocabulary:
    """meanings: folded term -> a query."""

    meanings: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def read(path: str | Path) -> Vocabulary:
        """DataError where the file cannot be read, or a line is none of two columns."""
        meanings: dict[str, str] = {}
        try:
            with open(path, encoding="utf-8") as file:
                for number, line in enumerate(file, start=1):
                    if not line.strip() or line.startswith("#"):
                        continue
                    term, tab, meaning = line.rstrip("\n").partition("\t")
                    if not tab or not fold(term) or not meaning.strip():
                        raise DataError(f"{path}, line {number}: a term, a tab and what it stands for")
                    meanings[fold(term)] = meaning.strip()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{path} cannot be read: {error}") from None
        return Vocabulary(meanings)

    @property
    def words(self) -> int:
        """The most words that a term has."""
        return max((term.count(" ") + 1 for term in self.meanings), default=0)

    def longest(self, words: Sequence[str]) -> tuple[int, str] | None:
        """(how many of the first words make a known term, what it stands for), the longest such term."""
        for count in range(min(len(words), self.words), 0, -1):
            meaning = self.meanings.get(fold(" ".join(words[:count])))
            if meaning is not None:
                return count, meaning
        return None
