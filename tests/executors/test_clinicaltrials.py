"""ClinicalTrials.gov: what is asked and what is made of the answers, against a local server that speaks its API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from sqlrl.executors import Gold, Outcome, open_executor
from sqlrl.executors.clinicaltrials import ClinicalTrials
from sqlrl.executors.errors import QueryError, UsageError
from sqlrl.executors.relations import Relation
from tests.loopback import Answer, Asked, Loopback, serving

FIRST = date(2010, 1, 1)
PARAMETERS = {
    "query.term", "fields", "sort", "format", "pageSize", "countTotal", "pageToken", "filter.ids", "filter.advanced",
}  # fmt: skip
Make = Callable[..., ClinicalTrials]


def nct(number: int) -> str:
    return f"NCT{number:08}"


class Registry:
    """Studies 1 to n, one first posted a day from 2010 on; a query is a word that all have, or "some" that every third
    has. Strict: an unknown parameter, or a page whose other parameters are not the first one's, is an error."""

    def __init__(self, studies: int = 30) -> None:
        self.studies = studies
        self.pages: dict[str, tuple[list[tuple[str, str]], list[int]]] = {}

    def __call__(self, asked: Asked) -> Answer:
        assert (asked.method, asked.path) == ("GET", "/studies")
        for name, _ in asked.values:
            if name not in PARAMETERS:
                return Answer(f"`{name}` is unknown parameter", 400)
        size = int(asked["pageSize"])
        assert 1 <= size <= 1000
        if "pageToken" in asked:
            first, hits = self.pages[asked["pageToken"]]
            if first != [pair for pair in asked.values if pair[0] != "pageToken"]:
                return Answer("`pageToken` parameter has incorrect value", 400)
        else:
            hits = self.hits(asked)
        body: dict[str, Any] = {"studies": [self.record(each, "fields" in asked) for each in hits[:size]]}
        if asked.values and "countTotal" in asked and "pageToken" not in asked:
            body["totalCount"] = len(hits)
        if len(hits) > size:
            body["nextPageToken"] = f"T{len(self.pages)}"
            others = [pair for pair in asked.values if pair[0] != "pageToken"]
            self.pages[body["nextPageToken"]] = (others, hits[size:])
        return Answer(body)

    def hits(self, asked: Asked) -> list[int]:
        hits = list(range(self.studies, 0, -1))
        if "query.term" in asked:
            hits = [each for each in hits if "some" not in asked["query.term"] or each % 3 == 0]
            if asked["sort"] == "@relevance":
                hits.sort(key=lambda each: (each * 7919) % 10_007)
            else:
                assert asked["sort"] == "StudyFirstPostDate:desc"
        if "filter.advanced" in asked:
            until = date.fromisoformat(asked["filter.advanced"].removeprefix("AREA[StudyFirstPostDate]RANGE[MIN,")[:-1])
            hits = [each for each in hits if FIRST + timedelta(each) <= until]
        if "filter.ids" in asked:
            numbers = set(asked["filter.ids"].split(","))
            hits = [each for each in hits if nct(each) in numbers]
        return hits

    @staticmethod
    def record(number: int, short: bool) -> dict[str, Any]:
        known: dict[str, Any] = {"identificationModule": {"nctId": nct(number)}}
        if not short:
            known["identificationModule"]["briefTitle"] = f"Study {number}"
            known["descriptionModule"] = {"briefSummary": f"To see {number}."}
            known["conditionsModule"] = {"conditions": ["Heart Failure"]}
        return {"protocolSection": known}


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def server(registry: Registry) -> Iterator[Loopback]:
    with serving(registry) as server:
        yield server


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))


@pytest.fixture
def make(server: Loopback, tmp_path: Path) -> Iterator[Make]:
    made: list[ClinicalTrials] = []

    def make(**options: str) -> ClinicalTrials:
        given = {"base": server.url, "per_second": "1000", "backoff_seconds": "0.001", "cache": str(tmp_path / "kept")}
        shown = "&".join(f"{name}={value}" for name, value in (given | options).items() if value)
        made.append(ClinicalTrials(f"trials:?{shown}"))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


def ids(result: Any) -> list[str]:
    assert result.outcome is Outcome.OK, result.message
    return [row[0] for row in result.rows]


def test_by_date_and_by_relevance(make: Make) -> None:
    found = make(sort="date").search("heart", 3, {})
    assert (ids(found), found.total, found.truncated) == ([nct(30), nct(29), nct(28)], 30, True)
    assert [row[1] for row in found.rows] == [1, 1 / 2, 1 / 3]
    assert sorted(ids(make().search("heart", 100, {}))) == [nct(number) for number in range(1, 31)]
    assert ids(make().search("heart", 3, {})) != ids(found)


@pytest.mark.parametrize("query", ["heart&pageSize=1#x", 'AREA[Phase]PHASE3 AND "a b" %+;é', "filter.ids=NCT1 \\["])
def test_a_query_stays_a_query(make: Make, server: Loopback, query: str) -> None:
    assert len(make().search(query, 5, {}).rows) == 5
    assert server.asked[0]["query.term"] == query
    assert server.asked[0]["pageSize"] == "5"


def test_page_after_page(make: Make, server: Loopback, registry: Registry) -> None:
    registry.studies = 4_500
    found = make(sort="date").search("heart", 2_500, {"exclude_ids": [nct(4_499), "x"]})
    assert ids(found) == [nct(number) for number in range(4_500, 1_999, -1) if number != 4_499]
    assert (found.total, found.truncated, len(server.asked)) == (4_499, True, 3)
    assert len(make().search("heart", 10_000, {}).rows) == 4_500


