"""Frames: whatever pieces a stream comes in, the bodies are the same; what is no frame is said to be none."""

from __future__ import annotations

import contextlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrl.executors.sandbox import wire


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.lists(st.integers(1, 30), max_size=30))
def test_bodies_come_out_as_they_went_in(bodies: list[bytes], sizes: list[int]) -> None:
    stream = b"".join(wire.pack(body) for body in bodies)
    frames, found = wire.Frames(), []
    for size in [*sizes, len(stream)]:
        piece, stream = stream[:size], stream[size:]
        found += list(frames.feed(piece))
    assert found == bodies


def test_a_size_that_no_frame_has_is_refused() -> None:
    for size in (0, wire.LARGEST_FRAME + 1, 2**32 - 1):
        with pytest.raises(wire.UnreadableAnswer):
            list(wire.Frames().feed(size.to_bytes(4, "little") + b"x"))


@given(st.binary(max_size=60))
def test_nothing_else_is_raised_by_any_answer(body: bytes) -> None:
    for decode in (wire.decode_rows, wire.decode_comparison):
        with contextlib.suppress(wire.UnreadableAnswer):
            decode(body)


@pytest.mark.parametrize(
    "body",
    [
        "[",
        "[1]",
        '["", [], [1]]',
        '["", [], [[{}]]]',
        '["", [], [[{"Decimal": "x"}]]]',
        '["", [], [[{"datetime": "1"}]]]',
        '["", [], [[{"nothing": 1}]]]',
        '["", [], [[{"timedelta": [1e999]}]]]',
    ],
)
def test_rows_of_no_worker_of_ours(body: str) -> None:
    head = wire.encode_rows(next(iter(wire.OUTCOMES)), (), [], "", 0.0, False)
    start = head[: head.index(b"[")]
    with pytest.raises(wire.UnreadableAnswer):
        wire.decode_rows(start + body.encode())


def test_random_bytes_past_the_head() -> None:
    head = wire.encode_rows(next(iter(wire.OUTCOMES)), (), [], "", 0.0, False)
    start = head[: head.index(b"[")]
    for _ in range(50):
        with pytest.raises(wire.UnreadableAnswer):
            wire.decode_rows(start + b"\xff" + os.urandom(20))


def test_a_close_look_travels_with_its_comparison() -> None:
    ok = next(iter(wire.OUTCOMES))
    excerpts = {"predicted": {"columns": ["ü"], "rows": [[1, None, "a\udce9"]]}}
    body = wire.encode_comparison(ok, ok, 0.5, 1, 2, 0.1, 0.2, "wörds", (1.0, excerpts))
    found = wire.decode_comparison(body)
    assert (found.message, found.gold_score, found.excerpts) == ("wörds", 1.0, excerpts)
    plain = wire.decode_comparison(wire.encode_comparison(ok, ok, 0.5, 1, 2, 0.1, 0.2, "wörds"))
    assert (plain.message, plain.gold_score, plain.excerpts) == ("wörds", None, {})


@pytest.mark.parametrize(
    "look",
    ["1", "[1.0]", '["1", {}]', "[1.0, []]", '[1.0, {"gold": 1}]', '[1.0, {"gold": {"columns": [], "rows": 1}}]', "["],
)
def test_looks_of_no_worker_of_ours(look: str) -> None:
    ok = next(iter(wire.OUTCOMES))
    with pytest.raises(wire.UnreadableAnswer):
        wire.decode_comparison(wire.encode_comparison(ok, ok, 1.0, 1, 1, 0.1, 0.1, "") + look.encode())
