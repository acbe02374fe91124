"""Literature: what a systematic review is about, and the studies that it includes: on PubMed, and of eight on drugs.

`pubmed` is the paper's task (after LEADS, Wang et al., 2025): a review's population, intervention, comparison and
outcome, and the PMIDs that it cites; nothing counts that appeared after the review, nor the review itself where its
PMID is known. `cohen` is a small complete corpus for it: the titles and abstracts that eight drug class reviews looked
through, and which of these they included in the end (Cohen et al., 2006, as asreview publishes them).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, ClassVar

from sqlrl.benchmarks.base import Demonstration, Example
from sqlrl.benchmarks.generation.exercises import MADE, Exercises
from sqlrl.benchmarks.location import search
from sqlrl.benchmarks.retrieval import Retrieval
from sqlrl.benchmarks.reviews import Reviews
from sqlrl.executors.base import Gold
from sqlrl.executors.documents import Document
from sqlrl.executors.errors import DataError, MissingSplitError, UsageError, nearest

__all__ = ["FOLDERS", "MARKS", "ORIGINS", "REVIEWS", "Cohen", "PubMed"]

# name of the file -> what the review asks; the words are ours, the topics those of the files
REVIEWS = {
    "ACEInhibitors": "How effective and how safe are angiotensin-converting enzyme (ACE) inhibitors, compared with one "
    "another, in hypertension, heart failure and kidney disease?",
    "ADHD": "How effective and how safe are drugs for attention deficit hyperactivity disorder (ADHD), stimulants and "
    "others, compared with one another?",
    "Antihistamines": "How effective and how safe are the newer antihistamines in seasonal or perennial allergic "
    "rhinitis and urticaria?",
    "CalciumChannelBlockers": "How effective and how safe are calcium channel blockers, compared with one another, in "
    "hypertension, angina and heart failure?",
    "Estrogens": "How effective and how safe are estrogens for symptoms of menopause and for bone density after it?",
    "Opiods": "How effective and how safe are long-acting opioids for chronic non-cancer pain?",
    "ProtonPumpInhibitors": "How effective and how safe are proton pump inhibitors, compared with one another, in "
    "reflux disease and peptic ulcer?",
    "Triptans": "How effective and how safe are triptans, compared with one another, in acute migraine in adults?",
}
FOLDERS = {
    "pubmed": (
        "deepretrieval/raw_data/pubmed", "deepretrieval/search_engine/pubmed", "deepretrieval/literature_mining/base",
        "pubmed",
    ),
    "cohen": ("pubmed/cohen_2006", "cohen_2006"),
}  # fmt: skip
MARKS = (
    "train.jsonl", "dev.jsonl", "test.jsonl", "test_full.parquet", "leads_mlsep_sample_1000.jsonl",
    *(f"{name}.csv" for name in REVIEWS),
)  # fmt: skip
ORIGINS = {
    "pubmed": "code/data/raw_data/pubmed of pat-jj/DeepRetrieval, or its search_engine/pubmed/test_full.parquet",
    "cohen": "Cohen_2006's files of asreview/systematic-review-datasets",
}


class PubMed(Reviews):
    """data: the folder of its files, or one above it. engine: live (PubMed itself), boolean over a local corpus.

    The paper's own validation part is a part of its test split, and left aside.
    """

    engines = ("live", "boolean")
    live = "pubmed:"
    relevant_key = "publication_pmids"
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "train": ("train.jsonl", "leads_mlsep_sample_1000.jsonl"),
        "validation": ("dev.jsonl",),
        "test": ("test.jsonl", "test_full.parquet"),
    }
    folders = FOLDERS["pubmed"]
    origin = ORIGINS["pubmed"]

    @property
    def corpora(self) -> list[str]:
        """A local corpus, in BEIR's form with `fields`."""
        return ["pubmed/corpus.jsonl"]


