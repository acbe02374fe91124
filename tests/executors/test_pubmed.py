"""PubMed: what is asked and what is made of the answers, against a local server that speaks E-utilities."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sqlrl.executors import Gold, Outcome, open_executor
from sqlrl.executors.errors import QueryError, UsageError
from sqlrl.executors.pubmed import MOST, PubMed
from sqlrl.executors.relations import Relation
from tests.loopback import Answer, Asked, Loopback, serving

FIRST = date(2000, 1, 1)
Make = Callable[..., PubMed]


class Eutils:
    """A small PubMed: documents 1 to n, one a day from 2000 on; a query is a word that all of them have, or "some" that
    every third has. A list by date has the newest first."""

    def __init__(self, documents: int = 30) -> None:
        self.documents = documents
        self.a_day = 1
        self.days: list[date] | None = None  # of document 1, 2 ..., in the place of the others
        self.history: list[list[int]] = []
        self.extra: dict[str, Any] = {}

    def day(self, number: int) -> date:
        return self.days[number - 1] if self.days is not None else FIRST + timedelta(number // self.a_day)

    def __call__(self, asked: Asked) -> Answer:
        return self._fetched(asked) if asked.path.endswith("efetch.fcgi") else self._found(asked)

    def _found(self, asked: Asked) -> Answer:
        assert (asked["db"], asked["retmode"], asked["tool"]) == ("pubmed", "json", "sqlrl")
        term = asked["term"]
        earlier = re.fullmatch(r"#(\d+) AND \((.*)\)", term)
        if earlier:
            assert asked["WebEnv"] == "MCID_1"
            numbers = {int(each.removesuffix("[uid]")) for each in earlier[2].split(" OR ")}
            hits = [each for each in self.history[int(earlier[1]) - 1] if each in numbers]
        else:
            documents = self.documents if self.days is None else len(self.days)
            hits = [each for each in range(documents, 0, -1) if "some" not in term or each % 3 == 0]
            if self.days is not None:
                hits.sort(key=self.day, reverse=True)
            if "maxdate" in asked:
                assert asked["datetype"] == "pdat"
                low, high = (date(*map(int, asked[name].split("/"))) for name in ("mindate", "maxdate"))
                hits = [each for each in hits if low <= self.day(each) <= high]
        if asked["sort"] == "relevance":
            hits = sorted(hits, key=lambda each: (each * 7919) % 10_007)
        else:
            assert asked["sort"] == "pub_date"
        most = min(int(asked["retmax"]), MOST)
        result: dict[str, Any] = {
            "count": str(len(hits)), "retmax": str(most), "retstart": "0",
            "idlist": [str(each) for each in hits[:most]], "querytranslation": f'"{term}"[All Fields]', **self.extra,
        }  # fmt: skip
        if "usehistory" in asked:
            self.history.append(hits)
            result |= {"webenv": "MCID_1", "querykey": str(len(self.history))}
        return Answer({"header": {"type": "esearch"}, "esearchresult": result})

    def _fetched(self, asked: Asked) -> Answer:
        records = "".join(
            f"<PubmedArticle><MedlineCitation><PMID>{name}</PMID><Article><ArticleTitle>On <i>{name}</i></ArticleTitle>"
            f"<Abstract><AbstractText Label='AIM'>To see {name}.</AbstractText></Abstract></Article></MedlineCitation>"
            "</PubmedArticle>"
            for name in asked["id"].split(",")
            if int(name) <= self.documents
        )
        head = '<?xml version="1.0" ?><!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD" "https://dtd.nlm.nih.gov/x.dtd">'
        return Answer(f"{head}<PubmedArticleSet>{records}</PubmedArticleSet>")


@pytest.fixture
def eutils() -> Eutils:
    return Eutils()


@pytest.fixture
def server(eutils: Eutils) -> Iterator[Loopback]:
    with serving(eutils) as server:
        yield server


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("NCBI_API_KEY", raising=False)
    monkeypatch.delenv("NCBI_EMAIL", raising=False)


@pytest.fixture
def make(server: Loopback, tmp_path: Path) -> Iterator[Make]:
    made: list[PubMed] = []

    def make(**options: str) -> PubMed:
        given = {"base": server.url, "per_second": "1000", "backoff_seconds": "0.001", "cache": str(tmp_path / "kept")}
        engine = PubMed("pubmed:?" + "&".join(f"{name}={value}" for name, value in (given | options).items() if value))
        made.append(engine)
        return engine

    yield make
    for engine in made:
        engine.close()


def ids(result: Any) -> list[str]:
    assert result.outcome is Outcome.OK, result.message
    return [row[0] for row in result.rows]


def test_the_newest_first_and_how_many_there_are(make: Make) -> None:
    found = make().search("heart", 3, {})
    assert (found.columns, ids(found), found.total, found.truncated) == (("id", "score"), ["30", "29", "28"], 30, True)
    assert [row[1] for row in found.rows] == [1, 1 / 2, 1 / 3]
    assert found.warnings == ('read as: "heart"[All Fields]',)
    everything = make().search("heart", 100, {})
    assert (len(everything.rows), everything.truncated) == (30, False)


def test_best_match_is_another_order_and_another_question(make: Make) -> None:
    assert ids(make(sort="best").search("heart", 3, {})) != ids(make().search("heart", 3, {}))


@pytest.mark.parametrize("query", ["heart&retmax=1&sort=x#y", '100% + "a b"[tiab:~2] ;é中\n', "a" * 5000])
def test_a_query_stays_a_query(make: Make, server: Loopback, query: str) -> None:
    assert len(make().search(query, 5, {}).rows) == 5
    (asked,) = server.asked
    assert asked["term"] == query
    assert asked["retmax"] == "5"
    assert asked.method == ("POST" if len(query) > 1000 else "GET")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(lambda text: text.strip()))
def test_any_query_arrives_as_it_is(make: Make, server: Loopback, query: str) -> None:
    engine = make(mode="live")
    assert engine.search(f"x{query}", 5, {}).outcome is Outcome.OK
    assert server.asked[-1]["term"] == f"x{query}"
    assert server.asked[-1]["retmax"] == "5"
    engine.close()


@pytest.mark.parametrize("query", ["", " \n", "a\0b", "\ud800"])
def test_what_is_no_query_is_not_asked(make: Make, server: Loopback, query: str) -> None:
    assert make().search(query, 5, {}).outcome is Outcome.INVALID
    assert make().among(query, ["1"], 0, {}).outcome is Outcome.INVALID
    assert make().search("a" * 100_001, 5, {}).outcome is Outcome.REFUSED
    assert not server.asked


def test_a_last_day_and_the_review_itself(make: Make, server: Loopback) -> None:
    until = FIRST + timedelta(10)
    for day in (until, until.isoformat()):
        found = make().search("heart", 3, {"max_date": day, "exclude_ids": ["9", "999", "no id"]})
        assert (ids(found), found.total) == (["10", "8", "7"], 9)
    assert server.asked[0]["maxdate"] == "2000/01/11"
    assert len(server.asked) == 1
    for day in ("2020", "last year", 3):
        with pytest.raises(UsageError, match="max_date is a date"):
            make().search("heart", 3, {"max_date": day})


def test_past_9999_hits_by_spans_of_time(make: Make, server: Loopback, eutils: Eutils) -> None:
    eutils.documents, eutils.a_day = 27_000, 4
    found = make().search("all", 15_000, {})
    assert ids(found) == [str(number) for number in range(27_000, 12_000, -1)]
    assert (found.total, found.truncated) == (27_000, True)
    assert len(server.asked) < 15
    one_date = make().search("all", 15_000, {"max_date": FIRST + timedelta(5_000), "exclude_ids": ["20000"]})
    assert ids(one_date) == [str(number) for number in range(20_003, 5_002, -1) if number != 20_000]
    best = make(sort="best").search("all", 15_000, {})
    assert len(best.rows) == MOST
    assert "gives the 9,999 best matches" in best.warnings[-1]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dates(date(1650, 1, 1), date(2026, 12, 31)), max_size=60), st.integers(6, 70))
def test_spans_of_time_give_what_one_list_would(
    make: Make, eutils: Eutils, monkeypatch: pytest.MonkeyPatch, days: list[date], depth: int
) -> None:
    monkeypatch.setattr("sqlrl.executors.pubmed.MOST", 5)
    monkeypatch.setattr("tests.executors.test_pubmed.MOST", 5)
    eutils.days = days
    most_a_day = max((days.count(day) for day in days), default=0)
    engine = make(mode="live")
    found = engine.search("heart", depth, {"max_date": "2026-12-31"})
    engine.close()
    # What is older than any article is in no span; one asked for without spans has it.
    dated = [day for day in sorted(days, reverse=True) if day.year >= 1700]
    assert found.total == len(dated)
    if most_a_day <= 5:
        assert [eutils.day(int(name)) for name in ids(found)] == dated[:depth]
    assert len(set(ids(found))) == len(found.rows)


def test_a_day_with_more_hits_than_can_be_had(make: Make, eutils: Eutils) -> None:
    everything = eutils._found

    def on_one_day(asked: Asked) -> Answer:
        low, high = (dict(asked.values).get(name, "2000/01/01") for name in ("mindate", "maxdate"))
        eutils.documents = 12_000 if low <= "2000/01/01" <= high else 0
        asked.values[:] = [pair for pair in asked.values if pair[0] not in ("mindate", "maxdate")]
        return everything(asked)

    eutils._found = on_one_day  # type: ignore[method-assign]
    found = make().search("all", 11_000, {})
    assert (len(found.rows), found.total, found.truncated) == (MOST, 12_000, True)
    assert "of the 12,000 hits of 2000-01-01, PubMed gives 9,999" in found.warnings[-1]


def test_which_are_hits_at_all(make: Make, server: Loopback, eutils: Eutils) -> None:
    gold = ["3", "4", "6", "77777", "no id"]
    found = make().among("some", gold, 0, {"exclude_ids": ["6", "9"]})
    assert (sorted(ids(found)), found.total, len(server.asked)) == (["3"], 8, 1)
    eutils.documents = 90_000
    found = make().among("some) OR (x", gold, 0, {"exclude_ids": ["6"]})
    assert (sorted(ids(found)), found.total) == (["3", "77777"][:1], 29_999)
    assert server.asked[-1]["term"] == "#2 AND (3[uid] OR 4[uid] OR 6[uid] OR 77777[uid])"
    assert "maxdate" not in server.asked[-1]
    first_ones = make().among("some", ["90000", "89997", "3"], 2, {})
    assert (ids(first_ones), first_ones.total) == (["90000", "89997"], 30_000)


def test_warnings_are_handed_on(make: Make, eutils: Eutils) -> None:
    eutils.extra = {
        "errorlist": {"phrasesnotfound": ["nursx"], "fieldsnotfound": ["[tiabx]"]},
        "warninglist": {
            "phrasesignored": ["and"], "quotedphrasesnotfound": ['"no such"'],
            "outputmessages": ["No items found.", "Restrictions achieved. start and count adjusted to 0, 9999"],
        },
    }  # fmt: skip
    assert make().search("q", 5, {}).warnings == (
        "not found: nursx", "no such field: [tiabx]", "ignored: and",
        'phrase not found, so taken without quotes: "no such"', "No items found.", 'read as: "q"[All Fields]',
    )  # fmt: skip


@pytest.mark.parametrize(
    "bad",
    [
        Answer({"error": "API rate limit exceeded", "api-key": "1.2.3.4", "count": "4", "limit": "3"}, 429),
        Answer({"error": "API rate limit exceeded", "api-key": "1.2.3.4", "count": "4", "limit": "3"}),
        Answer({"esearchresult": {"ERROR": "Search Backend failed: Couldn't resolve address"}}),
        Answer({"esearchresult": {"ERROR": "Search Backend failed: too many requests, try again"}}),
        Answer({"esearchresult": {"ERROR": "something that nobody has seen before"}}),
        Answer('{"esearchresult": {"count": "30", "idlist": ["1", "2'),
        Answer({"esearchresult": {"count": "30", "idlist": []}}),
        Answer({"esearchresult": {"count": "30"}}),
        Answer({"esearchresult": None}),
        Answer("<html>We are down for maintenance</html>"),
        Answer("<html>500</html>", 500),
        Answer('{"esearchresult"', missing=50),
        Answer("[" * 100_000),
    ],
    ids=lambda answer: f"{answer.status} {answer.bytes[:40]!r}",
)
def test_an_outage_is_no_answer_and_is_not_kept(make: Make, server: Loopback, bad: Answer) -> None:
    usual = server.answer
    server.answer = lambda asked: bad
    for found in (make().search("heart", 3, {}), make().among("heart", ["30"], 0, {})):
        assert (found.outcome, found.rows) == (Outcome.UNAVAILABLE, ())
        # The second may be told that nobody asks any more.
        assert re.match("PubMed (does not answer: |is not asked: it failed )", found.message)
    server.answer = usual
    time.sleep(0.1)  # for which it was left alone
    assert make().search("somebody", 3, {}).rows
    server.say_first([bad])
    assert len(make().search("heart", 3, {}).rows) == 3


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refusal_is_not_asked_again(make: Make, server: Loopback, status: int) -> None:
    server.answer = lambda asked: Answer({"error": "API key invalid"}, status)
    found = make().search("heart", 3, {})
    assert (found.outcome, len(server.asked)) == (Outcome.UNAVAILABLE, 1)
    assert found.message == f'PubMed refuses: HTTP {status}: {{"error": "API key invalid"}}'


def test_a_query_that_pubmed_cannot_read_is_invalid_and_kept(make: Make, server: Loopback) -> None:
    server.say_first([Answer({"esearchresult": {"ERROR": "Empty term and query_key - nothing todo"}})])
    for engine in (make(), make(), make(mode="replay")):
        found = engine.search("()", 3, {})
        assert (found.outcome, found.message) == (Outcome.INVALID, "Empty term and query_key - nothing todo")
    assert len(server.asked) == 1


def test_the_deadline_is_for_the_whole_query(make: Make, server: Loopback) -> None:
    server.answer = lambda asked: Answer({"esearchresult": {}}, drip=0.05)
    started = time.monotonic()
    found = make(timeout_seconds="0.3").search("heart", 3, {})
    assert (found.outcome, time.monotonic() - started < 5) == (Outcome.UNAVAILABLE, True)
    assert "no whole answer within" in found.message


def test_replay_asks_nobody(make: Make, server: Loopback) -> None:
    context = {"max_date": "2000-01-20", "exclude_ids": {"3"}}
    live = make()
    seen = live.search("heart", 5, context)
    members = live.among("heart", ["3", "5"], 0, context)
    documents = live.fetch(["5", "31", "4"])
    asked = len(server.asked)
    replay = make(mode="replay", base="http://127.0.0.1:9")
    assert replay.search("heart", 5, context).rows == seen.rows
    assert replay.search("heart", 5, context).warnings == seen.warnings
    assert replay.among("heart", ["3", "5"], 0, context).rows == members.rows
    assert replay.fetch(["4", "31", "5"]) == documents[::-1]
    for query, depth, other in (("heart", 6, context), ("heart", 5, {}), ("other", 5, context)):
        missing = replay.search(query, depth, other)
        assert missing.outcome is Outcome.UNAVAILABLE
        assert missing.message.startswith("PubMed is not asked (mode=replay), and ")
        assert missing.message.endswith(f"kept holds no hits of {query!r}")
    with pytest.raises(QueryError, match="holds no document 7 and 1 more") as raised:
        replay.fetch(["4", "7", "8"])
    assert raised.value.outcome is Outcome.UNAVAILABLE
    assert len(server.asked) == asked


def test_live_asks_again_and_keeps_what_it_hears(make: Make, server: Loopback, eutils: Eutils) -> None:
    assert ids(make().search("heart", 1, {})) == ["30"]
    eutils.documents = 31
    assert ids(make().search("heart", 1, {})) == ["30"]
    assert ids(make(mode="live").search("heart", 1, {})) == ["31"]
    assert ids(make(mode="replay").search("heart", 1, {})) == ["31"]
    assert len(server.asked) == 2


def test_documents(make: Make, server: Loopback) -> None:
    found = make().fetch(["2", "x; drop", "99", "1", "2"])
    assert [(each.id, each.title, each.text) for each in found] == [
        ("2", "On 2", "AIM: To see 2."), ("1", "On 1", "AIM: To see 1."), ("2", "On 2", "AIM: To see 2."),
    ]  # fmt: skip
    assert server.asked[0]["id"] == "2,99,1"
    make().fetch(["99", "1"])
    assert len(server.asked) == 1  # that PubMed does not know 99 is known, too
    server.answer = lambda asked: Answer("<PubmedArticleSet><PubmedArticle>")
    with pytest.raises(QueryError, match="unavailable: PubMed does not answer: no whole XML"):
        make().fetch(["3"])


def test_a_key_is_posted_and_shown_nowhere(
    make: Make, server: Loopback, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NCBI_API_KEY", "0123456789abcdef")
    monkeypatch.setenv("NCBI_EMAIL", "who@example.org")
    engine = make()
    assert engine.allowed_per_second == 10
    assert len(engine.search("heart", 3, {}).rows) == 3
    (asked,) = server.asked
    assert (asked.method, asked["api_key"], asked["email"]) == ("POST", "0123456789abcdef", "who@example.org")
    server.answer = lambda asked: Answer({"error": "API key invalid", "api-key": "0123456789abcdef"}, 400)
    assert engine.search("other", 3, {}).message.endswith('"api-key": "***"}')
    monkeypatch.delenv("NCBI_API_KEY")
    assert make().allowed_per_second == 3
    assert make(mode="replay").search("heart", 3, {}).rows  # the same question, with a key or without
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"0123456789abcdef" not in kept
    assert b"example.org" not in kept


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mode": "alive"}, "mode is live or cache or replay"),
        ({"sort": "random"}, "sort is date or best"),
        ({"datetype": "x"}, "datetype is pdat"),
        ({"timeout_seconds": "0"}, "timeout_seconds is a number above 0"),
        ({"per_second": "nan"}, "per_second is a number above 0"),
        ({"per_second": "50", "base": ""}, "PubMed allows 3 requests a second, not 50"),
        ({"api_key": "x"}, "has no option 'api_key'"),
        ({"base": "http://me:pw@x"}, "must not hold a user or password"),
    ],
)
def test_options_that_are_none(make: Make, options: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make(**options).search("heart", 1, {})


def test_engines_of_one_machine_share_a_pace(make: Make, server: Loopback) -> None:
    assert make(per_second="0.001").search("first", 1, {}).rows
    found = make(per_second="0.001", timeout_seconds="5").search("second", 1, {})
    assert (found.outcome, len(server.asked)) == (Outcome.UNAVAILABLE, 1)
    assert "is busy with this machine's other requests: the next turn is" in found.message
    assert make(per_second="0.001", mode="replay").search("first", 1, {}).rows  # nobody waits for what is kept


def test_queries_side_by_side_keep_their_order(make: Make) -> None:
    words = ["some" if number % 2 else f"q{number}" for number in range(20)]
    queries = [(word, {"max_date": FIRST + timedelta(number)}) for number, word in enumerate(words)]
    found = make().search_many(queries, 50)
    assert [each.total for each in found] == [number // 3 if number % 2 else number for number in range(20)]


def test_as_an_executor(server: Loopback, eutils: Eutils, tmp_path: Path) -> None:
    source = f"pubmed:?base={server.url}&per_second=1000&cache={tmp_path / 'kept'}"
    with open_executor(source) as pubmed:
        assert pubmed.dialect == "pubmed"
        assert "left to right" in pubmed.describe()
        found = pubmed.execute("some", limit=2, context={"exclude_ids": ["30"]})
        assert ids(found) == ["27", "24"]
        gold = Gold(relevant={"3": 1, "4": 1})
        for depth, score in ((0, 0.5), (5, 0.0)):
            (seen,) = pubmed.compare_many([("some", gold)], Relation(measure="recall", depth=depth))
            assert (seen.outcome, seen.score) == (Outcome.OK, score)
        with pubmed.stream("some") as rows:
            assert next(iter(rows)) == ("30", 1.0, "On 30")
        together = threading.Barrier(4)  # nobody is answered before four have asked

        def answer(asked: Asked) -> Answer:
            together.wait(timeout=20)
            return eutils(asked)

        server.answer = answer
        tasks = [(query, gold) for query in ("some a", "some b", "some c", "some d", "some a")]
        assert [each.score for each in pubmed.compare_many(tasks, Relation(measure="recall"))] == [0.5] * 5
        server.answer = lambda asked: Answer("", 403)
        (seen,) = pubmed.compare_many([("other", gold)], Relation(measure="recall"))
        assert seen.outcome is Outcome.UNAVAILABLE
