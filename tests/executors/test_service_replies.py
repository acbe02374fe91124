"""Replies that no service should give: whatever comes, it is a result or an outage, and nothing is raised."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sqlrl.executors import Outcome
from sqlrl.executors.clinicaltrials import ClinicalTrials
from sqlrl.executors.errors import QueryError, SourceError, UsageError
from sqlrl.executors.opensearch import PAGE, OpenSearch
from sqlrl.executors.pubmed import PubMed
from sqlrl.executors.search import Engine
from tests.loopback import Answer, Loopback, serving

GOOD: dict[str, Any] = {
    "pubmed": {
        "esearchresult": {
            "count": "2", "idlist": ["1", "2"], "webenv": "x", "querykey": "1", "querytranslation": "q",
            "errorlist": {"phrasesnotfound": ["a"], "fieldsnotfound": []}, "warninglist": {"outputmessages": ["b"]},
        }
    },
    "trials": {
        "totalCount": 1, "nextPageToken": "",
        "studies": [{"protocolSection": {"identificationModule": {"nctId": "NCT00000001"}}}],
    },
    "opensearch": {
        "timed_out": False, "_shards": {"failed": 0}, "pit_id": "p",
        "fields": {name: {"keyword": {"aggregatable": True}, "date": {}} for name in ("id", "title", "text", "date")},
        "hits": {
            "total": {"value": 1},
            "hits": [{"_source": {"id": "1", "title": "t"}, "_score": 1.0, "sort": [1, "1"]}],
        },
    },
}  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 20_000) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield from _places(each, (*path, key))


@st.composite
def replies(draw: st.DrawFn, service: str) -> Any:
    """A good reply in which one place, or two, holds something else."""
    reply = copy.deepcopy(GOOD[service])
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(sorted(_places(reply), key=str)))
        if not path:
            return draw(ANYTHING)
        holder = reply
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = draw(ANYTHING)
    return reply


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    with serving(lambda asked: Answer({})) as server:
        yield server


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("NCBI_API_KEY", raising=False)


def _ask_everything(engine: Engine) -> None:
    with closing(engine):
        for found in (
            engine.search("heart", 2, {"max_date": "2020-01-01"}),
            engine.search("heart", PAGE + 5, {}),
            engine.among("heart", ["1", "NCT00000001"], 0, {}),
        ):
            assert found.outcome in (Outcome.OK, Outcome.UNAVAILABLE, Outcome.INVALID)
            assert found.outcome is Outcome.OK or (found.message and not found.rows)
            assert all(isinstance(name, str) and isinstance(score, float) for name, score in found.rows)
            assert all(isinstance(each, str) for each in found.warnings)
        try:
            engine.fetch(["1", "NCT00000001"])
        except QueryError as ended:
            if ended.outcome is not Outcome.UNAVAILABLE:
                raise


FUZZ = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_OPTIONS = "per_second=100000&backoff_seconds=0.00001&mode=live"


@FUZZ
@given(reply=replies("pubmed"))
def test_pubmed(server: Loopback, tmp_path: Path, reply: Any) -> None:
    server.answer = lambda asked: Answer(reply)
    _ask_everything(PubMed(f"pubmed:?base={server.url}&cache={tmp_path}&{_OPTIONS}"))


@FUZZ
@given(reply=replies("trials"))
def test_trials(server: Loopback, tmp_path: Path, reply: Any) -> None:
    seen = 0

    def answer(asked: Any) -> Answer:
        nonlocal seen
        seen += 1  # a token for ever would ask for ever: the deadline's business
        return Answer(reply) if seen < 40 else Answer({"studies": []})

    server.answer = answer
    _ask_everything(ClinicalTrials(f"trials:?base={server.url}&cache={tmp_path}&timeout_seconds=5&{_OPTIONS}"))


@FUZZ
@given(reply=replies("opensearch"))
def test_opensearch(server: Loopback, reply: Any) -> None:
    server.answer = lambda asked: Answer(reply)
    engine = OpenSearch(f"opensearch://127.0.0.1:{server.port}/i?backoff_seconds=0.00001&timeout_seconds=5")
    try:
        _ask_everything(engine)
    except (SourceError, UsageError) as error:
        if "(option " not in str(error):  # those are for fields that the index does not have
            raise
