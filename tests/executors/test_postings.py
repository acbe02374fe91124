"""What a term is worth in a document: as bm25s has it where lengths are exact, as Lucene where they are rounded."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlrl.executors.errors import UsageError
from sqlrl.executors.postings import METHODS, check_weights, rounded, weigh

np = pytest.importorskip("numpy")
bm25s = pytest.importorskip("bm25s")


@settings(max_examples=60, deadline=None)
@given(
    documents=st.lists(st.lists(st.integers(0, 6), max_size=60), min_size=1, max_size=12).filter(any),
    k1=st.floats(0, 3), b=st.floats(0, 1), method=st.sampled_from(sorted(METHODS)),
)  # fmt: skip
def test_exact_lengths_are_what_bm25s_computes(documents: list[list[int]], k1: float, b: float, method: str) -> None:
    known = {number: place for place, number in enumerate(dict.fromkeys(chain(*documents)))}
    numbers = [np.array([known[each] for each in document], dtype=np.int32) for document in documents]
    theirs = bm25s.BM25(k1=k1, b=b, method=method)
    names = {f"w{number}": place for number, place in known.items()}
    theirs.index((numbers, names), show_progress=False, create_empty_token=False)
    ours = weigh(numbers, len(known), k1=k1, b=b, method=method, lengths="exact")
    assert np.array_equal(ours["indptr"], theirs.scores["indptr"])
    assert np.array_equal(ours["indices"], theirs.scores["indices"])
    assert np.allclose(ours["data"], theirs.scores["data"], rtol=1e-5, atol=1e-7)


def test_lengths_as_lucene_keeps_them() -> None:
    assert [rounded(length) for length in (0, 1, 24, 39, 40)] == [0, 1, 24, 39, 40]
    assert [rounded(length) for length in (41, 42, 55, 56, 59, 60, 1000)] == [40, 42, 54, 56, 56, 60, 984]
    kept = {rounded(length) for length in range(100_000)}
    assert all(rounded(length) == length for length in kept)  # what was rounded is not rounded again
    assert all(0 <= length - rounded(length) <= length / 8 for length in range(1, 100_000))
    widest = (1 << 31) - 1
    assert len(kept | {rounded((8 + step << bits) + 24) for bits in range(28) for step in range(8)}) <= 256
    assert widest * 7 / 8 <= rounded(widest) <= widest


@pytest.mark.parametrize(
    "wrong", [{"k1": -1.0}, {"k1": float("nan")}, {"b": 1.1}, {"method": "tf"}, {"lengths": "none"}]
)
def test_settings_that_cannot_be(wrong: dict[str, object]) -> None:
    right: dict[str, object] = {"k1": 0.9, "b": 0.4, "method": "lucene", "lengths": "lucene"}
    with pytest.raises(UsageError):
        check_weights(**(right | wrong))  # type: ignore[arg-type]