def test_a_last_day(make: Make) -> None:
    until = FIRST + timedelta(10)
    for day in (until, until.isoformat()):
        found = make(sort="date").search("heart", 2, {"max_date": day})
        assert (ids(found), found.total) == ([nct(10), nct(9)], 10)
    among = make().among("some", [nct(3), nct(12)], 0, {"max_date": until})
    assert (ids(among), among.total) == ([nct(3)], 3)


def test_which_are_hits_at_all(make: Make, server: Loopback, registry: Registry) -> None:
    gold = [nct(3), nct(4), nct(6), "PMID 5"]
    found = make().among("some", gold, 0, {"exclude_ids": [nct(6)]})
    assert (ids(found), found.total, len(server.asked)) == ([nct(3)], 9, 1)
    registry.studies = 9_000
    many = [*gold, *(nct(number) for number in range(8_000, 8_500))]
    found = make().among("some other", many, 0, {})
    assert ids(found) == sorted(name for name in many if name.startswith("NCT") and int(name[3:]) % 3 == 0)
    assert (found.total, len(server.asked)) == (3_000, 5)
    nearest = make(sort="date").among("some", [nct(9_000), nct(3)], 2, {})
    assert ids(nearest) == [nct(9_000)]


@pytest.mark.parametrize(
    "complaint",
    [
        "Error parsing query in `query.term` parameter: mismatched input ')' expecting {<EOF>, 'AND'}",
        "Error parsing query in parameter: no viable alternative at input '['",
        "Unknown area Phse",
    ],
)
def test_a_query_that_essie_cannot_read_is_invalid_and_kept(make: Make, server: Loopback, complaint: str) -> None:
    server.answer = lambda asked: Answer(complaint, 400)
    for engine in (make(), make(mode="replay")):
        found = engine.search("heart)", 3, {})
        assert (found.outcome, found.message) == (Outcome.INVALID, complaint)
    assert len(server.asked) == 1
    assert make().among("heart)", [nct(1)], 0, {}).outcome is Outcome.INVALID
    assert make().search("a" * 9_000, 3, {}).outcome is Outcome.INVALID


@pytest.mark.parametrize(
    "bad",
    [
        Answer("`pageSize` is unknown parameter", 400),
        Answer("Error parsing query in `filter.advanced` parameter", 400),
        Answer("<html>Bad Request</html>", 400),
        Answer("", 400),
        Answer("blocked", 403),
        Answer("busy", 503),
        Answer("busy", 429, {"Retry-After": "0"}),
        Answer('{"totalCount": 30, "studies": [{"protocolSection": {"identif'),
        Answer({"totalCount": 30, "studies": []}),
        Answer({"totalCount": 1, "studies": [{"protocolSection": {"identificationModule": {"nctId": "x"}}}]}),
        Answer({"studies": [{}]}),
        Answer({"error": "internal"}),
        Answer(b"", 301, {"Location": "http://127.0.0.1:9/elsewhere"}),
    ],
    ids=lambda answer: f"{answer.status} {answer.bytes[:40]!r}",
)
def test_an_outage_is_no_answer_and_is_not_kept(make: Make, server: Loopback, bad: Answer) -> None:
    usual = server.answer
    server.answer = lambda asked: bad
    found = make().search("heart", 3, {})
    assert (found.outcome, found.rows) == (Outcome.UNAVAILABLE, ())
    assert found.message.startswith("ClinicalTrials.gov ")
    server.answer = usual
    assert len(make().search("heart", 3, {}).rows) == 3


def test_documents(make: Make, server: Loopback) -> None:
    found = make().fetch([nct(2), "NCT1", nct(99), nct(1)])
    assert [(each.id, each.title, each.text) for each in found] == [
        (nct(2), "Study 2", "To see 2."), (nct(1), "Study 1", "To see 1."),
    ]  # fmt: skip
    assert found[0].fields["Condition"] == ["Heart Failure"]
    assert server.asked[0]["filter.ids"] == f"{nct(2)},{nct(99)},{nct(1)}"
    assert make(mode="replay").fetch([nct(1), nct(99)]) == [found[1]]
    with pytest.raises(QueryError, match="holds no document"):
        make(mode="replay").fetch([nct(3)])
    server.answer = lambda asked: Answer({"studies": [{"protocolSection": {}}]})
    with pytest.raises(QueryError, match="no records of studies"):
        make().fetch([nct(5)])


def test_the_pace_is_one_a_second_unless_it_is_another_server(make: Make, tmp_path: Path) -> None:
    assert make().allowed_per_second == 1
    with pytest.raises(UsageError, match=r"ClinicalTrials.gov allows 1 requests a second, not 2"):
        make(base="", per_second="2").search("heart", 1, {})


def test_as_an_executor(server: Loopback, tmp_path: Path) -> None:
    source = f"trials:?base={server.url}&per_second=1000&cache={tmp_path / 'kept'}&sort=date"
    with open_executor(source) as trials:
        assert trials.dialect == "essie"
        assert "AREA[" in trials.describe()
        assert ids(trials.execute("some", limit=2)) == [nct(30), nct(27)]
        (seen,) = trials.compare_many([("some", Gold(relevant={nct(3): 1, nct(4): 1}))], Relation(measure="recall"))
        assert (seen.outcome, seen.score) == (Outcome.OK, 0.5)
        with trials.stream("some") as rows:
            assert next(iter(rows)) == (nct(30), 1.0, "Study 30")
