"""Anserini itself beside our BM25, where Pyserini and a Java are installed: terms, figures and rankings.

    python benchmarks/speed/anserini.py --data FOLDER [--texts FILE ...]

FOLDER: SciFact in BEIR's form. Compared are the terms of every document and question (and of the documents of other
FILES, of any form that `sqlrl data index` takes, and of made-up words), nDCG@10 and R@100 of both beside the published
ones, for the questions as they are and as DeepRetrieval's search read them, and how many rankings are the same.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlrl.benchmarks import load_benchmark
from sqlrl.benchmarks.intake import files_of, read_documents
from sqlrl.executors.bm25 import BM25, build
from sqlrl.executors.rankings import ndcg, recall
from sqlrl.executors.words import Analyzer

PUBLISHED = (0.6789, 0.9253)
# What DeepRetrieval's search put before a query, and what that is for one that begins with a parenthesis.
FORMS = {"the questions": "{}", "with contents: before them": "contents:{}", "and in parentheses": "contents:({})"}
DEPTHS = (10, 100, 1_000)
_SYLLABLES = [
    "a", "bi", "cy", "tro", "em", "y", "st", "ob", "lo", "gh", "uy", "ay", "by", "x", "ee", "ll", "ss", "zz", "kk",
]  # fmt: skip
_ENDINGS = [
    "logy", "logies", "logis", "logied", "logying", "bly", "blies", "able", "ibly", "ational", "ically", "y", "ys",
    "ing", "ed", "eed", "s", "es", "ss", "ement", "ment", "ent", "ion", "sion", "ous", "ist", "ical", "ization", "ll",
    "lled", "e", "kked",
]  # fmt: skip


def main() -> None:
    """Index with both, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--texts", nargs="*", default=[])
    given = parser.parse_args()
    # Importing Pyserini makes a client of a service that is never called here; without a word in this place it fails.
    os.environ.setdefault("OPENAI_API_KEY", "none")
    from pyserini.analysis import Analyzer as Theirs
    from pyserini.analysis import get_lucene_analyzer

    benchmark: Any = load_benchmark("scifact", given.data)
    documents, asked = list(benchmark.documents()), benchmark.examples("test")
    texts = [document.contents for document in documents]
    texts += [form.format(example.question) for form in FORMS.values() for example in asked]
    texts += [document.contents for document in read_documents(files_of(given.texts))] if given.texts else []
    texts += list(_made_up())
    theirs, ours = Theirs(get_lucene_analyzer()), Analyzer()
    different = [text for text in texts if theirs.analyze(text) != ours.terms(text)]
    print(f"terms: {len(texts) - len(different):,} of {len(texts):,} texts have the same in both\n")
    with tempfile.TemporaryDirectory() as folder:
        _compare(Path(folder), documents, asked)


def _made_up() -> Iterator[str]:
    """300 texts of 200 words with many endings."""
    chance = random.Random(0)
    for _ in range(300):
        yield " ".join(
            "".join(chance.choices(_SYLLABLES, k=chance.randint(0, 4))) + chance.choice(_ENDINGS) for _ in range(200)
        )


def _compare(folder: Path, documents: list[Any], asked: list[Any]) -> None:
    searcher, engine = _anserini(folder, documents), BM25(f"bm25:///{build(documents, folder / 'ours')}")
    same = "".join(f" | same first {depth:,}" for depth in DEPTHS)
    print(f"| queries | Anserini nDCG@10 | R@100 | sqlrl nDCG@10 | R@100{same} |")
    print(f"|---|--:|--:|--:|--:|{'--:|' * len(DEPTHS)}")
    for name, form in FORMS.items():
        queries = [form.format(example.question) for example in asked]
        lists = {
            "anserini": [[hit.docid for hit in searcher.search(query, DEPTHS[-1])] for query in queries],
            "sqlrl": [[row[0] for row in engine.search(query, DEPTHS[-1], {}).rows] for query in queries],
        }
        cells = []
        for rankings in lists.values():
            pairs = [(names, each.gold.relevant or {}) for names, each in zip(rankings, asked, strict=True)]
            cells.append(f"{statistics.mean(ndcg(names, grades, 10) for names, grades in pairs):.4f}")
            cells.append(f"{statistics.mean(recall(names, grades, 100) for names, grades in pairs):.4f}")
        for depth in DEPTHS:
            equal = sum(a[:depth] == b[:depth] for a, b in zip(*lists.values(), strict=True))
            cells.append(f"{equal} of {len(queries)}")
        print(f"| {name} | {' | '.join(cells)} |")
    print(f"\npublished for the questions: nDCG@10 {PUBLISHED[0]}, R@100 {PUBLISHED[1]}")


def _anserini(folder: Path, documents: list[Any]) -> Any:
    from pyserini.search.lucene import LuceneSearcher

    (folder / "corpus").mkdir()
    with open(folder / "corpus" / "documents.jsonl", "w", encoding="utf-8") as file:
        file.writelines(json.dumps({"id": each.id, "contents": each.contents}) + "\n" for each in documents)
    command = [
        sys.executable, "-m", "pyserini.index.lucene", "--collection", "JsonCollection", "--threads", "1",
        "--generator", "DefaultLuceneDocumentGenerator", "--input", str(folder / "corpus"), "--index",
        str(folder / "lucene"),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    searcher = LuceneSearcher(str(folder / "lucene"))
    searcher.set_bm25(0.9, 0.4)
    return searcher


if __name__ == "__main__":
    main()
