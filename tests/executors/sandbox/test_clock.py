"""A clock that stands still while the process does."""

from __future__ import annotations

from sqlrl.executors.sandbox.clock import LONGEST_GAP, Clock


def test_time_passes_as_long_as_it_is_looked_at() -> None:
    moments = iter([5.0, 5.1, 5.3, 5.3])
    clock = Clock(lambda: next(moments))
    assert [round(clock.now(), 6) for _ in range(3)] == [0.1, 0.3, 0.3]
    assert clock.last == 5.3 - 5.0


def test_a_stop_counts_for_no_more_than_a_busy_machine_would() -> None:
    moments = iter([5.0, 5.1, 3605.1, 3605.2])
    clock = Clock(lambda: next(moments))
    assert [round(clock.now(), 6) for _ in range(3)] == [0.1, 0.1 + LONGEST_GAP, 0.2 + LONGEST_GAP]
