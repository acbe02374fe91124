"""BM25: exact scores, a full order, and an index that is whole or not there."""

from __future__ import annotations

import math
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sqlrl.executors import Gold, Outcome, open_executor, open_executors
from sqlrl.executors.bm25 import BM25, build
from sqlrl.executors.documents import Document
from sqlrl.executors.errors import DataError, SourceError, UsageError
from sqlrl.executors.relations import Relation
from sqlrl.executors.words import Analyzer

DOCUMENTS = [
    Document("3", "Heart attack", "Aspirin after a heart attack."),
    Document("1", "Aspirin", "Aspirin for headache."),
    Document("2", "Headache", "Nothing helps."),
    Document("10", "", "Aspirin for headache. Aspirin"),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(DOCUMENTS, tmp_path_factory.mktemp("bm25") / "index")


@pytest.fixture
def engine(index: Path) -> BM25:
    return BM25(f"bm25:///{index}")


def _expected(documents: list[Document], query: str, k1: float = 0.9, b: float = 0.4) -> list[tuple[str, float]]:
    """BM25 by its formula, document by document."""
    analyzer = Analyzer()
    bags = [Counter(analyzer.terms(document.contents)) for document in documents]
    lengths = [sum(bag.values()) for bag in bags]
    average = sum(lengths) / len(lengths)
    scored = []
    for document, bag, length in zip(documents, bags, lengths, strict=True):
        score = 0.0
        for term in analyzer.terms(query):
            have = sum(term in other for other in bags)
            idf = math.log(1 + (len(bags) - have + 0.5) / (have + 0.5))
            score += idf * bag[term] / (bag[term] + k1 * (1 - b + b * length / average)) if bag[term] else 0.0
        if score:
            scored.append((document.id, score))
    return sorted(scored, key=lambda pair: (-pair[1], pair[0]))


def test_scores_are_the_formulas(tmp_path: Path) -> None:
    chance = random.Random(1)
    vocabulary = [f"w{number}" for number in range(30)]
    documents = [
        Document(f"d{number:03}", "", " ".join(chance.choices(vocabulary, k=chance.randint(1, 40))))
        for number in range(200)
    ]
    engine = BM25(f"bm25:///{build(documents, tmp_path / 'index')}")
    for _ in range(50):
        query = " ".join(chance.choices(vocabulary, k=chance.randint(1, 5)))
        wanted = _expected(documents, query)
        found = engine.search(query, 200, {})
        assert found.total == len(wanted)
        assert {row[0]: pytest.approx(row[1], rel=1e-5) for row in found.rows} == dict(wanted)
        assert [row[1] for row in found.rows] == sorted((row[1] for row in found.rows), reverse=True)


def test_ties_stand_in_the_order_of_their_ids_also_at_the_cut(tmp_path: Path) -> None:
    names = [str(number) for number in range(50)]
    random.Random(0).shuffle(names)
    engine = BM25(f"bm25:///{build([Document(name, text='same words') for name in names], tmp_path / 'index')}")
    for depth in (1, 7, 49, 50, 99):
        found = engine.search("words", depth, {})
        assert [row[0] for row in found.rows] == sorted(names)[:depth]
        assert (found.truncated, found.total) == (depth < 50, 50)
        among = engine.among("words", ["9", "11", "nobody"], depth, {})
        assert {row[0] for row in among.rows} == {"9", "11"} & set(sorted(names)[:depth])


def test_membership_is_the_rankings(engine: BM25) -> None:
    names = [document.id for document in DOCUMENTS]
    for query in ("aspirin", "heart headache", "aspirin aspirin nothing", "nobody"):
        for depth in range(6):
            ranked = engine.search(query, depth or 99, {})
            assert set(engine.among(query, names, depth, {}).rows) == set(ranked.rows)
            assert engine.among(query, names, depth, {}).total == ranked.total


def test_an_excluded_document_is_no_hit(engine: BM25) -> None:
    context = {"exclude_ids": ["10", "nobody"]}
    assert [row[0] for row in engine.search("aspirin", 9, context).rows] == ["1", "3"]
    assert engine.among("aspirin", ["10", "1"], 0, context).total == 2
    with pytest.raises(UsageError, match="no document of this index has a date"):
        engine.search("aspirin", 9, {"max_date": "2010-01-01"})


@pytest.mark.parametrize(
    ("query", "outcome"),
    [(" \n", Outcome.INVALID), ("x" * 100_001, Outcome.REFUSED), ("the of", Outcome.OK), ("\ud800 \x00", Outcome.OK)],
)
def test_a_query_without_a_term_finds_nothing_and_none_is_invalid(engine: BM25, query: str, outcome: Outcome) -> None:
    found = engine.search(query, 9, {})
    assert (found.outcome, found.rows) == (outcome, ())


def test_operators_mean_nothing(engine: BM25) -> None:
    plain = engine.search("aspirin headache", 9, {}).rows
    assert engine.search('(aspirin) AND NOT "headache"', 9, {}).rows == plain


def test_deepretrievals_first_word_is_lost_only_when_asked(index: Path) -> None:
    theirs = BM25(f"bm25:///{index}?compat=deepretrieval")
    ours = BM25(f"bm25:///{index}")
    assert theirs.search("headache aspirin", 9, {}).rows == ours.search("aspirin", 9, {}).rows
    assert theirs.search("(headache) aspirin", 9, {}).rows == ours.search("headache aspirin", 9, {}).rows
    with pytest.raises(UsageError, match="one option"):
        BM25(f"bm25:///{index}?k1=2")


def test_as_an_executor_alone_and_in_a_group(index: Path) -> None:
    source = f"bm25:///{index}"
    with open_executor(source) as executor:
        assert executor.dialect == "words"
        assert "BM25" in executor.describe()
        assert executor.execute("aspirin", limit=1).rows[0][0] == "1"
        assert executor.execute("aspirin", limit=1).truncated
        assert executor.execute("aspirin", limit=0).rows == ()
        assert [row[0] for row in executor.stream("heart")] == ["3"]
        assert [document.title for document in executor.fetch(["2", "x", "3"])] == ["Headache", "Heart attack"]
        (recall,) = executor.compare_many([("heart", Gold(relevant={"3": 1, "1": 1}))], Relation(measure="recall"))
        assert (recall.score, recall.equal, recall.gold_rows) == (0.5, False, 2)
    import pickle

    with open_executors([source, f"{source}?compat=deepretrieval"]) as group:
        copy = pickle.loads(pickle.dumps(group))
        rank = Relation(measure="answer-rank", depth=3)
        found = copy.compare_many([(source, "aspirin", Gold(answers=("heart attack",)))], rank, closely=True)
        assert found[0].score == 1 / 3
        assert found[0].excerpts["predicted"]["rows"][0][0] == "1"
        (bad,) = copy.compare_many([(source, "", Gold(relevant={"3": 1}))], Relation(measure="ndcg", depth=3))
        assert (bad.outcome, bad.score) == (Outcome.INVALID, 0.0)
        with pytest.raises(UsageError, match="judged by"):
            copy.compare_many([(source, "heart", Gold(relevant={"3": 1}))], Relation())


def test_settings_are_kept_with_the_index(tmp_path: Path) -> None:
    documents = [Document("1", text="the running"), Document("2", text="run")]
    engine = BM25(f"bm25:///{build(documents, tmp_path / 'index', stemmer='none', stop_words=(), k1=2.0, b=1.0)}")
    assert [row[0] for row in engine.search("the run", 9, {}).rows] == ["2", "1"]
    for wrong in ({"k1": -1.0}, {"b": 2.0}, {"k1": math.nan}, {"method": "tf"}, {"stemmer": "x"}):
        with pytest.raises(UsageError):
            build(documents, tmp_path / "other", **wrong)
    assert not (tmp_path / "other").exists()


def test_an_index_is_whole_or_not_there(tmp_path: Path) -> None:
    def broken() -> Iterator[Document]:
        yield Document("1", text="one")
        raise DataError("line 2 is no document")

    folder = build([Document("1", text="one")], tmp_path / "index")
    with pytest.raises(DataError, match="line 2"):
        build(broken(), folder)
    with pytest.raises(DataError, match="two documents"):
        build([Document("1"), Document("1")], folder)
    assert [path.name for path in tmp_path.iterdir()] == ["index"]
    open_before = BM25(f"bm25:///{folder}")
    build([Document("2", text="one two")], folder)
    assert open_before.search("one", 9, {}).rows[0][0] == "1"
    assert BM25(f"bm25:///{folder}").search("one", 9, {}).rows[0][0] == "2"
    own = tmp_path / "own"
    own.mkdir()
    (own / "letters.txt").write_text("mine")
    with pytest.raises(DataError, match="left as it is"):
        build([Document("1")], own)


@pytest.mark.parametrize("documents", [[], [Document("1", text="the of")]])
def test_a_corpus_without_a_term_finds_nothing(tmp_path: Path, documents: list[Document]) -> None:
    engine = BM25(f"bm25:///{build(documents, tmp_path / 'index')}")
    assert engine.search("the heart", 9, {}).rows == ()
    assert engine.among("heart", ["1"], 5, {}).rows == ()


def test_a_damaged_index_says_so(tmp_path: Path) -> None:
    folder = build(DOCUMENTS, tmp_path / "index")
    os.remove(folder / "terms" / "vocab.index.json")
    with pytest.raises(SourceError, match="cannot be read"):
        BM25(f"bm25:///{folder}")


def test_several_threads_don_t_share_scores(engine: BM25) -> None:
    from concurrent.futures import ThreadPoolExecutor

    queries = ["aspirin", "headache", "heart", "nothing helps"] * 50
    alone = [engine.search(query, 9, {}).rows for query in queries]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda query: engine.search(query, 9, {}).rows, queries))
    assert together == alone


