"""DeepRetrieval's own reward functions for search, beside our presets: the same rankings, the same numbers.

What searches for them here is a shelf, and their Pyserini's answer matching is DPR's rule in a few lines.
SQLRL_OFFICIAL as in test_official.py; SQLRL_WRITE_GOLDEN=1 writes golden_search.json anew.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sqlrl.executors.base import Outcome
from sqlrl.rewards.presets import PRESETS, presets_for
from sqlrl.rewards.shelf import Shelf
from tests.sqlrl.rewards.search_cases import GOLDEN, GOLDS, MEASURES, SearchCase, pay, search_cases, target
from tests.sqlrl.rewards.test_official import module, official

__all__ = ["official"]

Rule = Callable[[SearchCase], float]
pytestmark = pytest.mark.filterwarnings("ignore")  # the authors' own
# their file -> (our preset, our judge where it is not the preset's own)
FILES = {
    "pubmed": ("deepretrieval-pubmed", None), "ctgov": ("deepretrieval-pubmed", None),
    "nq_serini": ("deepretrieval-nq", None), "triviaqa": ("deepretrieval-nq", None),
    "squad": ("deepretrieval-squad", None), "nfcorpus": ("deepretrieval-beir", None),
    "fever": ("deepretrieval-beir", None), "msmarco_beir": ("deepretrieval-beir", None),
    "hotpotqa": ("deepretrieval-beir", "ndcg@3000"), "scifact": ("deepretrieval-beir", "ndcg@50"),
}  # fmt: skip


def found(query: str, depth: int) -> list[str]:
    """What their search gives: the ids, or an exception."""
    result = Shelf().search(query, depth, {})
    if result.outcome is not Outcome.OK:
        raise RuntimeError(result.message)
    return [row[0] for row in result.rows]


def words(text: str) -> list[str]:
    import regex

    tokens = regex.findall(r"[\p{L}\p{N}\p{M}]+|[^\p{Z}\p{C}]", unicodedata.normalize("NFD", text))
    return [token.lower() for token in tokens]


def has_answers(text: str, answers: list[str], tokenizer: Any, regex: bool) -> bool:
    there = words(text)
    wanted = [words(answer) for answer in answers]
    return any(there[at : at + len(some)] == some for some in wanted for at in range(len(there) - len(some) + 1))


class Lucene:
    """Pyserini's searcher over a shelf."""

    def search(self, query: str, k: int) -> list[Any]:
        texts = [document.text for document in Shelf().fetch(found(query, k))]
        return [SimpleNamespace(lucene_document={"raw": json.dumps({"contents": text})}) for text in texts]


class Labels(list[str]):
    """A list as numpy gives it."""

    def tolist(self) -> list[str]:
        return list(self)


@contextlib.contextmanager
def deepretrieval(root: Path, name: str) -> Iterator[Rule]:
    import numpy  # the real one, and before stand-ins come and go

    assert numpy
    stand_ins: dict[str, Any] = {
        "pyserini": {"__path__": []}, "pyserini__search": {"__path__": []}, "pyserini__eval": {"__path__": []},
        "pyserini__search__lucene": {"LuceneSearcher": None}, "pyserini__search__faiss": {"FaissSearcher": None},
        "pyserini__eval__evaluate_dpr_retrieval": {"has_answers": has_answers, "SimpleTokenizer": object},
        f"src__Lucene__{name}__search": {"PyseriniMultiFieldSearch": None},
    }  # fmt: skip
    code = root / "DeepRetrieval" / "code"
    for parts in (("verl",), ("verl", "utils"), ("verl", "utils", "reward_score")):  # their trainer stays out of it
        stand_ins["__".join(parts)] = {"__path__": [str(code.joinpath(*parts))]}
    with module(code, f"verl.utils.reward_score.{name}", **stand_ins) as theirs:
        api = SimpleNamespace(search_with_keywords=lambda query, topk: found(query.partition("&")[0], topk))
        theirs.search_system = SimpleNamespace(  # type: ignore[attr-defined]
            batch_search=lambda queries, top_k, threads: {
                query: [(document, 1.0) for document in found(query, top_k)] for query in queries
            }
        )
        theirs._searcher = Lucene()  # type: ignore[attr-defined]

        def rule(case: SearchCase) -> float:
            labels = target(GOLDS[case.gold])
            labels["target"] = labels["target"][0] if name == "scifact" else Labels(labels["target"])
            said = f"<|im_start|>assistant\n{case.said}"
            if MEASURES[FILES[name][0]] == "recall":
                return float(theirs.compute_score(said, labels, search_api=api))
            more = {"data_source": f"{name}_train"} if MEASURES[FILES[name][0]] == "ndcg" else {}
            return float(theirs.compute_score(said, labels, **more))

        yield rule


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_preset_pays_what_its_authors_pay(name: str, official: Path) -> None:
    preset, judge = FILES[name]
    some = [case for case in search_cases(MEASURES[preset]) if name != "scifact" or case.gold == "one"]
    with deepretrieval(official, name) as rule, contextlib.redirect_stdout(io.StringIO()):
        theirs = [round(rule(case), 9) for case in some]
    ours = pay(preset, some, judge)
    assert [round(value, 9) if value is not None else None for value in ours] == theirs
    assert len(set(theirs)) > 5
    if judge is None:
        if os.environ.get("SQLRL_WRITE_GOLDEN"):
            known = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
            GOLDEN.write_text(json.dumps({**known, preset: theirs}, sort_keys=True).replace("], ", "],\n") + "\n")
        assert json.loads(GOLDEN.read_text())[preset] == theirs


def test_every_preset_with_published_code_is_held_against_it() -> None:
    ours = {name for name in presets_for(search=True) if PRESETS[name].source.startswith("ours")}
    assert {preset for preset, _ in FILES.values()} == set(presets_for(search=True)) - ours
