"""Passages: open-domain questions whose answer some passage of Wikipedia holds: NQ, TriviaQA, SQuAD, and XQuAD.

The questions of the first three are read in the forms in which they go round: lines of JSON (question, answers), a
question and a list of answers with a tab between (DPR's and Anserini's), SQuAD's articles. Their corpus is DPR's 21
million passages (Karpukhin et al., 2020): `psgs_w100.tsv`. XQuAD's English paragraphs (Artetxe et al., 2020) are a
corpus of their own, of 240: small, complete, and split by article here; the articles' titles are left out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from sqlrl.benchmarks.base import Example
from sqlrl.benchmarks.corpora import json_lines, open_text, read_articles
from sqlrl.benchmarks.location import candidates, find_file
from sqlrl.benchmarks.retrieval import Retrieval
from sqlrl.executors.base import Gold
from sqlrl.executors.errors import DataError, MissingSplitError

__all__ = ["FOLDERS", "MARKS", "ORIGINS", "Passages"]

# name -> split -> files that may hold it, each below one of the folders
_FILES: dict[str, dict[str, tuple[str, ...]]] = {
    "nq": {
        "train": ("train.jsonl", "nq-train.qa.csv"),
        "validation": ("dev.jsonl", "topics.nq.dev.txt", "topics.dpr.nq.dev.txt", "nq-dev.qa.csv"),
        "test": ("test.jsonl", "topics.nq.test.txt", "topics.dpr.nq.test.txt", "nq-test.qa.csv"),
    },
    "triviaqa": {
        "train": ("train.jsonl", "trivia-train.qa.csv"),
        "validation": ("dev.jsonl", "topics.dpr.trivia.dev.txt", "trivia-dev.qa.csv"),
        "test": ("test.jsonl", "topics.dpr.trivia.test.txt", "trivia-test.qa.csv"),
    },
    # SQuAD's own test split is not public: its dev split is what the literature calls test. The paper's val.parquet is
    # a part of that, and left aside.
    "squad": {
        "train": ("train.jsonl", "train-v1.1.json"),
        "validation": (),
        "test": ("test.jsonl", "dev-v1.1.json", "topics.dpr.squad.test.txt"),
    },
    "xquad": dict.fromkeys(("train", "validation", "test"), ("xquad.en.json",)),
}
FOLDERS = {
    "nq": ("deepretrieval/raw_data/nq_serini", "deepretrieval/raw_data/nq", "nq"),
    "triviaqa": ("deepretrieval/raw_data/triviaqa", "triviaqa"),
    "squad": ("deepretrieval/raw_data/squad", "squad"),
    "xquad": ("evidence/xquad", "xquad"),
}
_SHARED = ("evidence/anserini-tools", "dpr", "topics-and-qrels")  # folders that hold the questions of several
MARKS = tuple(dict.fromkeys(name for splits in _FILES.values() for names in splits.values() for name in names))
ORIGINS = {
    "nq": "DPR's nq-train.qa.csv, nq-dev.qa.csv and nq-test.qa.csv",
    "triviaqa": "DPR's trivia-train.qa.csv, trivia-dev.qa.csv and trivia-test.qa.csv",
    "squad": "SQuAD's train-v1.1.json and dev-v1.1.json",
    "xquad": "xquad.en.json of google-deepmind/xquad",
}
# Of XQuAD's articles, in order: those of a split. A paragraph is asked about in one split only.
_ARTICLES = {"train": range(30), "validation": range(30, 36), "test": range(36, 1_000_000)}


class Passages(Retrieval):
    """dataset: one of the four. data: its folder, or one above it. engine: see `Retrieval`."""

    asks = "passage"
    judges = ("answer-rank@20", "answer-rank@1", "answer-rank@100")

    def __init__(self, dataset: str, data: str | Path | None = None, engine: str | None = None) -> None:
        super().__init__(dataset, data, engine)
        if not any(self._file(split) for split in self.splits):
            looked = ", ".join(dict.fromkeys(str(path.parent) for path in candidates(self._names("test"), data)))
            raise DataError(
                f"no {dataset} data in {looked}: give --data DIR, set SQLRL_DATA, or put there {ORIGINS[dataset]}"
            )

    @property
    def corpus_name(self) -> str:
        """DPR's passages are one corpus for the three."""
        return "xquad" if self.name == "xquad" else "wikipedia-dpr"

    @property
    def corpora(self) -> list[str]:
        """XQuAD's own file; else DPR's passages."""
        if self.name == "xquad":
            return self._names("test")
        return [f"{folder}psgs_w100.tsv" for folder in ("wikipedia-dpr/", "wikipedia-dpr-100w/", "dpr/", "")]

    def has(self, split: str) -> bool:
        """Whether one of its files is here."""
        return self._file(split) is not None

    def read(self, split: str) -> list[Example]:
        """In the order of the file; a question's id is its split and its place there, or the file's own."""
        path = self._file(split)
        if path is None:
            names = " or ".join(_FILES[self.name][split]) or "no such file exists"
            raise MissingSplitError(f"{self.name}'s {split} split is not here: {names}")
        if self.name == "xquad":
            return list(_from_articles(path, _ARTICLES[split]))
        if path.name.removesuffix(".gz").endswith(".json"):
            return list(_from_articles(path))
        examples = []
        for number, (question, answers) in enumerate(_pairs(path), start=1):
            examples.append(Example(f"{split}-{number}", question, Gold(answers=answers)))
        return examples

    def _file(self, split: str) -> Path | None:
        return find_file(self._names(split), self._data)

    def _names(self, split: str) -> list[str]:
        folders = FOLDERS[self.name]
        names = _FILES[self.name][split]
        own = [f"{folder}{name}" for folder in ("", *(f"{folder}/" for folder in folders)) for name in names]
        # Only files that say by their names what they are of may lie together with others.
        shared = [f"{folder}/{name}" for folder in _SHARED for name in names if not name.endswith(".jsonl")]
        return [*own, *shared]