@pytest.mark.slow
@pytest.mark.skipif("SQLRL_DATA" not in os.environ, reason="SciFact is found by SQLRL_DATA")
@pytest.mark.parametrize(
    ("options", "asked", "figures"),
    [("", "{}", (0.6789, 0.9253)), ("?compat=deepretrieval", "{}", (0.6083, 0.8923)),
     ("?compat=deepretrieval", "({})", (0.6711, 0.9180))],
)  # fmt: skip
def test_scifact_gives_anserinis_figures(
    options: str, asked: str, figures: tuple[float, float], tmp_path_factory: pytest.TempPathFactory
) -> None:
    from sqlrl.benchmarks import load_benchmark
    from sqlrl.executors.rankings import ndcg, recall

    benchmark: Any = load_benchmark("scifact")
    if not benchmark.corpus():
        pytest.skip("SciFact's corpus is not there")
    folder = tmp_path_factory.getbasetemp() / "scifact"
    if not folder.exists():
        build(benchmark.documents(), folder)
    engine = BM25(f"bm25:///{folder}{options}")
    examples = benchmark.examples("test")
    ranked = [[row[0] for row in engine.search(asked.format(each.question), 100, {}).rows] for each in examples]
    pairs = [(names, each.gold.relevant or {}) for names, each in zip(ranked, examples, strict=True)]
    gain = sum(ndcg(names, grades, 10) for names, grades in pairs) / len(pairs)
    found = sum(recall(names, grades, 100) for names, grades in pairs) / len(pairs)
    assert (round(gain, 4), round(found, 4)) == figures
