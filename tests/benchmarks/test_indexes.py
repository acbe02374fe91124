"""An index is built once, whoever asks for it first."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sqlrl.benchmarks import indexes
from sqlrl.benchmarks.corpora import read_corpus
from sqlrl.benchmarks.indexes import index_of
from sqlrl.executors.documents import Document
from sqlrl.executors.errors import DataError

_ASK = """
import sys, time
from pathlib import Path
from sqlrl.benchmarks.corpora import read_corpus
from sqlrl.benchmarks.indexes import index_of

path = Path(sys.argv[1])

def read():
    print("reads", file=sys.stderr)
    for document in read_corpus(path):
        time.sleep(0.02)
        yield document

print(index_of("made", [path], read, "bm25"))
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def _collection(path: Path, count: int = 20) -> Path:
    path.write_text("".join(f"{n}\tword{n} and more\n" for n in range(count)))
    return path


def test_of_two_processes_at_once_one_builds(tmp_path: Path) -> None:
    path = _collection(tmp_path / "collection.tsv")
    asking = [
        subprocess.Popen([sys.executable, "-c", _ASK, str(path)], stdout=-1, stderr=-1, text=True) for _ in range(2)
    ]
    said = [process.communicate(timeout=60) for process in asking]
    assert [process.returncode for process in asking] == [0, 0], said
    assert said[0][0] == said[1][0]
    assert sum(err.count("reads") for _, err in said) == 1


def test_a_copy_of_a_corpus_has_the_same_index_and_other_settings_another(tmp_path: Path) -> None:
    def read() -> Iterator[Document]:
        return read_corpus(path)

    path = _collection(tmp_path / "collection.tsv")
    first = index_of("made", [path], read, "bm25")
    assert index_of("made", [_collection(tmp_path / "copy.tsv")], read, "bm25") == first
    assert index_of("made", [path], read, "bm25", k1=1.5) != first
    assert index_of("made", [_collection(path, 21)], read, "bm25") != first


def test_packed_files_are_read_and_broken_ones_named(tmp_path: Path) -> None:
    packed = tmp_path / "collection.tsv.gz"
    packed.write_bytes(gzip.compress("1\tone\u2028line\r\n2\ttwo\n".encode()))
    assert [(d.id, d.text) for d in read_corpus(packed)] == [("1", "one\u2028line"), ("2", "two")]
    packed.write_bytes(packed.read_bytes()[:-4])
    with pytest.raises(DataError, match="cannot be read"):
        list(read_corpus(packed))
    with pytest.raises(DataError, match="no corpus of a format known here"):
        list(read_corpus(tmp_path / "corpus.xml"))


def test_a_long_build_says_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(indexes, "_OFTEN", 0.0)
    path = _collection(tmp_path / "collection.tsv")
    index_of("made", [path], lambda: read_corpus(path), "bm25")
    said = [record.getMessage() for record in caplog.records if record.name == "sqlrl"]
    assert said[0].startswith("indexing made for bm25 in ")
    assert said[-1].startswith("indexing made: 20 documents, ")
