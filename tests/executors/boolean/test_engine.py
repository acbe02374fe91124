"""The Boolean engine as a search group has it: order, dates, exclusion, membership, options and refusals."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sqlrl.executors import open_executor
from sqlrl.executors.base import Gold, Limits, Outcome
from sqlrl.executors.documents import Document
from sqlrl.executors.errors import DataError, SourceError, UsageError
from sqlrl.executors.relations import Relation

pytest.importorskip("tantivy")
pytest.importorskip("pyroaring")

from sqlrl.executors.boolean.engine import Boolean, build

MAY = {"date": "2010-05-01"}
DOCUMENTS = [
    Document("9", "Metoprolol in heart failure", "A randomized trial.", {**MAY, "mesh": ["*Asthma/etiology"]}),
    Document("10", "Heart failure", "Metoprolol and carvedilol.", {**MAY, "mesh": ["Bronchial Diseases"]}),
    Document("3", "Failure of the heart", "Nothing of the kind.", {"date": "2015"}),
    Document("4", "Undated heart", "metoprolol"),
    Document("5", "Migraine", "Sumatriptan: randomised.", {"date": "1999-01", "authors": ["Smith JA"]}),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(DOCUMENTS, tmp_path_factory.mktemp("boolean") / "index")


@pytest.fixture(scope="module")
def engine(folder: Path) -> Boolean:
    return Boolean(f"boolean:///{folder}")


def _ids(engine: Boolean, query: str, depth: int = 10, **context: object) -> list[str]:
    result = engine.search(query, depth, context)
    assert result.outcome is Outcome.OK, result
    return [row[0] for row in result.rows]


def test_the_latest_first_and_ties_by_id(engine: Boolean) -> None:
    assert _ids(engine, "heart[ti]") == ["3", "10", "9", "4"]
    result = engine.search("heart[ti]", 2, {})
    assert (result.rows, result.total, result.truncated) == ((("3", 20150101.0), ("10", 20100501.0)), 4, True)


def test_a_phrase_ends_with_its_field(engine: Boolean) -> None:
    assert _ids(engine, '"heart failure"[tiab]') == ["10", "9"]
    assert _ids(engine, '"failure metoprolol"[tiab]') == []
    assert _ids(engine, '"failure heart"[tiab:~2]') == ["3", "10", "9"]


def test_what_no_document_has_as_a_phrase_is_its_words(engine: Boolean) -> None:
    result = engine.search("metoprolol trial[tiab]", 10, {})
    assert [row[0] for row in result.rows] == ["9"]
    assert any("no document has the phrase metoprolol trial" in each for each in result.warnings)


def test_days_up_to_one_and_documents_left_out(engine: Boolean) -> None:
    assert _ids(engine, "heart", max_date="2010-05-01") == ["10", "9"]
    assert _ids(engine, "heart", max_date=datetime.date(2010, 4, 30)) == []
    assert _ids(engine, "heart", exclude_ids=["3", "unknown"]) == ["10", "9", "4"]
    with pytest.raises(UsageError, match="max_date"):
        engine.search("heart", 10, {"max_date": "soon"})


def test_membership_is_what_the_ranking_would_give(folder: Path) -> None:
    names = [document.id for document in DOCUMENTS] + ["unknown"]
    for sort in ("date", "best"):
        engine = Boolean(f"boolean:///{folder}?sort={sort}")
        for query in ("heart", "metoprolol OR sumatriptan", "random*[tiab]", "NOT heart"):
            for depth in (1, 2, 3, 10):
                ranked = engine.search(query, depth, {})
                found = engine.among(query, names, depth, {})
                assert {row[0] for row in found.rows} == {row[0] for row in ranked.rows}
                assert found.total == ranked.total
            assert len(engine.among(query, names, 0, {}).rows) == ranked.total


def test_best_match_counts_rare_words_and_titles(folder: Path) -> None:
    engine = Boolean(f"boolean:///{folder}?sort=best")
    assert _ids(engine, "heart OR metoprolol OR carvedilol")[0] == "10"
    scores = [row[1] for row in engine.search("heart OR metoprolol", 10, {}).rows]
    assert scores == sorted(scores, reverse=True)


def test_refusals_are_outcomes(engine: Boolean, folder: Path) -> None:
    assert engine.search("  ", 10, {}).outcome is Outcome.INVALID
    assert engine.search("()", 10, {}).outcome is Outcome.INVALID
    assert engine.search("a" * 200_000, 10, {}).outcome is Outcome.REFUSED
    trials = Boolean(f"boolean:///{folder}?grammar=essie")
    assert trials.search("(heart", 10, {}).outcome is Outcome.INVALID
    assert trials.dialect == "essie"
    assert "AREA[" in trials.describe()
    assert "[tiab]" in engine.describe()


def test_what_the_index_does_not_have_is_said(engine: Boolean) -> None:
    assert any("la" in each for each in engine.search("english[la] OR heart", 10, {}).warnings)
    assert any("not exploded" in each for each in engine.search("asthma[mh]", 10, {}).warnings)


def test_headings_are_exploded_by_a_list_of_tree_numbers(folder: Path, tmp_path: Path) -> None:
    numbers = tmp_path / "mtrees.bin"
    numbers.write_text("Bronchial Diseases;C08.127\nAsthma;C08.127.108\nOthers;C08.12\n")
    engine = Boolean(f"boolean:///{folder}?trees={numbers}")
    assert _ids(engine, "bronchial diseases[mh]") == ["10", "9"]
    assert _ids(engine, "bronchial diseases[mh:noexp]") == ["10"]
    assert _ids(engine, "others[mh]") == []
    assert _ids(engine, "bronchial diseases/etiology[mh]") == ["9"]
    assert _ids(engine, "bronchial diseases[majr]") == ["9"]
    (tmp_path / "bad").write_text("no number")
    with pytest.raises(DataError, match="line 1"):
        Boolean(f"boolean:///{folder}?trees={tmp_path / 'bad'}")


def test_a_vocabulary_of_ones_own(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "words.tsv").write_text("# mine\nbeta blocker\tmetoprolol[tiab] OR carvedilol[tiab]\n")
    engine = Boolean(f"boolean:///{folder}?vocabulary={tmp_path / 'words.tsv'}")
    assert _ids(engine, "beta blocker AND heart[ti]") == ["10", "9", "4"]


def test_options_and_folders_that_are_none(folder: Path, tmp_path: Path) -> None:
    for option in ("grammar=ovidd", "sort=up", "colour=red"):
        with pytest.raises(UsageError):
            Boolean(f"boolean:///{folder}?{option}")
    with pytest.raises(SourceError):
        Boolean(f"boolean:///{tmp_path}")
    with pytest.raises(DataError, match="two documents"):
        build([Document("1"), Document("1")], tmp_path / "twins")
    assert not (tmp_path / "twins").exists()


def test_a_build_that_fails_leaves_the_old_index(tmp_path: Path) -> None:
    def broken() -> Iterator[Document]:
        yield Document("2", "new")
        raise DataError("line 2 cannot be read")

    where = build([Document("1", "old")], tmp_path / "index")
    with pytest.raises(DataError, match="line 2"):
        build(broken(), where)
    assert _ids(Boolean(f"boolean:///{where}"), "old") == ["1"]
    assert [path.name for path in tmp_path.iterdir()] == ["index"]


def test_a_corpus_of_nothing_and_one_without_dates(tmp_path: Path) -> None:
    empty = Boolean(f"boolean:///{build([], tmp_path / 'empty')}")
    assert _ids(empty, "NOT heart") == []
    undated = Boolean(f"boolean:///{build([Document('b', 'x y'), Document('a', 'x')], tmp_path / 'undated')}")
    assert _ids(undated, "x") == ["a", "b"]
    with pytest.raises(UsageError, match="has a date"):
        undated.search("x", 1, {"max_date": "2010"})


def test_as_an_executor_with_recall(folder: Path) -> None:
    with open_executor(f"boolean:///{folder}") as executor:
        assert [row[0] for row in executor.execute("heart[ti]", limit=2).rows] == ["3", "10"]
        gold = Gold(relevant={"9": 1.0, "5": 1.0})
        (compared,) = executor.compare_many([("metoprolol[ti]", gold)], Relation(measure="recall", depth=3000))
        assert compared.score == 0.5
        assert [document.title for document in Boolean(executor.source).fetch(["5", "unknown", "4"])] == [
            "Migraine",
            "Undated heart",
        ]


def test_long_and_deep_queries_end_soon(engine: Boolean, folder: Path) -> None:
    chain = " ".join(f"w{n}[ti] {'AND' if n % 2 else 'OR'}" for n in range(6_000)) + " heart[ti]"
    essie = Boolean(f"boolean:///{folder}?grammar=essie")
    started = time.perf_counter()
    assert _ids(engine, chain) == []
    assert _ids(essie, "NOT " * 999 + "heart AND " * 5_000 + "heart") == []
    for text in (
        "1 a" + " " * 90_000 + "b\n2 1",
        "1 " + "a " * 40_000 + "\n2 1",
        '"[' * 40_000,
        "(" * 90_000,
        "a " * 45_000,
        f'"{"heart " * 15_000}"[ti]',
        f'"{"heart " * 15_000}"[ti:~999]',
    ):
        for each in (engine, essie):
            each.search(text, 10, {})
    assert time.perf_counter() - started < 20


def test_what_takes_too_long_is_timed_out(folder: Path) -> None:
    engine = Boolean(f"boolean:///{folder}", Limits(seconds=1e-9))
    assert engine.search("heart", 10, {}).outcome is Outcome.TIMED_OUT
    assert engine.among("heart", ["9"], 10, {}).outcome is Outcome.TIMED_OUT


def test_numbered_searches_are_read_as_ovids(engine: Boolean) -> None:
    assert _ids(engine, "1 asthma/ or bronchial diseases/\n2 metoprolol.ti.\n3 1 and 2") == ["9"]


def test_many_threads_and_a_cache_too_small_give_the_same(folder: Path) -> None:
    engine = Boolean(f"boolean:///{folder}")
    engine._evaluator._room = 700  # one or two sets
    queries = ["heart", "metoprolol[tiab] NOT carvedilol", "random*[tiab]", "1999:2012[dp]", '"heart failure"[ti]'] * 20
    alone = [engine.search(query, 10, {}).rows for query in queries]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda query: engine.search(query, 10, {}).rows, queries)) == alone
    engine.forget()
    assert [engine.search(query, 10, {}).rows for query in queries] == alone
