"""A corpus on its way into OpenSearch: whole or not there, and what the server was too busy for is sent again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sqlrl.executors import opensearch_loading
from sqlrl.executors.documents import Document
from sqlrl.executors.errors import AccessError, DataError, UnavailableError, UsageError
from sqlrl.executors.opensearch_loading import load
from tests.loopback import Answer, Asked, Loopback, serving

DOCUMENTS = [Document(str(number), f"Title {number}", "é" * 10, {"date": "2004-05", "id": "x"}) for number in range(50)]


class Cluster:
    """Indices by name, aliases by name."""

    def __init__(self) -> None:
        self.indices: dict[str, dict[str, Any]] = {}
        self.settings: dict[str, Any] = {}
        self.aliases: dict[str, set[str]] = {}
        self.busy = 0  # documents that are refused, before all are taken
        self.bulks = 0

    def __call__(self, asked: Asked) -> Answer:
        name, _, what = asked.path.strip("/").partition("/")
        if name == "_aliases":
            for action in json.loads(asked.body)["actions"]:
                ((kind, about),) = action.items()
                known = self.aliases.setdefault(about["alias"], set())
                known.add(about["index"]) if kind == "add" else known.remove(about["index"])
            return Answer({"acknowledged": True})
        if asked.method == "PUT" and not what:
            self.indices[name], self.settings[name] = {}, json.loads(asked.body)
            return Answer({"acknowledged": True})
        if asked.method == "PUT" and what == "_settings":
            self.settings[name]["settings"]["index"] |= json.loads(asked.body)["index"]
            return Answer({"acknowledged": True})
        if asked.method == "DELETE":
            del self.indices[name]
            return Answer({"acknowledged": True})
        if asked.method == "GET" and not what:
            found = self.aliases.get(name, {name} & set(self.indices))
            return Answer({each: {} for each in found}) if found else Answer({"error": "none", "status": 404}, 404)
        if what == "_refresh":
            return Answer({"_shards": {"failed": 0}})
        if what == "_count":
            return Answer({"count": len(self.indices[name])})
        assert what == "_bulk"
        return self._bulk(name, [json.loads(line) for line in asked.body.splitlines()])

    def _bulk(self, name: str, lines: list[dict[str, Any]]) -> Answer:
        self.bulks += 1
        items = []
        for action, document in zip(lines[::2], lines[1::2], strict=True):
            item: dict[str, Any] = {"_id": action["index"]["_id"], "status": 201}
            if self.busy:
                self.busy -= 1
                item |= {"status": 429, "error": {"type": "rejected_execution_exception", "reason": "busy"}}
            elif document["title"] == "bad":
                cause = {"reason": "so it is"}
                item |= {"status": 400, "error": {"type": "mapper", "reason": "bad title", "caused_by": cause}}
            else:
                self.indices[name][item["_id"]] = document
            items.append({"index": item})
        return Answer({"errors": any("error" in item["index"] for item in items), "items": items})


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def server(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.delenv("OPENSEARCH_USER", raising=False)
    with serving(cluster) as server:
        yield server


def _load(server: Loopback, documents: list[Document], **settings: Any) -> str:
    return load(documents, f"opensearch://127.0.0.1:{server.port}/papers", backoff_seconds=0.001, **settings)


def test_a_corpus_and_then_another_under_the_same_name(
    server: Loopback, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opensearch_loading, "_BATCH", 1000)
    taken: list[int] = []
    first = _load(server, DOCUMENTS, shards=3, copies=1, advance=taken.append)
    assert cluster.aliases == {"papers": {first}}
    assert sum(taken) == 50
    assert cluster.bulks == len(taken) > 5
    assert cluster.indices[first]["7"] == {"id": "7", "title": "Title 7", "text": "é" * 10, "date": "2004-05"}
    settings = cluster.settings[first]["settings"]["index"]
    assert (settings["number_of_shards"], settings["number_of_replicas"], settings["refresh_interval"]) == (3, 1, None)
    second = _load(server, DOCUMENTS[:1])
    assert cluster.aliases == {"papers": {second}}
    assert set(cluster.indices) == {first, second}


def test_what_the_server_was_too_busy_for_is_sent_again(server: Loopback, cluster: Cluster) -> None:
    cluster.busy = 70  # all of the first 50, 20 of the second
    index = _load(server, DOCUMENTS)
    assert len(cluster.indices[index]) == 50
    cluster.busy = 10_000
    with pytest.raises(UnavailableError, match="too busy for 50 documents"):
        _load(server, DOCUMENTS)
    assert list(cluster.indices) == [index]
    assert cluster.aliases == {"papers": {index}}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (Document("x", "bad"), "does not take document x: bad title: so it is"),
        (Document("7", "again"), "51 documents have 50 ids"),
        (Document(""), "has no id"),
    ],
)
def test_documents_that_cannot_be_loaded_leave_nothing(
    server: Loopback, cluster: Cluster, more: Document, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        _load(server, [*DOCUMENTS, more])
    assert not cluster.indices
    assert not cluster.aliases


def test_a_name_that_is_taken_and_a_door_that_is_shut(server: Loopback, cluster: Cluster) -> None:
    cluster.indices["papers"] = {}
    with pytest.raises(UsageError, match="papers is an index, not an alias"):
        _load(server, DOCUMENTS)
    server.answer = lambda asked: Answer({"error": "no", "status": 403}, 403)
    with pytest.raises(AccessError, match=r"no index papers-\* may be written"):
        _load(server, DOCUMENTS)
    server.answer = lambda asked: Answer("down", 503)
    with pytest.raises(UnavailableError, match="does not answer"):
        _load(server, DOCUMENTS)
    with pytest.raises(UsageError, match="knows no option 'fields'"):
        load(DOCUMENTS, "opensearch://h/i?fields=x")
