"""Reviews: questions by population, intervention, comparison and outcome, with what the review of each one cites.

Lines of JSON (LEADS': pico, pub_date, the ids, origin.pmid), or the Parquet files of DeepRetrieval (input, label,
pub_date), which don't say which review a question is from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from sqlrl.benchmarks.base import Example
from sqlrl.benchmarks.corpora import json_lines
from sqlrl.benchmarks.location import candidates, find_file
from sqlrl.benchmarks.retrieval import Retrieval
from sqlrl.executors.base import Gold
from sqlrl.executors.errors import DataError, MissingSplitError

__all__ = ["Reviews"]

_DATE = re.compile(r"(\d{4})[/-](\d{2})[/-](\d{2})")


class Reviews(Retrieval):
    """relevant_key: of the list of ids in a line of JSON. files: split -> names, the first that is there is read.
    folders: where they may be. origin: where they come from. excludes: whether the review itself is a document."""

    judges = ("recall@3000", "recall@1000", "recall@100", "ndcg@10")
    asks = "pico"
    relevant_key: str
    files: ClassVar[Mapping[str, tuple[str, ...]]]
    folders: tuple[str, ...]
    origin: str
    excludes = True

    def __init__(self, dataset: str, data: str | Path | None = None, engine: str | None = None) -> None:
        super().__init__(dataset, data, engine)
        self._unknown: dict[str, int] = {}  # split -> questions whose review is not known
        if not any(self.has(split) for split in self.splits):
            looked = ", ".join(dict.fromkeys(str(path.parent) for path in candidates(self._names("test"), data)))
            raise DataError(f"no {dataset} data in {looked}: give --data DIR, set SQLRL_DATA, or take {self.origin}")

    def has(self, split: str) -> bool:
        """Whether one of its files is here."""
        return self._file(split) is not None

    def read(self, split: str) -> list[Example]:
        """In the order of the file."""
        path = self._file(split)
        if path is None:
            raise MissingSplitError(f"{self.name}'s {split} split is not here: {' or '.join(self.files[split])}")
        examples = []
        self._unknown[split] = 0
        for name, question, relevant, date, review in self._lines(path, split):
            context: dict[str, Any] = {"max_date": date} if date else {}
            if self.excludes and review:
                context["exclude_ids"] = [review]
            self._unknown[split] += self.excludes and not review
            # A review that cites itself is none of its own studies.
            gold = {own: 1.0 for own in relevant if not (self.excludes and own == review)}
            examples.append(Example(name, question, Gold(relevant=gold), context=context))
        return examples

    def notes(self) -> list[str]:
        """Which splits don't leave out the reviews themselves."""
        notes = super().notes()
        for split in self._examples:
            if self._unknown.get(split):
                notes.append(
                    f"{self.name} {split}: the reviews that the questions are from are not named, so a search may find "
                    "them; their studies count up to the review's date"
                )
        if "train" in self._examples and (path := self._file("train")) and path.name != self.files["train"][0]:
            notes.append(f"{self.name} has no {self.files['train'][0]}: {path.name} stands for it")
        return notes

    def _file(self, split: str) -> Path | None:
        return find_file(self._names(split), self._data)

    def _names(self, split: str) -> list[str]:
        names = self.files[split]
        return [f"{folder}{name}" for name in names for folder in ("", *(f"{folder}/" for folder in self.folders))]

    def _lines(self, path: Path, split: str) -> Iterator[tuple[str, str, list[str], str, str]]:
        """(id, question, ids, date, review) of each question."""
        if path.suffix == ".parquet":
            for place, (question, found, date) in enumerate(_parquet(path)):
                yield f"{split}-{place}", question.strip(), found, _date(date, path), ""
            return
        for number, values in json_lines(path):
            pico: Any = values.get("pico")
            relevant: Any = values.get(self.relevant_key)
            if not isinstance(values.get("id"), str) or not isinstance(pico, dict) or not isinstance(relevant, list):
                raise DataError(f"{path}, line {number}: no 'id', 'pico' and list of {self.relevant_key!r}")
            question = "\n".join(f"{letter}: {pico.get(letter, '')}" for letter in "PICO")
            origin = values.get("origin") or {}
            review = str(origin.get("pmid") or "") if isinstance(origin, dict) else ""
            date = _date(values.get("pub_date"), path)
            yield values["id"], question, list(dict.fromkeys(map(str, relevant))), date, review


def _parquet(path: Path) -> list[tuple[str, list[str], str]]:
    import duckdb  # reads Parquet without pandas

    try:
        found = duckdb.execute("SELECT input, label, pub_date FROM read_parquet(?)", [str(path)]).fetchall()
    except duckdb.Error as error:
        raise DataError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
    return [(str(question), [str(name) for name in label or ()], date) for question, label, date in found]


def _date(written: Any, path: Path) -> str:
    """2004/01/01 as 2004-01-01; empty for no date. DataError for what is none."""
    if not written:
        return ""
    found = _DATE.fullmatch(str(written))
    if found is None:
        raise DataError(f"{path}: {written!r} is no date (YYYY/MM/DD)")
    return "-".join(found.groups())
