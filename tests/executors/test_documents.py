"""Documents come back as they were written, by place and by id."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sqlrl.executors.documents import Document, DocumentStore
from sqlrl.executors.errors import DataError, SourceError

TEXT = st.text(max_size=30)
DOCUMENTS = st.lists(
    st.builds(
        Document,
        id=st.text(min_size=1, max_size=8),
        title=TEXT,
        text=TEXT,
        fields=st.dictionaries(TEXT, st.one_of(TEXT, st.integers(-5, 5), st.lists(TEXT, max_size=2)), max_size=2),
    ),
    unique_by=lambda document: document.id,
    max_size=12,
)


@given(DOCUMENTS)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_written_is_read(tmp_path: Path, documents: list[Document]) -> None:
    count, _ = DocumentStore.write(tmp_path, iter(documents))
    store = DocumentStore(tmp_path)
    assert (count, len(store), list(store)) == (len(documents), len(documents), documents)
    assert [store.find(document.id) for document in documents] == list(range(len(documents)))
    assert store.ids() == [document.id for document in documents]
    assert store.find("an id that is longer than any") is None
    with pytest.raises(IndexError):
        store[len(store)]


def test_the_same_documents_have_the_same_hash_and_others_another(tmp_path: Path) -> None:
    one, same, other = (
        DocumentStore.write(tmp_path, [Document("1", text=text)])[1] for text in ("heart", "heart", "hearts")
    )
    assert one == same != other


def test_an_id_twice_or_none_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="two documents have the id 'b'"):
        DocumentStore.write(tmp_path, [Document("a"), Document("b"), Document("c"), Document("b")])
    with pytest.raises(DataError, match="document 2 has no id"):
        DocumentStore.write(tmp_path, [Document("a"), Document("")])


def test_a_folder_without_documents_or_with_half_of_them_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no documents"):
        DocumentStore(tmp_path)
    DocumentStore.write(tmp_path, [Document("a", text="one"), Document("b", text="two")])
    texts = tmp_path / "documents.jsonl"
    texts.write_bytes(texts.read_bytes()[:-5])
    with pytest.raises(SourceError, match="don't belong together"):
        DocumentStore(tmp_path)
