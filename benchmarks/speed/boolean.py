"""Boolean search: recall checks a second over a large corpus, with the sets of its words at hand and without.

    python benchmarks/speed/boolean.py [--documents 1000000] [--queries 400] [--seed 1] [--index FOLDER]

The corpus is made from a seed: abstracts of some hundred words whose frequencies fall as Zipf's law has it, days from
1970 to 2018, headings, publication types. So are the queries, shaped as models write them for PubMed: two or three
groups of synonyms joined by AND, every fifth query with a star, every fourth with a phrase, half with days. A check is
one query with twenty known documents: parsed anew, counted in full, and which of the twenty are among its first 3,000.

cold: the first time that a process sees a query's words. shared: other queries over these words, some of them in other
fields, as in training, where the samples of one question share most of theirs. again: the very same queries, with every
set at hand. Then two processes read the same index.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import platform
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from sqlrl.executors.base import Outcome
from sqlrl.executors.boolean.engine import Boolean, build
from sqlrl.executors.documents import Document

VOCABULARY = 150_000  # words
DEPTH = 3_000
GOLD = 20
_SYLLABLES = [consonant + vowel for consonant in "bcdfghklmnprstvz" for vowel in "aeiou"]


def main() -> None:
    """Index, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--index", type=Path, help="kept there, and found again")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.index or Path(scratch) / "index"
        print(f"{date.today()}, {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        if not (folder / "index.json").is_file():
            started = time.perf_counter()
            build(corpus(given.documents, given.seed), folder)
            seconds = time.perf_counter() - started
            print(f"built: {given.documents:,} documents in {seconds:.0f} s, {given.documents / seconds:,.0f} a second")
        sizes = {path.name: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
        texts = sizes["documents.jsonl"]
        print(f"on disk: {(sum(sizes.values()) - texts) / 1e6:,.0f} MB beside the documents' {texts / 1e6:,.0f} MB")
        _measure(folder, given.queries, given.seed)
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            shares = pool.starmap(_alone, [(folder, given.queries, given.seed + worker) for worker in (0, 1)])
        print(f"two processes, shared words: {sum(shares):,.0f} checks a second")


def _measure(folder: Path, count: int, seed: int) -> None:
    engine = Boolean(f"boolean:///{folder}")
    seen, new = queries(count, seed), queries(count, seed, again=1)
    known = _known(engine, seed)
    for what, asked in (("cold", seen), ("shared", new), ("again", seen)):
        if what == "cold":
            engine.forget()
        taken, totals = _checks(engine, asked, known)
        taken.sort()
        rate = len(taken) / sum(taken)
        middle, late = taken[len(taken) // 2], taken[len(taken) * 95 // 100]
        print(
            f"{what:>7}: {rate:8,.0f} checks a second; {middle * 1e3:.2f} ms (95 %: {late * 1e3:.2f} ms); "
            f"hits: median {statistics.median(totals):,.0f}, most {max(totals):,}"
        )
    print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:,.0f} MB at most")


def _alone(folder: Path, count: int, seed: int) -> float:
    """Checks a second of one process beside another, over words that it has seen."""
    engine = Boolean(f"boolean:///{folder}")
    known = _known(engine, seed)
    _checks(engine, queries(count, seed), known)
    taken, _ = _checks(engine, queries(count, seed, again=1), known)
    return len(taken) / sum(taken)


def _known(engine: Boolean, seed: int) -> list[str]:
    """Documents that count as relevant: drawn once for every query, and looked up once."""
    chance = random.Random(seed)
    result = engine.search("NOT nothing[ti]", 1, {})
    names = [str(chance.randrange(result.total or 1)) for _ in range(GOLD)]
    engine.among("NOT nothing[ti]", names, 0, {})
    return names


def _checks(engine: Boolean, asked: Sequence[str], known: Sequence[str]) -> tuple[list[float], list[int]]:
    taken, totals = [], []
    for query in asked:
        engine._trees.clear()  # each query is read anew
        started = time.perf_counter()
        result = engine.among(query, known, DEPTH, {})
        taken.append(time.perf_counter() - started)
        if result.outcome is not Outcome.OK or result.total is None:
            raise SystemExit(f"{query}: {result.outcome} {result.message}")
        totals.append(result.total)
    return taken, totals


def words() -> list[str]:
    """All words, the most frequent first, the same for every corpus."""
    return ["".join(parts) for parts in itertools.islice(itertools.product(_SYLLABLES, repeat=4), 0, None, 203)][
        :VOCABULARY
    ]


def corpus(count: int, seed: int) -> Iterator[Document]:
    """Documents of Zipf's law."""
    import numpy as np

    chance = np.random.default_rng(seed)
    known = np.array(words(), dtype=object)
    chance.shuffle(known[: len(known)])
    weights = 1 / (np.arange(len(known)) + 2.7)
    limits = np.cumsum(weights / weights.sum())
    for start in range(0, count, 1_000):
        lengths = chance.integers(60, 180, 1_000)
        drawn = known[np.minimum(np.searchsorted(limits, chance.random(int(lengths.sum()) + 10_000)), len(known) - 1)]
        days = chance.integers(0, 49 * 336, 1_000)
        at = 0
        for offset in range(min(1_000, count - start)):
            title, text = drawn[at : at + 10], drawn[at + 10 : at + 10 + lengths[offset]]
            at += 10 + int(lengths[offset])
            day = int(days[offset])
            fields = {
                "date": f"{1970 + day // 336}-{day % 336 // 28 + 1:02}-{day % 28 + 1:02}",
                "mesh": [f"{title[0]} disease", f"{title[1]} therapy"],
                "publication_types": ["Journal Article", "Review" if day % 7 == 0 else "Clinical Trial"],
                "languages": ["eng"],
            }
            yield Document(str(start + offset), " ".join(title), " ".join(text), fields)


def queries(count: int, seed: int, again: int = 0) -> list[str]:
    """Queries as models write them. again: others, over the same words."""
    topics, chance = random.Random(seed), random.Random(f"{seed} {again}")
    import numpy as np

    known = np.array(words(), dtype=object)
    np.random.default_rng(seed).shuffle(known)
    made = []
    for _ in range(count):
        own = [known[int(len(known) ** topics.uniform(0.25, 0.8))] for _ in range(9)]
        star, phrase, dated = topics.random() < 0.2, topics.random() < 0.25, topics.random() < 0.5
        groups = []
        for place in range(0, 9, 3):
            terms = [f"{word}{chance.choice(['', '[tiab]', '[ti]'])}" for word in own[place : place + 3]]
            groups.append(f"({' OR '.join(chance.sample(terms, chance.randint(2, 3)))})")
        if star:
            groups[0] = f"({own[0][:5]}*[tiab] OR {own[1]}[tiab])"
        if phrase:
            groups[1] = f'("{own[3]} {own[4]}"[tiab] OR {own[5]}[tiab] OR {own[3]})'
        kept = groups[: chance.randint(2, 3)]
        made.append(" AND ".join([*kept, *(["1970:2016[dp]"] if dated else [])]))
    return made


if __name__ == "__main__":
    main()
