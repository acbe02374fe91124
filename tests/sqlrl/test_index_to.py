"""`sqlrl data index --to`: a corpus into OpenSearch, under a name that stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sqlrl.cli import main
from tests.executors.test_opensearch_loading import Cluster
from tests.loopback import Answer, Loopback, serving

pytest.importorskip("opensearchpy")


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["data", "index", *arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def corpus(tmp_path: Path) -> str:
    lines = [{"_id": str(n), "title": f"Title {n}", "text": "Aspirin.", "date": "2004-05"} for n in range(20)]
    (tmp_path / "corpus.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(tmp_path / "corpus.jsonl")


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def server(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.delenv("OPENSEARCH_USER", raising=False)
    with serving(cluster) as server:
        yield server


def test_the_name_goes_from_one_whole_index_to_the_next(
    corpus: str, server: Loopback, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    to = f"opensearch://127.0.0.1:{server.port}/papers"
    assert _run(corpus, "--to", to, "--shards", "2", "--copies", "1", "--k1", "1.2", "--analyzer", "standard") == 0
    (first,) = cluster.aliases["papers"]
    said = capsys.readouterr()
    assert f"20 documents in the index {first} of 127.0.0.1:{server.port}, which is papers from now on" in said.out
    assert f"sqlrl run {to}" in said.out
    index = cluster.settings[first]["settings"]["index"]
    assert (index["number_of_shards"], index["number_of_replicas"]) == (2, 1)
    assert index["similarity"]["default"] == {"type": "BM25", "k1": 1.2, "b": 0.4}
    assert cluster.settings[first]["mappings"]["properties"]["text"] == {"type": "text", "analyzer": "standard"}
    assert cluster.indices[first]["7"] == {"id": "7", "title": "Title 7", "text": "Aspirin.", "date": "2004-05"}
    assert _run(corpus, "--to", to, "--column", "title=text") == 0
    (second,) = cluster.aliases["papers"]
    assert second != first
    assert cluster.indices[second]["7"]["title"] == "Aspirin."


def test_what_is_not_whole_is_not_there(
    tmp_path: Path, corpus: str, server: Loopback, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    to = f"opensearch://127.0.0.1:{server.port}/papers"
    (tmp_path / "bad.jsonl").write_text('{"_id": "1", "text": "a"}\n{"_id": "2"')
    assert _run(corpus, str(tmp_path / "bad.jsonl"), "--to", to) == 2
    assert "bad.jsonl" in capsys.readouterr().err
    assert (cluster.indices, cluster.aliases) == ({}, {})
    server.answer = lambda asked: Answer({"error": "who are you?"}, 401)
    assert _run(corpus, "--to", to) == 2
    assert "OPENSEARCH_USER" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--out DIR, or --to opensearch://host:port/name"),
        (("--to", "opensearch://host/papers", "--out", "here"), "leave out --out"),
        (("--to", "opensearch://host/papers", "--engine", "bm25"), "leave out --engine"),
        (("--to", "pubmed:"), "--to opensearch://host:port/name"),
        (("--to", "opensearch://host/papers?operator=and"), "knows no option 'operator'"),
        (("--to", "opensearch://host/papers", "--stemmer", "none"), "--stemmer is for bm25, not for opensearch"),
        (("--out", "here", "--shards", "2"), "--shards is for opensearch, not for bm25"),
    ],
)
def test_what_cannot_be_is_one_line(
    corpus: str, arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(corpus, *arguments) == 2
    assert message in capsys.readouterr().err
