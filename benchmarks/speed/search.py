"""Search: queries a second at several depths, beside the peers in one run, with the quality that each gives for it.

    python benchmarks/speed/search.py --data FOLDER [--rounds 3] [--seconds 2] [--embeddings FILE] [--policy RUN]

FOLDER: SciFact in BEIR's form. The contenders take turns within a round, each in one thread with what it needs loaded;
shown are the medians over the rounds and their range, with the median of the ratios to ours. Pyserini (Anserini through
Java) and rank-bm25 take part where they are installed, dense search where a file is named that keeps its vectors, and
BM25 asked with the queries that a policy wrote for the questions, which it does beforehand, at the rate that is shown.
"""

from __future__ import annotations

import argparse
import json
import platform
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from sqlrl.assessment import assess
from sqlrl.benchmarks import load_benchmark
from sqlrl.benchmarks.base import Example
from sqlrl.config import EvalConfig
from sqlrl.executors.bm25 import BM25, build
from sqlrl.executors.dense import Dense
from sqlrl.executors.dense import build as build_dense
from sqlrl.executors.documents import Document
from sqlrl.executors.rankings import ndcg, recall
from sqlrl.executors.words import Analyzer
from sqlrl.training.run import Quiet

DEPTHS = (10, 1_000, 3_000)
Search = Callable[[str, int], Sequence[str]]
Make = Callable[[Sequence[Document], Path], Search]