def _pairs(path: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(question, answers) of each line. DataError says which line is none."""
    with open_text(path) as file:
        first = file.readline()
    if first.startswith("{"):
        for number, values in json_lines(path):
            question, answers = values.get("question"), values.get("answers", values.get("answer"))
            if not isinstance(question, str) or not _are_answers(answers):
                raise DataError(f"{path}, line {number}: no 'question' and list of 'answers'")
            yield question, tuple(dict.fromkeys(answers))
        return
    number = 0
    try:
        with open_text(path) as file:
            for line in file:
                number += 1
                if not line.strip():
                    continue
                question, _, written = line.rstrip("\r\n").partition("\t")
                if written.startswith('"') and written.endswith('"'):  # quoted as a cell of CSV
                    written = written[1:-1].replace('""', '"')
                answers = ast.literal_eval(written)
                if not _are_answers(answers):
                    raise ValueError
                yield question, tuple(dict.fromkeys(answers))
    except UnicodeDecodeError as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    except (ValueError, SyntaxError):
        raise DataError(f"{path}, line {number}: not a question, a tab and a list of answers") from None
    except (OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}") from None


def _from_articles(path: Path, places: range | None = None) -> Iterator[Example]:
    """The questions of SQuAD's articles; places: of these articles alone."""
    for paragraph in read_articles(path):
        article = int(paragraph["id"].partition("-")[0])
        if places is not None and article not in places:
            continue
        for asked in paragraph["qas"]:
            try:
                answers = tuple(dict.fromkeys(str(answer["text"]) for answer in asked["answers"]))
                yield Example(str(asked["id"]), str(asked["question"]), Gold(answers=answers))
            except (KeyError, TypeError):
                raise DataError(
                    f"{path} is not in SQuAD's format: a question of paragraph {paragraph['id']} lacks something"
                ) from None


def _are_answers(found: object) -> bool:
    return isinstance(found, list) and bool(found) and all(isinstance(answer, str) for answer in found)
