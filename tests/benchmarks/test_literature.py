"""Reviews and the studies that they include."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sqlrl.benchmarks import load_benchmark
from sqlrl.executors import Outcome, open_executors
from sqlrl.executors.address import ENGINES
from sqlrl.executors.errors import DataError, MissingSplitError, UsageError
from sqlrl.executors.relations import Relation

HEADING = "record_id,pubmedID,title,authors,abstract,year,label_included,label_abstract_screening\n"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SQLRL_DATA", raising=False)


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    folder = tmp_path / "cohen_2006"
    folder.mkdir()
    (folder / "ADHD.csv").write_text(
        f'{HEADING}1,11,ADHD drugs,"A B; C D","Stimulants, in\nchildren.",1999.0,1,1\n2,12,Other,E F,Pain,,0,1\n'
    )
    (folder / "Opiods.csv").write_text(f"{HEADING}1,12,Other,E F,Pain,,1,1\n2,13,Opioids,,Pain relief,2001,0,0\n")
    return folder


def test_a_review_asks_for_what_it_included_among_all_that_was_looked_through(reviews: Path) -> None:
    benchmark = load_benchmark("cohen", reviews, engine="bm25")
    adhd, opioids = benchmark.examples("test")
    assert (adhd.gold.relevant, opioids.gold.relevant) == ({"11": 1.0}, {"12": 1.0})
    (source,) = benchmark.sources(adhd)
    with open_executors([source]) as group:
        assert group[source].execute("attention deficit ADHD", limit=1).rows[0][0] == "11"
        (document,) = group[source].fetch(["11"])
        assert document.fields == {"authors": ["A B", "C D"], "date": "1999"}
        assert len(group[source].execute("pain drugs relief", limit=9).rows) == 3  # 12 was looked at twice
    assert "Triptans.csv" in benchmark.notes()[-1]


def test_a_review_is_searched_as_pubmed_is(reviews: Path) -> None:
    pytest.importorskip("tantivy")
    benchmark = load_benchmark("cohen", reviews, engine="boolean")
    (source,) = benchmark.sources(benchmark.examples("test")[0])
    with open_executors([source]) as group:
        assert [row[0] for row in group[source].execute("adhd[tiab] AND 1999[dp]", limit=9).rows] == ["11"]


def test_one_review_left_out(reviews: Path) -> None:
    benchmark = load_benchmark("cohen/ADHD", reviews)
    assert [example.id for example in benchmark.examples("test")] == ["ADHD"]
    assert [example.id for example in benchmark.examples("others")] == ["Opiods"]
    assert benchmark.demonstrations()[0].query
    with pytest.raises(MissingSplitError, match="leave a review out, as in cohen/"):
        load_benchmark("cohen", reviews).examples("train")
    with pytest.raises(UsageError, match="did you mean 'ADHD'"):
        load_benchmark("cohen/ADHDs", reviews)


def test_a_file_without_its_columns_is_named(reviews: Path) -> None:
    (reviews / "ADHD.csv").write_text("pubmedID,title\n1,x\n")
    with pytest.raises(DataError, match="no column"):
        load_benchmark("cohen", reviews).examples("test")


@pytest.mark.parametrize("name", ["pubmed", "trials"])
def test_a_benchmark_whose_engines_are_not_here_says_so(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for scheme in ("boolean", "pubmed", "trials"):
        monkeypatch.delitem(ENGINES, scheme, raising=False)
    with pytest.raises(UsageError, match="there is no such engine here"):
        load_benchmark(name, tmp_path)


@pytest.mark.parametrize(("name", "key"), [("pubmed", "publication_pmids"), ("trials", "trial_nctids")])
def test_reviews_are_searched_live_unless_told_otherwise(name: str, key: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"no {name} data"):
        load_benchmark(name, tmp_path)
    (tmp_path / "test.jsonl").write_text(
        json.dumps({"id": "a", "pico": {"P": "Adults"}, "pub_date": "2014/09/09", key: ["11"]}) + "\n"
    )
    benchmark = load_benchmark(name, tmp_path)
    (example,) = benchmark.examples("test")
    assert benchmark.sources(example) == [f"{name}:"]
    replayed = f"{name}:?mode=replay&cache={tmp_path / 'kept'}"
    benchmark = load_benchmark(name, tmp_path, engine=replayed)
    assert benchmark.sources(example) == [replayed]
    with open_executors([replayed]) as group:  # nothing is kept: no answer, and nobody is asked
        (seen,) = group.compare_many(
            [(replayed, "aspirin", example.gold)], Relation(measure="recall", depth=9), contexts=[example.context]
        )
        assert (seen.outcome, seen.score) == (Outcome.UNAVAILABLE, 0.0)
