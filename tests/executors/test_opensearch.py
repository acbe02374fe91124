"""OpenSearch: what is asked and what is made of the answers, against a local server that speaks its API."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sqlrl.executors import Gold, Outcome, open_executor
from sqlrl.executors.errors import AccessError, MissingExtraError, QueryError, SourceError, UsageError
from sqlrl.executors.opensearch import PAGE, OpenSearch
from sqlrl.executors.relations import Relation
from tests.loopback import Answer, Asked, Loopback, serving

Make = Callable[..., OpenSearch]


def error(status: int, kind: str, reason: str, within: str = "search_phase_execution_exception") -> Answer:
    root = {"type": kind, "reason": reason, "index": "papers"}
    body = {"error": {"root_cause": [root], "type": within, "reason": "all shards failed"}, "status": status}
    return Answer(body, status)


class Cluster:
    """Documents 0 to n - 1 of an index "papers"; number i has the words "heart", "n<i>", and "aspirin" i % 4 times, and
    is of the day 2000-01-(1 + i % 28). A query is words: the score of a hit is how often it has them."""

    def __init__(self, documents: int = 40) -> None:
        self.documents = [
            {
                "id": f"d{number}",
                "title": f"On n{number}",
                "text": f"heart n{number} {'aspirin ' * (number % 4)}",
                "date": f"2000-01-{1 + number % 28:02}",
            }
            for number in range(documents)
        ]
        self.moments: set[str] = set()
        self.bodies: list[dict[str, Any]] = []
        text, keyword = {"text": {"aggregatable": False}}, {"keyword": {"aggregatable": True}}
        self.fields = {"title": text, "text": text, "id": keyword, "date": {"date": {"aggregatable": True}}}

    def __call__(self, asked: Asked) -> Answer:
        body = json.loads(asked.body) if asked.body else {}
        if asked.path == "/papers/_field_caps":
            return Answer({"indices": ["papers"], "fields": self.fields})
        if asked.path == "/papers/_search/point_in_time" and asked.method == "POST":
            assert asked["keep_alive"] == "2m"
            assert len(asked["preference"]) == 16
            self.moments.add(f"moment{len(self.moments)}")
            return Answer({"pit_id": f"moment{len(self.moments) - 1}"})
        if asked.path == "/_search/point_in_time" and asked.method == "DELETE":
            self.moments -= set(body["pit_id"])
            return Answer({"pits": [{"successful": True}]})
        self.bodies.append(body)
        if asked.path == "/_search":
            assert body["pit"]["id"] in self.moments
            assert "preference" not in asked  # a server refuses it beside a point in time
        elif not asked.path.startswith("/papers/"):
            return error(404, "index_not_found_exception", "no such index [x]", "index_not_found_exception")
        assert (asked.method, asked["allow_partial_search_results"]) == ("POST", "false")
        if body["size"] > PAGE:
            return error(400, "illegal_argument_exception", "Result window is too large")
        return self.found(body)

    def found(self, body: dict[str, Any]) -> Answer:
        query = _words(body["query"])
        if query.count("(") != query.count(")"):
            return error(400, "query_shard_exception", f"Failed to parse query [{query}]")
        scored = [(self.score(body["query"], document), document) for document in self.documents]
        hits = [(score, document) for score, document in scored if score is not None]
        by = [next(iter(each)) for each in body.get("sort", [])]
        hits.sort(key=lambda hit: [-hit[0] if name == "_score" else hit[1][name] for name in by])
        total = len(hits)
        if "search_after" in body:
            score, name = body["search_after"]
            hits = [hit for hit in hits if (-hit[0], hit[1]["id"]) > (-score, name)]
        shown = [
            {
                "_id": f"internal-{document['id']}",
                "_score": score if "_score" in by else None,
                "_source": {key: document[key] for key in body["_source"]} if "_source" in body else document,
                "sort": [score if name == "_score" else document[name] for name in by],
            }
            for score, document in hits[: body["size"]]
        ]
        found: dict[str, Any] = {"hits": shown}
        if body.get("track_total_hits"):
            found["total"] = {"value": total, "relation": "eq"}
        return Answer({"timed_out": False, "_shards": {"total": 2, "successful": 2, "failed": 0}, "hits": found})

    def score(self, query: dict[str, Any], document: dict[str, Any]) -> float | None:
        """None for what is no hit."""
        ((kind, about),) = query.items()
        if kind == "query_string":
            have = f"{document['title']} {document['text']}".lower().split()
            count = sum(have.count(word) for word in about["query"].strip("()").lower().split())
            return float(count) if count else None
        if kind == "terms":
            ((field, values),) = about.items()
            return 0.0 if document[field] in values else None
        if kind == "range":
            ((field, ends),) = about.items()
            return 0.0 if document[field] <= ends["lte"] else None
        assert kind == "bool"
        scores = [self.score(each, document) for each in (*about.get("must", ()), *about.get("filter", ()))]
        if any(self.score(each, document) is not None for each in about.get("must_not", ())):
            return None
        return None if None in scores else sum(score for score in scores if score)


def _words(query: Any) -> str:
    if isinstance(query, dict):
        return query["query"] if isinstance(query.get("query"), str) else "".join(map(_words, query.values()))
    return "".join(map(_words, query)) if isinstance(query, list) else ""


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def server(cluster: Cluster) -> Iterator[Loopback]:
    with serving(cluster) as server:
        yield server


@pytest.fixture
def make(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    made: list[OpenSearch] = []
    monkeypatch.delenv("OPENSEARCH_USER", raising=False)

    def make(index: str = "papers", **options: str) -> OpenSearch:
        shown = "&".join(f"{name}={value}" for name, value in ({"backoff_seconds": "0.001"} | options).items())
        made.append(OpenSearch(f"opensearch://127.0.0.1:{server.port}/{index}?{shown}"))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


def ids(result: Any) -> list[str]:
    assert result.outcome is Outcome.OK, result.message
    return [row[0] for row in result.rows]


def test_the_best_first_ties_by_id(make: Make, server: Loopback, cluster: Cluster) -> None:
    found = make().search('aspirin n7 & "x"} #', 4, {})
    assert found.rows == (("d7", 5.0), ("d11", 3.0), ("d15", 3.0), ("d19", 3.0))
    assert (found.columns, found.total, found.truncated) == (("id", "score"), 30, True)
    assert len(server.asked) == 2  # which fields the index has, and the query
    words = cluster.bodies[0]["query"]["bool"]["must"][0]["query_string"]
    assert words == {
        "query": "aspirin n7 & \"x\"} #", "fields": ["title", "text"], "default_operator": "OR",
        "allow_leading_wildcard": False,
    }  # fmt: skip
    assert not make().search("aspirin", 100, {}).truncated


def test_one_query_always_asks_the_same_copy(make: Make, server: Loopback) -> None:
    for query in ("heart", "heart", "aspirin"):
        make(global_scores="1").search(query, 3, {})
    asked = [each for each in server.asked if "preference" in each]
    assert asked[0]["preference"] == asked[1]["preference"] != asked[2]["preference"]
    assert asked[0]["search_type"] == "dfs_query_then_fetch"


def test_past_10_000_hits_at_one_moment(make: Make, server: Loopback, cluster: Cluster) -> None:
    cluster.documents = Cluster(PAGE + 2_500).documents
    found = make().search("heart aspirin", 11_000, {})
    expected = sorted(cluster.documents, key=lambda each: (-each["text"].count("aspirin"), each["id"]))
    assert ids(found) == [each["id"] for each in expected[:11_000]]
    assert (found.total, found.truncated) == (12_500, True)
    assert not cluster.moments
    everything = make().search("heart", 50_000, {})
    assert (len(everything.rows), everything.truncated) == (12_500, False)
    server.answer = lambda asked: Answer("no", 503) if asked.path == "/_search" else cluster(asked)
    assert make().search("heart", 50_000, {}).outcome is Outcome.UNAVAILABLE
    assert not cluster.moments


def test_a_last_day_and_the_review_itself_are_filters(make: Make, cluster: Cluster) -> None:
    context = {"max_date": "2000-01-05", "exclude_ids": {"d3", "nothing"}}
    found = make().search("heart", 10, context)
    assert (ids(found), found.total) == (["d0", "d1", "d2", "d28", "d29", "d30", "d31", "d32", "d4"], 9)
    assert cluster.bodies[0]["query"]["bool"]["filter"] == [{"range": {"date": {"lte": "2000-01-05"}}}]
    with pytest.raises(UsageError, match="max_date is a date"):
        make().search("heart", 10, {"max_date": "soon"})


def test_which_are_hits_at_all(make: Make, server: Loopback) -> None:
    gold = [f"d{number}" for number in range(2_500)]
    found = make().among("aspirin", gold, 0, {"exclude_ids": ["d1"]})
    assert ids(found) == sorted(f"d{number}" for number in range(2, 40) if number % 4)
    assert (found.total, found.truncated, len(server.asked)) == (29, False, 5)
    found = make().among("aspirin", ["d3", "d15", "d7"], 2, {})  # the first two are d11 and d15
    assert (ids(found), found.total) == (["d15"], 30)
    assert make().among("nowhere", gold, 0, {}).rows == ()


@pytest.mark.parametrize(
    "complaint",
    [
        error(400, "query_shard_exception", "Failed to parse query [a (]"),
        error(400, "parse_exception", "'*' not allowed as first character"),
        error(500, "too_many_clauses", "maxClauseCount is set to 1024"),
    ],
    ids=lambda answer: answer.bytes[:70].decode(),
)
def test_a_query_that_cannot_be_read_is_invalid(
    make: Make, server: Loopback, cluster: Cluster, complaint: Answer
) -> None:
    server.answer = lambda asked: cluster(asked) if "field_caps" in asked.path else complaint
    reason = json.loads(complaint.bytes)["error"]["root_cause"][0]["reason"]
    for found in (make().search("a (", 3, {}), make().search("a (", 20_000, {}), make().among("a (", ["d1"], 0, {})):
        assert (found.outcome, found.message) == (Outcome.INVALID, reason)
    assert len(server.asked) == 6
    assert make().search(" ", 3, {}).outcome is Outcome.INVALID
    assert make().among("", [], 0, {}).outcome is Outcome.INVALID


@pytest.mark.parametrize(
    "bad",
    [
        error(429, "rejected_execution_exception", "rejected"),
        error(503, "no_shard_available_action_exception", "nobody home"),
        error(400, "illegal_argument_exception", "Result window is too large"),
        Answer({"timed_out": True, "_shards": {"failed": 0}, "hits": {"total": {"value": 0}, "hits": []}}),
        Answer({"timed_out": False, "_shards": {"failed": 1}, "hits": {"total": {"value": 0}, "hits": []}}),
        Answer('{"hits": {"total"'),
        Answer("<html>proxy</html>", 502),
        Answer("[]"),
        Answer({}),
        Answer({"hits": {"hits": []}}),
        Answer("moved", 307, {"Location": "http://127.0.0.1:9"}),
    ],
    ids=lambda answer: f"{answer.status} {answer.bytes[:60]!r}",
)
def test_an_outage_is_no_answer(make: Make, server: Loopback, cluster: Cluster, bad: Answer) -> None:
    server.answer = lambda asked: bad
    assert make().search("heart", 3, {}).outcome is Outcome.UNAVAILABLE
    server.answer = lambda asked: cluster(asked) if "field_caps" in asked.path else bad
    found = make().search("heart", 3, {})
    assert (found.outcome, found.rows) == (Outcome.UNAVAILABLE, ())
    assert make().among("heart", ["d1"], 0, {}).outcome is Outcome.UNAVAILABLE
    with pytest.raises(QueryError) as raised:
        make().fetch(["d1"])
    assert raised.value.outcome is Outcome.UNAVAILABLE


def test_what_passes_is_asked_again(make: Make, server: Loopback) -> None:
    server.say_first([Answer("", 503), error(429, "rejected", "busy"), Answer("{")])
    assert len(make().search("heart", 3, {}).rows) == 3


def test_the_deadline_is_for_the_whole_query(make: Make, server: Loopback) -> None:
    server.answer = lambda asked: Answer({"hits": {}}, drip=0.05)
    found = make(timeout_seconds="0.3").search("heart", 3, {})
    assert (found.outcome, "no whole answer" in found.message) == (Outcome.UNAVAILABLE, True)


def test_a_wrong_source_is_one_clear_line(make: Make, server: Loopback) -> None:
    with pytest.raises(SourceError, match=r"127.0.0.1:\d+ has no index other"):
        make("other").search("heart", 3, {})
    for options, words in (
        ({"id": "key"}, r"papers has no keyword field 'key' \(option id\)"),
        ({"id": "title"}, r"papers has no keyword field 'title' \(option id\)"),
        ({"fields": "title,abstract^2"}, r"papers has no field 'abstract' \(option fields\)"),
    ):
        with pytest.raises(SourceError, match=words):
            make(**options).search("heart", 3, {})
    assert len(make(date="day").search("heart", 3, {}).rows) == 3
    with pytest.raises(UsageError, match=r"papers has no date field 'day', which max_date needs \(option date\)"):
        make(date="day").search("heart", 3, {"max_date": "2020-01-01"})
    for source, words in (
        ("opensearch://host", "opensearch://host:port/index"),
        ("opensearch:papers", "opensearch://host:port/index"),
        ("opensearch://host/a/b", "opensearch://host:port/index"),
        ("opensearch://me:hidden@host/a", "by the environment"),
        ("opensearch://host/a?field=x", "did you mean 'fields'"),
        ("opensearch://host/a?operator=xor", "operator is or or and"),
        ("opensearch://host/a?tls=yes", "tls is 0 or 1"),
        ("opensearch://host/a?timeout_seconds=-1", "timeout_seconds is a number above 0"),
    ):
        with pytest.raises(UsageError, match=words) as raised:
            OpenSearch(source)
        assert "hidden" not in str(raised.value)


def test_a_password_is_sent_and_shown_nowhere(
    make: Make, server: Loopback, monkeypatch: pytest.MonkeyPatch, cluster: Cluster
) -> None:
    monkeypatch.setenv("OPENSEARCH_USER", "me")
    monkeypatch.setenv("OPENSEARCH_PASSWORD", "hidden-word")
    engine = OpenSearch(f"opensearch://127.0.0.1:{server.port}/papers?backoff_seconds=0.001")
    assert len(engine.search("heart", 3, {}).rows) == 3
    packed = server.asked[0].headers["authorization"].removeprefix("Basic ")
    assert base64.b64decode(packed) == b"me:hidden-word"
    server.answer = lambda asked: Answer(f"echo hidden-word {packed}", 503)
    message = engine.search("heart", 3, {}).message
    assert "echo *** ***" in message
    for status in (401, 403):
        server.answer = lambda asked, status=status: Answer(f"hidden-word {packed}", status)
        with pytest.raises(AccessError, match="papers may not be read so") as raised:
            engine.search("heart", 3, {})
        assert "hidden" not in str(raised.value)
    engine.close()


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opensearchpy", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'sqlrl\[opensearch\]'"):
        OpenSearch("opensearch://host/index")


def test_documents(make: Make, cluster: Cluster) -> None:
    cluster.documents[3] |= {"mesh": ["Heart"], "text": ["one", "two"]}
    found = make().fetch(["d3", "d99", "d1", "d3"])
    assert [(each.id, each.title, each.text) for each in found] == [
        ("d3", "On n3", "one two"), ("d1", "On n1", "heart n1 aspirin "), ("d3", "On n3", "one two"),
    ]  # fmt: skip
    assert found[0].fields == {"date": "2000-01-04", "mesh": ["Heart"]}


def test_as_an_executor(server: Loopback) -> None:
    with open_executor(f"opensearch://127.0.0.1:{server.port}/papers?fields=title^2,text&operator=and") as engine:
        assert engine.dialect == "lucene"
        assert "fields title, text" in engine.describe()
        assert "joined by AND" in engine.describe()
        found = engine.execute_many(["n1", "n2", "n1"], limit=2)
        assert [ids(each) for each in found] == [["d1"], ["d2"], ["d1"]]
        (seen,) = engine.compare_many([("n1", Gold(relevant={"d1": 1, "d2": 1}))], Relation(measure="recall"))
        assert (seen.outcome, seen.score) == (Outcome.OK, 0.5)
        with engine.stream("n5") as rows:
            assert list(rows) == [("d5", 2.0, "On n5")]
