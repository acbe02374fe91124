"""Trials: what a systematic review is about, and the trials in ClinicalTrials.gov that it cites (after LEADS)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sqlrl.benchmarks.reviews import Reviews

__all__ = ["FOLDERS", "MARKS", "ORIGINS", "Trials"]

FOLDERS = {"trials": ("deepretrieval/raw_data/ctgov", "deepretrieval/search_engine/ctgov", "ctgov", "trials")}
MARKS = ("train.jsonl", "dev.jsonl", "test.jsonl", "train.parquet", "test_full.parquet")
ORIGINS = {"trials": "code/data/raw_data/ctgov of pat-jj/DeepRetrieval"}


class Trials(Reviews):
    """data: the folder of its files, or one above it. engine: live (ClinicalTrials.gov itself), boolean over a local
    corpus. A trial counts where it was first posted by the day of the review; a review is no trial, and none is left
    out for it."""

    engines = ("live", "boolean")
    live = "trials:"
    relevant_key = "trial_nctids"
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "train": ("train.jsonl", "train.parquet"),
        "validation": ("dev.jsonl",),
        "test": ("test.jsonl", "test_full.parquet"),
    }
    folders = FOLDERS["trials"]
    origin = ORIGINS["trials"]
    excludes = False
    options: ClassVar[Mapping[str, str]] = {"boolean": "?grammar=essie"}

    @property
    def corpora(self) -> list[str]:
        """A local corpus, in BEIR's form with `fields`."""
        return ["trials/corpus.jsonl"]