def main() -> None:
    """Index, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--embeddings", type=Path)
    parser.add_argument("--policy")
    given = parser.parse_args()
    benchmark: Any = load_benchmark("scifact", given.data)
    documents, asked = list(benchmark.documents()), benchmark.examples("test")
    with tempfile.TemporaryDirectory() as folder:
        contenders, built = {}, {}
        entered: dict[str, Make] = {
            "sqlrl bm25": _ours, "rank-bm25": _rank_bm25, "SQLite FTS5": _fts5, "Pyserini": _pyserini,
        }  # fmt: skip
        if given.embeddings:
            entered["sqlrl dense"] = partial(_dense, cache=given.embeddings)
        if given.policy:
            entered["sqlrl bm25, rewritten"] = partial(_rewritten, data=given.data, policy=given.policy)
        for name, make in entered.items():
            started = time.perf_counter()
            try:
                contenders[name] = make(documents, Path(folder))
            except ImportError as missing:
                print(f"{name} is left out: {missing}")
                continue
            built[name] = time.perf_counter() - started
        rates: dict[str, dict[int, list[float]]] = {name: {depth: [] for depth in DEPTHS} for name in contenders}
        for _ in range(given.rounds):
            for depth in DEPTHS:
                for name, search in contenders.items():
                    rates[name][depth].append(_rate(search, asked, depth, given.seconds))
        _show(contenders, built, rates, asked, len(documents))


def _rate(search: Search, asked: Sequence[Example], depth: int, seconds: float) -> float:
    """Queries a second; every query is asked equally often, but for the last round."""
    search(asked[0].question, depth)
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        search(asked[done % len(asked)].question, depth)
        done += 1
    return done / (time.perf_counter() - started)


def _show(
    contenders: dict[str, Search],
    built: dict[str, float],
    rates: dict[str, dict[int, list[float]]],
    asked: Sequence[Example],
    documents: int,
) -> None:
    heading = "".join(f" | queries/s, k = {depth:,}" for depth in DEPTHS)
    print(f"| engine | nDCG@10 | R@100 | build, s{heading} |")
    print(f"|---|--:|--:|--:|{'--:|' * len(DEPTHS)}")
    for name, search in contenders.items():
        ranked = [search(example.question, 100) for example in asked]
        grades = [example.gold.relevant or {} for example in asked]
        gain = statistics.mean(ndcg(ids, mine, 10) for ids, mine in zip(ranked, grades, strict=True))
        found = statistics.mean(recall(ids, mine, 100) for ids, mine in zip(ranked, grades, strict=True))
        cells = []
        for depth in DEPTHS:
            mine = rates[name][depth]
            times = statistics.median(ours / own for ours, own in zip(rates["sqlrl bm25"][depth], mine, strict=True))
            ratio = "" if name == "sqlrl bm25" else f", ours {times:.1f}x"
            cells.append(f"{statistics.median(mine):,.0f} ({min(mine):,.0f} to {max(mine):,.0f}{ratio})")
        print(f"| {name} | {gain:.4f} | {found:.4f} | {built[name]:.1f} | {' | '.join(cells)} |")
    print(
        f"\nSciFact test: {len(asked)} questions, {documents:,} documents; one thread; {date.today()}, "
        f"{platform.machine()}, Python {platform.python_version()}. Anserini's published figures: 0.6789 and 0.9253."
    )


def _ours(documents: Sequence[Document], folder: Path) -> Search:
    engine = BM25(f"bm25:///{build(documents, folder / 'bm25')}")
    return lambda query, depth: [row[0] for row in engine.search(query, depth, {}).rows]


def _rewritten(documents: Sequence[Document], folder: Path, data: str, policy: str) -> Search:
    """As ours, with the queries of a policy on one thread; a question for which it wrote none is asked as it is."""
    asked = EvalConfig("scifact", data=data, policy=policy, split="test", threads=1, no_cache=True)
    started = time.perf_counter()
    items = assess(asked, Quiet(), keep=False).items
    took = time.perf_counter() - started
    print(
        f"{policy} wrote {len(items):,} queries in {took:.1f} s, {len(items) / took:,.0f} a second, loading included\n"
    )
    written = {item.example.question: item.predicted for item in items}
    search = _ours(documents, folder / "rewritten")
    return lambda question, depth: search(written[question] or question, depth)


def _dense(documents: Sequence[Document], folder: Path, cache: Path) -> Search:
    """The bundled model on one thread, every vector compared; each query is embedded anew."""
    import torch

    torch.set_num_threads(1)
    engine = Dense(f"dense:///{build_dense(documents, folder / 'dense', cache=cache)}")

    def search(query: str, depth: int) -> Sequence[str]:
        engine.forget()
        return [row[0] for row in engine.search(query, depth, {}).rows]

    return search


def _rank_bm25(documents: Sequence[Document], folder: Path) -> Search:
    """With our analysis, and the same k1 and b."""
    import numpy as np
    from rank_bm25 import BM25Okapi

    analyzer, names = Analyzer(), np.array([document.id for document in documents])
    ranker = BM25Okapi([analyzer.terms(document.contents) for document in documents], k1=0.9, b=0.4)

    def search(query: str, depth: int) -> Sequence[str]:
        scores = ranker.get_scores(analyzer.terms(query))
        found: list[str] = names[np.argsort(-scores, kind="stable")[:depth]].tolist()
        return found

    return search


def _fts5(documents: Sequence[Document], folder: Path) -> Search:
    """With SQLite's Porter stemmer; its k1 and b are fixed at 1.2 and 0.75."""
    connection = sqlite3.connect(folder / "fts5.sqlite")
    connection.execute("create virtual table documents using fts5(id unindexed, contents, tokenize='porter unicode61')")
    connection.executemany("insert into documents values (?, ?)", [(each.id, each.contents) for each in documents])
    connection.execute("insert into documents(documents) values ('optimize')")
    connection.commit()
    analyzer = Analyzer("none")

    def search(query: str, depth: int) -> Sequence[str]:
        words = " OR ".join(f'"{word}"' for word in dict.fromkeys(analyzer.terms(query)))
        asked = "select id from documents where documents match ? order by rank limit ?"
        return [row[0] for row in connection.execute(asked, (words, depth))] if words else []

    return search


def _pyserini(documents: Sequence[Document], folder: Path) -> Search:
    """Anserini's own index and searcher, with its defaults."""
    import os
    import subprocess
    import sys

    # Importing it makes a client of a service that is never called here; without a word in this place it fails.
    os.environ.setdefault("OPENAI_API_KEY", "none")
    from pyserini.search.lucene import LuceneSearcher

    (folder / "corpus").mkdir()
    with open(folder / "corpus" / "documents.jsonl", "w", encoding="utf-8") as file:
        file.writelines(json.dumps({"id": each.id, "contents": each.contents}) + "\n" for each in documents)
    command = [sys.executable, "-m", "pyserini.index.lucene", "--collection", "JsonCollection", "--input"]
    command += [
        str(folder / "corpus"),
        "--index",
        str(folder / "lucene"),
        "--generator",
        "DefaultLuceneDocumentGenerator",
    ]
    subprocess.run([*command, "--threads", "1", "--storeRaw"], check=True, capture_output=True)
    searcher = LuceneSearcher(str(folder / "lucene"))
    searcher.set_bm25(0.9, 0.4)
    return lambda query, depth: [hit.docid for hit in searcher.search(query, depth)]


if __name__ == "__main__":
    main()