class Cohen(Retrieval):
    """dataset: "cohen". review: the one that is the test split, all eight where it is empty.

    With a review there is training: questions that a machine made about what the other reviews' documents have in
    common (see `sqlrl.benchmarks.generation.exercises`), no label read. Its splits: train, validation; test, the review
    itself; others, the seven; made, questions by the machine about words that the review's own documents alone have.
    """

    splits = ("train", "validation", "test", "others", "made")
    judges = ("recall@1000", "recall@100", "ndcg@10", "recall@3000")
    engines = ("boolean", "bm25", "dense")
    asks = "review"

    def __init__(
        self, dataset: str = "cohen", data: str | Path | None = None, engine: str | None = None, review: str = ""
    ) -> None:
        super().__init__(f"{dataset}/{review}" if review else dataset, data, engine)
        if review and review not in REVIEWS:
            raise UsageError(f"cohen has no review {review!r}{nearest(review, REVIEWS)}")
        self._review = review
        self.folder = search("cohen", FOLDERS["cohen"], [f"{name}.csv" for name in REVIEWS], data).folder(
            f"take {ORIGINS['cohen']}"
        )

    @property
    def corpus_name(self) -> str:
        """One for every choice of a review."""
        return "cohen"

    @property
    def corpora(self) -> list[str]:
        """A file for each review."""
        return [str(self.folder / f"{name}.csv") for name in REVIEWS]

    def corpus(self) -> list[Path]:
        """All that are here."""
        return [path for path in map(Path, self.corpora) if path.is_file()]

    def documents(self) -> Iterator[Document]:
        """Titles and abstracts, each once, though several reviews looked at it."""
        seen = set()
        for path in self.corpus():
            for row in _rows(path):
                if row["pubmedID"] not in seen:
                    seen.add(row["pubmedID"])
                    fields: dict[str, Any] = {"authors": [name.strip() for name in row["authors"].split(";") if name]}
                    if row["year"]:
                        fields["date"] = row["year"].partition(".")[0]
                    yield Document(row["pubmedID"], row["title"], row["abstract"], fields)

    def has(self, split: str) -> bool:
        """All but the test need a review that is left out; without one there is nothing to train on."""
        return split == "test" or bool(self._review)

    def read(self, split: str) -> list[Example]:
        """Of the reviews one question each."""
        if not self.has(split):
            raise MissingSplitError(
                f"cohen has no {split} split: leave a review out, as in cohen/{next(iter(REVIEWS))}"
            )
        if split in MADE:
            return self._exercises.examples(split)
        examples = []
        for name, question in REVIEWS.items():
            path = self.folder / f"{name}.csv"
            if path.is_file() and (not self._review or (name == self._review) is (split == "test")):
                relevant = {row["pubmedID"]: 1.0 for row in _rows(path) if row["label_included"] == "1"}
                examples.append(Example(name, question, Gold(relevant=relevant), labels={"review": name}))
        return examples

    def demonstrations(self) -> list[Demonstration]:
        """Questions of the same kind about words that are no concept of the corpus, each with one of many ways to
        search for them; the same whichever review is left out."""
        return self._demonstrations

    @cached_property
    def _demonstrations(self) -> list[Demonstration]:
        return self._exercises.demonstrations()

    @cached_property
    def _exercises(self) -> Exercises:
        stamps = tuple((path, path.stat().st_size, path.stat().st_mtime_ns) for path in self.corpus())
        return _made(self.folder, self._review, stamps)

    def notes(self) -> list[str]:
        """Which reviews are not here."""
        absent = [Path(name).name for name in self.corpora if not Path(name).is_file()]
        return [*super().notes(), *([f"cohen: {', '.join(absent)} missing in {self.folder}"] if absent else [])]


@lru_cache(maxsize=2)  # a comparison trains and searches one review after another, many times each
def _made(folder: Path, review: str, stamps: tuple[tuple[Path, int, int], ...]) -> Exercises:
    """The exercises without a review, as long as the files are as they were."""
    documents = list(Cohen(data=folder).documents())
    own = {row["pubmedID"] for row in _rows(folder / f"{review}.csv")} if review else set()
    return Exercises(documents, [document.id not in own for document in documents])


def _rows(path: Path) -> Iterator[Mapping[str, str]]:
    """The records of one review. DataError where the file lacks a column."""
    wanted = {"pubmedID", "title", "abstract", "authors", "year", "label_included"}
    try:
        with open(path, encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            lacking = sorted(wanted - set(reader.fieldnames or ()))
            if lacking:
                raise DataError(f"{path} has no column {lacking[0]}")
            for number, row in enumerate(reader, start=1):
                if not row["pubmedID"]:
                    raise DataError(f"{path}, record {number} has no pubmedID")
                yield {name: row[name] or "" for name in wanted}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
